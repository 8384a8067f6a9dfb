"""A real server on a free port, for those who watch its disk: under ``strace``, on a full disk, on a slow one.

It says where it listens in one line of JSON, serves without rate limits until SIGTERM, and ends with 74 when its store
is broken.
"""

import argparse
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from chatnet.address import TCP, Address
from chatnet.config import Config
from chatnet.core.entries import Snapshot
from chatnet.core.limits import Limits
from chatnet.net.platform import stop_on_signals
from chatnet.net.ports import Store
from chatnet.net.storing import StoreBroken
from chatnet.server import Server
from chatnet.store.memory import MemoryStore
from chatnet.store.sqlite import SqliteStore

EX_IOERR = 74
_NO_FILE = 1 << 30


class HastyStore(SqliteStore):
    """Does not sync its commits: to see whether a test of durability notices that."""

    def load(self) -> Snapshot:
        snapshot = super().load()
        assert self._database is not None
        self._database._writing.execute("PRAGMA synchronous = NORMAL")
        return snapshot


def limits(guest_hold_seconds: float) -> Limits:
    """No rates, and as many sessions of one name as a load needs."""
    fast = 1e9
    return Limits(
        post_burst=fast,
        posts_per_second=fast,
        text_burst=fast,
        text_per_second=fast,
        request_burst=fast,
        requests_per_second=fast,
        strangers=10_000,
        guest_hold_seconds=guest_hold_seconds,
        farewell_seconds=1.0,
    )


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--checkpoint-bytes", type=int, default=4 << 20)
    parser.add_argument("--guest-hold-seconds", type=float, default=3600.0)
    parser.add_argument("--synchronous", choices=["full", "normal"], default="full")
    parser.add_argument("--memory", action="store_true", help="keep messages in memory only, for comparison")
    parser.add_argument("--ahead", type=int, default=0, help="syncs of nothing that this thread makes first")
    parser.add_argument("--switch-interval", type=float, default=sys.getswitchinterval())
    options = parser.parse_args()
    sys.setswitchinterval(options.switch_interval)
    for _ in range(options.ahead):
        with suppress(OSError):
            os.fdatasync(_NO_FILE)
    kind = SqliteStore if options.synchronous == "full" else HastyStore
    store: Store = kind(options.folder, checkpoint_bytes=options.checkpoint_bytes)
    if options.memory:
        store = MemoryStore()
    config = Config(bind=(Address(TCP, "127.0.0.1", 0),), limits=limits(options.guest_hold_seconds))
    server = Server(config, store=store)
    try:
        server.start()
        with stop_on_signals(server.stop, server.wakeup_fd):
            print(json.dumps({"pid": os.getpid(), "port": server.addresses[0].port}), flush=True)
            server.run()
    except StoreBroken as error:
        print(error, file=sys.stderr)
        return EX_IOERR
    finally:
        server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
