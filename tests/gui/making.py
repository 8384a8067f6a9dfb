"""Messages, conversations and a network that does at once what it is asked, for tests of view models."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from chatnet.address import TCP, Address
from chatnet.client.news import Incoming
from chatnet.client.thread import Answered, Connected, Failed, Work
from chatnet.errors import ChatnetError, ErrorCode, Refused
from chatnet.model import Conversation, FileId, Hit, Kind, Message, Room, Seq, SharedFile, User
from chatnet_gui.viewmodels.session import SessionModel
from chatnet_gui.viewmodels.settings import Settings

ALICE, BOB, CAROL = User(1, "alice"), User(2, "bob"), User(3, "carol", "Carol Ann")
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LOBBY, CHAT = 10, 20


def message(seq: Seq, body: str = "", sender: User = BOB, *, minute: float = 0.0, kind: Kind = Kind.TEXT) -> Message:
    time = int((NOON.timestamp() + 60 * minute) * 1000)
    return Message(seq, time, sender.id, sender.name, sender.display, kind, body or f"text {seq}")


def shared(name: str = "notes.txt", size: int = 10, *, id: int = 7, seq: Seq = 1, sender: User = BOB) -> SharedFile:
    digest = hashlib.sha256(f"{name} {id}".encode()).digest()
    return SharedFile(id, LOBBY, seq, name, size, digest, sender.id, sender.name, 0)


def file_message(seq: Seq, file: SharedFile | None, body: str = "", sender: User = BOB) -> Message:
    return replace(message(seq, "x", sender, kind=Kind.FILE), body=body, file=file)


def lobby(head: Seq = 0, *, read: Seq = 0, first: Seq = 1) -> Conversation:
    return Conversation(LOBBY, Room(LOBBY, "lobby"), None, first, head, read)


def chat(head: Seq = 0, *, read: Seq = 0, peer: User = BOB, **marks: Seq) -> Conversation:
    return Conversation(CHAT, None, peer, 1, head, read, **marks)


class FakeServer:
    """Stands where a `Client` does, with a history in memory."""

    def __init__(self) -> None:
        self.histories: dict[int, list[Message]] = {LOBBY: [], CHAT: []}
        self.rooms_here = [lobby()]
        self.chats = [chat()]
        self.people = [ALICE, BOB]
        self.posts: list[tuple[str | None, str | None, str, Kind]] = []
        self.marks: list[tuple[int, Seq]] = []
        self.asked = 0
        self.fit = 1000
        """How many messages one reply holds."""

    def _with_heads(self, conversations: list[Conversation]) -> list[Conversation]:
        return [replace(c, head=max(c.head, len(self.histories.get(c.id, [])))) for c in conversations]

    def join(self, room: str) -> Room:
        for conversation in self.rooms_here:
            if conversation.room is not None and conversation.room.name == room:
                return conversation.room
        raise Refused(ErrorCode.NO_SUCH_ROOM, f"there is no room {room!r}")

    def create_room(self, name: str) -> None:
        id = 100 + len(self.rooms_here)
        self.rooms_here.append(Conversation(id, Room(id, name), None))

    def part(self, name: str) -> None:
        self.rooms_here = [c for c in self.rooms_here if c.room is not None and c.room.name != name]

    def conversations(self) -> list[Conversation]:
        return self._with_heads(self.rooms_here + self.chats)

    def conversation(self, *, with_: str) -> Conversation:
        for conversation in self._with_heads(self.chats):
            if conversation.peer is not None and conversation.peer.name == with_:
                return conversation
        raise Refused(ErrorCode.NO_SUCH_USER, f"there is no user {with_!r}")

    def who(self, room: str | None = None) -> list[User]:
        return self.people

    def around(self, id: int, seq: Seq, count: int) -> list[Message]:
        self.asked += 1
        return [m for m in self.histories[id] if seq - count <= m.seq <= seq + count][: self.fit]

    def post(self, text: str, *, to: str | None, room: str | None, kind: Kind) -> int:
        self.posts.append((to, room, text, kind))
        return len(self.posts)

    def mark_read(self, id: int, seq: Seq) -> None:
        self.marks.append((id, seq))

    def search(self, words: str, *, room: str | None, with_: str | None, limit: int) -> list[Hit]:
        return [Hit(lobby(), m) for m in self.histories[LOBBY] if words in m.body][:limit]


class FakeNetwork:
    """Does the work when `run` is called, and hands the notices to a session."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.is_online = True
        self._work: list[tuple[int, Work, bool]] = []
        self._last = 0
        self.transfers: dict[int, str] = {}
        """What was begun, by its number."""
        self.cancelled: list[int] = []

    def ask(self, work: Work) -> int:
        return self._add(work, needs_connection=True)

    def do(self, work: Work) -> int:
        return self._add(work, needs_connection=False)

    def upload(self, path: Path, *, to: str | None, room: str | None, text: str) -> int:
        return self._begin(f"upload {path.name} to {to or room}: {text}")

    def download(self, file: FileId, *, folder: Path | None = None, path: Path | None = None) -> int:
        return self._begin(f"download {file} {f'into {folder}' if folder is not None else f'to {path}'}")

    def cancel(self, number: int) -> None:
        self.cancelled.append(number)

    def _begin(self, what: str) -> int:
        self._last += 1
        self.transfers[self._last] = what
        return self._last

    def _add(self, work: Work, *, needs_connection: bool) -> int:
        self._last += 1
        self._work.append((self._last, work, needs_connection))
        return self._last

    def run(self, session: SessionModel) -> None:
        """Do all, and what comes of it."""
        while self._work:
            self.run_one(session)

    def run_one(self, session: SessionModel) -> None:
        number, work, needs_connection = self._work.pop(0)
        client: Any = self.server
        try:
            if needs_connection and not self.is_online:
                raise ChatnetError(ErrorCode.UNREACHABLE, "there is no connection")
            notice: Answered | Failed = Answered(number, work(client))
        except ChatnetError as error:
            notice = Failed(number, error)
        session.handle(notice)


def connected() -> Connected:
    return Connected(ALICE, Address(TCP, "127.0.0.1", 5555))


def logged_in(server: FakeServer, settings: Settings | None = None) -> tuple[SessionModel, FakeNetwork]:
    """A session of alice that has entered, and stands in the lobby."""
    network = FakeNetwork(server)
    session = SessionModel(network, connected(), settings or Settings(), ())
    network.run(session)
    return session, network


def incoming(conversation: Conversation, said: Message) -> Incoming:
    return Incoming(replace(conversation, head=said.seq), said, said.sender == ALICE.id)
