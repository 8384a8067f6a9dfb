"""The real clock. Everything else takes the time as an argument, or a `Clock`."""

import time

from chatnet.clock import Now


class SystemClock:
    """The clock of this machine."""

    def now(self) -> Now:
        """The present moment."""
        return Now(time.monotonic(), time.time_ns() // 1_000_000)
