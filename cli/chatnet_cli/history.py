"""``chatnet history``: what was said before."""

import sys
from datetime import date

import click

from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.options import Account, check_room_name, client_options, json_option
from chatnet_cli.output import Style, put, put_json
from chatnet_cli.render import message_line, message_object

_MOST = 100_000


@click.command("history", short_help="Print what was said before.")
@click.option("--room", metavar="ROOM", help="In this room.")
@click.option("--with", "user", metavar="USER", help="Between this user and you.")
@click.option(
    "--limit",
    type=click.IntRange(1, _MOST),
    default=100,
    show_default=True,
    help="At most so many: the newest ones, or with --after the oldest.",
)
@click.option("--before", type=click.IntRange(1), metavar="SEQ", help="Only messages with a smaller number than this.")
@click.option("--after", type=click.IntRange(0), metavar="SEQ", help="Only messages with a greater number than this.")
@json_option("every message")
@client_options
@click.pass_context
def command(
    ctx: click.Context,
    account: Account,
    *,
    room: str | None,
    user: str | None,
    limit: int,
    before: int | None,
    after: int | None,
    as_json: bool,
) -> None:
    """Print what was said before, oldest first, as far as the server keeps it.

    Ends with 1 if there is nothing. With --json every message has its number, "seq": the smallest one is the --before
    of the page before, and the greatest one the --after of the page behind it.

    \b
    Examples:
      chatnet history --room lobby
      chatnet history --with bob --limit 20
      chatnet history --room lobby --before 250 --json
      chatnet history --room lobby --after 0 --limit 10
    """
    if (user is None) == (room is None):
        raise click.UsageError("say of what: either --room ROOM or --with USER")
    if before is not None and after is not None:
        raise click.UsageError("either --before SEQ or --after SEQ")
    if room is not None:
        check_room_name(room)
    with account.connect() as chat:
        conversation = chat.conversation(room=room, with_=user)
        messages = chat.history(room=room, with_=user, limit=limit, before=before or 0, after=after)
        me = chat.user
    today, style = date.today(), Style(sys.stdout)
    for message in messages:
        if as_json:
            put_json(message_object(message, conversation, me))
        else:
            put(message_line(message, conversation, me, today, style))
    if not messages:
        ctx.exit(ExitCode.NOTHING)
