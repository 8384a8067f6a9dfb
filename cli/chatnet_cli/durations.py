"""Options that take a span of time: ``90s``, ``10m``, ``2h``, ``7d``."""

import click

from chatnet.quantities import parse_duration


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
