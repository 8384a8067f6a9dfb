"""One connection to a server, as bytes in and out: preface, frames, requests with their replies, signs of life.

Once it has failed, it takes nothing more: whoever moves the bytes is to close it.
"""

from collections.abc import Callable

from chatnet.client.liveness import Liveness
from chatnet.errors import ChatnetError, ErrorCode, ProtocolError, Refused, TimedOut, Unreachable
from chatnet.events import AreYouThere, Closing, Event
from chatnet.requests import Alive, Ping, Request
from chatnet.wire.codec import decode_event, decode_request, encode
from chatnet.wire.frames import HEADER_BYTES, MAX_PAYLOAD, PREFACE, FrameReader

Handler = Callable[[Event | None], None]
"""What to do with a reply; None when the connection was lost first."""
Make = Callable[[int], Request]
"""Builds a request around its id."""
Ask = Callable[[Make, Handler], None]
"""Sends a request that waits for its reply."""

_FINAL = frozenset(
    {
        ErrorCode.REPLACED,
        ErrorCode.LOGGED_OUT,
        ErrorCode.BANNED,
        ErrorCode.BAD_MAGIC,
        ErrorCode.BAD_VERSION,
        ErrorCode.BAD_FRAME,
        ErrorCode.FRAME_TOO_BIG,
        ErrorCode.UNKNOWN_REQUEST,
        ErrorCode.TOO_MANY_UNANSWERED,
    }
)
"""Reasons to close that would come again: another connection has taken over, one is put out for good, or the two
programs do not fit."""


class Connection:
    """``handle`` gets each event that is more than the connection's own business."""

    def __init__(self, now: float, answer_seconds: float, handle: Callable[[Event, float], None]) -> None:
        self.failure: ChatnetError | None = None
        """Why it is of no more use."""
        self.is_final = False
        """Is it no use to connect again?"""
        self.retry_after = 0.0
        """Seconds for which the server wants to be left alone."""
        self._handle = handle
        self._is_greeted = False
        self._reader = FrameReader(MAX_PAYLOAD)
        self._liveness = Liveness(now, answer_seconds)
        self._output = [PREFACE]
        self._last_id = 0
        self._waiting: dict[int, tuple[Request, Handler]] = {}

    # -- bytes ------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> None:
        """Take what arrived."""
        self._liveness.heard(now)
        try:
            self._reader.receive(data)
            while self.failure is None and (payload := self._reader.next_frame()) is not None:
                event = decode_event(payload)
                if event is not None:
                    self._received(event, now)
        except ProtocolError as error:
            self._distrust(error)

    def data_to_send(self) -> bytes:
        """What is to be sent now; every byte is returned once."""
        data = b"".join(self._output)
        self._output.clear()
        return data

    def _received(self, event: Event, now: float) -> None:
        match event:
            case AreYouThere():
                self.send(Alive())
            case Closing(code=code, reason=reason, retry_after=retry_after):
                self.fail(Unreachable(code, reason), is_final=code in _FINAL, retry_after=retry_after)
            case _:
                self._handle(event, now)

    # -- requests ---------------------------------------------------------------------------------------------

    def send(self, request: Request) -> None:
        """Send a request that has no reply with its id."""
        self._output.append(encode(request))

    def ask(self, make: Make, done: Handler) -> None:
        """Send a request, and call ``done`` with its reply."""
        self._last_id += 1
        request = make(self._last_id)
        self._waiting[self._last_id] = request, done
        self.send(request)

    def take_asked(self, reply: Event) -> tuple[Request, Handler] | None:
        """The request that this answers, once; None if it is no reply, or to nothing that was asked."""
        return self._waiting.pop(getattr(reply, "id", 0), None)

    def take_unanswered(self) -> list[tuple[Request, Handler]]:
        """The requests that will never be answered, now that the connection has ended."""
        waiting, self._waiting = self._waiting, {}
        return list(waiting.values())

    # -- stages and time --------------------------------------------------------------------------------------

    def greeted(self) -> None:
        """A chatnet server is there."""
        self._is_greeted = True

    def logged_in(self) -> None:
        """The login is finished, so the server may be silent for longer."""
        self._liveness.logged_in()

    @property
    def next_tick(self) -> float:
        """When `tick` is due."""
        return self._liveness.due

    def tick(self, now: float) -> None:
        """Break a silence, or give up."""
        try:
            if self._liveness.check(now):
                self.ask(Ping, _ignore)
        except TimedOut as error:
            self.fail(error)

    # -- endings ----------------------------------------------------------------------------------------------

    def fail(self, failure: ChatnetError, *, is_final: bool = False, retry_after: float = 0.0) -> None:
        """It is of no more use."""
        self.failure, self.is_final, self.retry_after = failure, is_final, retry_after

    def end(self, error: ChatnetError | None) -> ChatnetError:
        """Why it has ended: ``error``, unless it had failed before."""
        if self.failure is None:
            how = "the connection was lost" if self._is_greeted else "it closed the connection without a word"
            self.failure = error or Unreachable(ErrorCode.UNREACHABLE, how)
        return self.failure

    def _distrust(self, error: ProtocolError) -> None:
        """What came cannot be read. As the first word, it shows that this is no chatnet server at all."""
        if self._is_greeted:
            self.fail(error)
        else:
            self.fail(Unreachable(ErrorCode.NOT_CHATNET, "what answers there is not a chatnet server"), is_final=True)


def check(request: Request) -> None:
    """Can a server read this request? If not, sending it would only end the connection.

    :raises Refused: TOO_LONG; BAD_TEXT where a text is no Unicode; BAD_REQUEST where a number is out of its range.
    """
    try:
        decode_request(encode(request)[HEADER_BYTES:])
    except UnicodeEncodeError:
        raise Refused(ErrorCode.BAD_TEXT, "half of a surrogate pair is no Unicode character") from None
    except ValueError as error:
        raise Refused(ErrorCode.TOO_LONG, f"this cannot be sent: {error}") from None
    except (ProtocolError, OverflowError) as error:
        raise Refused(ErrorCode.BAD_REQUEST, f"this cannot be sent: {error}") from None


def _ignore(reply: Event | None) -> None:
    """That it came is all that matters."""
    del reply
