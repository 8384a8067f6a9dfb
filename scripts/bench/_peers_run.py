"""Compares chatnet with other chat servers, as far as they are installed: what a delivery costs, how long it takes.

Redis, NATS, InspIRCd, ngircd and Mosquitto are found by their programs, the library websockets in the Python that runs
this. Each is alone on one core, and the load on another one; servers take turns, and the ratios are those of the same
round. Exit code 1 if any server lost a message, or said one twice.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from _figures import Result
from _known_peers import KNOWN
from _machine import EX_UNAVAILABLE, default_folder, machine
from _output import add_options, show
from _peers import add, installed, measure
from _pinning import allow_open_files, why_not_pinned
from _serving import CannotMeasure, check_system
from _setting import Setting
from _workloads import WORKLOADS

_OPEN_FILES = 11_000
"""Twice as many as there are clients: Redis keeps some for itself."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench/peers", description=__doc__)
    what = "; ".join(f"{name}: {workload.what}" for name, workload in WORKLOADS.items())
    parser.add_argument("names", nargs="*", metavar="WORKLOAD", help=f"of these: {what}")
    parser.add_argument("--only", action="append", metavar="SERVER", help=f"of these: {', '.join(KNOWN)}")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each, twice that at a pace; default: 2")
    parser.add_argument("--tries", type=int, default=3, help="of each, while others use the machine too; default: 3")
    parser.add_argument("--folder", type=Path, default=default_folder(), help="on the disk of the durable server")
    add_options(parser)
    options = parser.parse_args()
    for name in options.names:
        if name not in WORKLOADS:
            parser.error(f"there is no workload {name!r}, but {', '.join(WORKLOADS)}")
    for name in options.only or []:
        if name not in KNOWN:
            parser.error(f"there is no server {name!r}, but {', '.join(KNOWN)}")
    return options


def main() -> int:
    """The command."""
    options = _arguments()
    names = options.names or list(WORKLOADS)
    wanted = [name for name in KNOWN if not options.only or name in options.only]
    here = installed(wanted)
    for line in filter(None, (*here.missing, why_not_pinned())):
        print(f"bench: {line}", file=sys.stderr)
    results: dict[str, Result] = {}
    try:
        check_system()
        allow_open_files(_OPEN_FILES)
        with TemporaryDirectory(prefix="chatnet-bench-", dir=options.folder) as scratch:
            where = machine(Path(scratch)) | {"servers": here.versions}
            setting = Setting(Path(scratch), seconds=options.seconds)
            for number in range(options.rounds):
                for name in names:
                    servers = [server for server in WORKLOADS[name].servers if server in here.names]
                    print(f"{name}, round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
                    # Whoever comes first may find the machine in another state than the last one.
                    add(results, name, measure(name, servers[:: -1 if number % 2 else 1], setting, options.tries))
    except CannotMeasure as error:
        print(f"bench: {error}", file=sys.stderr)
        return EX_UNAVAILABLE
    return show(list(results.values()), where, options)


if __name__ == "__main__":
    sys.exit(main())
