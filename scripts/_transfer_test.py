"""Cuts the connection at random bytes during one upload and one download, kills the server meanwhile, and looks on.

A file goes up through a bad network, is fetched from it through the same, and has to be the same: with nothing durable
sent twice, nothing half-written under its final name on either side, and nothing done by anybody but to wait. The
clients, the server and its disk are real ones.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from _crash_people import hurry
from _crash_server import ServerFailed, ServerProcess, free_port
from _fault_proxy import HELD_BYTES, READ_BYTES, FaultProxy, Faults, Lane, Pair
from _transfer_ledger import Ear, TransferLedger

from chatnet import Client
from chatnet.address import TCP, Address
from chatnet.client.progress import Progress
from chatnet.core.limits import MIB
from chatnet.errors import ChatnetError
from chatnet.files.content import FOLDER as CONTENT
from chatnet.files.store import FOLDER
from chatnet.model import LOBBY

_BLOCK = MIB
_FAULTS = Faults(delay=0.01, split=0.05, stall=0.0005, reset=0.0, half_close=0.0005, delay_seconds=0.01)
_POLL_SECONDS = 0.005
_PATIENCE_SECONDS = 600.0


class CuttingProxy(FaultProxy):
    """Besides its other faults it cuts the connection whenever so many bytes have passed."""

    def __init__(self, server_port: int, ledger: TransferLedger, cuts: list[int], *, seed: str) -> None:
        self.passed = 0
        """Bytes, in both directions."""
        self._ledger = ledger
        self._ears: dict[Pair, Ear] = {}
        self._cuts = sorted(cuts, reverse=True)
        super().__init__(server_port, seed=seed, faults=_FAULTS)

    def _harm(self, pair: Pair, lane: Lane, data: bytes) -> None:
        ear = self._ears.setdefault(pair, Ear(self._ledger))
        (ear.hear_client if lane.source is pair.client else ear.hear_server)(data)
        self.passed += len(data)
        if self._cuts and self.passed >= self._cuts[-1]:
            while self._cuts and self.passed >= self._cuts[-1]:
                self._cuts.pop()
                self.counts["cut"] += 1
            self._cut(pair, lane, data)
            self._end(pair, reset=True)
        else:
            super()._harm(pair, lane, data)


class TransferTest:
    """One run. ``report`` is told of progress."""

    def __init__(self, seed: str, folder: Path, size: int, report: Callable[[str], None]) -> None:
        self.violations: list[str] = []
        self.kills = 0
        self._report = report
        self._seed = seed
        self._folder = folder
        self._size = size
        self._source, self._target = folder / "source.bin", folder / "target.bin"
        self._server = ServerProcess(folder / "data", free_port(Random(f"{seed}/port")))

    def run(self, cuts: int, kills: int) -> None:
        """Do it all; what went wrong is in `violations`."""
        hurry()
        random = Random(f"{self._seed}/content")
        with self._source.open("wb") as file:
            for _ in range(self._size // _BLOCK):
                file.write(random.randbytes(_BLOCK))
        self._server.spawn()
        try:
            self._server.wait_until_up()
            self._transfer("upload", cuts, kills, self._upload)
            self._transfer("download", cuts, kills, self._download)
            if not self.violations:
                self._server.stop()
                self._compare()
        except ServerFailed as error:
            self.violations.append(f"server: {error}")
        finally:
            self._server.end()

    # -- the transfers ----------------------------------------------------------------------------------------

    def _upload(self, chat: Client) -> None:
        chat.upload(self._source, room=LOBBY, progress=self._look_at_content)

    def _download(self, chat: Client) -> None:
        chat.download(1, path=self._target, progress=self._look_at_target)

    def _look_at_content(self, progress: Progress) -> None:
        """No file is there before all of it is."""
        stored = self._stored()
        if progress.done < progress.total and stored:
            self.violations.append(f"half: {stored[0].name} is there after {progress.done} bytes")

    def _look_at_target(self, progress: Progress) -> None:
        if self._target.exists():
            self.violations.append(f"half: the target is there after {progress.done} bytes")

    def _stored(self) -> list[Path]:
        return [path for path in (self._server.folder / FOLDER / CONTENT).rglob("*") if path.is_file()]

    def _transfer(self, way: str, cuts: int, kills: int, work: Callable[[Client], None]) -> None:
        random = Random(f"{self._seed}/{way}")
        ledger = TransferLedger(slack=2 * HELD_BYTES + READ_BYTES)
        places = [random.randrange(self._size) for _ in range(cuts)]
        proxy = CuttingProxy(self._server.port, ledger, places, seed=f"{self._seed}/{way}")
        thread = threading.Thread(target=self._work, args=(proxy.port, work), name=way)
        start, killed = time.monotonic(), self.kills
        try:
            thread.start()
            self._kill(proxy, thread, sorted(random.randrange(self._size) for _ in range(kills)))
            thread.join(_PATIENCE_SECONDS)
            if thread.is_alive():
                self.violations.append(f"{way}: it was not done after {_PATIENCE_SECONDS:.0f} s")
        finally:
            proxy.calm()
            proxy.close()
        self.violations += [f"{way}: {what}" for what in ledger.violations]
        if proxy.counts["cut"] < cuts or self.kills - killed < kills:
            self.violations.append(f"{way}: only {proxy.counts['cut']} cuts and {self.kills - killed} kills")
        self._report(
            f"{way}: {self._size / MIB:.0f} MiB in {time.monotonic() - start:.1f} s, {proxy.connections} connections, "
            f"{self.kills - killed} kills, {ledger.again / MIB:.1f} MiB sent again; "
            + ", ".join(f"{count} {fault}" for fault, count in sorted(proxy.counts.items()))
        )

    def _work(self, port: int, work: Callable[[Client], None]) -> None:
        try:
            with Client(Address(TCP, "127.0.0.1", port), name=f"guest{port}") as chat:
                work(chat)
        except ChatnetError as error:
            self.violations.append(f"client: {error.code}: {error}")

    def _kill(self, proxy: CuttingProxy, thread: threading.Thread, places: list[int]) -> None:
        """Kill the server whenever so much has passed."""
        for place in places:
            while proxy.passed < place and thread.is_alive():
                time.sleep(_POLL_SECONDS)
            if not thread.is_alive():
                return
            self._server.kill()
            self.kills += 1
            self._server.spawn()
            self._server.wait_until_up()

    def _compare(self) -> None:
        copies = [self._target, *self._stored()]
        if len(copies) != 2:
            self.violations.append(f"content: {len(copies) - 1} files are stored, where one was sent")
        for copy in copies:
            if subprocess.run(["cmp", self._source, copy], check=False).returncode:
                self.violations.append(f"content: {copy.name} is not what was sent")
        for left in self._folder.glob("*.part"):
            self.violations.append(f"content: {left.name} is left")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/transfer_test", description=__doc__)
    parser.add_argument("cuts", nargs="?", type=int, default=100, help="in each direction (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=10, help="of the server, in each direction (default: %(default)s)")
    parser.add_argument("--size", type=int, default=64, help="of the file, in MiB (default: %(default)s)")
    parser.add_argument("--seed", default=os.urandom(4).hex(), help="of cuts, kills and faults; default: a new one")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="chatnet-transfer-"))
    print(f"{options.cuts} cuts and {options.kills} kills with --seed {options.seed}", flush=True)
    test = TransferTest(options.seed, folder, options.size * MIB, lambda line: print(line, flush=True))
    test.run(options.cuts, options.kills)
    if test.violations:
        print("\n".join(test.violations[:20]), file=sys.stderr)
        print(f"What is left is in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    print("The file is the same on all three sides; nothing durable was sent twice, nothing half was to be seen.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
