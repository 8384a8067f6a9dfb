"""Which post goes out when.

Posts leave in the order of their numbers, at most `WINDOW` of them
unanswered, and each stays in the outbox until it is answered for good. A post to a name waits until the name is
looked up, and those behind it wait with it; so numbers never go out in another order. What the window held when a
connection was lost, or when the server asked for patience, goes out again with the same numbers: the server stores
each number once. A look-up that failed in passing is made again, too: it stores a chat as a post stores a message.
"""

from collections.abc import Callable

from chatnet.client.backoff import sane_delay
from chatnet.client.cache import Cache
from chatnet.client.connection import Ask, check
from chatnet.client.news import News, PostRefused, Stored
from chatnet.client.outbox import Draft, Outbox, Target, ToConversation, ToUser
from chatnet.errors import ErrorCode, ProtocolError, Refused
from chatnet.events import Ack, Event, Nack, Opened
from chatnet.events import Refused as RefusedEvent
from chatnet.model import ConversationId, FileId, Kind, Seq
from chatnet.requests import Open, Post, Request

WINDOW = 32
"""Posts without an answer; a server closes the connection over one more."""
NOWHERE: ConversationId = 0
"""No conversation. What is posted to it is refused, unless it was stored before."""


class Sender:
    """Moves drafts from the outbox to the wire, and out of the outbox when they are answered."""

    def __init__(
        self,
        outbox: Outbox,
        cache: Cache,
        ask: Ask,
        send: Callable[[Request], None],
        tell: Callable[[News], None],
        now: Callable[[], float],
    ) -> None:
        self._outbox = outbox
        self._cache = cache
        self._ask = ask
        self._send = send
        self._tell = tell
        self._now = now
        self._ready = False
        self._opening = False
        self._held_until: float | None = None
        self._in_flight: set[int] = set()
        self._last = 0
        """The number that went out last over this connection."""
        self._untouched: set[int] = set()
        """Posts of this process that have not gone out over any connection."""
        self._resolved: dict[int, ConversationId] = {}
        """Where each post to a name went. It stays so when it goes out again, whoever has the name by then."""
        self._unfound: dict[int, tuple[str, str]] = {}
        """Why the name of a post was not found that an earlier process may have sent."""

    # -- the application --------------------------------------------------------------------------------------

    def post(self, target: Target, body: str, kind: Kind, reference: Seq, file: FileId) -> int:
        """Put a post into the outbox, and send it if it may be sent. Returns its number."""
        draft = self._outbox.add(target, body, kind, reference, file)
        self._untouched.add(draft.n)
        self._pump()
        return draft.n

    def withdraw(self, n: int) -> bool:
        """Take back a post, if it certainly has not reached the server."""
        if n not in self._untouched:
            return False
        self._settle(n)
        return True

    def _pump(self) -> None:
        """Send what may be sent."""
        while self._ready and self._held_until is None and not self._opening and len(self._in_flight) < WINDOW:
            draft = self._outbox.after(self._last)
            if draft is None:
                return
            conversation = self._where(draft)
            if conversation is None:
                self._look_up(draft)
            else:
                self._last = draft.n
                self._untouched.discard(draft.n)
                self._in_flight.add(draft.n)
                self._send(Post(draft.n, conversation, draft.body, draft.kind, draft.reference, draft.file))

    # -- the connection ---------------------------------------------------------------------------------------

    @property
    def next_tick(self) -> float | None:
        """When `tick` is due."""
        return self._held_until

    def start(self) -> None:
        """Logged in: everything that is unanswered goes out, from the first on."""
        self._ready = True
        self._pump()

    def tick(self, now: float) -> None:
        """The time has come to send again what the server could not store."""
        if self._held_until is not None and now >= self._held_until:
            self._held_until = None
            self._pump()

    def connection_lost(self) -> None:
        """Nothing is known of what is in flight."""
        self._ready = self._opening = False
        self._in_flight.clear()
        self._last = 0

    def forget(self) -> None:
        """It is another server: ids mean nothing there."""
        self._resolved.clear()
        self._unfound.clear()
        self._held_until = None
        for draft in self._outbox:
            if isinstance(draft.target, ToConversation):
                self._refuse(draft.n, ErrorCode.NO_SUCH_CONVERSATION, "the server has lost this conversation")

    # -- answers ----------------------------------------------------------------------------------------------

    def ack(self, ack: Ack) -> None:
        """A post is stored."""
        if self._settle(ack.n) is not None:
            self._tell(Stored(ack.n, ack.conversation, ack.seq, ack.time))
        self._pump()

    def nack(self, nack: Nack) -> None:
        """A post is not stored: now, or ever."""
        if nack.retry_after > 0:
            self._in_flight = {n for n in self._in_flight if n < nack.n}
            self._last = min(self._last, nack.n - 1)
            self._hold(nack.retry_after)
        else:
            self._refuse(nack.n, *self._unfound.get(nack.n, (nack.code, nack.reason)))
        self._pump()

    def _hold(self, seconds: float) -> None:
        """The server wants to be left alone with posts for so long."""
        self._held_until = self._now() + sane_delay(seconds)

    def _settle(self, n: int) -> Draft | None:
        self._in_flight.discard(n)
        self._untouched.discard(n)
        self._resolved.pop(n, None)
        self._unfound.pop(n, None)
        return self._outbox.remove(n)

    def _refuse(self, n: int, code: str, reason: str) -> None:
        draft = self._settle(n)
        if draft is None:
            return
        if code in (ErrorCode.NO_SUCH_CONVERSATION, ErrorCode.NO_SUCH_USER, ErrorCode.NO_SUCH_ROOM):
            self._cache.forget_name(draft.target)
        self._tell(PostRefused(n, code, reason))

    # -- names ------------------------------------------------------------------------------------------------

    def _where(self, draft: Draft) -> ConversationId | None:
        if isinstance(draft.target, ToConversation):
            return draft.target.id
        if draft.n in self._resolved:
            return self._resolved[draft.n]
        conversation = self._cache.find(draft.target)
        if conversation is not None:
            self._resolved[draft.n] = conversation
        return conversation

    def _look_up(self, draft: Draft) -> None:
        self._opening = True
        self._ask(lambda id: open_request(id, draft.target), lambda reply: self._looked_up(draft.n, reply))

    def _looked_up(self, n: int, reply: Event | None) -> None:
        match reply:
            case None:
                return
            case Opened(conversation=conversation):
                draft = self._outbox.after(n - 1)
                if draft is not None and draft.n == n:  # it may have been withdrawn
                    self._resolved[n] = conversation.id
            case RefusedEvent(retry_after=retry_after) if retry_after > 0:
                self._hold(retry_after)
            case RefusedEvent(code=code, reason=reason) if n in self._untouched:
                self._refuse(n, code, reason)
            case RefusedEvent(code=code, reason=reason):
                # It may be stored, and its ack lost with the process that sent it. The server knows it by its number.
                self._unfound[n] = code, reason
                self._resolved[n] = NOWHERE
            case _:
                raise ProtocolError(ErrorCode.BAD_FRAME, "the server answered Open with something else")
        self._opening = False
        self._pump()


def check_post(target: Target, body: str, kind: Kind, reference: Seq, file: FileId = 0) -> None:
    """Can this be posted at all?

    :raises Refused: no server could read it.
    """
    check(Post(1, target.id if isinstance(target, ToConversation) else 0, body, kind, reference, file))
    if not isinstance(target, ToConversation):
        check(open_request(1, target))


def open_request(id: int, target: Target) -> Open:
    """The request that finds a user's or a room's conversation.

    :raises Refused: BAD_NAME where there is no name at all.
    """
    assert not isinstance(target, ToConversation)
    if not target.name:
        raise Refused(ErrorCode.BAD_NAME, "the name to look for is empty")
    return Open(id, user=target.name) if isinstance(target, ToUser) else Open(id, room=target.name)
