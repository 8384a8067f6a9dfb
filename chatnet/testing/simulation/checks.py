"""What can be seen from inside the server: that every buffer is within its cap, and all books agree.

A checker may look where nobody else should. It finds the parts of a server through the selector, where the acceptor
of its listener is registered.
"""

import logging
from selectors import BaseSelector

from chatnet.core.entities import RoomState, Session
from chatnet.core.hub import Hub
from chatnet.core.limits import KIB, Limits
from chatnet.core.state import State
from chatnet.frontends.native import NativeFrontend
from chatnet.net.connections import Connections
from chatnet.net.intake import Intake
from chatnet.net.listening import Acceptor
from chatnet.net.peer import CLOSING, OPEN, READ_BYTES, Peer
from chatnet.testing.simulation.clients import SimulatedClient
from chatnet.testing.simulation.file_checks import FileInsides
from chatnet.testing.simulation.ledger import Ledger
from chatnet.testing.simulation.trace import Violation
from chatnet.transports.memory import MemoryTransport, Pipe
from chatnet.wire.frames import HEADER_BYTES

_FAREWELL_BYTES = 1 * KIB
_CLIENT_BYTES = 200 * KIB
"""What a session may have queued: a window of posts, and the requests of somebody who asks a lot."""
_DELIVER_TAG = b"\x1e"
_TAG_AT = HEADER_BYTES + 1


class Alarm(logging.Handler):
    """Turns whatever chatnet logs as an error into a violation, at the next `check`."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._first: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self._first is None:
            self._first = self.format(record)

    def check(self) -> None:
        """Has anything been logged?"""
        if self._first is not None:
            raise Violation("log", self._first)


class Insides:
    """The parts of a server that has one listener in this selector."""

    def __init__(self, selector: BaseSelector, limits: Limits, ledger: Ledger) -> None:
        watches = (key.data for key in selector.get_map().values())
        acceptor = next(watch.handler for watch in watches if isinstance(watch.handler, Acceptor))
        self.connections: Connections = acceptor._connections
        intake = acceptor._peer_handler
        assert isinstance(intake, Intake)
        hub = intake._core
        assert isinstance(hub, Hub)
        self.state: State = hub._state
        self._presences = hub._presences
        self.files = FileInsides(hub, ledger.files)
        self._limits, self._ledger = limits, ledger

    # -- I8 ---------------------------------------------------------------------------------------------------

    def check_buffers(self) -> None:
        """Is all that the server holds for anybody within its cap?"""
        limits = self._limits
        for peer in self.connections.all:
            self._check_output(peer)
            self.files.check_peer(peer)
            assert isinstance(peer.frontend, NativeFrontend)
            _cap(peer, "input", peer.frontend._reader.buffered, limits.frame + HEADER_BYTES + READ_BYTES)
        for conversation in self.state.busy.values():
            _cap(conversation.id, "tail", len(conversation.tail), 2 * limits.tail_messages)
        for session in self.state.sessions.values():
            _cap(session.id, "unanswered posts", session.unanswered, limits.unanswered)
        _cap("server", "connections", len(self.connections.all), limits.connections)

    def _check_output(self, peer: Peer) -> None:
        queue, limits = peer.queue or [], self._limits
        size = sum(map(len, queue))
        if peer.state >= CLOSING:
            _cap(peer, "last output", size, limits.output_hard + _FAREWELL_BYTES)
            return
        if size != peer.queued:
            raise Violation("I8", f"{peer} has {size} bytes queued, not {peer.queued}")
        _cap(peer, "output", size, peer.limit)
        if size > limits.output_soft:
            # What was written in part may be anything; so what is behind it is counted. A page may come on top of what
            # just fitted under the limit.
            refillable = sum(len(frame) for frame in queue[1:] if frame[_TAG_AT : _TAG_AT + 1] == _DELIVER_TAG)
            most = limits.output_soft + 2 * max(limits.page, limits.text) + KIB
            _cap(peer, "output of messages", refillable, most)

    # -- the books --------------------------------------------------------------------------------------------

    def check_books(self) -> None:
        """Do all lists of who is where say the same?"""
        self.files.check()
        connections, state = self.connections, self.state
        known = [peer for peer in connections.all if peer.known]
        _same("known peers", set(known), set(state.sessions))
        strangers = sum(1 for peer in connections.all if not peer.admitted and peer.state < CLOSING)
        _same("strangers", connections.strangers, strangers)
        _same("closing peers", connections.closing, sum(1 for peer in connections.all if peer.state >= CLOSING))
        for peer in connections.all:
            if peer.state == OPEN and _has_request(peer):
                raise Violation("stuck", f"{peer} has sent a request that nobody will handle")
        for session in state.sessions.values():
            self._check_session(session)
        for conversation in state.conversations.values():
            _same("live and behind", set(), set(conversation.live) & set(conversation.behind))
            for handle, session in (conversation.live | conversation.behind).items():
                _same("follower", state.sessions.get(handle), session)
                _same("behind", conversation.id in session.behind, handle in conversation.behind)
            if conversation.head > self._ledger.head(conversation.id):
                raise Violation("I5", f"{conversation.id} is published up to {conversation.head}")
            if isinstance(conversation, RoomState):
                self._check_members(conversation)

    def _check_session(self, session: Session) -> None:
        if session.user is not None:
            _same("user's session", True, session in session.user.sessions)
            _same("user", self.state.users.get(session.user.user.id), session.user)
        for id in session.behind:
            _same("session behind", True, session.handle in self.state.conversations[id].behind)

    def _check_members(self, room: RoomState) -> None:
        members: dict[int, int] = {}
        for session in self.state.sessions.values():
            if session.user is not None and room.id in session.rooms:
                members[session.user.user.id] = members.get(session.user.user.id, 0) + 1
        _same(f"members of {room.name}", members, room.members)

    # -- I7 ---------------------------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Is there anything to read, to write or to tell, or anybody behind or unanswered?"""
        if any(peer.queue is not None or peer.state != OPEN for peer in self.connections.all):
            return True
        if self.files.is_busy:
            return True
        sessions = self.state.sessions.values()
        is_behind = any(s.behind or s.draining or s.reading or s.unanswered for s in sessions)
        return is_behind or bool(self._presences._large)

    def check_settled(self, client: SimulatedClient, session: Session | None) -> None:
        """Once quiet: is everything that this client posted answered, and everything that it follows applied?"""
        who, app, ledger = client.label, client.app, self._ledger
        if session is None or not client.session.is_online:
            raise Violation("I7", f"{who} is not online")
        if app.posts or client.session.unanswered:
            raise Violation("I7", f"{who} still has {list(app.posts)} in its outbox")
        if app.joins or app.questions or app.returning:
            waiting = [*app.joins, *app.questions, *app.returning]
            raise Violation("I7", f"{who} waits for answers to {waiting}")
        _same(f"rooms of {who}", {id: room.name for id, room in session.rooms.items()}, app.rooms)
        for id, applied in app.applied.items():
            conversation = self.state.conversations.get(id)
            if applied != ledger.head(id) or client.session.applied(id) != applied:
                raise Violation("I7", f"{who} has applied {id} up to {applied}, and {ledger.head(id)} are stored")
            if conversation is None or session.handle not in conversation.live:
                raise Violation("I7", f"{who} is not live in {id}")
        for id, people in ledger.chats.items():
            if app.user in people and id not in app.applied and ledger.head(id) > app.must_have(id):
                raise Violation("I7", f"{who} has never heard of the chat {id}")
        for id in app.rooms:
            view = client.session.cache.conversations[id].room
            room = self.state.conversations[id]
            assert isinstance(room, RoomState)
            _same(f"{id} as {who} sees it", view, room.room())


