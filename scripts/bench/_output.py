"""How results leave: as tables for people, as JSON for programs, as Markdown for a page, as a plot."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from _figures import Result
from _plot import plot
from _report import as_data, markdown, table


def add_options(parser: argparse.ArgumentParser) -> None:
    """What `show` looks at."""
    parser.add_argument("--json", action="store_true", help="for programs, once all is done")
    parser.add_argument("--markdown", action="store_true", help="for a page, once all is done")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw what was found, too")


def is_read_later(options: argparse.Namespace) -> bool:
    """Is the output a whole, which begins only once all is done?"""
    return bool(options.json or options.markdown)


def show(results: Sequence[Result], where: dict[str, object], options: argparse.Namespace) -> int:
    """All of them, in the form that was asked for; the exit code: 1 if anything went wrong."""
    draw(results, options)
    if options.json:
        print(json.dumps(as_data(results, where), indent=2))
    elif options.markdown:
        print(page(results, where))
    else:
        print(told(where))
        for result in results:
            print(f"\n{table(result)}")
    return failed(results)


def told(where: dict[str, object]) -> str:
    """What was measured on, and which servers, one a line."""
    machine = ", ".join(f"{name} {value}" for name, value in where.items() if not isinstance(value, dict))
    lists = [f"  {name}: {what}" for value in where.values() if isinstance(value, dict) for name, what in value.items()]
    return "\n".join([machine, *lists])


def page(results: Sequence[Result], where: dict[str, object]) -> str:
    """All of them in Markdown."""
    return "\n\n".join([_listed(where), *(markdown(result) for result in results if result.values)])


def _listed(where: dict[str, object]) -> str:
    first, *rest = told(where).splitlines()
    return "\n".join([first, *([""] if rest else []), *(f"- {line.strip()}" for line in rest)])


def draw(results: Sequence[Result], options: argparse.Namespace) -> None:
    """The picture, if it was asked for."""
    if options.svg is not None:
        options.svg.write_text(plot(results), encoding="utf-8")


def failed(results: Sequence[Result]) -> int:
    """The exit code: a missed bar is none, a machine may be slow."""
    return 1 if any(result.faults for result in results) else 0
