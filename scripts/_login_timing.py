"""Can a clock tell whether an account exists? Times logins that fail, as a client sees it, and what one costs.

A real server is asked over a real connection: wrong passwords of accounts that exist, mixed at random with logins by
names that do not. The times of both steps are compared by the Kolmogorov-Smirnov test: a small p means that the two can
be told apart. It is done for one name of each kind, asked for again and again, and for another name every time. Exit
code 1 if p is at most 0.01, times the count of comparisons (Bonferroni): so a server that tells nothing fails in one
run of a hundred at most.

With --inside the server's own part is timed, without a connection, which is some hundred times as sharp a look. There,
with another account at every login, a difference of a few tenths of a microsecond is left, which is the time that a
processor needs to fetch an account nobody has asked for in a while. It is printed, but not judged: it says something of
many names together, and of one name only to who asks for it often, when it is no longer there.

Source: for the distribution of the statistic, Press et al., Numerical Recipes, 3rd edition, section 14.3.3.
"""

import argparse
import gc
import math
import os
import random
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().with_name("bench")))
from _accounts import binding_of, create, show_token
from _hostile_lines import Line, Wrong
from _serving import serve

from chatnet.auth.scram import ServerExchange, make_nonce, preload
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Challenge
from chatnet.events import Refused as Refusal
from chatnet.model import ITERATIONS, SECRET_BYTES, Verifier
from chatnet.requests import FinishScram, Proof, StartScram
from chatnet.wire.codec import encode

MANY = 1000
"""Accounts, where each login asks for another one."""
LEAST_P = 0.01
_HEADER = "p=tls-server-end-point,,"
_BINDING = b"\x01" * 32
_PROOF = "p=" + "A" * 43 + "="
_WARM_UP = 200


@dataclass
class Times:
    """Microseconds of each step, and of both together."""

    start: list[float] = field(default_factory=list)
    finish: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    def note(self, start: int, finish: int) -> None:
        """One more login that failed; in nanoseconds."""
        self.start.append(start / 1000)
        self.finish.append(finish / 1000)
        self.whole.append(self.start[-1] + self.finish[-1])


Fail = Callable[[str], tuple[int, int]]
"""Fails to log in by a name; the nanoseconds of both steps."""


def kolmogorov_smirnov(a: Sequence[float], b: Sequence[float]) -> float:
    """How likely two samples of one distribution differ as much as these (two-sided p, asymptotic)."""
    left, right = sorted(a), sorted(b)
    i = j = 0
    distance = 0.0
    while i < len(left) and j < len(right):
        value = min(left[i], right[j])
        while i < len(left) and left[i] == value:
            i += 1
        while j < len(right) and right[j] == value:
            j += 1
        distance = max(distance, abs(i / len(left) - j / len(right)))
    size = math.sqrt(len(left) * len(right) / (len(left) + len(right)))
    x = (size + 0.12 + 0.11 / size) * distance
    if x < 0.2:  # the series does not converge, and the sum is 1 in every digit that counts
        return 1.0
    tail = 2 * sum((-1.0) ** (k - 1) * math.exp(-2 * (k * x) ** 2) for k in range(1, 101))
    return min(1.0, max(0.0, tail))


def accounts(count: int) -> dict[str, Verifier]:
    """Verifiers of passwords that nobody knows."""
    return {
        os.urandom(4).hex(): Verifier(os.urandom(16), ITERATIONS, os.urandom(32), os.urandom(32)) for _ in range(count)
    }


def make_first(name: str, header: str = _HEADER) -> str:
    """What a client says first."""
    return f"{header}n={name},r={make_nonce(os.urandom)}"


def make_final(challenge: str, binding: bytes, header: str = _HEADER) -> str:
    """What a client would say that has computed a proof from a wrong password."""
    return f"c={b64encode(header.encode() + binding).decode()},{challenge.partition(',')[0]},{_PROOF}"


def fail_inside(known: dict[str, Verifier]) -> Fail:
    """The server's own part of it."""
    secret = os.urandom(32)
    preload()

    def fail(name: str) -> tuple[int, int]:
        request = StartScram(1, Proof.PASSWORD, make_first(name))
        nonce = make_nonce(os.urandom)
        begun = time.perf_counter_ns()
        exchange = ServerExchange(request, binding=_BINDING, nonce=nonce, lookup=known.get, secret=secret)
        started = time.perf_counter_ns()
        final = make_final(exchange.challenge, _BINDING)
        answering = time.perf_counter_ns()
        with suppress(Refused):
            exchange.finish(final)
            raise AssertionError("a made-up proof was let in")
        return started - begun, time.perf_counter_ns() - answering

    return fail


