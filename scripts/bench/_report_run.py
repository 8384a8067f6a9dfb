"""Puts together what `run --json` and `peers --json` have found, in several pieces or on several days.

Rounds of the same benchmark are rounds of one result, whichever piece they are from.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import _peers
import _run
from _figures import Benchmark, Result, Row
from _output import add_options, page, show

EX_NOINPUT, EX_DATAERR = 66, 65
BEGIN, END = "<!-- figures", "<!-- end of figures"
"""Lines of a page, between which the figures are."""


def merge(pieces: list[dict[str, Any]]) -> tuple[list[Result], dict[str, object]]:
    """The results, in the order in which they come; and what was measured on, of the last piece that tells.

    :raises KeyError: it is something else.
    """
    known: dict[str, Benchmark] = {**_run.BENCHMARKS, **_peers.BENCHMARKS}
    results: dict[str, Result] = {}
    where: dict[str, object] = {}
    for piece in pieces:
        where |= piece["machine"]
        for name, found in piece["benchmarks"].items():
            result = results.setdefault(name, Result(known[name]))
            for case, figures in found["cases"].items():
                for figure, values in figures.items():
                    for value in values["rounds"]:
                        result.add(Row(case, {figure: value}))
            result.faults += found["wrong"]
    return list(results.values()), where


def put_into(path: Path, text: str) -> None:
    """Replace what a page has between its two lines.

    :raises ValueError: it has no such lines.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    edges = [i for i, line in enumerate(lines) if line.startswith((BEGIN, END))]
    if len(edges) != 2:
        raise ValueError(f"{path} has no place for figures: a line that begins with {BEGIN}, one with {END}")
    lines[edges[0] + 1 : edges[1]] = ["", *text.splitlines(), ""]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/bench/report", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="what `--json` printed")
    parser.add_argument("--page", type=Path, metavar="FILE", help="put them into this page, between the lines for that")
    add_options(parser)
    options = parser.parse_args()
    pieces = []
    for path in options.files:
        try:
            pieces.append(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            print(f"bench: cannot read {path}: {error.strerror}", file=sys.stderr)
            return EX_NOINPUT
        except ValueError as error:
            print(f"bench: {path} is not what `--json` printed: {error}", file=sys.stderr)
            return EX_DATAERR
    try:
        results, where = merge(pieces)
    except (KeyError, TypeError) as error:
        print(f"bench: not what `--json` printed: {error}", file=sys.stderr)
        return EX_DATAERR
    if options.page is not None:
        try:
            put_into(options.page, page(results, where))
        except (OSError, ValueError) as error:
            print(f"bench: {error}", file=sys.stderr)
            return EX_NOINPUT
    return show(results, where, options)


if __name__ == "__main__":
    sys.exit(main())