def check_client(client: SimulatedClient) -> None:
    """Is all that a client holds to be sent or read within its cap?"""
    _cap(client.label, "output", len(client.unsent), _CLIENT_BYTES)
    connection = client.session._connection
    if connection is not None:
        _cap(client.label, "input", connection._reader.buffered, 64 * KIB + HEADER_BYTES + READ_BYTES)
    if client.transport is not None:
        check_pipes(client.transport)


def check_pipes(transport: MemoryTransport) -> None:
    """Does no way hold more than it can?"""
    for pipe in (transport.incoming, transport.outgoing):
        _cap(transport.peer, "pipe", _held(pipe), pipe.capacity)


def _has_request(peer: Peer) -> bool:
    """Is there a whole frame in its buffer?"""
    assert isinstance(peer.frontend, NativeFrontend)
    reader = peer.frontend._reader
    start = reader._at
    length = int.from_bytes(reader._held[start : start + HEADER_BYTES])
    return reader.buffered >= HEADER_BYTES + length and length > 0


def _held(pipe: Pipe) -> int:
    return len(pipe._flight) + len(pipe._arrived)


def _cap(who: object, what: str, size: int, most: int) -> None:
    if size > most:
        raise Violation("I8", f"{who}: {what} is {size}, over {most}")


def _same(what: str, one: object, other: object) -> None:
    if one != other:
        raise Violation("books", f"{what}: {one} and {other}")
