"""Carries out what the core asks for: entries to the store, jobs to the file store, events to the peers.

Rules kept here: effects are carried out in order and before the core is called again; what the core has to be told
of them (who fell behind, who is gone) is told after the last. The stores are spoken to at the turn's end only, the
message store once and with one batch; so an error that they raise is never taken for the fault of a client. An event is
encoded once for each dialect, and costs each of its recipients no more than a reference to the bytes.

The end of a turn: tell who came and went; submit the batch and take what the stores have answered; write once to every
peer that has something new; refill those whose queue is short again, and fetch more for those that took a piece of a
file. What that leaves to do is done in another turn, without a wait.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Protocol, cast

from chatnet.clock import Now
from chatnet.core.callers import Caller
from chatnet.core.effects import (
    Admit,
    AwaitDrain,
    Broadcast,
    Bulk,
    Close,
    Effect,
    FileWork,
    Pause,
    Read,
    Reply,
    Wake,
)
from chatnet.core.entries import Completion, Entry, Handle, PutMessage
from chatnet.core.file_jobs import FileAnswer
from chatnet.errors import ErrorCode
from chatnet.events import Deliver, Event
from chatnet.net.connections import Connections
from chatnet.net.filing import FileLink
from chatnet.net.peer import Peer
from chatnet.net.storing import Mark, StoreLink
from chatnet.requests import Request

INTERNAL_REASON = "the server made a mistake; its log tells more"
# A compiler looks up such a name once, and that of an import each time.
_PUT: Final = PutMessage
_REPLY: Final = Reply
_log = logging.getLogger(__name__)
_ToPeer = Reply | Admit | Pause | AwaitDrain | Bulk | Close


class Core(Protocol):
    """`chatnet.core.hub.Hub`, as the network sees it."""

    def connected(self, session: Handle, caller: Caller, now: Now) -> list[Effect]: ...
    def handle(self, session: Handle, request: Request, now: Now) -> list[Effect]: ...
    def disconnected(self, session: Handle, now: Now) -> list[Effect]: ...
    def completed(self, completion: Completion, now: Now) -> list[Effect]: ...
    def fell_behind(self, session: Handle, missed: Deliver, now: Now) -> list[Effect]: ...
    def drained(self, session: Handle, now: Now) -> list[Effect]: ...
    def filed(self, answer: FileAnswer, now: Now) -> list[Effect]: ...
    def bulk_sent(self, session: Handle, now: Now) -> list[Effect]: ...
    def end_turn(self, now: Now) -> list[Effect]: ...
    def tick(self, now: Now) -> list[Effect]: ...


class Dispatcher:
    """Between the core, the stores and the peers."""

    def __init__(self, core: Core, link: StoreLink, files: FileLink, connections: Connections) -> None:
        self._core = core
        self._link = link
        self._files = files
        self._connections = connections
        self._loop = connections.loop
        self._soft = connections.limits.output_soft
        self._hard = connections.limits.output_hard
        self._behind: deque[tuple[Peer, Deliver]] = deque()
        """Who missed what, for the core to be told."""
        self._leaving: deque[tuple[Peer, Mark]] = deque()
        """Peers whose other side has ended, and what the store may still have to answer before they go."""
        self._told_late = False
        """Has the core been told of anything since its `end_turn`?"""

    # -- effects ----------------------------------------------------------------------------------------------

    def carry_out(self, effects: list[Effect]) -> None:
        """Do what the core asks, and tell it what came of it until it asks for nothing more."""
        if len(effects) == 1:
            effect = effects[0]
            if type(effect) is _PUT:
                # So it is with nearly every post, and nothing comes of it in this turn.
                self._link.batch.append(effect)
                return
        self._perform(effects)
        if self._behind or self._connections.gone:
            self._tell_core()

    def _perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            try:
                if type(effect) is _REPLY:
                    peer: Peer = effect.session  # type: ignore[assignment]
                    frame = peer.encode(effect.event)
                    size = len(frame)
                    if peer.queue is not None and peer.queued + size <= peer.limit:
                        # `Peer.put` spelled out: every sender is answered.
                        peer.queue.append(frame)
                        peer.queued += size
                    else:
                        peer.put(frame)
                elif type(effect) is Broadcast:
                    self._broadcast(effect.event, cast(Iterable[Peer], effect.audience))
                elif isinstance(effect, Entry):
                    self._link.batch.append(effect)
                elif type(effect) is Read:
                    self._link.queries.append(effect.query)
                elif type(effect) is FileWork:
                    self._files.jobs.append(effect.job)
                elif type(effect) is Wake:
                    self._loop.call_at(effect.at, self._loop.again)
                else:
                    self._to_peer(cast(_ToPeer, effect))
            except Exception:
                # The effects after it are others' answers, and must not be lost with it.
                _log.exception("cannot carry out %s", type(effect).__name__)
                if isinstance(effect, _ToPeer):
                    cast(Peer, effect.session).close(ErrorCode.INTERNAL, INTERNAL_REASON)

    def _to_peer(self, effect: _ToPeer) -> None:
        """The session may be gone in this very turn; a peer then ignores what it is told."""
        peer = cast(Peer, effect.session)
        match effect:
            case Bulk():
                peer.put_bulk(peer.encode(effect.event))
            case Admit():
                peer.admit()
            case Pause():
                peer.pause(effect.until)
            case AwaitDrain():
                peer.await_drain()
            case Close():
                peer.known = False
                peer.close(effect.code, effect.reason)

    def _broadcast(self, event: Event, audience: Iterable[Peer]) -> None:
        """The hottest loop of the server: `Peer.put` spelled out, since a call for each recipient would double it."""
        can_be_refilled = type(event) is Deliver
        encode: Callable[[Event], bytes] | None = None
        frames: dict[Callable[[Event], bytes], bytes] = {}
        refused: list[Peer] = []
        dirty = self._connections.dirty
        for peer in audience:
            if peer.encode is not encode:
                encode = peer.encode
                if encode not in frames:
                    frames[encode] = encode(event)
                frame = frames[encode]
                size = len(frame)
                # Not less by the message's own size: a smaller one must not get in after one that did not.
                most = self._soft if can_be_refilled else self._hard - size
            if peer.queued > most:
                refused.append(peer)
                continue
            queue = peer.queue
            if queue is None:
                peer.queue = [frame]
                dirty.append(peer)
            else:
                queue.append(frame)
            peer.queued += size
        for peer in refused:
            if type(event) is Deliver:
                self._behind.append((peer, event))
            else:
                peer.put(frames[peer.encode])

    # -- back to the core -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Before anybody is let in: what the core has to do first is the first that the stores are asked for."""
        self.tick()
        self._loop.again()

    def tick(self) -> None:
        """About a second has passed."""
        self._ask(self._core.tick)

    def finish_turn(self) -> None:
        """What is done once for all that came in this turn.

        :raises StoreBroken: the server must stop.
        """
        self._tell_core()
        self._ask(self._core.end_turn)  # who came, before what they said
        self._exchange()
        self._let_go()
        self._tell_core()
        self._ask(self._core.end_turn)  # who came or went by what the store has answered
        self._told_late = False
        self._tell_core()
        self._connections.flush()
        self._refill()
        self._fetch()
        self._tell_core()
        if self._told_late or self._link.can_send or self._connections.dirty:
            self._loop.again()

    def _exchange(self) -> None:
        self._files.send()
        for answer in self._files.take():
            self._ask(self._core.filed, answer)
        self._link.send()
        for completion in self._link.take():
            self._ask(self._core.completed, completion)

    def _let_go(self) -> None:
        """Close those that have ended their side, as soon as nothing more can come for them from the store."""
        mark = self._link.mark()
        self._leaving.extend((peer, mark) for peer in self._connections.ended)
        self._connections.ended.clear()
        while self._leaving and self._link.has_passed(self._leaving[0][1]):
            self._leaving.popleft()[0].finish()

    def _refill(self) -> None:
        drained = self._connections.drained
        self._connections.drained = []
        for peer in drained:
            if peer.known:
                self._ask(self._core.drained, peer)

    def _fetch(self) -> None:
        """Go on with the files of those that took a piece, without a turn of its own for each job of the file store."""
        sent = self._connections.bulk_sent
        self._connections.bulk_sent = []
        for peer in sent:
            if peer.known:
                self._call(self._core.bulk_sent, peer)
        self._files.send()

    def _tell_core(self) -> None:
        """Tell the core of those who fell behind or are gone; what it then asks for may make more of them."""
        gone = self._connections.gone
        while self._behind or gone:
            if self._behind:
                peer, missed = self._behind.popleft()
                if peer.known:
                    self._ask(self._core.fell_behind, peer, missed)
            else:
                peer = gone.popleft()
                if peer.known:
                    peer.known = False
                    self._ask(self._core.disconnected, peer)

    def _ask(self, call: Callable[..., list[Effect]], *arguments: object) -> None:
        """Call the core, which may then have something for its `end_turn`."""
        self._told_late = True
        self._call(call, *arguments)

    def _call(self, call: Callable[..., list[Effect]], *arguments: object) -> None:
        """Call the core outside of any client's callback: log an error, and go on with the others."""
        try:
            self._perform(call(*arguments, self._loop.now))
        except Exception:
            _log.exception("error in the core")
            for peer in arguments:
                if isinstance(peer, Peer):
                    peer.close(ErrorCode.INTERNAL, INTERNAL_REASON)
