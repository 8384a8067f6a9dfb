"""A real server on a free port, with all rates lifted and everything else as shipped, until SIGTERM.

It says where it listens in one line of JSON, and answers each line on its input with the most bytes that are queued for
one peer.
"""

import argparse
import json
import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from selectors import BaseSelector
from threading import Thread
from typing import TextIO

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _store_server import limits

from chatnet.address import TCP, TLS, Address
from chatnet.config import Config
from chatnet.core.limits import MIB
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


class Lazy(Indexer):
    """Never indexes anything: to see what indexing costs."""

    def catch_up(self) -> None:
        self._dirty.clear()


def make_store(data: Path | None, window: int, *, indexed: bool) -> Store:
    """On disk, or in memory with so many messages of each conversation."""
    if data is None:
        return MemoryStore(window_messages=window, window_bytes=1024 * MIB)
    store = SqliteStore(data)
    if not indexed:
        store._indexer = Lazy(data / FILE_NAME)
    return store


def answer(questions: TextIO, selector: BaseSelector) -> None:
    """In a thread of its own, which only looks."""
    for _ in questions:
        print(max((peer.queued for peer in peers(selector) if peer.queued < GONE), default=0), flush=True)


def peers(selector: BaseSelector) -> list[Peer]:
    """All that are connected, seen from another thread than that of the loop."""
    while True:
        # Where somebody comes or goes meanwhile, look again.
        with suppress(RuntimeError):
            subjects = [key.data.subject for key in selector.get_map().values()]
            return [subject for subject in subjects if isinstance(subject, Peer)]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a private folder; default: messages are kept in memory")
    parser.add_argument("--window", type=int, default=1000, help="messages of each conversation that memory keeps")
    parser.add_argument("--tls", action="store_true", help="listen with TLS")
    parser.add_argument("--no-index", action="store_true", help="index nothing, to see what that costs")
    options = parser.parse_args()
    store = make_store(options.data, options.window, indexed=not options.no_index)
    address = Address(TLS if options.tls else TCP, "127.0.0.1", 0)
    config = Config(bind=(address,), limits=replace(limits(_HOLD_SECONDS), wasted_connections_per_place=_NO_LIMIT))
    server = Server(config, store=store)
    try:
        server.start()
        with stop_on_signals(server.stop, server.wakeup_fd):
            print(json.dumps({"pid": os.getpid(), "port": server.addresses[0].port}), flush=True)
            Thread(target=answer, args=(sys.stdin, server._selector), daemon=True).start()
            server.run()
    finally:
        server.close()


if __name__ == "__main__":
    main()
