"""What takes long and is done in small steps, so that messages come and go between two of them.

A job is a generator. It yields the moment at which it wants to go on at the latest; whenever anything has happened on
the connection it goes on sooner. So several jobs, and the chat beside them, share one thread and need no locks.
"""

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Generic, TypeVar

from chatnet.errors import ChatnetError

T = TypeVar("T")
Steps = Generator[float, None, T]
"""Yields moments on `time.monotonic`, and returns what comes of it all."""
AT_ONCE = float("-inf")
"""To be yielded where there is more to do than to wait."""


class Cancelled(Exception):
    """Raised inside a job that is to leave nothing behind. One that is only closed leaves what helps the next try."""


class Job(Generic[T]):
    """One such generator. ``ended`` is called once, unless the job is closed first."""

    def __init__(self, steps: Steps[T], ended: "Callable[[Job[T]], None] | None" = None) -> None:
        self.due = AT_ONCE
        """When it wants to go on."""
        self.is_over = False
        self.is_cancelled = False
        self.failure: ChatnetError | None = None
        self._outcome: list[T] = []
        self._steps = steps
        self._ended = ended

    def step(self) -> None:
        """Go on, unless it is over. What is no `ChatnetError` ends it, and is raised here."""
        if not self.is_over:
            self._go_on(lambda: next(self._steps))

    def cancel(self) -> None:
        """End it, and have it leave nothing behind; unless it is over."""
        if not self.is_over:
            self.is_cancelled = True
            self._go_on(lambda: self._steps.throw(Cancelled()))

    def close(self) -> None:
        """End it where it is, without a word."""
        self.is_over = True
        self._steps.close()

    def result(self) -> T:
        """What has come of it.

        :raises ChatnetError: it has failed.
        """
        if self.failure is not None:
            raise self.failure
        return self._outcome[0]

    def _go_on(self, step: Callable[[], float]) -> None:
        was_over, self.is_over = self.is_over, True
        try:
            with suppress(Cancelled):
                self.due = step()
                self.is_over = was_over
        except StopIteration as end:
            self._outcome.append(end.value)
        except ChatnetError as error:
            self.failure = error
        if self.is_over and self._ended is not None:
            self._ended(self)
