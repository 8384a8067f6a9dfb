"""The server's side of the file store: what a turn has for it, and the count of what is still to be answered.

Messages go first. While some are on their way to the disk, the file store is given nothing more: its thread would take
turns with that of the message store, on the disk and in the interpreter, and what is said would wait for what is sent.
But only for a moment, so that files go on however much is said. And while people talk it is given few pieces of files
at a time, so that it has little left to do when the next message comes.

A disk that is full or fails is an answer (`FileFailed`) and concerns one file. What a file store *raises* is a mistake
of its own, after which nobody knows what it does: it is not caught here, and ends the server.
"""

import logging
import math
from collections.abc import Callable, Iterator

from chatnet.core.file_jobs import Collected, FileAnswer, FileJob, ReadFile, WritePart
from chatnet.net.loop import EventLoop, Timer
from chatnet.net.ports import FileStore
from chatnet.net.storing import StoreLink

PATIENCE_SECONDS = 0.003
"""For which jobs wait for messages: as long as a commit usually takes."""
TALK_SECONDS = 1.0
"""People talk for that long after each batch of entries, whatever these are: it is not looked into."""
FEW = 2
"""Pieces that the file store is given then, while it has not answered for others."""
_PIECES = (WritePart, ReadFile)
_MOST_NAMED = 10
_log = logging.getLogger(__name__)


class FileLink:
    """Speaks to the file store; None for a server that keeps no files, whose core has no jobs for it."""

    def __init__(self, store: FileStore | None, messages: StoreLink, loop: EventLoop) -> None:
        self._store = store
        self._messages = messages
        self._loop = loop
        self.jobs: list[FileJob] = []
        """To be submitted at the end of this turn, or of a later one."""
        self._unanswered = self._moving = 0
        """Jobs that the store was given; those of them that are a piece of a file."""
        self._talk_until = -math.inf
        self._patience: Timer | None = None
        """When the jobs have waited long enough; None while they need not wait."""

    def open(self, wakeup: Callable[[], None]) -> None:
        """Make ready what was kept; ``wakeup`` will be called from any thread when there are answers to take.

        :raises ConfigError: DATA_UNUSABLE.
        """
        if self._store is not None:
            self._store.load()
            self._store.bind(wakeup)

    def close(self) -> None:
        """Finish what was submitted, and make durable what came of uploads."""
        if self._store is None:
            return
        try:
            self._store.close()
        except OSError:
            # What was durable before still is, so the uploads go on from there.
            _log.exception("not all that came of files under way could be written to the disk")

    @property
    def is_waiting(self) -> bool:
        """Is there anything that the store has not answered, or not even been given?"""
        return bool(self.jobs or self._unanswered)

    def send(self) -> None:
        """Hand over what was gathered, if that need not wait for messages."""
        if self._store is None:
            return
        if self._messages.batch:
            self._talk_until = self._loop.now.monotonic + TALK_SECONDS
        if not self.jobs or self._gives_way():
            return
        most = FEW if self._loop.now.monotonic < self._talk_until else math.inf
        sent = 0
        for job in self.jobs:
            if type(job) in _PIECES:
                if self._moving >= most:
                    break
                self._moving += 1
            self._store.submit(job)
            sent += 1
        self._unanswered += sent
        del self.jobs[:sent]

    def _gives_way(self) -> bool:
        """Is it the messages' turn? A commit that is over wakes the loop, and otherwise the timer does."""
        if self._messages.batch or self._messages.under_way:
            if self._patience is None:
                self._patience = self._loop.call_later(PATIENCE_SECONDS, self._loop.again)
            if self._loop.now.monotonic < self._patience.when:
                return True
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        return False

    def take(self) -> Iterator[FileAnswer]:
        """What the store has answered; each is for the core before the next is asked for."""
        if self._store is None:
            return
        for answer in self._store.completions():
            self._unanswered -= 1
            if type(answer.job) in _PIECES:
                self._moving -= 1
            if isinstance(answer, Collected) and answer.missing:
                # Whoever wants one is refused. The log is for whoever could bring them back, from a backup.
                digests = ", ".join(digest.hex() for digest in answer.missing[:_MOST_NAMED])
                _log.error("the contents of %d files are missing or damaged: %s", len(answer.missing), digests)
            yield answer
