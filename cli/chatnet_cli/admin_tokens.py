"""``chatnet admin tokens``: how devices and scripts log in, listed, made and revoked."""

import time
from pathlib import Path

import click

from chatnet.auth.tokens import show_token
from chatnet.model import Scope
from chatnet_cli.durations import Duration
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.options import Account, client_options, json_option
from chatnet_cli.output import put, put_json, talk
from chatnet_cli.render_accounts import token_line, token_object
from chatnet_cli.safe_text import safe_name

_user_option = click.option("--user", default="", metavar="NAME", help="Whose; for admins. Default: your own.")


@click.command("tokens", short_help="List the tokens of an account.")
@_user_option
@json_option("every token")
@client_options
@click.pass_context
def tokens(ctx: click.Context, account: Account, *, user: str, as_json: bool) -> None:
    """List the tokens by which devices and scripts log in to an account, without their secrets.

    Ends with 1 if there is none.

    \b
    Examples:
      chatnet admin tokens
      chatnet admin tokens --user backup-bot --json
    """
    with account.connect() as chat:
        found = chat.admin.tokens(user)
    for token in found:
        if as_json:
            put_json(token_object(token))
        else:
            put(token_line(token))
    if not found:
        talk("chatnet: no tokens")
        ctx.exit(ExitCode.NOTHING)


@click.command("token", short_help="Make a token for a script.")
@click.option("--label", required=True, metavar="TEXT", help="What it is for, such as 'backup on web1'.")
@_user_option
@click.option("--send-only", is_flag=True, help="Good for sending messages, and for nothing else.")
@click.option("--expires", type=Duration(), metavar="TIME", help="How long it is good: 12h, 90d. Default: for ever.")
@click.option(
    "--to-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it to this new file, which nobody else can read, instead of printing it.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it is there already.")
@json_option("the token")
@client_options
def token(
    account: Account,
    *,
    label: str,
    user: str,
    send_only: bool,
    expires: int | None,
    to_file: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Make a token, and print it, this once: whoever has it is that user, until it is revoked.

    A script finds it by CHATNET_TOKEN_FILE, the name of a file with the token in it, and the server by CHATNET_SERVER.

    \b
    Examples:
      chatnet admin token --send-only --label backup --to-file backup.token
      CHATNET_TOKEN_FILE=backup.token chatnet send --to bob "backup done"
      chatnet admin token --user backup-bot --label web1 --expires 90d
    """
    scope = Scope.SEND if send_only else Scope.ALL
    until = 0 if expires is None else int((time.time() + expires) * 1000)
    with account.connect() as chat:
        if to_file is None:
            made, secret = chat.admin.create_token(label, user=user, scope=scope, expires=until)
            text = show_token(secret)
        else:
            from chatnet_cli.new_file import new_file

            text = None
            with new_file(to_file, force=force) as write:
                made, secret = chat.admin.create_token(label, user=user, scope=scope, expires=until)
                write(show_token(secret) + "\n")
    if as_json:
        put_json({**token_object(made), "secret": text, "file": None if to_file is None else str(to_file)})
    elif text is not None:
        put(text)
    else:
        talk(f"chatnet: the token is in {safe_name(str(to_file))}; 'chatnet admin revoke {made.id}' makes it worthless")


@click.command("revoke", short_help="Make a token worthless.")
@click.argument("number", type=click.IntRange(min=1), metavar="TOKEN")
@client_options
def revoke(account: Account, *, number: int) -> None:
    """Make the token of this number worthless at once; 'chatnet admin tokens' lists the numbers.

    \b
    Examples:
      chatnet admin revoke 12
    """
    with account.connect() as chat:
        chat.admin.revoke_token(number)
