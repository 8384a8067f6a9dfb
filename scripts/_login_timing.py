"""Can a clock tell whether an account exists? Times the server's part of logins that fail, and what one costs.

Wrong passwords of accounts that exist are mixed at random with logins by names that do not, and the times of both
steps are compared by the Kolmogorov-Smirnov test: a small p means that the two can be told apart. Judged is who asks
for one name again and again, which is what an attacker can do; exit code 1 where p is at most 0.01.

With another account at every login there is a small difference, 0.2 to 1.4 us where it was measured, most likely the
time in which a processor fetches an account that nobody has asked for in a while. It is printed too, but not judged: it
says something of many names together, and of one name only to who asks for it often, when it is no longer there.

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
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from chatnet.auth.scram import ServerExchange, make_nonce, preload
from chatnet.errors import Refused
from chatnet.model import ITERATIONS, Verifier
from chatnet.requests import Proof, StartScram

MANY = 1000
"""Accounts, where each login asks for another one."""
LEAST_P = 0.01
_BINDING = b"\x01" * 32
_BOUND = "c=" + b64encode(b"p=tls-server-end-point,," + _BINDING).decode()
_PROOF = "p=" + "A" * 43 + "="
_WARM_UP = 200


@dataclass
class Times:
    """Microseconds of each step, and of both together."""

    start: list[float] = field(default_factory=list)
    finish: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)


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


def fail(name: str, known: dict[str, Verifier], secret: bytes, times: Times) -> None:
    """One login that fails, as a server sees it."""
    request = StartScram(1, Proof.PASSWORD, f"p=tls-server-end-point,,n={name},r={make_nonce(os.urandom)}")
    nonce = make_nonce(os.urandom)
    begun = time.perf_counter_ns()
    exchange = ServerExchange(request, binding=_BINDING, nonce=nonce, lookup=known.get, secret=secret)
    started = time.perf_counter_ns()
    # What a client would say that has computed a proof from a wrong password.
    final = f"{_BOUND},r={exchange.challenge[2:].partition(',')[0]},{_PROOF}"
    answering = time.perf_counter_ns()
    with suppress(Refused):
        exchange.finish(final)
        raise AssertionError("a made-up proof was let in")
    ended = time.perf_counter_ns()
    times.start.append((started - begun) / 1000)
    times.finish.append((ended - answering) / 1000)
    times.whole.append(times.start[-1] + times.finish[-1])


def measure(trials: int, count: int = 1) -> tuple[Times, Times]:
    """So many logins of each kind: with ``count`` names that exist, and with as many others."""
    known, secret = accounts(count), os.urandom(32)
    strangers = accounts(count)
    order = [True, False] * trials
    random.shuffle(order)
    names = {True: list(known), False: list(strangers)}
    existing, unknown = Times(), Times()
    preload()
    for exists in [True, False] * _WARM_UP:
        fail(random.choice(names[exists]), known, secret, Times())
    gc.collect()
    gc.disable()
    for exists in order:
        fail(random.choice(names[exists]), known, secret, existing if exists else unknown)
    gc.enable()
    return existing, unknown


def cost(exchanges: int) -> float:
    """CPU microseconds of a server for one whole exchange."""
    known, secret = accounts(MANY), os.urandom(32)
    names = list(known)
    begun = time.process_time_ns()
    for _ in range(exchanges):
        fail(random.choice(names), known, secret, Times())
    return (time.process_time_ns() - begun) / exchanges / 1000


def show(what: str, existing: Times, unknown: Times) -> float:
    """Print a comparison; returns the smallest p."""
    smallest = 1.0
    for step in ("start", "finish", "whole"):
        a, b = sorted(getattr(existing, step)), sorted(getattr(unknown, step))
        p = kolmogorov_smirnov(a, b)
        smallest = min(smallest, p)
        medians = f"median us: wrong password {a[len(a) // 2]:.2f}, unknown name {b[len(b) // 2]:.2f}"
        print(f"{what}: {step:6}  p = {p:.3f}   {medians}")
    return smallest


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/login_timing", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--trials", type=int, default=1000, help="of each kind (default: %(default)s)")
    options = parser.parse_args()
    worst = show("one name", *measure(options.trials))
    show("another name every time (not judged)", *measure(options.trials, MANY))
    print(f"server CPU: {cost(2000):.0f} us for one exchange")
    if worst <= LEAST_P:
        print(f"p is at most {LEAST_P}: a clock can tell whether an account exists", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
