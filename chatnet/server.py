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
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from chatnet import __version__
from chatnet.address import TLS, UNIX, Address
from chatnet.auth.scram import preload
from chatnet.clock import Clock
from chatnet.config import Config
from chatnet.core.entries import PutInvitation, Snapshot
from chatnet.core.hub import Hub
from chatnet.frontends.native import NativeFrontend
from chatnet.model import SECRET_BYTES, Role
from chatnet.net import platform
from chatnet.net.callers import owner_without_socket
from chatnet.net.connections import Connections
from chatnet.net.dispatch import Dispatcher
from chatnet.net.filing import FileLink
from chatnet.net.folders import FolderLock, make_private_folder
from chatnet.net.gauges import NetworkGauges
from chatnet.net.intake import Intake
from chatnet.net.keepalive import Keepalive
from chatnet.net.listening import Acceptor
from chatnet.net.loop import EventLoop, Waker
from chatnet.net.ports import FileStore, Listener, Store
from chatnet.net.shutdown import Shutdown
from chatnet.net.storing import StoreLink
from chatnet.net.system import SystemClock
from chatnet.net.waker import SocketWaker
from chatnet.store.memory import MemoryStore
from chatnet.transports import registry

if TYPE_CHECKING:
    from chatnet.auth.codes import Code
    from chatnet.net.certificates import Certificates

SERVER_ID_BYTES = 16


