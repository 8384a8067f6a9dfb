"""How Python itself has to behave beside a window: garbage is collected by Tk's thread alone, and the lock comes soon.

What is left of a view holds variables, fonts and pictures, which tell Tk when they go. Python collects them in whatever
thread its collector happens to run, and Tk answers to its own thread only: in another one that waits, or ends the
program. So the collector does not run by itself here; the ticks of the window run it.
"""

import gc
import sys
import time

_SWITCH_SECONDS = 0.0005
_ALL = 2
"""The oldest generation, and with it all others."""
_REST = 100.0
"""After collecting everything, that is not done again for so many times as long as it took."""


class Interpreter:
    """To be made in Tk's thread, which then calls `tick` all the time."""

    def __init__(self) -> None:
        # Whenever Tk is asked for something, the network's thread may run: this one is not to wait long to go on.
        sys.setswitchinterval(_SWITCH_SECONDS)
        gc.disable()
        gc.freeze()  # what is there now stays, and need not be looked through each time
        self._rests_until = 0.0

    def tick(self) -> None:
        """Collect what Python would have collected by itself since the last time."""
        generation, started = _due(), time.monotonic()
        if generation == _ALL and started < self._rests_until:
            generation -= 1
        if generation >= 0:
            gc.collect(generation)
        if generation == _ALL:
            ended = time.monotonic()
            self._rests_until = ended + _REST * (ended - started)


def _due() -> int:
    """The oldest generation that is due; -1 for none."""
    due = -1
    for generation, (count, limit) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)):
        if count <= limit:
            break
        due = generation
    return due
