"""Feeds a server with what nobody would send, and stops at the first thing that it must not do.

Without options: inputs of the built-in mutator, from a seed, to a whole server in this process. --live feeds a server
process over TCP, TLS and a unix socket. --atheris lets atheris choose the inputs, by what code they come to; what
stands behind it is libFuzzer's (folders of inputs, -max_total_time=60...), and atheris must be installed for that:
https://github.com/google/atheris.
"""

import argparse
import sys
import time
from pathlib import Path
from random import Random

from _fuzz_target import ADMIN, STRANGER, Target, as_input
from _fuzz_values import at_random, encode, mutated, with_odd_numbers, with_odd_texts
from _hostile_frames import mutated_frames, random_frames
from _hostile_lines import Wrong
from _hostile_server import running

EX_UNAVAILABLE = 69
_MOST_FRAMES = 6


def inputs(random: Random) -> list[bytes]:
    """The odd ones, each once, so that no run misses them."""
    odd = [payload for _, payload in (*with_odd_texts(random), *with_odd_numbers(random))]
    return [as_input(who, [payload]) for who in range(STRANGER, ADMIN + 1) for payload in odd]


def one(random: Random) -> bytes:
    """An input: some requests, whole or damaged, or noise."""
    who = random.randint(STRANGER, ADMIN)
    payloads = [encode(at_random(random)) for _ in range(random.randint(1, _MOST_FRAMES))]
    match random.randrange(4):
        case 0:
            return as_input(who, payloads)
        case 1:
            # A broken frame ends the connection, so all before it are whole.
            return as_input(who, [*payloads[:-1], mutated(random, payloads[-1])])
        case 2:
            return mutated(random, as_input(who, payloads))
        case _:
            return bytes([who]) + random.randbytes(random.randrange(200))


def in_process(count: int, seed: int) -> None:
    """Feed so many inputs to a server in this process.

    :raises Wrong: something was found; the input is told.
    """
    random = Random(seed)
    begun = time.perf_counter()
    certain = inputs(random)
    with Target(seed) as target:
        for i in range(count):
            data = certain[i] if i < len(certain) else one(random)
            try:
                target.feed(data)
            except Wrong as wrong:
                raise Wrong(f"input {i} of seed {seed}, {data.hex()}: {wrong}") from wrong
    seconds = time.perf_counter() - begun
    print(f"{count:,} inputs of seed {seed}: nothing found ({count / seconds:,.0f} a second)")


def live(count: int, seed: int) -> None:
    """Send so many random, and as many damaged frames to a server process, as each of those who may speak.

    :raises Wrong: something was found.
    """
    random = Random(seed)
    with running() as target:
        for attack in (random_frames, mutated_frames):
            begun = time.perf_counter()
            attack(target, count, random)
            name = attack.__name__.replace("_", " ")
            print(f"{count:,} {name} of each: nothing found in {time.perf_counter() - begun:.1f} s", flush=True)


def replay(path: Path) -> None:
    """Feed one input that was found before.

    :raises Wrong: it still does it.
    """
    with Target() as target:
        target.feed(path.read_bytes())
    print(f"{path}: nothing found")


def by_atheris(arguments: list[str]) -> int:
    """Let atheris choose; it ends the process itself when it has found something, or its time is over."""
    try:
        import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        print(
            "fuzz: atheris is not installed (pip install atheris); without --atheris it is not needed", file=sys.stderr
        )
        return EX_UNAVAILABLE
    with Target() as target:
        atheris.instrument_all()
        atheris.Setup([sys.argv[0], *arguments], target.feed)
        atheris.Fuzz()
    return 0


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--count", type=int, default=100_000, help="inputs (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--live", action="store_true", help="feed a server process, over sockets")
    parser.add_argument("--input", type=Path, metavar="FILE", help="feed this one only")
    parser.add_argument("--atheris", nargs=argparse.REMAINDER, metavar="ARG", help="let atheris choose the inputs")
    options = parser.parse_args()
    if options.atheris is not None:
        return by_atheris(options.atheris)
    try:
        if options.input is not None:
            replay(options.input)
        elif options.live:
            live(options.count, options.seed)
        else:
            in_process(options.count, options.seed)
    except Wrong as wrong:
        print(f"FOUND  {wrong}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
