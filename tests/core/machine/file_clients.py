"""Clients that send and fetch files, honest ones and such that announce what they do not have; each checks what it is
told. A client does one thing at a time, when the machine says so.
"""

from dataclasses import dataclass, field

from chatnet.events import (
    Ack,
    Credit,
    Deliver,
    Done,
    DownloadReady,
    Event,
    FileChunk,
    FilePage,
    Nack,
    ProofWanted,
    Refused,
    TransferEnded,
    Uploaded,
    UploadReady,
)
from chatnet.model import CHUNK_BYTES, WINDOW_BYTES, Kind, SharedFile
from chatnet.requests import (
    FinishUpload,
    GrantCredit,
    Post,
    ProveUpload,
    Request,
    SendChunk,
    StartDownload,
    StartUpload,
)
from tests.core.filing import right_proof


@dataclass
class Sending:
    """An upload, as its client knows it."""

    announced: StartUpload
    content: bytes
    """What it sends; as long as announced, and perhaps something else."""
    at: int = 0
    until: int = 0
    wanted: ProofWanted | None = None
    is_finishing: bool = False


@dataclass
class Fetching:
    """A download, as its client knows it."""

    digest: bytes
    content: bytes
    """What must come."""
    start: int
    at: int
    until: int
    size: int


@dataclass
class FileClient:
    """A device of a user, connected or not."""

    user: str
    device: str
    session: str = ""
    asked: dict[int, Request] = field(default_factory=dict)
    """Requests without a reply."""
    sending: dict[int, Sending] = field(default_factory=dict)
    fetching: dict[int, Fetching] = field(default_factory=dict)
    given: list[SharedFile] = field(default_factory=list)
    """Files that it may post."""
    n: int = 0
    post: Post | None = None
    """Unanswered."""
    wants_again: bool = False
    """Must it send the post again?"""

    def lose(self) -> None:
        """The connection is gone; what waits for an answer is sent again over the next."""
        self.session = ""
        self.asked.clear()
        self.sending.clear()
        self.fetching.clear()
        self.wants_again = self.post is not None

    # -- doing ------------------------------------------------------------------------------------------------

    def next(self) -> Request | None:
        """What it does next with its transfers and its post, if there is anything to do."""
        if self.post is not None and self.wants_again:
            self.wants_again = False
            return self.post
        if self.post is None and self.given:
            file = self.given.pop(0)
            self.n += 1
            self.post = Post(self.n, file.conversation, "", Kind.FILE, file=file.id)
            return self.post
        for number, sending in self.sending.items():
            request = self._send(number, sending)
            if request is not None:
                return request
        for number, fetching in self.fetching.items():
            until = min(fetching.size, fetching.at + WINDOW_BYTES)
            if until - fetching.until >= min(WINDOW_BYTES // 2, fetching.size - fetching.until) > 0:
                fetching.until = until
                return GrantCredit(number, until)
        return None

    def _send(self, number: int, sending: Sending) -> Request | None:
        if sending.wanted is not None:
            proof, sending.wanted = right_proof(sending.wanted, sending.content), None
            return ProveUpload(0, number, proof)
        if sending.at < sending.until:
            at, end = sending.at, min(sending.at + CHUNK_BYTES, sending.until)
            sending.at = end
            return SendChunk(number, at, sending.content[at:end])
        is_all = sending.at == sending.announced.size and sending.until == sending.announced.size
        if is_all and not sending.is_finishing and not self._waits(number):
            sending.is_finishing = True
            return FinishUpload(0, number)
        return None

    def _waits(self, number: int) -> bool:
        return any(isinstance(r, ProveUpload | FinishUpload) and r.upload == number for r in self.asked.values())

    # -- hearing ----------------------------------------------------------------------------------------------

    def hear(self, event: Event, contents: dict[bytes, bytes], has: set[bytes]) -> None:
        """It is told something. ``has``: the digests of what its user has."""
        request = self._replied(event)
        match event, request:
            case UploadReady(), StartUpload():
                assert request.size == event.until or event.until == event.offset + WINDOW_BYTES
                mine = contents[request.digest] if request.digest in has else b"x" * request.size
                self._new(event.upload)
                self.sending[event.upload] = Sending(request, mine, event.offset, event.until)
            case UploadReady(), ProveUpload():
                sending = self.sending[event.upload]
                sending.at, sending.until = event.offset, event.until
            case ProofWanted(), StartUpload():
                mine = contents[request.digest] if request.digest in has else b"x" * request.size
                self._new(event.upload)
                self.sending[event.upload] = Sending(request, mine, wanted=event)
            case Uploaded(file=file), StartUpload() | ProveUpload() | FinishUpload():
                assert file.digest in has, "a file of a content that was neither sent nor proved"
                assert file.seq == 0
                if isinstance(request, ProveUpload | FinishUpload):
                    announced = self.sending.pop(request.upload).announced
                else:
                    announced = request
                assert (file.name, file.digest, file.size) == (announced.name, announced.digest, announced.size)
                assert file.conversation == announced.conversation
                if file.id not in [known.id for known in self.given]:
                    self.given.append(file)
            case Credit(upload=number, until=until, durable=durable), _:
                sending = self.sending[number]
                assert sending.until < until <= sending.at + WINDOW_BYTES
                assert durable <= sending.at
                sending.until = until
            case DownloadReady(download=number, file=file), StartDownload():
                self._new(number)
                content = contents[file.digest]
                until = min(request.until, file.size)
                if request.offset < file.size:
                    self.fetching[number] = Fetching(
                        file.digest, content, request.offset, request.offset, until, file.size
                    )
            case FileChunk(download=number, offset=offset, data=data), _:
                self._got(number, offset, data, has)
            case TransferEnded(transfer=number), _:
                assert number in self.sending or number in self.fetching
                self.sending.pop(number, None)
                self.fetching.pop(number, None)
            case Refused(), ProveUpload() | FinishUpload():
                self.sending.pop(request.upload, None)
            case Ack(n=n) | Nack(n=n, retry_after=0.0), _:
                assert self.post is not None
                assert self.post.n == n
                self.post, self.wants_again = None, False
            case Nack(), _:
                self.wants_again = True
            case Deliver(messages=messages), _:
                assert all(m.file is None or (m.file.seq, m.kind) == (m.seq, Kind.FILE) for m in messages)

    def _replied(self, event: Event) -> Request | None:
        if not isinstance(event, UploadReady | ProofWanted | Uploaded | DownloadReady | FilePage | Done | Refused):
            return None
        assert event.id in self.asked, f"a second reply, or one to nothing: {event}"
        return self.asked.pop(event.id)

    def _new(self, number: int) -> None:
        assert number not in self.sending
        assert number not in self.fetching

    def _got(self, number: int, offset: int, data: bytes, has: set[bytes]) -> None:
        fetching = self.fetching[number]
        assert offset == fetching.at
        assert data == fetching.content[offset : offset + len(data)]
        fetching.at += len(data)
        assert fetching.at <= fetching.until, "more than there was credit for"
        if fetching.at == fetching.size:
            del self.fetching[number]
            if fetching.start == 0:
                has.add(fetching.digest)
