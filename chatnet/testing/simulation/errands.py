"""Files that people send and fetch: the client's real jobs, on real files, step by step beside the chat.

An errand outlives the process that is busy with it, as a person does who repeats a command; so does what an earlier try
has left in the folder. Rules: what was sent is shared, or refused for a reason that somebody gave; what was fetched is
byte for byte what was uploaded; and whoever only pretends to have a content gets nothing for it.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast

from chatnet.client.driver import Driver
from chatnet.client.files import Source
from chatnet.client.jobs import AT_ONCE, Job, Steps
from chatnet.client.news import PostRefused, Stored
from chatnet.client.outbox import Target, ToRoom, ToUser
from chatnet.client.progress import Meter
from chatnet.client.session import ClientSession
from chatnet.client.transfer_jobs import Shipment, fetch_file, send_file
from chatnet.client.transfers import Transfers
from chatnet.errors import ChatnetError, ErrorCode
from chatnet.model import Digest, FileId, Kind, Seq
from chatnet.testing.simulation.application import Application
from chatnet.testing.simulation.file_ledger import FileEvent
from chatnet.testing.simulation.kills import ClientStep
from chatnet.testing.simulation.ledger import Ledger
from chatnet.testing.simulation.trace import Violation

SEND_FAILURES = (
    ErrorCode.REPLACED,
    ErrorCode.QUOTA,
    ErrorCode.STORE_FULL,
    ErrorCode.STORE_FAILING,
    ErrorCode.NO_SUCH_USER,
    ErrorCode.NO_SUCH_ROOM,
    ErrorCode.NO_SUCH_CONVERSATION,
    ErrorCode.ROOM_ARCHIVED,
)
"""Why a file may not be sent: its room or user, limits, a broken disk; another process of the same user sends it."""
POST_FAILURES = (ErrorCode.NO_SUCH_FILE, ErrorCode.BAD_REQUEST, ErrorCode.ROOM_ARCHIVED)
"""Why a post that shares a file may be refused: it was removed, or another process of the user has shared it."""
FETCH_FAILURES = (ErrorCode.NO_SUCH_FILE, ErrorCode.STORE_FULL, ErrorCode.STORE_FAILING)


class Fake(Source):
    """Something that pretends to be a content which its sender does not have."""

    def __init__(self, path: Path, digest: Digest) -> None:
        super().__init__(path.open("rb"), path.name, path.stat().st_size, digest)


class _Session:
    """A session as the jobs use it: whoever runs the program keeps account of its posts."""

    def __init__(self, app: Application, session: ClientSession, at: Callable[[ClientStep], None]) -> None:
        self._app, self._session, self._at = app, session, at

    @property
    def transfers(self) -> Transfers:
        return self._session.transfers

    @property
    def is_online(self) -> bool:
        return self._session.is_online

    def post(self, target: Target, body: str, kind: Kind, reference: Seq, file: FileId) -> int:
        self._at(ClientStep.UPLOADED)
        return self._app.post(target, body, kind, reference, POST_FAILURES, file)


class Desk:
    """A `chatnet.client.driver.Driver`, as far as jobs need one, of one process."""

    def __init__(self, app: Application, session: ClientSession, at: Callable[[ClientStep], None]) -> None:
        self.session = _Session(app, session, at)
        self._app = app

    @contextmanager
    def posting(self, n: int) -> Iterator[Callable[[], Stored | PostRefused | None]]:
        """The answer to a post, once there is one."""
        yield lambda: self._app.answers.get(n)


class Errand:
    """One file to be sent or fetched. Each process makes a job of it."""

    def __init__(self, name: str, moving: ClientStep) -> None:
        self.name = name
        """For the trace."""
        self.moving = moving
        """The step that a client is at with it while it is moving."""
        self._meter = Meter(None)
        self.is_over = False
        self.job: Job[Stored] | Job[Path] | None = None

    def begin(self, desk: Desk, now: Callable[[], float]) -> None:
        """Make a job of it."""
        raise NotImplementedError

    def step(self, at: Callable[[ClientStep], None]) -> None:
        """Go on, unless it is over."""
        assert self.job is not None
        self.job.step()
        if not self.job.is_over:
            self._check()
            if self.is_moving:
                at(self.moving)
            return
        self.is_over = True
        if self.job.failure is not None:
            self._failed(self.job.failure)
        elif not self.job.is_cancelled:
            self._done()

    @property
    def is_moving(self) -> bool:
        """Are some bytes over, and others not?"""
        shown = self._meter._shown
        return shown.phase in ("sending", "receiving") and 0 < shown.done < shown.total

    @property
    def wants_step(self) -> bool:
        """Can it go on although nothing has happened?"""
        return self.job is not None and self.job.due == AT_ONCE

    def cancel(self) -> None:
        """It is not wanted any more."""
        assert self.job is not None
        self.job.cancel()
        self.is_over = True

    def drop(self) -> None:
        """The process has ended."""
        if self.job is not None:
            self.job.close()
        self.job = None

    def _check(self) -> None:
        """Is it as it should be on the way?"""

    def _failed(self, failure: ChatnetError) -> None:
        raise NotImplementedError

    def _done(self) -> None:
        raise NotImplementedError

    def _unexpected(self, failure: ChatnetError) -> Violation:
        return Violation("F1", f"{self.name} failed: {failure.code}: {failure}")


class Sending(Errand):
    """Send the file at ``path`` under a name; as if it was ``fakes``, if that is given."""

    def __init__(self, path: Path, target: ToUser | ToRoom, name: str, text: str, fakes: Digest | None = None) -> None:
        super().__init__(f"sending {name} of {path.stat().st_size} bytes to {target}", ClientStep.SENDING)
        self.again = partial(Sending, path, target, name, text, fakes)
        """Another errand for the same."""
        self.path, self._target, self._file_name, self._text, self._fakes = path, target, name, text, fakes
        self._shipment: Shipment | None = None

    @property
    def is_fake(self) -> bool:
        """Is it not what it says?"""
        return self._fakes is not None

    @property
    def is_posted(self) -> bool:
        """Is the post in the outbox, so that nobody has to care any more?"""
        return self._shipment is not None and self._shipment.n is not None

    def begin(self, desk: Desk, now: Callable[[], float]) -> None:
        shipment = self._shipment = Shipment(self.path, self._target, self._text, self._file_name)
        self._meter = Meter(None, now)
        self.job = Job(self._steps(desk, shipment))

    def _steps(self, desk: Desk, shipment: Shipment) -> Steps[Stored]:
        if self._fakes is None:
            return (yield from send_file(cast(Driver, desk), shipment, self._meter))
        with Fake(self.path, self._fakes) as shipment.source:
            return (yield from send_file(cast(Driver, desk), shipment, self._meter))

    def _failed(self, failure: ChatnetError) -> None:
        expected = (*SEND_FAILURES, ErrorCode.BAD_DIGEST) if self.is_fake else SEND_FAILURES
        if failure.code not in (POST_FAILURES if self.is_posted else expected):
            raise self._unexpected(failure)

    def _done(self) -> None:
        if self.is_fake:
            raise Violation("possession", f"{self.name} has got through, with another content")


class Fetching(Errand):
    """Fetch a file into a folder. ``must``: nothing but its end may come between."""

    def __init__(self, file: FileId, folder: Path, ledger: Ledger, *, must: bool = False) -> None:
        super().__init__(f"fetching {file}", ClientStep.FETCHING)
        self.file = file
        self._folder, self._ledger, self._must = folder, ledger, must
        self._come: dict[int, int] = {}
        """Of each part in the folder, by its inode: how much of it has come."""

    def begin(self, desk: Desk, now: Callable[[], float]) -> None:
        self._meter = Meter(None, now)
        self.job = Job(fetch_file(cast(Driver, desk), self.file, self._folder, None, self._meter))

    def _check(self) -> None:
        """What has come is never thrown away while the file is wanted, whatever becomes of processes."""
        if not self.is_moving and not self._come:
            return
        parts = [entry.stat() for entry in os.scandir(self._folder) if entry.name.endswith(".part")]
        for part in parts:
            before = self._come.get(part.st_ino, 0)
            if part.st_size < before:
                raise Violation("F3", f"{self.name} has {part.st_size} bytes left of {before} that had come")
            self._come[part.st_ino] = part.st_size

    def _failed(self, failure: ChatnetError) -> None:
        if failure.code not in FETCH_FAILURES or (self._must and self._ledger.has_file(self.file)):
            raise self._unexpected(failure)

    def _done(self) -> None:
        assert self.job is not None
        path = self.job.result()
        assert isinstance(path, Path)
        stored = self._ledger.files.ever(self.file)
        data = path.read_bytes()
        if stored is None or data != self._ledger.files.contents[stored.entry.digest]:
            raise Violation(
                "F2", f"{self.name} has brought {hashlib.sha256(data).hexdigest()}, which is something else"
            )
        path.unlink()
        self._ledger.files.events[FileEvent.DOWNLOADED] += 1
