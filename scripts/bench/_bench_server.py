"""A real server on a free port, with all rates lifted and everything else as shipped, until SIGTERM.

It says where it listens in one line of JSON, and answers each line on its input: ``queued`` with the most bytes that
are queued for one peer, ``lag`` with the milliseconds by which the loop was late, each time, since the last ``lag``.
``slow N`` makes each operation of the file store N milliseconds slower.
"""

import argparse
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from selectors import BaseSelector
from threading import Thread
from typing import TextIO

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _store_server import limits

from chatnet.address import TCP, TLS, UNIX, Address
from chatnet.config import Config
from chatnet.core.limits import MIB, Limits
from chatnet.files import disk
from chatnet.files.store import FOLDER, DiskFileStore
from chatnet.net.loop import EventLoop
from chatnet.net.peer import GONE, Peer
from chatnet.net.platform import stop_on_signals
from chatnet.net.ports import Store
from chatnet.server import Server
from chatnet.store.memory import MemoryStore
from chatnet.store.opening import FILE_NAME
from chatnet.store.search import Indexer
from chatnet.store.sqlite import SqliteStore

_HOLD_SECONDS = 3600.0
_NO_LIMIT = 1 << 30
_TICK_SECONDS = 0.005
_GARBAGE = (50_000, 50, 100)


class Lazy(Indexer):
    """Never indexes anything: to see what indexing costs."""

    def catch_up(self, pause: Callable[[float], object] = lambda _: None) -> None:
        del pause
        self._dirty.clear()


def make_store(data: Path | None, window: int, *, indexed: bool) -> Store:
    """On disk, or in memory with so many messages of each conversation."""
    if data is None:
        return MemoryStore(window_messages=window, window_bytes=1024 * MIB)
    store = SqliteStore(data)
    if not indexed:
        store._indexer = Lazy(data / FILE_NAME)
    return store


class FileDisk:
    """The file store's disk, each operation of which may be made slower."""

    delay = 0.0
    """Seconds."""

    @classmethod
    def take_hold(cls) -> None:
        """Of all operations there are."""
        for kind in (disk.RealDisk, disk._RealFile):
            for name, operation in list(vars(kind).items()):
                if not name.startswith("_"):
                    setattr(kind, name, cls._delayed(operation))

    @classmethod
    def _delayed(cls, operation: Callable[..., object]) -> Callable[..., object]:
        def delayed(*arguments: object, **named: object) -> object:
            if cls.delay:
                time.sleep(cls.delay)
            return operation(*arguments, **named)

        return delayed


class Lag:
    """How late the loop comes to what is due every few milliseconds, counted as often as it was due.

    One that waits with epoll is up to 1 ms late with nothing to do: it waits for whole milliseconds.
    """

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        self._due = time.monotonic()
        self._late: list[float] = []
        self._tick()

    def _tick(self) -> None:
        now = time.monotonic()
        while self._due <= now:
            self._late.append(now - self._due)
            self._due += _TICK_SECONDS
        self._loop.call_at(self._due, self._tick)

    def take(self) -> list[float]:
        """Seconds, each time since the last call."""
        late, self._late = self._late, []
        return late


def answer(questions: TextIO, selector: BaseSelector, lag: Lag | None) -> None:
    """In a thread of its own, which only looks."""
    for question in questions:
        match question.strip():
            case "queued":
                print(max((peer.queued for peer in peers(selector) if peer.queued < GONE), default=0), flush=True)
            case "lag":
                print(json.dumps([] if lag is None else [round(1000 * late, 3) for late in lag.take()]), flush=True)
            case slow if slow.startswith("slow "):
                FileDisk.delay = int(slow.removeprefix("slow ")) / 1000
                print(slow, flush=True)
            case unknown:
                raise ValueError(f"not a question: {unknown!r}")


def peers(selector: BaseSelector) -> list[Peer]:
    """All that are connected, seen from another thread than that of the loop."""
    while True:
        # Where somebody comes or goes meanwhile, look again.
        with suppress(RuntimeError):
            subjects = [key.data.subject for key in selector.get_map().values()]
            return [subject for subject in subjects if isinstance(subject, Peer)]


def make_config(options: argparse.Namespace) -> Config:
    """Where to listen, and what to let pass."""
    bind = [Address(TLS if options.tls else TCP, "127.0.0.1", 0)]
    if options.unix:
        bind.append(Address(UNIX, path=options.unix))
    lifted = replace(
        limits(_HOLD_SECONDS),
        wasted_connections_per_place=_NO_LIMIT,
        failed_logins_per_account=_NO_LIMIT,
        failed_logins_per_account_everywhere=_NO_LIMIT,
        failed_logins_per_place=_NO_LIMIT,
        files_per_guest=_NO_LIMIT * 1024,
    )
    return Config(bind=tuple(bind), limits=Limits() if options.limited else lifted)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a private folder; default: messages are kept in memory")
    parser.add_argument("--window", type=int, default=1000, help="messages of each conversation that memory keeps")
    parser.add_argument("--tls", action="store_true", help="listen with TLS")
    parser.add_argument("--unix", metavar="PATH", help="listen at a local socket too")
    parser.add_argument("--limited", action="store_true", help="lift no rates")
    parser.add_argument("--lag", action="store_true", help="note how late the loop is")
    parser.add_argument("--no-index", action="store_true", help="index nothing, to see what that costs")
    options = parser.parse_args()
    store = make_store(options.data, options.window, indexed=not options.no_index)
    FileDisk.take_hold()
    files = None if options.data is None else DiskFileStore(options.data / FOLDER, reserve=Limits().disk_reserve)
    server = Server(make_config(options), store=store, files=files)
    try:
        server.start()
        with stop_on_signals(server.stop, server.wakeup_fd):
            lag = Lag(server._loop) if options.lag and server._loop is not None else None
            print(json.dumps({"pid": os.getpid(), "addresses": list(map(str, server.addresses))}), flush=True)
            Thread(target=answer, args=(sys.stdin, server._selector, lag), daemon=True).start()
            # As `chatnet serve` does.
            gc.freeze()
            gc.set_threshold(*_GARBAGE)
            server.run()
    finally:
        server.close()


if __name__ == "__main__":
    main()
