"""Whose turn it is: short jobs at once, long ones in steps, and those of one part in their order."""

from collections import deque
from collections.abc import Callable

from chatnet.core.file_jobs import (
    ClosePart,
    DropPart,
    FileAnswer,
    FileJob,
    FinishPart,
    OpenPart,
    PartId,
    WritePart,
)
from chatnet.files.vault import Steps, Vault


class _Work:
    """A job that takes long, and those that wait for it."""

    def __init__(self, part: PartId | None, steps: Steps) -> None:
        self.part = part
        self.steps = steps
        self.waiting: deque[FileJob] = deque()


class Workshop:
    """Has a vault do jobs; ``post`` is called with each answer. In one thread."""

    def __init__(self, vault: Vault, post: Callable[[FileAnswer], None]) -> None:
        self.vault = vault
        self._post = post
        self._long: deque[_Work] = deque()

    @property
    def is_busy(self) -> bool:
        """Is there anything that takes long, and is not done?"""
        return bool(self._long)

    def take(self, job: FileJob) -> None:
        """Do a job, or the first step of it."""
        part = _part_of(job)
        for work in self._long:
            if part is not None and work.part == part:
                work.waiting.append(job)
                return
        self._step(_Work(part, self.vault.run(job)))

    def go_on(self) -> None:
        """One more step of something that takes long."""
        if self._long:
            self._step(self._long.popleft())

    def finish(self) -> None:
        """Do all that is left."""
        while self._long:
            self.go_on()

    def _step(self, work: _Work) -> None:
        try:
            next(work.steps)
        except StopIteration as done:
            self._post(done.value)
            for job in work.waiting:
                self.take(job)
        else:
            self._long.append(work)


def _part_of(job: FileJob) -> PartId | None:
    if isinstance(job, OpenPart | WritePart | ClosePart | FinishPart | DropPart):
        return job.part
    return None