@contextmanager
def fail_outside(known: dict[str, Verifier]) -> Iterator[Fail]:
    """By a TLS connection to a server in a process of its own, with its limits for failed logins lifted."""
    token = os.urandom(SECRET_BYTES)
    with (
        TemporaryDirectory(prefix="chatnet-timing-") as folder,
        serve(Path(folder), "--tls", "--unix", f"{folder}/socket") as serving,
    ):
        create(serving.addresses[1], known, tokens=[(next(iter(known)), token)])
        with Line(serving.addresses[0]) as line:
            line.greet()
            show_token(line, token)  # or it would be hung up on, after some thousand trials
            yield _failing(line)


def _failing(line: Line) -> Fail:
    binding = binding_of(line)
    assert binding is not None

    def fail(name: str) -> tuple[int, int]:
        first = encode(StartScram(1, Proof.PASSWORD, make_first(name)))
        begun = time.perf_counter_ns()
        line.send(first)
        challenge = line.event()
        started = time.perf_counter_ns()
        if not isinstance(challenge, Challenge):
            raise Wrong(f"the server answers a first message with {challenge}")
        final = encode(FinishScram(2, make_final(challenge.message, binding)))
        answering = time.perf_counter_ns()
        line.send(final)
        refusal = line.event()
        ended = time.perf_counter_ns()
        if not isinstance(refusal, Refusal) or refusal.code != ErrorCode.BAD_CREDENTIALS:
            raise Wrong(f"the server answers a made-up proof with {refusal}")
        return started - begun, ended - answering

    return fail


def measure(fail: Fail, trials: int, existing: Sequence[str], unknown: Sequence[str]) -> tuple[Times, Times]:
    """So many logins of each kind, each by any of the names."""
    order = [True, False] * trials
    random.shuffle(order)
    found = {True: Times(), False: Times()}
    names = {True: existing, False: unknown}
    for exists in [True, False] * _WARM_UP:
        fail(random.choice(names[exists]))
    gc.collect()
    gc.disable()
    for exists in order:
        found[exists].note(*fail(random.choice(names[exists])))
    gc.enable()
    return found[True], found[False]


def cost(exchanges: int) -> float:
    """CPU microseconds of a server for one whole exchange."""
    known = accounts(MANY)
    names, fail = list(known), fail_inside(known)
    begun = time.process_time_ns()
    for _ in range(exchanges):
        fail(random.choice(names))
    return (time.process_time_ns() - begun) / exchanges / 1000


def show(what: str, existing: Times, unknown: Times) -> list[float]:
    """Print a comparison; returns p for each step."""
    found = []
    for step in ("start", "finish", "whole"):
        a, b = sorted(getattr(existing, step)), sorted(getattr(unknown, step))
        found.append(kolmogorov_smirnov(a, b))
        medians = f"median us: wrong password {a[len(a) // 2]:.2f}, unknown name {b[len(b) // 2]:.2f}"
        print(f"{what}: {step:6}  p = {found[-1]:.3f}   {medians}", flush=True)
    return found


def compare(fail: Fail, trials: int, known: Sequence[str], *, inside: bool) -> list[float]:
    """All comparisons; returns p for each that is judged."""
    strangers = list(accounts(len(known)))
    judged = show("one name", *measure(fail, trials, known[:1], strangers[:1]))
    what = "another name every time"
    if inside:
        show(f"{what} (not judged)", *measure(fail, trials, known, strangers))
        return judged
    return judged + show(what, *measure(fail, trials, known, strangers))


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/login_timing", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--trials", type=int, default=1000, help="of each kind (default: %(default)s)")
    parser.add_argument("--inside", action="store_true", help="without a connection: the server's own part alone")
    options = parser.parse_args()
    known = accounts(MANY)
    if options.inside:
        judged = compare(fail_inside(known), options.trials, list(known), inside=True)
        print(f"server CPU: {cost(2000):.0f} us for one exchange")
    else:
        with fail_outside(known) as fail:
            judged = compare(fail, options.trials, list(known), inside=False)
    if min(judged) * len(judged) <= LEAST_P:
        print(f"p is at most {LEAST_P} / {len(judged)}: a clock can tell whether an account exists", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
