"""A whole server, put together from its parts. Nothing is decided here; each part does.

    with Server(Config()) as server:        # runs in a thread of its own
        print(server.addresses)

Or `start`, then `run` in the thread that shall do the work, and `stop` from anywhere. Or, for a simulation: `start`
and `turn`, with a selector, a clock, a store and listeners that live in virtual time.
"""

import os
import selectors
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Self

from chatnet import __version__
from chatnet.address import UNIX, Address
from chatnet.clock import Clock
from chatnet.config import Config
from chatnet.core.entries import Snapshot
from chatnet.core.hub import Hub
from chatnet.frontends.native import NativeFrontend
from chatnet.net import platform
from chatnet.net.connections import Connections
from chatnet.net.dispatch import Dispatcher
from chatnet.net.folders import FolderLock, make_private_folder
from chatnet.net.intake import Intake
from chatnet.net.keepalive import Keepalive
from chatnet.net.listening import Acceptor
from chatnet.net.loop import EventLoop, Waker
from chatnet.net.ports import Listener, Store
from chatnet.net.shutdown import Shutdown
from chatnet.net.storing import StoreLink
from chatnet.net.system import SystemClock
from chatnet.net.waker import SocketWaker
from chatnet.store.memory import MemoryStore
from chatnet.transports import registry

SERVER_ID_BYTES = 16


class Server:
    """One chatnet server. ``entropy(n)`` gives n random bytes.

    A ``selector`` that is handed in is not closed. It brings its own ``waker``, or none where everything happens in
    one thread. ``listeners`` take the place of the addresses in the config; the server closes them when it stops.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        selector: selectors.BaseSelector | None = None,
        waker: Waker | None = None,
        clock: Clock | None = None,
        entropy: Callable[[int], bytes] = os.urandom,
        store: Store | None = None,
        listeners: Sequence[Listener] | None = None,
    ) -> None:
        self.config = config if config is not None else Config()
        self.addresses: list[Address] = []
        """Where it listens, with the real ports, once it has started."""
        self.wakeup_fd = -1
        """For `chatnet.net.platform.stop_on_signals`, once it has started on a real selector."""
        self.is_finished = False
        self._selector = selector
        self._waker = waker
        self._clock = clock if clock is not None else SystemClock()
        self._entropy = entropy
        self._given_store = store
        self._given_listeners = listeners
        self._resources = ExitStack()
        self._loop: EventLoop | None = None
        self._shutdown: Shutdown | None = None
        self._stop_asked = False
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    # -- life -------------------------------------------------------------------------------------------------

    def start(self) -> list[Address]:
        """Load what is stored, and listen on all addresses or on none.

        :raises CannotListen: an address is in use, or cannot be opened.
        :raises ConfigError: UNSUPPORTED, for an address that this version or system cannot use; DATA_UNUSABLE or
            DATA_IN_USE for the data folder.
        :raises StoreBroken: the store cannot be read.
        """
        with ExitStack() as undo:
            loop = self._make_loop(undo)
            store = self._make_store(undo)
            link = StoreLink(store)
            undo.callback(link.close)
            snapshot = link.open(loop.wake)
            listeners = self._listen(undo)
            self._assemble(loop, link, self._make_hub(snapshot, store.history), listeners, undo)
            self._resources = undo.pop_all()
        self.addresses = [listener.address for listener in listeners]
        self._loop = loop
        if self._stop_asked:
            loop.again()
        return self.addresses

    def turn(self, timeout: float | None = None) -> None:
        """One turn of the loop, for whoever drives it; waits for at most ``timeout`` seconds, None for ever.

        :raises StoreBroken: the store failed for good; `close` is all that is left to do.
        """
        assert self._loop is not None, "start it first"
        self._loop.run_turn(timeout)
        if self.is_finished:
            self.close()

    def run(self) -> None:
        """Start if that was not done yet, and serve until somebody calls `stop`.

        :raises StoreBroken: the store failed for good. All connections are closed, without an answer.
        """
        if self._loop is None:
            self.start()
        try:
            while not self.is_finished:
                self.turn()
        finally:
            self.close()

    def stop(self) -> None:
        """Stop, but let everybody have what is theirs first; `run` returns when that is done.

        From any thread, and from signal handlers. It takes no longer than ``limits.farewell_seconds``, and what the
        store needs to finish.
        """
        self._stop_asked = True
        if self._loop is not None:
            self._loop.wake()

    def close(self) -> None:
        """Release everything at once. After a `stop` that ran its course there is nothing left to release."""
        self.is_finished = True
        self._resources.close()

    # -- in a thread of its own -------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.start()
        self._thread = threading.Thread(target=self._run_in_thread, name="chatnet-server", daemon=True)
        self._thread.start()
        return self

    def _run_in_thread(self) -> None:
        try:
            self.run()
        except BaseException as failure:
            self._failure = failure

    def __exit__(self, *raised: object) -> None:
        """Stop, wait for the end, and raise what ended the server if it was not that."""
        assert self._thread is not None
        self.stop()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    # -- composition ------------------------------------------------------------------------------------------

    def _make_loop(self, undo: ExitStack) -> EventLoop:
        if self._selector is not None:
            return EventLoop(self._selector, self._clock, self._waker)
        platform.allow_many_files()
        self._selector = undo.enter_context(platform.new_selector())
        waker = SocketWaker()
        undo.callback(waker.close)
        self.wakeup_fd = waker.fileno()
        return EventLoop(self._selector, self._clock, waker)

    def _listen(self, undo: ExitStack) -> list[Listener]:
        listeners = list(self._given_listeners or ())
        for listener in listeners:
            undo.callback(listener.close)
        for address in self.config.bind if self._given_listeners is None else ():
            if address.scheme == UNIX and address.path == platform.local_socket_path():
                platform.prepare_socket_folder(address.path)
            listeners.append(registry.listen(address))
            undo.callback(listeners[-1].close)
        return listeners

    def _make_store(self, undo: ExitStack) -> Store:
        if self._given_store is not None:
            return self._given_store
        if self.config.data is None:
            return MemoryStore()
        from chatnet.store.sqlite import SqliteStore  # a server that keeps nothing does not load a database

        make_private_folder(self.config.data)
        undo.callback(FolderLock(self.config.data).release)
        return SqliteStore(self.config.data)

    def _make_hub(self, snapshot: Snapshot, history: str) -> Hub:
        return Hub(
            snapshot,
            limits=self.config.limits,
            server=snapshot.server or self._entropy(SERVER_ID_BYTES),
            version=__version__,
            history=history,
            open_to_guests=self.config.open,
            keep=self.config.keep,
        )

    def _assemble(
        self, loop: EventLoop, link: StoreLink, hub: Hub, listeners: Sequence[Listener], undo: ExitStack
    ) -> None:
        limits = self.config.limits
        connections = Connections(loop, limits)
        undo.callback(connections.drop_all)
        dispatcher = Dispatcher(hub, link, connections)
        intake = Intake(hub, dispatcher, connections)
        Keepalive(dispatcher, connections)
        assert self._selector is not None
        capacity = min(limits.connections, platform.connection_capacity(self._selector) or limits.connections)
        acceptor = Acceptor(
            listeners,
            lambda: NativeFrontend(limits.frame_before_login, limits.frame),
            intake,
            connections,
            capacity,
        )
        undo.callback(acceptor.close)

        def end_turn() -> None:
            intake.go_on()
            dispatcher.finish_turn()
            if self._stop_asked:
                if self._shutdown is None:
                    self._shutdown = Shutdown(acceptor, link, connections)
                self.is_finished = self._shutdown.step()

        loop.end_of_turn = end_turn
