"""Kills a real server with SIGKILL again and again, under load, over a bad network, and checks that the promise holds.

Every client talks in the lobby, in a second room and in personal chats, through a proxy that delays, splits, stalls,
resets and half-closes connections. At the end the network is good again, everybody says one last thing everywhere, and
the closed database is compared with what all of them were told: nothing lost, nothing twice, nothing out of order.

A kill ends the process, not the machine: what SQLite gave to the system but did not sync survives it. So this cannot
show that an ack waits for the disk.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from _crash_audit import audit
from _crash_ledger import Ledger
from _crash_people import Part, Person, Play, hurry
from _crash_server import ServerFailed, ServerProcess, free_port
from _fault_proxy import FaultProxy, Faults

from chatnet.address import TCP, Address
from chatnet.model import SECRET_BYTES

NAMES = ("ann", "bob", "cleo", "dan", "eve", "fay")
WITH_OUTBOX_ON_DISK = ("cleo", "eve")
PATIENCE_SECONDS = 60.0
_END_SECONDS = 15.0
_NO_FAULTS = Faults(0, 0, 0, 0, 0)
_UP_SECONDS = (0.1, 0.8)
"""Between a start and the kill, mostly."""
_START_SECONDS = 0.3
_RARE = 0.1
"""How often a kill comes while the server starts, and how often at the moment when it is up."""
_LEAST_PER_KILL = 5
"""Messages; a run in which nobody got through would show nothing."""


class CrashTest:
    """One run. ``report`` is told of progress."""

    def __init__(self, seed: str, folder: Path, report: Callable[[str], None]) -> None:
        self.ledger = Ledger()
        self.play = Play()
        self.counts: Counter[str] = Counter()
        self.kills = 0
        self._report = report
        self._random = Random(f"{seed}/kills")
        self._server = ServerProcess(folder / "data", free_port(self._random))
        self._proxy = FaultProxy(self._server.port, seed=f"{seed}/proxy", faults=_NO_FAULTS)
        address = Address(TCP, "127.0.0.1", self._proxy.port)
        self.people = [
            Person(part, address, self.play, self.ledger, Random(f"{seed}/{part.label}"))
            for part in cast(folder, Random(f"{seed}/cast"))
        ]

    def run(self, kills: int) -> None:
        """Do it all; what went wrong is in the ledger."""
        hurry()
        try:
            self._open()
            self._kill(kills)
            self._settle()
            self._stop_people()
            if not self.ledger.violations:
                self._server.stop()
                self._audit()
        except ServerFailed as error:
            self.ledger.violate("server", str(error))
        finally:
            self._stop_people()
            self._proxy.close()
            self._server.end()
            self._count()

    def _open(self) -> None:
        """Bring everybody in, one after the other, while all is well."""
        self._server.spawn()
        self._server.wait_until_up()
        for person in self.people:
            if not person.enter(PATIENCE_SECONDS):
                raise ServerFailed(f"{person.part.label} could not log in before anything was to go wrong")
        self.play.talk = self.play.crash = True
        self._proxy.faults = Faults()

    def _kill(self, kills: int) -> None:
        while self.kills < kills and not self.ledger.violations:
            self._live_a_little()
            self._server.kill()
            self.kills += 1
            self._server.spawn()
            self._report(f"{self.kills} of {kills} kills, {len(self.ledger.acks)} messages acked")
        self._server.wait_until_up()

    def _live_a_little(self) -> None:
        chance = self._random.random()
        if chance < _RARE:
            self.counts["during the start"] += not self._server.is_up(self._random.random() * _START_SECONDS)
            return
        self._server.wait_until_up()
        time.sleep(0.0 if chance < 2 * _RARE else self._random.uniform(*_UP_SECONDS))

    def _settle(self) -> None:
        """The faults end, and everybody has a last word."""
        self._proxy.calm()
        self.play.talk = self.play.crash = False
        self._wait(lambda person: person.stays, "not back")
        self._call_the_roll()

    def _call_the_roll(self) -> None:
        """Everybody says something everywhere; wait until all have heard all."""
        self.play.roll_calls += 1
        self._wait(lambda person: person.is_settled, "not quiet")

    def _wait(self, is_done: Callable[[Person], bool], trouble: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (late := [p.part.label for p in self.people if not is_done(p)]) and not self.ledger.violations:
            if time.monotonic() >= deadline:
                self.ledger.violate("I7", f"{trouble} after {PATIENCE_SECONDS:.0f} s without faults: {late}")
            time.sleep(0.02)

    def _stop_people(self) -> None:
        self.play.over = True
        for person in self.people:
            person.leave(_END_SECONDS)

    def _audit(self) -> None:
        stored = len(audit(self._server.folder, self.ledger, self.people).rows)
        self.counts["stored"] = stored
        if stored < _LEAST_PER_KILL * self.kills:
            self.ledger.violate("load", f"only {stored} messages came through {self.kills} kills")

    def _count(self) -> None:
        self.counts["connections"] = self._proxy.connections
        for person in self.people:
            self.counts.update(person.counts)
        self.faults = dict(self._proxy.counts)


def cast(folder: Path, random: Random) -> Iterator[Part]:
    """Everybody: each talks to the next two, and the first has a second device and talks to itself as well."""
    for i, name in enumerate(NAMES):
        secret = random.randbytes(SECRET_BYTES)
        partners = [NAMES[(i + 1) % len(NAMES)], NAMES[(i + 2) % len(NAMES)]]
        if i == 0:
            partners.append(name)
            yield Part(f"{name}'s second", name, secret, tuple(partners), folder / f"outbox-{name}")
        yield Part(name, name, secret, tuple(partners), folder / name if name in WITH_OUTBOX_ON_DISK else None)


def summary(test: CrashTest, seconds: float) -> str:
    """What happened, in a few lines."""
    counts, ledger = test.counts, test.ledger
    lost = ", ".join(f"{n} {what.removeprefix('lost: ')}" for what, n in sorted(counts.items()) if what[:5] == "lost:")
    return "\n".join(
        [
            f"{test.kills} kills, {counts['during the start']} of them during a start, in {seconds:.1f} s",
            f"{len(ledger.said)} messages said, {len(ledger.acks)} acked, {counts['stored']} stored, "
            f"{ledger.deliveries} deliveries to {len(test.people)} clients in {len(ledger.heads)} conversations",
            f"{counts['login']} logins, {counts['client crash']} of them after a crash of the client; "
            f"connections lost: {lost or 'none'}",
            f"faults: {', '.join(f'{n} {what}' for what, n in sorted(test.faults.items()))}",
        ]
    )


def report(line: str) -> None:
    """Show progress: on a terminal in one line, else now and then."""
    if sys.stderr.isatty():
        print(f"\r{line}", end="", file=sys.stderr)
    elif line.split(" ", 1)[0].endswith("0"):
        print(line, file=sys.stderr)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/crash_test", description=__doc__.split("\n", 1)[0])
    parser.add_argument("kills", type=int, help="how often to kill the server; about a second each")
    parser.add_argument("--seed", help="repeats the plan of a run, though not its timing")
    options = parser.parse_args()
    seed = options.seed or os.urandom(4).hex()
    print(f"crash test: {options.kills} kills with --seed {seed}", file=sys.stderr)
    folder = Path(tempfile.mkdtemp(prefix="chatnet-crash-"))
    began = time.monotonic()
    test = CrashTest(seed, folder, report)
    test.run(options.kills)
    print(summary(test, time.monotonic() - began))
    if test.ledger.violations:
        print(f"FAILED with --seed {seed}; the files are in {folder}:", file=sys.stderr)
        print("\n".join(f"  {line}" for line in test.ledger.violations), file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    print("Nothing was lost, doubled or out of order.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
