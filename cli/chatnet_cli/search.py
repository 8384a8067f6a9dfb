"""``chatnet search``: find what was said."""

import sys
from datetime import date

import click

from chatnet.client.client import Client
from chatnet.model import Conversation, Hit, Message, User
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.options import Account, check_room_name, client_options, json_option
from chatnet_cli.output import Style, put, put_json
from chatnet_cli.render import message_line, message_object

_MOST = 1000


@click.command("search", short_help="Find what was said.")
@click.argument("words", nargs=-1, required=True)
@click.option("--room", metavar="ROOM", help="Only in this room.")
@click.option("--with", "user", metavar="USER", help="Only between this user and you.")
@click.option(
    "--limit", type=click.IntRange(1, _MOST), default=20, show_default=True, help="At most so many, the newest ones."
)
@click.option(
    "--context",
    type=click.IntRange(0, 20),
    default=1,
    show_default=True,
    help="So many messages before and after each one that is found.",
)
@json_option("every message that is found")
@client_options
@click.pass_context
def command(
    ctx: click.Context,
    account: Account,
    *,
    words: tuple[str, ...],
    room: str | None,
    user: str | None,
    limit: int,
    context: int,
    as_json: bool,
) -> None:
    """Print messages that have all these WORDS, the newest first, from all rooms and your personal chats.

    Case and accents do not count. A phrase in quotes wants its words side by side, a word with * at its end is a
    beginning, and from:NAME is said by NAME. Ends with 1 if nothing is found.

    \b
    Examples:
      chatnet search disk full
      chatnet search '"disk full"' from:cron
      chatnet search --room lobby 'web*' --context 3
    """
    if user is not None and room is not None:
        raise click.UsageError("say where: either --room ROOM or --with USER")
    if room is not None:
        check_room_name(room)
    with account.connect() as chat:
        hits = chat.search(" ".join(words), room=room, with_=user, limit=limit)
        for hit in hits:
            if as_json:
                put_json(message_object(hit.message, hit.conversation, chat.user))
            else:
                _show(chat, hit, context, is_first=hit is hits[0])
    if not hits:
        ctx.exit(ExitCode.NOTHING)


def _show(chat: Client, hit: Hit, context: int, *, is_first: bool) -> None:
    """One message between its neighbours, marked."""
    if context and not is_first:
        put("")
    found = chat.around(hit.conversation.id, hit.message.seq, context) if context else [hit.message]
    for message in found:
        mark = "> " if message.seq == hit.message.seq else "  "
        put((mark if context else "") + _line(message, hit.conversation, chat.user))


def _line(message: Message, conversation: Conversation, me: User) -> str:
    return message_line(message, conversation, me, date.today(), Style(sys.stdout))
