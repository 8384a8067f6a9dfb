"""Draws results as a picture: one panel for each benchmark, one bar for each case, with all rounds as dots on it.

Each panel shows the first figure of its benchmark's cases. Where the reader's system is dark, the picture is light on
dark; it brings its own background, since a page may be of another mind than the system.
"""

import statistics
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from _figures import Result
from _report import number

_WIDTH, _LEFT, _RIGHT, _ROW, _HEAD, _GAP = 760, 230, 90, 22, 44, 18
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #222 }
.page { fill: #fff }
.title { font-weight: 600; font-size: 13px }
.unit { fill: #666 }
.bar { fill: #4c78a8 }
.dot { fill: #fff; stroke: #1d3d5c }
.axis { stroke: #bbb }
@media (prefers-color-scheme: dark) {
  text { fill: #e6e6e6 }
  .page { fill: #14181d }
  .unit { fill: #a0a0a0 }
  .bar { fill: #6f9fd0 }
  .dot { fill: #1b1b1b; stroke: #d5e5f5 }
  .axis { stroke: #666 }
}
"""


def plot(results: Sequence[Result]) -> str:
    """An SVG document."""
    parts: list[str] = []
    y = _GAP
    for result in filter(lambda result: result.values, results):
        parts += _panel(result, y)
        y += _HEAD + _ROW * len(_shown(result)[1]) + _GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" width="{_WIDTH}" height="{y}">'
        f'<style>{_STYLE}</style><rect class="page" width="100%" height="100%"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _shown(result: Result) -> tuple[str, dict[str, list[float]]]:
    """The figure that is drawn, and its rounds by case."""
    figure = next((name for figures in result.values.values() for name in figures), "")
    return figure, {case: figures[figure] for case, figures in result.values.items() if figures.get(figure)}


def _panel(result: Result, y: int) -> Iterator[str]:
    figure, cases = _shown(result)
    most = max((max(rounds) for rounds in cases.values()), default=0.0) or 1.0
    scale = (_WIDTH - _LEFT - _RIGHT) / most
    yield _text(12, y + 14, f"{result.benchmark.name}: {result.benchmark.what}", "title")
    yield _text(12, y + 32, figure, "unit")
    y += _HEAD
    for i, (case, rounds) in enumerate(cases.items()):
        yield from _bar(case, rounds, scale, y + i * _ROW)
    yield f'<line class="axis" x1="{_LEFT}" x2="{_LEFT}" y1="{y}" y2="{y + len(cases) * _ROW}"/>'


def _bar(case: str, rounds: Sequence[float], scale: float, y: int) -> Iterator[str]:
    median = statistics.median(rounds)
    yield _text(_LEFT - 8, y + 15, case, anchor="end")
    yield f'<rect class="bar" x="{_LEFT}" y="{y + 4}" width="{median * scale:.1f}" height="{_ROW - 8}"/>'
    if len(rounds) > 1:
        for value in rounds:
            yield f'<circle class="dot" cx="{_LEFT + value * scale:.1f}" cy="{y + _ROW / 2}" r="2.5"/>'
    yield _text(round(_LEFT + max(rounds) * scale) + 8, y + 15, number(median))


def _text(x: int, y: int, text: str, kind: str = "", anchor: str = "start") -> str:
    attributes = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{attributes}>{escape(text)}</text>'
