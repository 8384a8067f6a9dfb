"""One thread that waits for everything: connections, timers, and other threads that have something to say.

A turn is: wait, call back whoever is ready, run the timers that are due, then one end-of-turn hook that does the work
that is done once for all of them. What one callback does wrong stays with it: the loop reports it and goes on. That is
the one place where every exception is caught on purpose, since a fault that one client provokes must not end the
others' connections. The hook has no such net below it: what it raises ends the loop.
"""

import heapq
import logging
import math
import selectors
from collections.abc import Callable
from itertools import count
from typing import Final, Generic, Protocol, TypeVar

from chatnet.clock import Clock, Now
from chatnet.net.lateness import TIMER_RESOLUTION, Lateness
from chatnet.net.ports import Selectable

READ: Final = selectors.EVENT_READ
WRITE: Final = selectors.EVENT_WRITE
_log = logging.getLogger(__name__)
S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)


class Waker(Protocol):
    """A channel that the selector can wait for, and that anybody can make readable."""

    @property
    def selectable(self) -> Selectable: ...

    def notify(self) -> None:
        """End the wait that is under way, or the next one. From any thread."""
        ...

    def drain(self) -> None:
        """The loop is awake: notifications from now on are new ones."""
        ...


class Handler(Protocol[S_contra]):
    """Who is called back. One handler serves many subjects, so that a connection costs no objects for it."""

    def ready(self, subject: S_contra, mask: int) -> None:
        """The subject can be read or written; ``mask`` says which."""
        ...

    def failed(self, subject: S_contra, error: Exception) -> None:
        """`ready` raised this; the loop has logged it."""
        ...


class Watch(Generic[S]):
    """What the loop waits for on behalf of one subject. ``mask`` is READ, WRITE, both or 0 for nothing just now."""

    __slots__ = ("_selector", "handler", "mask", "selectable", "subject")

    def __init__(
        self, selector: selectors.BaseSelector, selectable: Selectable, handler: Handler[S], subject: S
    ) -> None:
        self._selector = selector
        self.selectable = selectable
        self.handler = handler
        self.subject = subject
        self.mask = 0

    def want(self, mask: int) -> None:
        """Wait for this from now on. Events of this turn that are no longer wanted are not called back."""
        if mask == self.mask:
            return
        # Selectors know no empty mask.
        if not self.mask:
            self._selector.register(self.selectable, mask, self)
        elif mask:
            self._selector.modify(self.selectable, mask, self)
        else:
            self._selector.unregister(self.selectable)
        self.mask = mask


class Timer:
    """Something to do once, at a monotonic time."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Do not do it; harmless when it is done already."""
        self.callback = None


_Entry = tuple[float, int, Timer]
"""A time, a number that orders those with the same time, and a timer."""


class EventLoop:
    """Runs turns. Only `wake` may be called from other threads.

    Without a waker all is in one thread, and nothing needs to end a wait: so it is in simulations.
    """

    def __init__(self, selector: selectors.BaseSelector, clock: Clock, waker: Waker | None = None) -> None:
        self._selector = selector
        self._clock = clock
        self._waker = waker
        self._timers: list[_Entry] = []
        self._numbers = count()
        self._again = False
        self.lateness = Lateness()
        self._began = math.inf
        """When the last turn began (monotonic); infinity before the first."""
        self.end_of_turn: Callable[[], None] | None = None
        self.now: Now = clock.now()
        """When this turn's wait ended. One time for the whole turn, so that the clock is asked once."""
        if waker is not None:
            self.watch(waker.selectable, _WakerHandler(), waker).want(READ)

    def watch(self, selectable: Selectable, handler: Handler[S], subject: S) -> Watch[S]:
        """A new watch, which waits for nothing yet."""
        return Watch(self._selector, selectable, handler, subject)

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Run ``callback`` in the first turn at or after the monotonic time ``when``."""
        timer = Timer(when, callback)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Run ``callback`` that long after this turn began."""
        return self.call_at(self.now.monotonic + seconds, callback)

    def again(self) -> None:
        """There is more to do: let the next turn not wait."""
        self._again = True

    def wake(self) -> None:
        """End the wait that is under way, or the next one. From any thread, and from signal handlers."""
        if self._waker is None:
            self._again = True
        else:
            self._waker.notify()

    def next_due(self) -> float | None:
        """The monotonic time of the next thing to do, if nothing happens before; None if there is none."""
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        if self._again:
            return self.now.monotonic
        return self._timers[0][0] if self._timers else None

    def run_turn(self, timeout: float | None = None) -> None:
        """One turn; waits for at most ``timeout`` seconds, None for as long as it takes."""
        ready = self._selector.select(self._patience(timeout))
        self.now = self._clock.now()
        latest_timer = next(self._numbers)
        for key, mask in ready:
            watch: Watch[object] = key.data
            # An earlier callback of this turn may have closed this one, or want it no more.
            mask &= watch.mask
            if mask:
                try:
                    watch.handler.ready(watch.subject, mask)
                except Exception as error:
                    self._report(watch, error)
        if self._timers and self._timers[0][0] <= self.now.monotonic:
            # Not in the first turn: what was planned before it was planned by an old time.
            if self._began < math.inf:
                self.lateness.note(self.now.monotonic - self._timers[0][0] - TIMER_RESOLUTION)
            self._run_timers(latest_timer)
        self._began = self.now.monotonic
        if self.end_of_turn is not None:
            self.end_of_turn()

    def _patience(self, timeout: float | None) -> float | None:
        due = self.next_due()
        self._again = False
        if due is None:
            return timeout
        now = self._clock.now().monotonic
        if now - self._began > self.lateness.this_second:
            self.lateness.note(now - self._began)
        wait = max(0.0, due - now)
        return wait if timeout is None else min(wait, timeout)

    def _report(self, watch: Watch[object], error: Exception) -> None:
        _log.exception("error in a callback for %r", watch.subject)
        try:
            watch.handler.failed(watch.subject, error)
        except Exception:
            _log.exception("error while handling that error")

    def _run_timers(self, latest: int) -> None:
        """Those set in this turn (numbers after ``latest``) wait for the next, or one that sets itself never ends."""
        due: list[_Entry] = []
        early: list[_Entry] = []
        while self._timers and self._timers[0][0] <= self.now.monotonic:
            entry = heapq.heappop(self._timers)
            (due if entry[1] < latest else early).append(entry)
        for entry in early:
            heapq.heappush(self._timers, entry)
        for _, _, timer in due:
            if timer.callback is not None:
                callback, timer.callback = timer.callback, None
                try:
                    callback()
                except Exception:
                    _log.exception("error in a timer")


class _WakerHandler:
    def ready(self, subject: Waker, mask: int) -> None:
        del mask
        subject.drain()

    def failed(self, subject: Waker, error: Exception) -> None:
        del subject, error  # logged, and there is no connection to close
