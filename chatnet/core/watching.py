"""What admins are shown of the server: figures, connections, and the live log.

Rule kept here: watching costs little, however much happens and whoever does not read. What is pushed is one event for
all who watch, at most five a second. Whoever has as much waiting as messages may have is told nothing, and of the log
lines only how many they were, once there is room again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import dropwhile, islice
from typing import Any

from chatnet.clock import Now
from chatnet.core.effects import Broadcast, Reply, Wake
from chatnet.core.entities import NEVER, Session
from chatnet.core.entries import Handle
from chatnet.core.gauges import Gauges
from chatnet.core.rights import ONLY_ADMINS
from chatnet.core.state import State
from chatnet.core.transfers import Transfers
from chatnet.errors import ErrorCode
from chatnet.events import ConnectionPage, Done, LogLines, Stats, WatchEnded
from chatnet.model import ConnectionInfo, Seconds, ServerInfo, User
from chatnet.requests import GetStats, ListConnections, Request, Unwatch, Watch

LOG_SECONDS = 0.25
"""Between two `LogLines`."""
_CONNECTION_BYTES = 512
"""About the most bytes of one encoded connection."""


@dataclass(slots=True)
class _Watcher:
    session: Session
    log: bool
    missed: int = 0
    """Lines that it was not shown because it did not read."""


class Watching:
    """Takes what admins ask, and tells those who watch."""

    def __init__(
        self, state: State, gauges: Gauges, transfers: Transfers, *, version: str, history: str, guests: bool
    ) -> None:
        self._state = state
        self._gauges = gauges
        self._transfers = transfers
        self._version = version
        self._history = history
        self._guests = guests
        self._watchers: dict[Handle, _Watcher] = {}
        self._log_due = 0.0
        """When the next lines may be told (monotonic)."""
        self._is_woken = False
        """Will there be a turn at that time?"""
        self._connections = max(1, state.limits.page // _CONNECTION_BYTES)
        self.handlers: dict[type[Request], Callable[[Session, Any, Now], None]] = {
            Watch: self.watch,
            Unwatch: lambda s, r, _: self.unwatch(s, r),
            GetStats: self.stats,
            ListConnections: self.connections,
        }

    # -- requests ---------------------------------------------------------------------------------------------

    def watch(self, session: Session, request: Watch, now: Now) -> None:
        """Tell a session of everything from now on. That it is an admin's was checked before, as for all of these."""
        known = self._watchers.get(session.handle)
        missed = known.missed if known is not None and known.session is session and request.log else 0
        self._watchers[session.handle] = _Watcher(session, request.log, missed)
        self._turn_log()
        self._state.out += [Reply(session.handle, Done(request.id)), Reply(session.handle, self._stats(0, now))]

    def unwatch(self, session: Session, request: Unwatch) -> None:
        """Tell it nothing more."""
        self._watchers.pop(session.handle, None)
        self._turn_log()
        self._state.out.append(Reply(session.handle, Done(request.id)))

    def stats(self, session: Session, request: GetStats, now: Now) -> None:
        """How the server fares now."""
        self._state.out.append(Reply(session.handle, self._stats(request.id, now)))

    def connections(self, session: Session, request: ListConnections, now: Now) -> None:
        """Who is connected, in the order in which they came."""
        after = dropwhile(lambda s: s.number <= request.cursor, self._state.sessions.values())
        found = list(islice(after, self._connections))
        cursor = found[-1].number if len(found) == self._connections else 0
        page = ConnectionPage(request.id, [self._connection(each, now) for each in found], cursor)
        self._state.out.append(Reply(session.handle, page))

    # -- what comes by itself ---------------------------------------------------------------------------------

    def tick(self, now: Now) -> None:
        """A second has passed."""
        if not self._watchers:
            return
        self._let_go()
        audience = [handle for handle in self._watchers if self._has_room(handle)]
        if audience:
            self._state.out.append(Broadcast(audience, self._stats(0, now)))
        if now.monotonic >= self._log_due and any(watcher.missed for watcher in self._watchers.values()):
            self._tell_log(now)

    def end_turn(self, now: Now) -> None:
        """All that was ready has been handled: tell what happened, or see to it that it is told in time. Only for a log
        that somebody reads."""
        if not self._state.log.is_waiting:
            return
        if now.monotonic >= self._log_due:
            self._tell_log(now)
        elif not self._is_woken:
            self._is_woken = True
            self._state.out.append(Wake(self._log_due))

    def _let_go(self) -> None:
        """Of those who are gone, and who are no admins any more."""
        for handle, watcher in list(self._watchers.items()):
            if self._state.sessions.get(handle) is not watcher.session:
                del self._watchers[handle]
            elif not watcher.session.is_admin:
                del self._watchers[handle]
                self._state.out.append(Reply(handle, WatchEnded(ErrorCode.FORBIDDEN, ONLY_ADMINS)))
        self._turn_log()

    def _turn_log(self) -> None:
        is_on = any(watcher.log for watcher in self._watchers.values())
        if is_on != self._state.log.is_on:
            self._state.log.turn(on=is_on)

    def _tell_log(self, now: Now) -> None:
        """One event for all who have missed the same: nearly always for all."""
        self._let_go()
        self._is_woken = False
        self._log_due = now.monotonic + LOG_SECONDS
        lines, dropped = self._state.log.take()
        audiences: dict[int, list[Handle]] = {}
        for handle, watcher in self._watchers.items():
            if not watcher.log:
                continue
            if self._has_room(handle):
                audiences.setdefault(watcher.missed + dropped, []).append(handle)
                watcher.missed = 0
            else:
                watcher.missed += dropped + len(lines)
        for missed, audience in audiences.items():
            if lines or missed:
                self._state.out.append(Broadcast(audience, LogLines(lines, missed)))

    def _has_room(self, handle: Handle) -> bool:
        return self._gauges.link(handle).queued <= self._state.limits.output_soft

    # -- figures ----------------------------------------------------------------------------------------------

    def _stats(self, id: int, now: Now) -> Stats:
        state, host = self._state, self._gauges.host()
        return Stats(
            id=id,
            time=now.wall,
            server=ServerInfo(self._version, host.started, self._history, self._guests, host.addresses),
            connections=host.connections,
            sessions=host.admitted,
            users=len(state.online),
            rooms=len(state.rooms),
            messages=state.messages,
            deliveries=state.deliveries,
            received=host.received,
            sent=host.sent,
            queued=host.queued,
            lag=host.lag,
            batches=host.batches,
            stored=host.stored,
            transfers=self._transfers.under_way,
            cpu=host.cpu,
            memory=host.memory,
        )

    def _connection(self, session: Session, now: Now) -> ConnectionInfo:
        link = self._gauges.link(session.handle)
        user: User | None = None if session.user is None else session.user.user
        return ConnectionInfo(
            number=session.number,
            session=session.id,
            user=user,
            address=link.address,
            transport=link.transport,
            since=session.since,
            received=link.received,
            sent=link.sent,
            queued=link.queued,
            idle=_idle(session, now),
            silent=link.silent,
        )


def _idle(session: Session, now: Now) -> Seconds:
    if session.posted_at == NEVER:
        return max(0, now.wall - session.since) / 1000
    return max(0.0, now.monotonic - session.posted_at)
