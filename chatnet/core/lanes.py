"""The transfers of each session, by their numbers, and how many there may be at one time."""

from chatnet.core.entities import Session
from chatnet.core.file_entities import Lane, Transfer
from chatnet.core.state import State
from chatnet.errors import ErrorCode, ProtocolError, Refused
from chatnet.model import TransferId

RETRY_SECONDS = 5.0


class Lanes:
    """All transfers under way."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.active: set[Transfer] = set()
        """Those of which somebody waits for something: all but paused uploads."""

    def check(self, session: Session, known: Transfer | None = None) -> None:
        """May there be one more, or may this session go on with ``known``?

        :raises Refused: TOO_MANY_TRANSFERS.
        """
        limits, lane = self._state.limits, session.lane
        mine = 0 if lane is None else len(lane.open) - (known is not None and known.session == session.handle)
        if mine >= limits.transfers_per_session:
            reason = f"this connection has {mine} transfers under way already, which is the limit"
            raise Refused(ErrorCode.TOO_MANY_TRANSFERS, reason, RETRY_SECONDS)
        everybodys = len(self.active) - (known in self.active)
        if everybodys >= limits.transfers:
            reason = f"{everybodys} transfers are under way on this server, which is the limit; try again"
            raise Refused(ErrorCode.TOO_MANY_TRANSFERS, reason, RETRY_SECONDS)

    def lane(self, session: Session) -> Lane:
        """The session's own."""
        if session.lane is None:
            session.lane = Lane(session.handle)
        return session.lane

    def open(self, session: Session, transfer: Transfer) -> None:
        """This session has one more transfer."""
        lane = self.lane(session)
        lane.last += 1
        transfer.session, transfer.number = session.handle, lane.last
        lane.open[lane.last] = transfer
        self.active.add(transfer)

    def find(self, session: Session, number: TransferId) -> Transfer | None:
        """The session's transfer of this number; None if it has ended.

        :raises ProtocolError: there never was one.
        """
        lane = session.lane
        if lane is None or not 0 < number <= lane.last:
            raise ProtocolError(ErrorCode.BAD_REQUEST, "there was never such a transfer on this connection")
        return lane.open.get(number)

    def close(self, transfer: Transfer) -> None:
        """The transfer is no longer this session's; nothing happens if it is nobody's."""
        session = self._state.sessions.get(transfer.session)
        transfer.session = None
        if session is not None and session.lane is not None:
            session.lane.open.pop(transfer.number, None)