class Server:
    """One chatnet server. ``entropy(n)`` gives n random bytes.

    A ``selector`` that is handed in is not closed. It brings its own ``waker``, or none where everything happens in
    one thread. ``listeners`` take the place of the addresses in the config; the server closes them when it stops.
    ``store`` and ``files`` take the place of those in the config's data folder; a ``store`` without ``files`` makes a
    server that keeps no files.
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
        files: FileStore | None = None,
        listeners: Sequence[Listener] | None = None,
    ) -> None:
        self.config = config if config is not None else Config()
        self.addresses: list[Address] = []
        """Where it listens, with the real ports, once it has started."""
        self.id = b""
        """16 bytes by which clients know it again, once it has started."""
        self.bootstrap_code: Code | None = None
        """The join code of the first admin, once it has started; None if there is one, or nobody could use it."""
        self.lets_in_guests = True
        """Is a name enough, at least on this machine? As it was when it started."""
        self.wakeup_fd = -1
        """For `chatnet.net.platform.stop_on_signals`, once it has started on a real selector."""
        self.is_finished = False
        self._selector = selector
        self._waker = waker
        self._clock = clock if clock is not None else SystemClock()
        self._entropy = entropy
        self._given_store = store
        self._given_files = files
        self._given_listeners = listeners
        self._resources = ExitStack()
        self._loop: EventLoop | None = None
        self._shutdown: Shutdown | None = None
        self._stop_asked = False
        self._reload_asked = False
        self._certificates: Certificates | None = None
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
            file_store = self._make_file_store()
            link = StoreLink(store)
            files = FileLink(file_store, link, loop)
            # Closed behind the message store, which shall not wait: this one may have a file to read through.
            undo.callback(files.close)
            undo.callback(link.close)
            snapshot = link.open(loop.wake)
            files.open(loop.wake)
            listeners = self._listen(undo)
            self.addresses = [listener.address for listener in listeners]
            connections = Connections(loop, self.config.limits)
            gauges = NetworkGauges(connections, link, list(map(str, self.addresses)), self._stored_bytes)
            hub = self._make_hub(snapshot, store.history, gauges, with_files=file_store is not None)
            self._invite_first_admin(hub)
            self._let_in_owner(hub, undo)
            self._assemble(connections, link, files, hub, listeners, undo)
            self._resources = undo.pop_all()
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

    def reload(self) -> None:
        """Read the certificate again, for connections that come from now on. From any thread, and signal handlers."""
        self._reload_asked = True
        if self._loop is not None:
            self._loop.wake()

    @property
    def pin(self) -> bytes | None:
        """The SHA-256 of its public key, by which clients know it again; None where it does no TLS."""
        return None if self._certificates is None else self._certificates.current.pin

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
        addresses = self.config.bind if self._given_listeners is None else ()
        if any(address.scheme == TLS for address in addresses):
            self._certificates = self._load_certificates(undo)
            preload()
        for address in addresses:
            if address.scheme == UNIX and address.path == platform.local_socket_path():
                platform.prepare_socket_folder(address.path)
            listeners.append(registry.listen(address, self._certificates))
            undo.callback(listeners[-1].close)
        return listeners

    def _load_certificates(self, undo: ExitStack) -> "Certificates":
        from chatnet.net.certificates import given_certificates, own_certificates

        config = self.config
        if config.certificate is not None and config.key is not None:
            return given_certificates(config.certificate, config.key)
        folder = config.identity or config.data
        if folder is None:
            from tempfile import TemporaryDirectory

            folder = Path(undo.enter_context(TemporaryDirectory(prefix="chatnet-")))
        make_private_folder(folder)
        return own_certificates(folder)

    def _make_store(self, undo: ExitStack) -> Store:
        if self._given_store is not None:
            return self._given_store
        if self.config.data is None:
            return MemoryStore()
        from chatnet.store.sqlite import SqliteStore  # a server that keeps nothing does not load a database

        make_private_folder(self.config.data)
        undo.callback(FolderLock(self.config.data).release)
        return SqliteStore(self.config.data)

    def _stored_bytes(self) -> int:
        if self._given_store is not None or self.config.data is None:
            return 0
        from chatnet.store.size import stored_bytes

        return stored_bytes(self.config.data)

    def _make_file_store(self) -> FileStore | None:
        if self._given_files is not None or self._given_store is not None or self.config.data is None:
            return self._given_files
        from chatnet.files.store import FOLDER, DiskFileStore

        return DiskFileStore(self.config.data / FOLDER, reserve=self.config.limits.disk_reserve)

    def _invite_first_admin(self, hub: Hub) -> None:
        """As long as nobody has an account, whoever has this code may make the admin's from another machine."""
        self.lets_in_guests = self.config.open or not hub.has_accounts
        is_reached = any(address.scheme == TLS and not address.is_local for address in self.addresses)
        if hub.has_accounts or not is_reached:
            return
        from chatnet.auth.codes import make_code
        from chatnet.auth.scram import SALT_BYTES, make_code_verifier

        self.bootstrap_code = code = make_code(self._entropy)
        verifier = make_code_verifier(code, self._entropy(SALT_BYTES))
        hub.bootstrap(PutInvitation(code.name, verifier, uses=1, expires=0, role=Role.ADMIN, maker=0))

    def _let_in_owner(self, hub: Hub, undo: ExitStack) -> None:
        """Where no local socket tells who calls, a private file lets in the user who runs the server."""
        has_socket = any(address.scheme == UNIX for address in self.addresses)
        address = next((address for address in self.addresses if address.scheme == TLS), None)
        if has_socket or address is None or self.config.data is None or self.pin is None:
            return
        from chatnet.net import local_access

        token = self._entropy(SECRET_BYTES)
        hub.let_in_owner(token, owner_without_socket())
        undo.callback(local_access.write(self.config.data, address, self.pin, token))

    def _make_hub(self, snapshot: Snapshot, history: str, gauges: NetworkGauges, *, with_files: bool) -> Hub:
        self.id = snapshot.server or self._entropy(SERVER_ID_BYTES)
        limits = self.config.limits
        if history == MemoryStore.history:
            limits = replace(limits, tail_messages=0)  # all that there is of messages is at hand already
        return Hub(
            snapshot,
            limits=limits,
            server=self.id,
            version=__version__,
            history=history,
            open_to_guests=self.config.open,
            entropy=self._entropy,
            keep=self.config.keep,
            with_files=with_files,
            gauges=gauges,
        )

    def _assemble(
        self,
        connections: Connections,
        link: StoreLink,
        files: FileLink,
        hub: Hub,
        listeners: Sequence[Listener],
        undo: ExitStack,
    ) -> None:
        limits, loop = connections.limits, connections.loop
        undo.callback(connections.drop_all)
        dispatcher = Dispatcher(hub, link, files, connections)
        intake = Intake(hub, dispatcher, connections)
        dispatcher.start()
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
            if self._reload_asked and self._certificates is not None:
                self._certificates.reload()
            self._reload_asked = False
            if self._stop_asked:
                if self._shutdown is None:
                    self._shutdown = Shutdown(acceptor, link, files, connections)
                self.is_finished = self._shutdown.step()

        loop.end_of_turn = end_turn
