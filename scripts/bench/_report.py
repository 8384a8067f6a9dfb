"""Results for people, for pages and for programs: a table for each benchmark, or JSON."""

import statistics
from collections.abc import Iterator, Sequence

from _figures import Result


def table(result: Result) -> str:
    """Medians, with the least and the most of several rounds; the bars; and what went wrong."""
    names = list(dict.fromkeys(name for figures in result.values.values() for name in figures))
    rows = [["", *names]]
    for case, figures in result.values.items():
        rows.append([case, *(_cell(figures.get(name, [])) for name in names)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(names) + 1)]
    lines = [f"{result.benchmark.name}: {result.benchmark.what}"]
    for row in rows:
        first, *rest = (
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join(["", first, *rest]).rstrip())
    return "\n".join([*lines, *_notes(result)])


def markdown(result: Result) -> str:
    """The same for a page."""
    names = list(dict.fromkeys(name for figures in result.values.values() for name in figures))
    lines = [f"**{result.benchmark.name}**: {result.benchmark.what}", ""]
    lines += [_cells(["", *names]), _cells(["---", *["---:"] * len(names)])]
    for case, figures in result.values.items():
        lines.append(_cells([case, *(_cell(figures.get(name, [])) for name in names)]))
    bars = [f"- {'met' if is_met else '**missed**'}: {bar} ({number(median)})" for bar, median, is_met in result.bars()]
    faults = [f"- **wrong**: {fault}" for fault in result.faults]
    return "\n".join([*lines, *([""] if bars or faults else []), *bars, *faults])


def _cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _notes(result: Result) -> Iterator[str]:
    for bar, median, is_met in result.bars():
        yield f"  {'met   ' if is_met else 'MISSED'}  {bar} ({number(median)})"
    for fault in result.faults:
        yield f"  WRONG   {fault}"


def _cell(values: Sequence[float]) -> str:
    if not values:
        return ""
    median = number(statistics.median(values))
    return median if len(values) == 1 else f"{median} ({number(min(values))}-{number(max(values))})"


def number(value: float) -> str:
    """Three digits, or all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def as_data(results: Sequence[Result], machine: dict[str, object]) -> dict[str, object]:
    """All of it, for programs."""
    return {
        "machine": machine,
        "benchmarks": {
            result.benchmark.name: {
                "cases": {
                    case: {name: {"median": statistics.median(v), "rounds": v} for name, v in figures.items()}
                    for case, figures in result.values.items()
                },
                "bars": [{"bar": str(bar), "median": median, "met": is_met} for bar, median, is_met in result.bars()],
                "wrong": result.faults,
            }
            for result in results
        },
    }
