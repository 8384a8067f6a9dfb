"""``chatnet listen``: print what is said, as it is said."""

import sys
from datetime import date

import click

from chatnet.client.news import Incoming, Woken
from chatnet.model import LOBBY, User
from chatnet.net.platform import HeldSignals
from chatnet_cli.notices import ConnectionNotices
from chatnet_cli.options import Account, check_room_name, client_options, json_option
from chatnet_cli.output import Style, put, put_json, talk
from chatnet_cli.reader_watch import watch_reader
from chatnet_cli.render import message_line, message_object, shown_name
from chatnet_cli.safe_text import safe_name
from chatnet_cli.since import Ago, Beginnings, Since


@click.command("listen", short_help="Print what is said, as it is said.")
@click.option(
    "--room",
    "rooms",
    multiple=True,
    metavar="ROOM",
    help="Listen to this room and, unless given again, to nothing else. Default: the lobby and personal messages.",
)
@click.option(
    "--since",
    type=Since(),
    metavar="WHEN",
    help="First what was said before: since a TIME ago (90s, 10m, 2h), since message number SEQ (of one --room), "
    "since the start, or what is unread.",
)
@json_option("every message")
@client_options
def command(account: Account, *, rooms: tuple[str, ...], since: "int | Ago | str | None", as_json: bool) -> None:
    """Print every message from now on, until Ctrl-C.

    Without --room, these are the messages of the lobby and those sent to you personally. If the connection breaks,
    it is made again, and nothing that the server still keeps is lost.

    With --since, what was said before comes first, as far as the server keeps it, and nothing is left out or printed
    twice. 'unread' is, in personal chats, what no device of yours has got and, in rooms, what you have not read.

    \b
    Examples:
      chatnet listen --as bob
      chatnet listen --room ops --room lobby
      chatnet listen --json | jq -r .text
      chatnet listen --as bob --since unread             # what came while nobody listened, too
      chatnet listen --room ops --since 2h
      chatnet listen --as bob | head -1                  # wait for one message
    """
    for room in rooms:
        check_room_name(room)
    if isinstance(since, int) and len(rooms) != 1:
        raise click.UsageError("a message number counts in one room: use --since SEQ with one --room ROOM")
    beginnings = Beginnings.find(account, since, chats=not rooms)
    with (
        HeldSignals() as signals,
        account.connect(live=not rooms, reconnect=True, chat_start=beginnings.of_chat) as chat,
    ):
        for room in rooms or (LOBBY,):
            chat.join(room, beginnings.of_room(chat, room))
        # Otherwise one message too few would keep `listen | head -1` waiting for the next one.
        watch_reader(chat.wake)
        where = ", ".join(map(safe_name, rooms)) or f"the {LOBBY} and personal messages"
        talk(f"chatnet: listening as {shown_name(chat.user.name)} to {where}; Ctrl-C ends")
        style, notices = Style(sys.stdout), ConnectionNotices()
        # What was printed is told to the server before the end, or else it would be printed again next time.
        signals.hold(chat.wake)
        for news in chat.events():
            signals.check()
            if isinstance(news, Woken):
                return
            if isinstance(news, Incoming):
                _print(news, me=chat.user, as_json=as_json, style=style)
            elif (notice := notices.of(news)) is not None:
                talk(f"chatnet: {notice}")


def _print(news: Incoming, *, me: User, as_json: bool, style: Style) -> None:
    if as_json:
        put_json(message_object(news.message, news.conversation, me))
    else:
        put(message_line(news.message, news.conversation, me, date.today(), style))
