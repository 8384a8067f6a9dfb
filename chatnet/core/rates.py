"""How fast a session may ask and post: whoever is faster is not read from for a while, and is refused nothing."""

from chatnet.clock import Now
from chatnet.core.effects import Pause
from chatnet.core.entities import Session
from chatnet.core.limits import Rate
from chatnet.core.state import State


class Rates:
    """Takes what sessions do from what they may."""

    def __init__(self, state: State) -> None:
        limits = state.limits
        self._state = state
        self._requests = Rate(limits.request_burst, limits.requests_per_second)
        self._posts = Rate(limits.post_burst, limits.posts_per_second)
        self._text = Rate(limits.text_burst, limits.text_per_second)

    def request(self, session: Session, now: Now) -> None:
        """A request has come."""
        moment = now.monotonic
        session.request_due = due = self._requests.take(session.request_due, 1.0, moment)
        if due > moment:
            self._state.out.append(Pause(session.handle, due))

    def post(self, session: Session, size: int, now: Now) -> None:
        """A post has come, with a text of so many bytes, or something else that as many people hear of."""
        session.posted_at = moment = now.monotonic
        # `Rate.take` spelled out, twice: every message comes here.
        posts, text = self._posts, self._text
        due, earliest = session.post_due, moment - posts.credit
        session.post_due = due = (due if due > earliest else earliest) + posts.price
        text_due, earliest = session.text_due, moment - text.credit
        session.text_due = text_due = (text_due if text_due > earliest else earliest) + size * text.price
        if due > moment or text_due > moment:
            self._state.out.append(Pause(session.handle, max(due, text_due)))
