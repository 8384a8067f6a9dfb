"""A file store without a thread: each step of each job is done when the caller says so. For simulations."""

from collections import deque
from collections.abc import Callable

from chatnet.core.file_jobs import FileAnswer, FileJob
from chatnet.files.disk import Disk
from chatnet.files.parts import Pace
from chatnet.files.vault import Vault
from chatnet.files.workshop import Workshop


class SteppedFileStore:
    """A `chatnet.net.ports.FileStore`. ``later(action)`` runs an action at some later time, or at once; it is called
    for each job, and for each further step of a long one.
    """

    def __init__(
        self,
        disk: Disk,
        later: Callable[[Callable[[], None]], None] = lambda action: action(),
        *,
        reserve: int = 0,
        pace: Pace | None = None,
    ) -> None:
        self._later = later
        self._workshop = Workshop(Vault(disk, reserve=reserve, pace=pace), self._post)
        self._jobs: deque[FileJob] = deque()
        self._answers: list[FileAnswer] = []
        self._wakeup: Callable[[], None] = lambda: None

    def load(self) -> None:
        self._workshop.vault.prepare()

    def bind(self, wakeup: Callable[[], None]) -> None:
        self._wakeup = wakeup

    def submit(self, job: FileJob) -> None:
        self._jobs.append(job)
        self._later(self._take)

    def completions(self) -> list[FileAnswer]:
        answers, self._answers = self._answers, []
        return answers

    def close(self) -> None:
        while self._jobs:
            self._workshop.take(self._jobs.popleft())
        self._workshop.finish()
        self._workshop.vault.close()

    def _take(self) -> None:
        if self._jobs:
            self._workshop.take(self._jobs.popleft())
            self._go_on()

    def _go_on(self) -> None:
        self._workshop.go_on()
        if self._workshop.is_busy:
            self._later(self._go_on)

    def _post(self, answer: FileAnswer) -> None:
        self._answers.append(answer)
        self._wakeup()
