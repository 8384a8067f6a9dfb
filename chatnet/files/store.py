"""The file store on disk: one thread that reads, writes, hashes and syncs, so that the loop never does.

Jobs are done in the order in which they come. What takes long, reading a part through for instance, is done in steps
with others' jobs in between; what is asked of the same part meanwhile waits for it.

Answers are told together: the loop is woken when nothing is left to do, and now and then while there is. To wake it for
each piece of a file costs both threads as much as the piece.
"""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

from chatnet.core.file_jobs import FileAnswer, FileJob
from chatnet.errors import ConfigError, ErrorCode
from chatnet.files.disk import RealDisk
from chatnet.files.parts import Pace
from chatnet.files.vault import Vault
from chatnet.files.workshop import Workshop
from chatnet.net.folders import make_private_folder

FOLDER = "files"
"""In the server's data folder."""
_TELL_SECONDS = 0.001
"""Later than that no answer is told, but for the job that is being done then."""


class DiskFileStore:
    """A `chatnet.net.ports.FileStore` in a folder, which is made if it is not there."""

    def __init__(self, folder: Path, *, reserve: int, pace: Pace | None = None) -> None:
        """``reserve``: bytes of the disk that are left alone."""
        self._folder = folder
        self._workshop = Workshop(Vault(RealDisk(folder), reserve=reserve, pace=pace), self._post)
        self._jobs: SimpleQueue[FileJob | None] = SimpleQueue()
        self._answers: deque[FileAnswer] = deque()
        self._wakeup: Callable[[], None] = lambda: None
        self._is_told = True
        """Was the loop woken for all answers?"""
        self._told_at = 0.0
        self._thread: Thread | None = None
        self._broken: Exception | None = None
        self._is_heard = False
        """Has anybody heard that it is broken?"""

    # -- the port ---------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Make the folders, and start the thread.

        :raises ConfigError: DATA_UNUSABLE: the folder cannot be had, or not for oneself.
        """
        make_private_folder(self._folder)
        try:
            self._workshop.vault.prepare()
        except OSError as error:
            reason = f"cannot keep files in {self._folder}: {(error.strerror or str(error)).lower()}"
            raise ConfigError(ErrorCode.DATA_UNUSABLE, reason) from error
        self._thread = Thread(target=self._run, name="file-worker", daemon=True)
        self._thread.start()

    def bind(self, wakeup: Callable[[], None]) -> None:
        """Call ``wakeup`` whenever an answer has come."""
        self._wakeup = wakeup

    def submit(self, job: FileJob) -> None:
        """Hand a job to the worker."""
        self._jobs.put(job)

    def completions(self) -> list[FileAnswer]:
        """Answers since the last call.

        :raises Exception: a mistake in the worker has ended it. Failures of the disk are answers.
        """
        self._raise_if_broken()
        return [self._answers.popleft() for _ in range(len(self._answers))]

    def close(self) -> None:
        """Finish what was submitted, and let go of everything. May be called at any time, and twice.

        :raises OSError: not all that came of an upload could be made durable.
        :raises Exception: a mistake in the worker of which nobody has heard; all is let go of nevertheless.
        """
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None
        try:
            self._workshop.vault.close()
        finally:
            if not self._is_heard:
                self._raise_if_broken()

    def _raise_if_broken(self) -> None:
        if self._broken is not None:
            self._is_heard = True
            raise self._broken

    # -- the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self._broken = error
            self._wakeup()

    def _work(self) -> None:
        while (job := self._next_job()) is not None:
            self._workshop.take(job)
            self._workshop.go_on()
            if not self._is_told and monotonic() - self._told_at >= _TELL_SECONDS:
                self._tell()
        self._workshop.finish()
        self._tell()

    def _next_job(self) -> FileJob | None:
        """The next job, None at the end. While none is there, what takes long goes on."""
        while True:
            try:
                return self._jobs.get_nowait()
            except Empty:
                if not self._is_told:
                    self._tell()
            if not self._workshop.is_busy:
                return self._jobs.get()
            self._workshop.go_on()

    def _post(self, answer: FileAnswer) -> None:
        self._answers.append(answer)
        self._is_told = False

    def _tell(self) -> None:
        self._is_told = True
        self._told_at = monotonic()
        self._wakeup()
