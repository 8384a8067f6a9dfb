"""Files on their way, as a load: some who upload and some who download, in one process, for as long as it is asked.

Everything is checked: what is downloaded against what was uploaded, and the server's own verdict at the end of an
upload. Each transfer keeps its window full, and begins again when it is done. What was uploaded is posted and removed,
so that the disk does not fill up.
"""

import time
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from selectors import EVENT_READ, DefaultSelector

from _lines import Denied, Line, Lost

from chatnet.core.limits import MIB
from chatnet.events import Ack, Credit, DownloadReady, Event, FileChunk, Refused, TransferEnded, Uploaded, UploadReady
from chatnet.model import CHUNK_BYTES, WINDOW_BYTES, Digest, FileId, Kind
from chatnet.requests import FinishUpload, GrantCredit, Post, RemoveFile, SendChunk, StartDownload, StartUpload


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What shall be under way. Files are so big; those to be downloaded are there already."""

    port: int
    encrypted: bool = False
    uploads: int = 0
    downloads: int = 0
    file: FileId = 0
    """To be downloaded, of ``size``, made from ``seed`` 0."""
    size: int = 64 * MIB
    seconds: float = 0.0
    begun: Path | None = None
    """Is made once all are under way."""


@dataclass(frozen=True)
class Carried:
    """What came of it: bytes of contents, each way."""

    up: int
    down: int
    seconds: float
    busy: float
    """Which part of the time the load was at work."""
    faults: tuple[str, ...]


@cache
def block() -> bytes:
    """What contents are made of."""
    return Random(1).randbytes(MIB)


def piece(seed: int, start: int, end: int) -> bytes:
    """Some bytes of a content. Of one MiB each is the block, from a place on that the seed and the MiB tell."""
    made = bytearray()
    while start < end:
        number, at = divmod(start, MIB)
        shift = (7919 * (seed + 1) + 104_729 * number + at) % MIB
        some = min(end - start, MIB - at, MIB - shift)
        made += block()[shift : shift + some]
        start += some
    return bytes(made)


def digest_of(seed: int, size: int) -> Digest:
    """The SHA-256 of a content."""
    running = sha256()
    for start in range(0, size, MIB):
        running.update(piece(seed, start, min(size, start + MIB)))
    return running.digest()


class Uploader(Line):
    """Uploads one content after the other into the room, each as big; or one, and ``keeps`` it."""

    def __init__(
        self, port: int, name: str, size: int, seed: int, *, encrypted: bool = False, keeps: bool = False
    ) -> None:
        super().__init__(port, name, encrypted=encrypted)
        self.conversation = self.room()
        self.moved = 0
        """Bytes that the server has taken."""
        self.file: FileId = 0
        """The last that is done."""
        self.is_done = False
        """Is the one that it keeps there for others?"""
        self._size, self._seed, self._keeps, self._posts = size, seed, keeps, 0
        self.begin()

    def begin(self) -> None:
        """Announce the next content."""
        self._sent = self._until = self._told = 0
        digest = digest_of(self._seed, self._size)
        self.send(StartUpload(1, self.conversation, f"file {self._seed}", self._size, digest))

    def take(self, event: Event) -> None:
        """Go on, as far as that lets.

        :raises Denied: the server ends it.
        """
        match event:
            case UploadReady():
                self._upload, self._sent, self._until = event.upload, event.offset, event.until
                self._told = event.offset
                self._fill()
            case Credit():
                # The window is behind what was written.
                written = event.until - WINDOW_BYTES
                self.moved += max(0, written - self._told)
                self._told = max(self._told, written)
                self._until = event.until
                self._fill()
            case Uploaded():
                self.moved += self._size - self._told
                self.file = event.file.id
                self._posts += 1
                self.send(Post(self._posts, self.conversation, "", Kind.FILE, file=self.file))
            case Ack() if not self._keeps:
                self.send(RemoveFile(3, self.file))
                self._seed += 1000
                self.begin()
            case Ack():
                self.is_done = True
            case Refused():
                raise Denied(f"{event.code}: {event.reason}")
            case TransferEnded():
                raise Denied(f"{event.code}: {event.reason}")

    def _fill(self) -> None:
        end = min(self._size, self._until)
        while self._sent < end and (end - self._sent >= CHUNK_BYTES or end == self._size):
            data = piece(self._seed, self._sent, min(end, self._sent + CHUNK_BYTES))
            self.send(SendChunk(self._upload, self._sent, data))
            self._sent += len(data)
            if self._sent == self._size:
                self.send(FinishUpload(2, self._upload))


class Downloader(Line):
    """Downloads the same file again and again."""

    def __init__(self, port: int, name: str, file: FileId, size: int, *, encrypted: bool = False) -> None:
        super().__init__(port, name, encrypted=encrypted)
        self.moved = 0
        self._file, self._size = file, size
        self.begin()

    def begin(self) -> None:
        """From the start."""
        self._at, self._until = 0, WINDOW_BYTES
        self.send(StartDownload(1, self._file))

    def take(self, event: Event) -> None:
        """Go on, as far as that lets.

        :raises Denied: the server ends it.
        :raises Lost: what comes is not the file.
        """
        match event:
            case DownloadReady():
                self._download = event.download
            case Refused():
                raise Denied(f"{event.code}: {event.reason}")
            case FileChunk():
                if event.offset != self._at or event.data != piece(0, self._at, self._at + len(event.data)):
                    raise Lost(f"a download differs from the file, near byte {self._at}")
                self._at += len(event.data)
                self.moved += len(event.data)
                if self._at == self._size:
                    self.begin()  # the one before is over by itself
                elif self._until - self._at <= WINDOW_BYTES // 2:
                    self._until = self._at + WINDOW_BYTES
                    self.send(GrantCredit(self._download, self._until))
            case TransferEnded():
                raise Denied(f"{event.code}: {event.reason}")


def share(port: int, size: int, *, encrypted: bool = False) -> FileId:
    """Upload a content, that of seed 0, and post it in the room; its file's id."""
    with closing(Uploader(port, "sharer", size, seed=0, encrypted=encrypted, keeps=True)) as sharer:
        while not sharer.is_done:
            for event in sharer.receive():
                sharer.take(event)
        return sharer.file


def carry(traffic: Traffic) -> Carried:
    """Run the transfers for their time."""
    block(), digest_of(0, MIB)
    lines: list[Uploader | Downloader] = []
    faults: Counter[str] = Counter()
    t = traffic
    with ExitStack() as stack, DefaultSelector() as selector:
        lines += [Uploader(t.port, f"up{i}", t.size, i + 1, encrypted=t.encrypted) for i in range(t.uploads)]
        lines += [Downloader(t.port, f"down{i}", t.file, t.size, encrypted=t.encrypted) for i in range(t.downloads)]
        for line in lines:
            stack.callback(line.close)
            selector.register(line, EVENT_READ, line)
        if t.begun is not None:
            t.begun.touch()
        began, own = time.perf_counter(), time.process_time()
        while selector.get_map() and (left := began + t.seconds - time.perf_counter()) > 0:
            for key, _ in selector.select(left):
                try:
                    for event in key.data.receive():
                        key.data.take(event)
                except (Lost, OSError) as error:
                    faults[f"{type(key.data).__name__}: {error}"] += 1
                    selector.unregister(key.data)
        seconds, own = time.perf_counter() - began, time.process_time() - own
        return Carried(
            sum(line.moved for line in lines if isinstance(line, Uploader)),
            sum(line.moved for line in lines if isinstance(line, Downloader)),
            seconds,
            own / seconds,
            tuple(f"{n} x {what}" for what, n in faults.items()),
        )
