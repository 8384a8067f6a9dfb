"""``chatnet admin kick`` and the like, for the whole server, and the audit log."""

import click

from chatnet.model import Act
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.moderating import server_command
from chatnet_cli.options import Account, client_options, json_option
from chatnet_cli.output import put, put_json
from chatnet_cli.render_accounts import ban_line, ban_object, deed_line, deed_object

_MOST_DEEDS = 100_000

kick = server_command(
    Act.KICK, "Put a user off the server.", "Put USER off the server; coming back is allowed. Guests too."
)
ban = server_command(
    Act.BAN, "Keep a user off the server.", "Put USER off the server, and let nobody of that account or name in again."
)
unban = server_command(Act.UNBAN, "End a ban.", "Let USER in again.")
mute = server_command(Act.MUTE, "Let a user say nothing.", "Let USER say nothing anywhere; reading goes on.")
unmute = server_command(Act.UNMUTE, "End a mute.", "Let USER speak again.")


@click.command("bans", short_help="List who is banned or muted on the whole server.")
@json_option("every ban and mute")
@client_options
@click.pass_context
def bans(ctx: click.Context, account: Account, *, as_json: bool) -> None:
    """List the bans and mutes that hold on the whole server. Ends with 1 if there is none.

    \b
    Examples:
      chatnet admin bans
      chatnet admin bans --json
    """
    with account.connect() as chat:
        found = chat.admin.bans()
    for each in found:
        if as_json:
            put_json(ban_object(each))
        else:
            put(ban_line(each))
    if not found:
        ctx.exit(ExitCode.NOTHING)


@click.command("audit", short_help="List who did what to accounts, rooms and users.")
@click.option("--limit", type=click.IntRange(1, _MOST_DEEDS), default=100, show_default=True, metavar="N")
@json_option("every line")
@client_options
@click.pass_context
def audit(ctx: click.Context, account: Account, *, limit: int, as_json: bool) -> None:
    """List the newest N acts of admins, owners and moderators, and what was done to accounts, the newest last.

    Ends with 1 if there is none.

    \b
    Examples:
      chatnet admin audit
      chatnet admin audit --limit 1000 --json
    """
    with account.connect() as chat:
        deeds = chat.admin.audit(limit)
    for deed in reversed(deeds):
        if as_json:
            put_json(deed_object(deed))
        else:
            put(deed_line(deed))
    if not deeds:
        ctx.exit(ExitCode.NOTHING)
