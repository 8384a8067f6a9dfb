"""What happens in ``chatnet chat``: lines become messages and commands, and news become lines."""

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import click

from chatnet import Client
from chatnet.client.news import Incoming, News, PostRefused, Stored
from chatnet.errors import ChatnetError
from chatnet.model import LOBBY, Kind
from chatnet_cli.chat_files import ChatFiles
from chatnet_cli.console import Console, Line
from chatnet_cli.failures import Failure, explain
from chatnet_cli.message_text import check_text
from chatnet_cli.notices import ConnectionNotices, social_notice
from chatnet_cli.options import check_room_name
from chatnet_cli.render import message_line, room_line, shown_name, shown_user
from chatnet_cli.render_files import file_line
from chatnet_cli.safe_text import safe_name

HELP = """\
/join ROOM          be in a room, and talk there         /part [ROOM]   leave a room
/msg USER [TEXT]    say TEXT to a user, or talk with them from now on
/me TEXT            say it of yourself                   /nick NAME     take another name
/who                who is here                          /rooms         which rooms there are
/create ROOM        make a room, and talk there          /history [N]   what was said before
/send FILE          share a file here                    /files         which files were shared here
/download ID        fetch one into the current folder
/help               this list                            /quit          leave (or Ctrl-D)
//TEXT              say something that starts with a /"""
_HISTORY = 20
_LONGEST_ID = len(str(2**63))


