"""A live server under attack, while ordinary people talk on it: every attack, or those that are named.

Exit code 1 if the server did what it must not, ended, complained, kept memory, or if anybody who does no harm met an
error. How long their messages took is shown beside the bar (p99 under 50 ms); to miss it is no failure, for the attack
comes from the same machine and a machine may be busy.
"""

import argparse
import os
import random
import sys
import time
from dataclasses import dataclass

import _hostile_attacks
import _hostile_frames
import _hostile_replay
from _hostile_attacks import Attack
from _hostile_lines import Target, Wrong
from _hostile_pair import Bystanders, Heard, talking
from _hostile_server import resident, running

MODULES = (_hostile_attacks, _hostile_replay, _hostile_frames)
ATTACKS: dict[str, tuple[Attack, int]] = {
    name: (attack, count) for module in MODULES for name, attack, count in module.by_name()
}
BAR_SECONDS = 0.050
QUIET_SECONDS = 5.0
SETTLE_SECONDS = 1.0
MIB = 1 << 20
MOST_KEPT = 16 * MIB
"""More than that after an attack than after the same before it, and memory was kept."""


@dataclass(frozen=True)
class Outcome:
    """What an attack did."""

    seconds: float
    heard: Heard
    resident: int
    wrong: str = ""


def percentile(times: tuple[float, ...], percent: float) -> float:
    """Of sorted times; 0 of none."""
    return times[min(len(times) - 1, int(len(times) * percent / 100))] if times else 0.0


def attacked(target: Target, bystanders: Bystanders, attack: Attack, count: int, seed: int) -> Outcome:
    """Let one attack run its course."""
    wrong = ""
    bystanders.heard()
    begun = time.perf_counter()
    try:
        attack(target, count, random.Random(seed))
    except Wrong as what:
        wrong = str(what)
    seconds = time.perf_counter() - begun
    time.sleep(SETTLE_SECONDS)
    return Outcome(seconds, bystanders.heard(), resident(target.pid), wrong)


def quiet(target: Target, count: int, rng: random.Random) -> None:
    """Nobody attacks: how long messages take anyway."""
    del target, rng
    time.sleep(count)


def show(name: str, count: int, outcome: Outcome) -> bool:
    """Print a line; was all well?"""
    times, errors = outcome.heard.times, outcome.heard.errors
    p50, p99, most = (percentile(times, percent) for percent in (50, 99, 100))
    print(
        f"{name:30} {count:7,} {outcome.seconds:7.1f} s  {len(times):5} heard,"
        f" ms: p50 {1000 * p50:5.1f}, p99 {1000 * p99:5.1f}{' ' if p99 < BAR_SECONDS else '!'}, max {1000 * most:5.1f},"
        f"  server {outcome.resident / MIB:5.1f} MiB",
        flush=True,
    )
    for what in (*errors, *filter(None, [outcome.wrong])):
        print(f"  WRONG  {what}", flush=True)
    return not errors and not outcome.wrong


def run(names: list[str], scale: float, pairs: int, seed: int, options: list[str]) -> bool:
    """All of it on one server.

    :raises Wrong: the server complained, or did not end well.
    """
    good = True
    everything: list[float] = []
    with running(*options) as target, talking(target, pairs) as bystanders:
        _step_back()
        for name in ("nobody attacks", *names):
            attack, full = ATTACKS.get(name, (quiet, int(QUIET_SECONDS)))
            count = max(1, round(full * scale)) if name in ATTACKS else full
            outcome = attacked(target, bystanders, attack, count, seed)
            good &= show(name, count, outcome)
            if name in ATTACKS:
                everything += outcome.heard.times
        good &= _is_flat(target, scale)
    p99 = percentile(tuple(sorted(everything)), 99)
    print(f"through all of it: p99 {1000 * p99:.1f} ms of {len(everything):,} messages")
    return good


def _step_back() -> None:
    """Real attackers have processors of their own: take what the server and those who talk leave over."""
    if hasattr(os, "nice"):
        os.nice(19)


def _is_flat(target: Target, scale: float) -> bool:
    """Does it keep nothing of connections that come and go?"""
    count = max(100, round(10_000 * scale))
    _hostile_attacks.knocking(target, count, random.Random(0))
    before = resident(target.pid)
    _hostile_attacks.knocking(target, count, random.Random(0))
    time.sleep(SETTLE_SECONDS)
    after = resident(target.pid)
    print(f"{count:,} connects more: {before / MIB:.1f} MiB before, {after / MIB:.1f} MiB after")
    return after - before < MOST_KEPT


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/hostile_test", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", metavar="ATTACK", help=f"of these: {', '.join(ATTACKS)}")
    parser.add_argument("--scale", type=float, default=1.0, help="how much of each (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=4, help="who talk meanwhile (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--durable", action="store_true", help="messages are kept on disk, not in memory")
    options = parser.parse_args()
    for name in options.names:
        if name not in ATTACKS:
            parser.error(f"there is no attack {name!r}")
    try:
        good = run(
            options.names or list(ATTACKS),
            options.scale,
            options.pairs,
            options.seed,
            ["--durable"] if options.durable else [],
        )
    except Wrong as wrong:
        print(f"WRONG  {wrong}", file=sys.stderr)
        return 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
