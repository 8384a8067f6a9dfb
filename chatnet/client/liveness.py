"""Whether the other side is still there: how long it may take to log in, and how long to be silent.

A connection can die without a word. So silence is broken with a `Ping`, and when nothing at all comes back, the
connection is given up. Only a `Ping` that was really sent counts: a program that slept for an hour asks first.
"""

from chatnet.errors import ErrorCode, TimedOut

ANSWER_SECONDS = 10.0
"""From the connection to a finished login."""
PING_SECONDS = 30.0
"""Silence after which to ask."""
SILENCE_SECONDS = 75.0
"""Silence after which the connection is dead."""


class Liveness:
    """The timers of one connection."""

    def __init__(self, made_at: float, answer_seconds: float) -> None:
        self._answer_by: float | None = made_at + answer_seconds
        self._answer_seconds = answer_seconds
        self.heard_at = made_at
        self._pinged_at: float | None = None

    @property
    def due(self) -> float:
        """When to `check` next."""
        if self._answer_by is not None:
            return self._answer_by
        if self._pinged_at is not None:
            return self._pinged_at + SILENCE_SECONDS - PING_SECONDS
        return self.heard_at + PING_SECONDS

    def heard(self, now: float) -> None:
        """Something has come."""
        self.heard_at, self._pinged_at = now, None

    def logged_in(self) -> None:
        """The login is finished."""
        self._answer_by = None

    def check(self, now: float) -> bool:
        """Is it time to send a `Ping`?

        :raises TimedOut: the other side does not answer: NO_ANSWER before the login, TIMED_OUT after it.
        """
        if now < self.due:
            return False
        if self._answer_by is not None:
            silence = f"there was no answer to the login for {self._answer_seconds:g} seconds"
            raise TimedOut(ErrorCode.NO_ANSWER, silence)
        if self._pinged_at is not None:
            raise TimedOut(ErrorCode.TIMED_OUT, "the server has fallen silent")
        self._pinged_at = now
        return True
