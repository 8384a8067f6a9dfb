"""Ordinary people who talk in pairs while their server is attacked, in a process of their own.

They are real clients that do not connect again: to lose the connection is an error, as is a message that is refused,
lost, or comes out of order. For each word on its standard input it answers with a line of JSON: how long messages took
since the last one, from sending to being heard, in seconds and sorted, and what went wrong.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from _hostile_lines import Target, Wrong

from chatnet import Client
from chatnet.address import Address, parse
from chatnet.client.enrolment import unproven
from chatnet.client.identity import Identity

_PACE_SECONDS = 0.125
"""Between two messages of one speaker: below the rate that everybody is allowed."""
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Heard:
    """What became of the messages since the last time."""

    times: tuple[float, ...]
    errors: tuple[str, ...]


class Bystanders:
    """All pairs, from another process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def heard(self) -> Heard:
        """Since the last call."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise Wrong("those who talk have ended")
        said = json.loads(line)
        return Heard(tuple(said["times"]), tuple(said["errors"]))


@contextmanager
def talking(target: Target, pairs: int) -> Iterator[Bystanders]:
    """Pairs who talk, over each way in."""
    command = [sys.executable, __file__, str(pairs), *map(str, target.addresses)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        bystanders = Bystanders(process)
        try:
            bystanders.heard()
            yield bystanders
        finally:
            process.kill()


# -- in the process of its own --------------------------------------------------------------------------------


class Pair:
    """One who speaks and one who listens."""

    def __init__(self, address: Address, number: int) -> None:
        self._names = f"speaker-{number}", f"listener-{number}"
        self._clients = [
            Client(address, name=name, identity=Identity.ephemeral(), reconnect=False, trust=unproven)
            for name in self._names
        ]
        self._sent: list[float] = []
        self.times: list[float] = []
        self.errors: list[str] = []

    def start(self) -> None:
        """Log in, and talk from now on."""
        for client in self._clients:
            client.connect()
        for work in (self._speak, self._listen):
            threading.Thread(target=self._do, args=(work,), daemon=True).start()

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self.errors.append(f"{type(error).__name__}: {error}")

    def _speak(self) -> None:
        next_at = time.perf_counter()
        while True:
            self._sent.append(time.perf_counter())
            self._clients[0].send(f"{len(self._sent)}", to=self._names[1])
            next_at = max(next_at + _PACE_SECONDS, time.perf_counter())
            time.sleep(max(0.0, next_at - time.perf_counter()))

    def _listen(self) -> None:
        for expected, message in enumerate(self._clients[1].messages(timeout=_PATIENCE_SECONDS), start=1):
            now = time.perf_counter()
            if message.text != f"{expected}":
                self.errors.append(f"message {expected} came as {message.text!r}")
            self.times.append(now - self._sent[expected - 1])
        self.errors.append(f"nothing was heard for {_PATIENCE_SECONDS:.0f} s")

    def take(self) -> tuple[list[float], list[str]]:
        """What there is since the last time."""
        times, self.times = self.times, []
        errors, self.errors = self.errors, []
        return times, errors


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=int)
    parser.add_argument("addresses", nargs="+")
    options = parser.parse_args()
    addresses = [parse(url) for url in options.addresses]
    pairs = [Pair(addresses[i % len(addresses)], i) for i in range(options.pairs)]
    for pair in pairs:
        pair.start()
    for _ in sys.stdin:
        taken = [pair.take() for pair in pairs]
        times = sorted(time for times, _ in taken for time in times)
        print(json.dumps({"times": times, "errors": [error for _, errors in taken for error in errors]}), flush=True)
    os._exit(0)  # the threads wait for messages that nobody will send


if __name__ == "__main__":
    main()
