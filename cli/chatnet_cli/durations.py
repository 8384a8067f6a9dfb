"""Spans of time as people write them: ``90s``, ``10m``, ``2h``, ``7d``."""

import re

import click

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = 366 * _SECONDS["d"]
_FORM = re.compile(r"([0-9]{1,9})([smhd])")


def parse_duration(text: str) -> int | None:
    """The seconds in a text like ``10m``; None if it is none, or is none that makes sense."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    seconds = int(found[1]) * _SECONDS[found[2]]
    return seconds if 0 < seconds <= _LONGEST else None


class Duration(click.ParamType[int]):
    """An option that takes a span of time, and gives seconds."""

    name = "duration"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Take what was typed; a number that is converted already stays as it is."""
        if isinstance(value, int):
            return value
        seconds = parse_duration(value)
        if seconds is None:
            unit = f", such as {value}s" if value.isdecimal() else ": 90s, 10m, 2h or 1d"
            self.fail(f"{value!r} is not a span of time; write a number and its unit{unit}", param, ctx)
        return seconds
