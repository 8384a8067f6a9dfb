"""``scripts/simulate``: runs any number of seeds, and stops at the first that breaks an invariant."""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence

from chatnet.testing.simulation import STEPS, Failed, simulate
from chatnet.testing.simulation.report import Sums
from chatnet.testing.simulation.settings import KINDS_OF_STORE

TRACE_LINES = 60
_PROGRESS_SECONDS = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the seeds that the arguments say; 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="simulate", description="Simulate a whole server with its clients.")
    parser.add_argument("--seeds", type=int, default=200, metavar="N", help="how many seeds (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, metavar="S", help="the first seed (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=STEPS, metavar="K", help="steps of each (default: %(default)s)")
    parser.add_argument("--store", choices=KINDS_OF_STORE, help="only this store (default: the seed decides)")
    parser.add_argument("--trace", action="store_true", help="print the whole trace of a seed that fails, not its end")
    options = parser.parse_args(arguments)
    try:
        _run(range(options.first, options.first + options.seeds), options.steps, options.store)
    except Failed as failure:
        _explain(failure, options.store, whole=options.trace)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _run(seeds: range, steps: int, store: str | None) -> None:
    sums = Sums()
    said = sums.start
    for seed in seeds:
        sums.add(simulate(seed, steps, store))
        now = time.monotonic()
        if now - said > _PROGRESS_SECONDS:
            said = now
            print(f"{sums.seeds} of {len(seeds)} seeds, {sums.rate:.1f} a second", file=sys.stderr, flush=True)
    print(sums)


def _explain(failure: Failed, store: str | None, *, whole: bool) -> None:
    cause = failure.__cause__
    print("\n".join(failure.trace if whole else failure.trace[-TRACE_LINES:]))
    traceback.print_exception(cause)
    option = "" if store is None else f" --store {store}"
    print(f"{failure}\nTo see it again: scripts/simulate --seeds 1 --first {failure.seed}{option} --trace")


if __name__ == "__main__":
    sys.exit(main())