class ChatSession:
    """One person at one console."""

    def __init__(
        self, chat: Client, console: Console, waiting: dict[int, str], check_signals: Callable[[], None]
    ) -> None:
        """``waiting``: what an earlier process has left in the outbox; ``check_signals``: see `HeldSignals`."""
        self._chat = chat
        self._console = console
        self._check_signals = check_signals
        self._files = ChatFiles(chat, console.tell)
        self._target: dict[str, str] = {}
        """Where what is typed goes: ``{"room": NAME}`` or ``{"to": NAME}``, as `Client.send` takes it, or nowhere."""
        self._typed: set[tuple[int, int]] = set()
        """Conversation and seq of what was typed here: it stands on the terminal already."""
        self._unsent = waiting
        """What was typed while the server was away, by its number in the outbox."""
        self._notices = ConnectionNotices()
        self._is_over = False
        self._commands: dict[str, Callable[[str], None]] = {
            "join": self._join,
            "part": self._part,
            "msg": self._msg,
            "me": lambda text: self._say(text, Kind.ACTION),
            "nick": self._nick,
            "who": self._who,
            "rooms": self._rooms,
            "create": self._create,
            "history": self._history,
            "send": self._share,
            "download": self._download,
            "files": self._list_files,
            "help": lambda _: self._console.tell(HELP),
            "quit": self._quit,
        }

    @property
    def unfinished(self) -> int:
        """How many files are not through."""
        return self._files.running

    def run(self, *, room: str | None, user: str | None) -> None:
        """Start in a room or with a user, and go on until the person leaves."""
        if user is None:
            self._join(room or LOBBY)
        else:
            self._talk_with(user)
        self._console.tell(f"You are {shown_name(self._chat.user.name)}. /help lists the commands; Ctrl-D ends.")
        self._ask()
        for news in self._chat.events():
            self._check_signals()
            self._hear(news)
            # A line counts only when all that came before it is shown, so that an answer stands below its question.
            if self._console.has_line():
                self._obey(self._console.take())
                if not self._is_over:
                    self._ask()
            if self._is_over and not (self._files.running and self._chat.is_online):
                return

    def _ask(self) -> None:
        where = self._target.get("room", "") or "@" * ("to" in self._target) + self._target.get("to", "")
        self._console.ask(f"{safe_name(where)}> ")

    # -- news -------------------------------------------------------------------------------------------------

    def _hear(self, news: News) -> None:
        if isinstance(news, Incoming):
            self._show(news)
            self._chat.mark_read(news.conversation.id, news.message.seq)
        elif isinstance(news, Stored):
            self._unsent.pop(news.n, None)
        elif isinstance(news, PostRefused):
            text = self._unsent.pop(news.n, "")
            self._console.tell(f"-- not sent: {safe_name(text)}\n   {safe_name(news.reason)}")
        elif (notice := self._notices.of(news) or social_notice(news, self._chat.user)) is not None:
            self._console.tell(f"-- {notice}")

    def _show(self, news: Incoming) -> None:
        key = (news.conversation.id, news.message.seq)
        if key in self._typed:
            self._typed.remove(key)
            return
        self._console.show(
            message_line(news.message, news.conversation, self._chat.user, date.today(), self._console.style)
        )

    # -- lines ------------------------------------------------------------------------------------------------

    def _obey(self, line: Line) -> None:
        if line is None:
            self._quit()
            return
        try:
            if isinstance(line, Failure):
                raise line
            if not line.startswith("/"):
                self._say(line)
            elif line.startswith("//"):
                self._say(line[1:])
            else:
                self._command(line[1:])
        except (ChatnetError, Failure, click.UsageError) as error:
            self._console.tell("-- " + explain(error)[1].replace("\n", "\n   "))

    def _command(self, line: str) -> None:
        name, _, rest = line.partition(" ")
        command = self._commands.get(name.lower())
        if command is None:
            self._console.tell(f"-- there is no command /{safe_name(name)}; /help lists them, //TEXT says /TEXT")
        else:
            command(rest.strip())

    # -- saying -----------------------------------------------------------------------------------------------

    def _say(self, text: str, kind: Kind = Kind.TEXT) -> None:
        if not text.strip():
            return
        if self._is_somewhere():
            self._send(text, kind, **self._target)

    def _send(self, text: str, kind: Kind, *, to: str | None = None, room: str | None = None) -> None:
        check_text(text)
        if not self._chat.is_online:
            self._unsent[self._chat.post(text, to=to, room=room, kind=kind)] = text
            self._console.tell("-- not connected: this is sent once the server is back")
            return
        receipt = self._chat.send(text, to=to, room=room, kind=kind)
        if self._console.is_terminal:
            self._typed.add((receipt.conversation, receipt.seq))

    def _msg(self, rest: str) -> None:
        user, _, text = rest.partition(" ")
        if not user:
            self._console.tell("-- to whom? /msg USER TEXT")
        elif text.strip():
            self._send(text.strip(), Kind.TEXT, to=user)
        else:
            self._talk_with(user)

    def _talk_with(self, user: str) -> None:
        peer = self._chat.conversation(with_=user).peer
        assert peer is not None
        self._target = {"to": peer.name}

    # -- rooms and names --------------------------------------------------------------------------------------

    def _join(self, rest: str) -> None:
        if not rest:
            self._console.tell("-- which room? /join ROOM; /rooms lists them")
            return
        self._target = {"room": self._chat.join(check_room_name(rest)).name}

    def _part(self, rest: str) -> None:
        room = check_room_name(rest) or self._target.get("room", "")
        if not room:
            self._console.tell("-- which room? /part ROOM")
            return
        self._chat.part(room)
        if self._target.get("room", "").casefold() == room.casefold():
            self._target = {}

    def _create(self, rest: str) -> None:
        self._chat.create_room(check_room_name(rest))
        self._join(rest)

    def _nick(self, rest: str) -> None:
        self._chat.rename(rest, self._chat.user.display)
        self._console.tell(f"-- you are now {shown_user(self._chat.user)}")

    # -- asking -----------------------------------------------------------------------------------------------

    def _who(self, rest: str) -> None:
        room = check_room_name(rest) or self._target.get("room")
        for user in self._chat.who(room):
            self._console.show(shown_user(user))

    def _rooms(self, _: str) -> None:
        for room in self._chat.rooms():
            self._console.show(room_line(room))

    def _history(self, rest: str) -> None:
        limit = int(rest) if rest.isascii() and rest.isdigit() and 0 < int(rest) <= 1000 else _HISTORY
        room, user = self._target.get("room"), self._target.get("to")
        if not self._target:
            self._console.tell("-- of what? /join ROOM, or /msg USER")
            return
        conversation = self._chat.conversation(room=room, with_=user)
        today, me, style = date.today(), self._chat.user, self._console.style
        for message in self._chat.history(room=room, with_=user, limit=limit):
            self._console.show(message_line(message, conversation, me, today, style))

    # -- files ------------------------------------------------------------------------------------------------

    def _share(self, rest: str) -> None:
        if not rest or "\0" in rest:
            self._console.tell("-- which file? /send FILE")
        elif self._is_somewhere():
            self._files.send(Path(os.path.expanduser(rest)), **self._target)

    def _download(self, rest: str) -> None:
        if rest.isascii() and rest.isdigit() and len(rest) < _LONGEST_ID:
            self._files.fetch(int(rest))
        else:
            self._console.tell("-- which file? /download ID; /files lists them")

    def _list_files(self, _: str) -> None:
        if self._is_somewhere():
            files = self._chat.files(room=self._target.get("room"), with_=self._target.get("to"))
            for file in files:
                self._console.show(file_line(file, None, date.today()))
            if not files:
                self._console.tell("-- no files were shared here")

    def _is_somewhere(self) -> bool:
        if not self._target:
            self._console.tell("-- you are nowhere: /join ROOM, or /msg USER")
        return bool(self._target)

    def _quit(self, _: str = "") -> None:
        self._is_over = True
        if self._files.running:
            self._console.tell("-- leaving once the files are through; Ctrl-C stops them, /send and /download go on")
