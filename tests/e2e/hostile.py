"""Everything that a terminal could act upon or not show, a server that says it wherever it can, and a terminal."""

import os
import pty
import select
import signal
import socket
import subprocess
import termios
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from chatnet import events
from chatnet.model import Conversation, Hit, Kind, Message, Room, User
from chatnet.requests import (
    AnyRequest,
    Follow,
    GetHistory,
    Join,
    ListConversations,
    ListRooms,
    ListUsers,
    Login,
    Mark,
    Open,
    Part,
    Ping,
    Post,
    Search,
)
from chatnet.wire.codec import decode_request, encode
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader
from tests.e2e.processes import COMMAND, DEADLINE, Chatnet

# -- what is said ---------------------------------------------------------------------------------------------

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
"""All of C0 and C1."""
BIDI = list("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_PRINTS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
"""Format characters that a terminal shows: signs of Arabic, Syriac and Kaithi that stand under or over numbers."""
UNSEEN = [
    *(chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf" and chr(code) not in _PRINTS),
    *"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2028\u2029\u2065\u3164\ufe00\ufe0e\ufe0f\uffa0\ufff0",
    *"\U000e0000\U000e0100\U000e01ef\U000e0fff",
]
SEQUENCES = [
    "\x1b[2J",
    "\x1b[31;5m",
    "\x1b[6n",  # asks the terminal to type something
    "\x1b[?1049h",
    "\x9b2J",
    "\x1b]0;title\x07",
    "\x1b]52;c;ZXZpbA==\x1b\\",  # into the clipboard
    "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x9d0;title\x9c",
    "\x1bP$q\x22p\x1b\\",
    "\x90+q\x9c",
    "\x1b(0",
    "\x1bc",
    "\x1b#8",
    "\x1b[8m",  # hidden
    "\x1b[0m",  # what chatnet itself writes
    "\x0e",
    "\r[12:00] lobby <root> hi",
    "\x08" * 20,
]
FLOOD = "z" + "\u0300\u0489" * 200
WHOLE = "".join(f"q{each}" for each in (*CONTROLS, *BIDI, *UNSEEN, *SEQUENCES)) + f"q\n\u0336lone{FLOOD}"
"""All of it in one text, each piece between two letters so that none shapes an emoji or a word."""
LET_THROUGH = "".join(f"q{each}" for each in (*BIDI, *UNSEEN)) + f"q\n\u0336lone{FLOOD}"
"""What a server lets through in a text."""

_FORBIDDEN = (set(CONTROLS) - set("\r\n\t")) | set(BIDI) | set(UNSEEN)
_MARKS_ON_ONE = 6


def check_harmless(shown: str) -> None:
    """Nothing in this acts upon a terminal, or hides on it."""
    assert not {ascii(char) for char in set(shown) & _FORBIDDEN}
    marks = _MARKS_ON_ONE
    for i, char in enumerate(shown):
        if unicodedata.category(char) in ("Mn", "Me"):
            marks += 1
            assert marks <= _MARKS_ON_ONE, f"marks on nothing, or too many: {shown[max(0, i - 20) : i + 20]!a}"
        else:
            marks = _MARKS_ON_ONE if char.isspace() else 0


# -- who says it ----------------------------------------------------------------------------------------------

_ME = User(7, f"me{WHOLE}", WHOLE)
_PEER = User(8, f"peer{WHOLE}", WHOLE)
_ROOM = Room(1, f"room{WHOLE}", owner=8, members=2, topic=WHOLE)
_IN_ROOM = Conversation(1, _ROOM, None, first=1, head=1)
_CHAT = Conversation(2, None, _PEER, first=1, head=1)


def _message(seq: int, kind: Kind = Kind.TEXT) -> Message:
    return Message(seq, 1_700_000_000_000, 8, _PEER.name, _PEER.display, kind, f"body{WHOLE}")


def _answer(request: AnyRequest) -> list[events.Event]:
    """A server's reply in its right shape, with what no server would let anybody say in every text."""
    match request:
        case Login(id=id):
            return [events.Welcome(id, _ME, 1, "durable", round(time.time() * 1000))]
        case Ping(id=id):
            return [events.Pong(id)]
        case Mark(id=id) | Part(id=id):
            return [events.Done(id)]
        case Open(id=id, user=user):
            return [events.Opened(id, _CHAT if user else _IN_ROOM)]
        case Join(id=id):
            return [events.Joined(id, _ROOM, 1, 0), *_NEWS]
        case Follow(id=id, conversation=conversation):
            return [events.Following(id, conversation, 1, 0)]
        case ListUsers(id=id):
            return [events.UserPage(id, [_PEER, _ME])]
        case ListRooms(id=id):
            return [events.RoomPage(id, [_ROOM])]
        case ListConversations(id=id):
            return [events.ConversationPage(id, [_IN_ROOM, _CHAT])]
        case GetHistory(id=id, conversation=conversation):
            return [events.HistoryPage(id, conversation, [_message(1)], 1, 1)]
        case Search(id=id):
            return [events.SearchPage(id, [Hit(_IN_ROOM, _message(1)), Hit(_CHAT, _message(1))])]
        case Post(n=n):
            return [events.Nack(n, f"code{WHOLE}", f"reason{WHOLE}")]
        case _:
            number = getattr(request, "id", None)
            return [] if number is None else [events.Refused(number, f"code{WHOLE}", f"reason{WHOLE}")]


_NEWS: list[events.Event] = [
    *(events.Deliver(1, [_message(seq, kind)]) for seq, kind in enumerate(Kind, start=1)),
    events.Presence(1, [_PEER], [], 2),
    events.Renamed(User(8, f"renamed{WHOLE}", WHOLE)),
    events.RoomChanged(Room(1, f"room{WHOLE}", owner=8, archived=True, members=2, topic=WHOLE)),
    events.Truncated(1, 100),
    events.Deliver(1, [Message(100, 1, 8, WHOLE, WHOLE, Kind.TEXT, f"the last word{WHOLE}")]),
    events.Removed(1, f"code{WHOLE}", f"reason{WHOLE}"),
    events.Deliver(2, [_message(1)]),
]
"""What comes after a room was joined."""


@contextmanager
def hostile_server(
    answer: Callable[[AnyRequest], list[events.Event]] = _answer, first: events.Event | None = None
) -> Iterator[str]:
    """Gives the address. ``first``: what it says instead of a greeting, before it hangs up."""

    def serve() -> None:
        with suppress(OSError):  # the listener is closed at the end
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(len(PREFACE), socket.MSG_WAITALL)
            connection.sendall(encode(first or events.Hello(b"h" * 16, f"version{WHOLE}", [WHOLE])))
            frames = FrameReader(MAX_PAYLOAD)
            while first is None and (data := connection.recv(65536)):
                frames.receive(data)
                while (payload := frames.next_frame()) is not None:
                    request = decode_request(payload)
                    connection.sendall(b"".join(encode(event) for event in answer(request)))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"chatnet+tcp://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(DEADLINE)


# -- who reads it ---------------------------------------------------------------------------------------------


class Screen:
    """``chatnet ARGS...`` at a terminal; what it prints there, byte for byte."""

    def __init__(self, user: Chatnet, *args: str, **environment: str) -> None:
        self._screen, self._inside = pty.openpty()
        termios.tcsetwinsize(self._screen, (24, 80))
        self.popen = subprocess.Popen(
            [*COMMAND, *args],
            env=user.environment | {"TERM": "xterm", "NO_COLOR": "1"} | environment,
            stdin=self._inside,
            stdout=self._inside,
            stderr=self._inside,
            start_new_session=True,  # not the terminal of whoever runs the tests
        )
        self.raw = b""
        self._looked_at = 0

    def until(self, part: str) -> "Screen":
        """Read on until this has been printed, behind what was waited for before."""
        wanted = part.encode()
        end = time.monotonic() + DEADLINE
        while (at := self.raw.find(wanted, self._looked_at)) < 0:
            assert self._read(end), f"no {part!r} in {self.raw[-2000:]!r}"
        self._looked_at = at + len(wanted)
        return self

    def type(self, text: str) -> "Screen":
        os.write(self._screen, text.encode())
        return self

    def interrupt(self) -> str:
        """Ctrl-C; all that was printed, to the end."""
        self.popen.send_signal(signal.SIGINT)
        return self.finish()

    def finish(self) -> str:
        """All that was printed, once the process has ended."""
        end = time.monotonic() + DEADLINE
        while self.popen.poll() is None:
            self._read(min(end, time.monotonic() + 0.1))
            assert time.monotonic() < end, f"it goes on: {self.raw[-2000:]!r}"
        while self._read(time.monotonic()):
            pass
        return self.raw.decode()

    def _read(self, until: float) -> bool:
        ready, _, _ = select.select([self._screen], [], [], max(0.0, until - time.monotonic()))
        if ready:
            self.raw += os.read(self._screen, 65536)
        return bool(ready)

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *raised: Any) -> None:
        self.popen.kill()
        self.popen.wait(DEADLINE)
        os.close(self._screen)
        os.close(self._inside)
