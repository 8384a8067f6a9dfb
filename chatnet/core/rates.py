"""How fast a session may ask and post: whoever is faster is not read from for a while, and is refused nothing."""

from chatnet.clock import Now
from chatnet.core.effects import Pause
from chatnet.core.entities import Session
from chatnet.core.limits import Bucket
from chatnet.core.state import State


class Rates:
    """Takes from the buckets of sessions, which are made when they are used first."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._limits = state.limits

    def request(self, session: Session, now: Now) -> None:
        """A request has come."""
        limits = self._limits
        if session.request_bucket is None:
            session.request_bucket = Bucket(limits.request_burst, limits.requests_per_second, now.monotonic)
        self._pause(session, session.request_bucket.take(1.0, now.monotonic), now)

    def post(self, session: Session, size: int, now: Now) -> None:
        """A post has come, with a text of so many bytes, or something else that as many people hear of."""
        limits = self._limits
        if session.post_bucket is None or session.text_bucket is None:
            session.post_bucket = Bucket(limits.post_burst, limits.posts_per_second, now.monotonic)
            session.text_bucket = Bucket(limits.text_burst, limits.text_per_second, now.monotonic)
        wait = max(session.post_bucket.take(1.0, now.monotonic), session.text_bucket.take(size, now.monotonic))
        self._pause(session, wait, now)

    def _pause(self, session: Session, wait: float, now: Now) -> None:
        if wait > 0:
            self._state.out.append(Pause(session.handle, now.monotonic + wait))
