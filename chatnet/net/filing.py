"""The server's side of the file store: what a turn has for it, and the count of what is still to be answered.

A disk that is full or fails is an answer (`FileFailed`) and concerns one file. What a file store *raises* is a mistake
of its own, after which nobody knows what it does: it is not caught here, and ends the server.
"""

import logging
from collections.abc import Callable, Iterator

from chatnet.core.file_jobs import FileAnswer, FileJob
from chatnet.net.ports import FileStore

_log = logging.getLogger(__name__)


class FileLink:
    """Speaks to the file store; None for a server that keeps no files, whose core has no jobs for it."""

    def __init__(self, store: FileStore | None) -> None:
        self._store = store
        self.jobs: list[FileJob] = []
        """To be submitted at the end of this turn."""
        self._unanswered = 0

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
        """Hand over what this turn has gathered."""
        if self._store is None or not self.jobs:
            return
        jobs, self.jobs = self.jobs, []
        self._unanswered += len(jobs)
        for job in jobs:
            self._store.submit(job)

    def take(self) -> Iterator[FileAnswer]:
        """What the store has answered; each is for the core before the next is asked for."""
        if self._store is None:
            return
        for answer in self._store.completions():
            self._unanswered -= 1
            yield answer
