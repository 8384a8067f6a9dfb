"""What uploads and downloads have in common: they are begun again after whatever has ended them, until that is no use.

The server numbers the transfers of each connection anew and knows by itself how far each has got. So all that is kept
here from one connection to the next is what is to be moved. No I/O, no clock of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chatnet.client.backoff import sane_delay
from chatnet.client.connection import Ask, Make
from chatnet.client.outbox import Target
from chatnet.errors import ChatnetError, ErrorCode, Refused
from chatnet.events import DownloadReady, Event, ProofWanted, TransferEnded, UploadReady
from chatnet.events import Refused as RefusedEvent
from chatnet.model import ConversationId, TransferId
from chatnet.requests import Request, StopTransfer

PATIENCE_SECONDS = 300.0
"""How long a transfer that has begun waits for a server that cannot go on, before it gives up."""
_FULL = (ErrorCode.STORE_FULL, ErrorCode.STORE_FAILING)
"""If nothing has moved yet, these end it at once: whoever asked for it had better hear of them."""
_BUSY = (ErrorCode.TOO_MANY_TRANSFERS, ErrorCode.RETRY_AFTER)
"""Its turn will come, however long that takes."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What a transfer does through its session."""

    ask: Ask
    send: Callable[[Request], None]
    find: Callable[[Target], ConversationId | None]
    now: Callable[[], float]


class Transfer:
    """One upload or download, for as long as it takes. Whoever has started it looks at its attributes.

    ::

        idle ---start---> asked for ---> moving ---> complete
          ^                   |            |
          +-- connection_lost, ended, refused for now --+
    """

    def __init__(self, ways: Ways) -> None:
        self.is_complete = False
        """Has all of it moved?"""
        self.is_stopped = False
        """Was it given up?"""
        self.failure: ChatnetError | None = None
        """Why it has ended for good."""
        self.held_until: float | None = None
        """When it begins again, if the server wants to be waited for."""
        self.reason = ""
        """Why the server wants that."""
        self.moved = 0
        """The bytes that have moved so far, over all connections; so some may count twice."""
        self.id: TransferId = 0
        """The server's number for it, over this connection; 0 while it has none."""
        self._ways = ways
        self._turn = 0
        """Of what is under way. An answer to an earlier turn says nothing about this one."""
        self._forgets = False
        self._has_moved = False
        self._waits_since: float | None = None

    @property
    def is_over(self) -> bool:
        """Does nothing more happen?"""
        return self.is_complete or self.is_stopped or self.failure is not None

    # -- what the session does --------------------------------------------------------------------------------

    def start(self) -> None:
        """There is a connection: begin, unless it is to be waited for."""
        if self.is_over or (self.held_until is not None and self._ways.now() < self.held_until):
            return
        self.held_until, self.reason = None, ""
        self._begin()

    def connection_lost(self) -> None:
        """The server has stopped it, and keeps what it has."""
        self._end()

    def forget(self) -> None:
        """It is another server: nothing there has the numbers of before."""
        self.held_until = self._waits_since = None

    def ended(self, event: TransferEnded) -> None:
        """The server ends it, for now or for good."""
        self._end()
        self._hold(event.code, event.reason, event.retry_after)

    def stop(self, *, forget: bool) -> None:
        """Give it up. The server keeps what it has of an upload, or with ``forget`` drops it."""
        if not self.is_over:
            self.is_stopped, self._forgets = True, forget
            self._end_there()

    # -- for uploads and downloads ----------------------------------------------------------------------------

    def _begin(self) -> None:
        """Ask for it."""
        raise NotImplementedError

    def _end(self) -> None:
        """Nothing moves until it begins again."""
        self.id = 0
        self._turn += 1

    def _end_there(self) -> None:
        """Have the server end it."""
        if self.id:
            self._stop(self.id)
        self._end()

    def _ask(self, make: Make, done: Callable[[Event], None]) -> None:
        """Ask; ``done`` gets the answer, unless it says no, or comes too late."""
        turn = self._turn

        def answered(reply: Event | None) -> None:
            if reply is None:
                return
            if turn != self._turn:
                self._too_late(reply)
            elif isinstance(reply, RefusedEvent):
                self._end()
                self._hold(reply.code, reply.reason, reply.retry_after)
            else:
                done(reply)

        self._ways.ask(make, answered)

    def _got_through(self) -> None:
        """The server can go on."""
        self._has_moved = True
        self._waits_since = None

    def _fail(self, failure: ChatnetError, *, forget: bool = False) -> None:
        """It cannot go on, for a reason on this side."""
        self.failure, self._forgets = failure, forget
        self._end_there()

    # -- parts ------------------------------------------------------------------------------------------------

    def _stop(self, id: TransferId) -> None:
        self._ways.ask(lambda n: StopTransfer(n, id, self._forgets), _ignore)

    def _too_late(self, reply: Event) -> None:
        """What was given up meanwhile has got a number."""
        match reply:
            case UploadReady(upload=id) | ProofWanted(upload=id) | DownloadReady(download=id) if self.is_over:
                self._stop(id)

    def _hold(self, code: str, reason: str, retry_after: float) -> None:
        """The server does not let it go on: wait as long as it says, or end."""
        if retry_after > 0 and self._is_worth_waiting(code):
            self.held_until = self._ways.now() + sane_delay(retry_after)
            self.reason = reason
        else:
            self.failure = Refused(code, reason, retry_after)

    def _is_worth_waiting(self, code: str) -> bool:
        if code in _BUSY:
            return True
        if code in _FULL and not self._has_moved:
            return False
        now = self._ways.now()
        if self._waits_since is None:
            self._waits_since = now
        return now - self._waits_since < PATIENCE_SECONDS


def _ignore(reply: Event | None) -> None:
    """It is stopped in any case."""
    del reply
