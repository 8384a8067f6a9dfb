"""A whole server with files, over real sockets, turn by turn in the test's own thread; only its stores have threads."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from socket import SO_RCVBUF, SOL_SOCKET, socket
from typing import TypeVar

from chatnet.address import UNIX, Address
from chatnet.config import Config
from chatnet.core.file_jobs import FileJob
from chatnet.core.limits import KIB, Limits
from chatnet.events import (
    Ack,
    Credit,
    Deliver,
    DownloadReady,
    Event,
    FileChunk,
    Joined,
    Uploaded,
    UploadReady,
)
from chatnet.files.store import FOLDER, DiskFileStore
from chatnet.model import CHUNK_BYTES, WINDOW_BYTES, FileId, Kind
from chatnet.net.peer import Peer
from chatnet.net.ports import Transport
from chatnet.net.trust import Unproven
from chatnet.requests import (
    FinishUpload,
    GrantCredit,
    Join,
    Login,
    Post,
    Request,
    SendChunk,
    StartDownload,
    StartUpload,
)
from chatnet.server import Server
from chatnet.testing.file_driver import digest
from chatnet.transports import registry
from chatnet.wire.codec import decode_event, encode
from chatnet.wire.frames import HEADER_BYTES, MAX_PAYLOAD, PREFACE, FrameReader

DEADLINE = 20.0
LOBBY = 1
E = TypeVar("E", bound=Event)


class WatchedFileStore(DiskFileStore):
    """Notes what it is asked."""

    def __init__(self, folder: Path, *, reserve: int) -> None:
        super().__init__(folder, reserve=reserve)
        self.asked: Counter[type[FileJob]] = Counter()

    def submit(self, job: FileJob) -> None:
        self.asked[type(job)] += 1
        super().submit(job)


class World:
    """A server that the test drives."""

    def __init__(self, data: Path, scheme: str, limits: Limits | None = None) -> None:
        path = str(data.parent / "socket") if scheme == UNIX else ""
        bind = Address(scheme, path=path) if path else Address(scheme, "127.0.0.1", 0)
        self.files = WatchedFileStore(data / FOLDER, reserve=0)
        self.server = Server(Config(bind=(bind,), data=data, limits=limits or Limits()), files=self.files)
        (self.address,) = self.server.start()
        self.lines: list[Transport] = []

    def close(self) -> None:
        for line in self.lines:
            line.close()
        self.server.close()

    def turn(self) -> None:
        if not self.server.is_finished:
            self.server.turn(0.0)

    def until(self, is_so: Callable[[], object]) -> None:
        """Let the server work until something is so."""
        end = time.monotonic() + DEADLINE
        while not is_so():
            assert time.monotonic() < end, "it does not happen"
            self.turn()

    def settle(self) -> None:
        """Let it work for as long as it has anything to write or to read from its disk."""
        before = None
        quiet = 0
        while quiet < 20:
            self.server.turn(0.005)
            now = [(peer.sent, peer.received) for peer in self.peers()]
            quiet = quiet + 1 if now == before else 0
            before = now

    def peers(self) -> list[Peer]:
        assert self.server._selector is not None
        subjects = [key.data.subject for key in self.server._selector.get_map().values()]
        return [subject for subject in subjects if isinstance(subject, Peer)]


class Person:
    """A client. It reads only when it is told to, and then as much as there is."""

    def __init__(self, world: World, name: str, *, receive_buffer: int = 0) -> None:
        self.world = world
        self.name = name
        others = world.peers()
        self.line = registry.connect(world.address, DEADLINE, Unproven())
        world.lines.append(self.line)
        if receive_buffer:
            assert isinstance(self.line.selectable, socket)
            self.line.selectable.setsockopt(SOL_SOCKET, SO_RCVBUF, receive_buffer)
        self._frames = FrameReader(MAX_PAYLOAD)
        self._unsent = b""
        self.has_ended = False
        self.read_bytes = 0
        """Of whole frames."""
        self.heard: list[tuple[int, Event]] = []
        """Each event, and how many bytes had come before it."""
        self.until(lambda: self.line.is_established)
        secret = name.encode().ljust(32)
        self.say(Login(1, name, secret, secret[:16]), Join(2, "lobby"), prefix=PREFACE)
        self.wait_for(Joined)
        (self.peer,) = [peer for peer in world.peers() if peer not in others]

    # -- the wire ---------------------------------------------------------------------------------------------

    def say(self, *requests: Request, prefix: bytes = b"") -> None:
        self._unsent += prefix + b"".join(map(encode, requests))
        self.push()

    def push(self) -> None:
        """Send what was said and did not go out."""
        if self._unsent or self.line.wants_write:
            self.line.flush()
            self._unsent = self._unsent[self.line.send(self._unsent) :]

    def look(self) -> None:
        """Take what there is."""
        self.push()
        while data := self._receive():
            self._frames.receive(data)
            while (payload := self._frames.next_frame()) is not None:
                event = decode_event(payload)
                assert event is not None
                self.heard.append((self.read_bytes, event))
                self.read_bytes += HEADER_BYTES + len(payload)

    def _receive(self) -> bytes | None:
        try:
            data = self.line.receive(64 * KIB)
        except ConnectionError:
            data = b""
        self.has_ended = data == b""
        return data

    def until(self, is_so: Callable[[], object]) -> None:
        """Read until something is so."""

        def is_so_now() -> bool:
            self.look()
            return bool(is_so())

        self.world.until(is_so_now)

    def events(self, kind: type[E]) -> list[E]:
        """What has come of this sort."""
        return [event for _, event in self.heard if isinstance(event, kind)]

    def wait_for(self, kind: type[E], count: int = 1) -> E:
        """Read until so many of this sort have come; the last of them."""
        self.until(lambda: len(self.events(kind)) >= count)
        return self.events(kind)[count - 1]

    def hear_out(self) -> None:
        """Read until the connection ends."""
        self.until(lambda: self.has_ended)
        self.line.close()

    # -- chat -------------------------------------------------------------------------------------------------

    def post(self, n: int, text: str = "hi", *, file: FileId = 0) -> None:
        self.say(Post(n, LOBBY, text, Kind.FILE if file else Kind.TEXT, file=file))

    def texts(self) -> list[str]:
        return [message.body for event in self.events(Deliver) for message in event.messages]

    # -- files ------------------------------------------------------------------------------------------------

    def announce(self, content: bytes, name: str = "file") -> UploadReady:
        before = len(self.events(UploadReady))
        self.say(StartUpload(9, LOBBY, name, len(content), digest(content)))
        return self.wait_for(UploadReady, before + 1)

    def send_chunks(self, upload: int, content: bytes, start: int, end: int) -> None:
        for at in range(start, end, CHUNK_BYTES):
            self.say(SendChunk(upload, at, content[at : min(at + CHUNK_BYTES, end)]))

    def upload(self, content: bytes, name: str = "file") -> FileId:
        """All of it, or what is left of it; its file's id, shared in the lobby."""
        ready = self.announce(content, name)
        at, until = ready.offset, ready.until
        while True:
            self.send_chunks(ready.upload, content, at, until)
            at = until
            if at == len(content):
                break
            self.until(lambda at=at: any(c.until > at for c in self.events(Credit)))  # type: ignore[misc]
            until = max(credit.until for credit in self.events(Credit) if credit.upload == ready.upload)
        before = len(self.events(Uploaded))
        self.say(FinishUpload(10, ready.upload))
        file = self.wait_for(Uploaded, before + 1).file.id
        acks = len(self.events(Ack))
        self.post(acks + 1, "shared", file=file)
        self.wait_for(Ack, acks + 1)
        return file

    def ask_for(self, file: FileId) -> None:
        """Begin a download, with a whole window of credit."""
        self.say(StartDownload(20, file, 0, WINDOW_BYTES))

    def download(self, file: FileId, then: Callable[[int], None] = lambda at: None) -> bytes:
        """All of a file; ``then`` is called with how much of it has come, after each look at the wire."""
        self.ask_for(file)
        ready = self.wait_for(DownloadReady)
        content = bytearray()
        seen = len(self.heard) - 1
        while len(content) < ready.file.size:
            self.world.turn()
            self.look()
            for _, event in self.heard[seen:]:
                if isinstance(event, FileChunk):
                    assert event.offset == len(content)
                    content += event.data
                    self.say(GrantCredit(ready.download, min(ready.file.size, len(content) + WINDOW_BYTES)))
            seen = len(self.heard)
            then(len(content))
        return bytes(content)
