"""A server's configuration in a TOML file, for what does not fit on a command line.

    bind = ["chatnet://0.0.0.0:5555"]      # the options of `chatnet serve`, by the same names
    open = true
    data = "/srv/chat"
    keep = "90d"                           # or by room: keep = {everywhere = "90d", random = "7d"}

    [limits]                               # every limit has a name; sizes and times may have units
    text = "32 KiB"
    posts_per_second = 20
    silence_seconds = "2m"
    file = "4 GiB"

A file is read as a whole or not at all: a name that means nothing is an error, since a limit that is misspelt would
protect nobody.

Source: https://toml.io/en/v1.0.0.
"""

import dataclasses
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from chatnet.address import Address, parse
from chatnet.auth.names import fold
from chatnet.core.limits import Limits
from chatnet.core.retention import Keep
from chatnet.errors import ConfigError, ErrorCode
from chatnet.quantities import parse_duration, parse_size

_LARGEST = 1 << 20
"""Bytes of a file that is read; nobody writes more by hand."""
_EVERYWHERE = "everywhere"
_ADDRESSES = "give addresses, such as chatnet://0.0.0.0:5555"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a configuration file says; None for what it does not speak of."""

    bind: tuple[Address, ...] | None = None
    lan: bool | None = None
    open: bool | None = None
    data: Path | None = None
    history: str | None = None
    keep: Keep | None = None
    certificate: Path | None = None
    key: Path | None = None
    limits: Limits = field(default_factory=Limits)


def load_settings(path: Path) -> Settings:
    """Read a configuration file; paths in it are relative to its folder.

    :raises FileNotFoundError: there is none.
    :raises ConfigError: BAD_OPTION, with the file, the name and what is wrong.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST + 1)
        if len(text) > _LARGEST:
            raise ConfigError(ErrorCode.BAD_OPTION, f"{path}: this is too large for a configuration file")
        table = tomllib.loads(text.decode("utf-8"))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(ErrorCode.BAD_OPTION, f"cannot read {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(ErrorCode.BAD_OPTION, f"{path} is not a TOML file: {error}") from error
    return _Reader(path).settings(table)


class _Reader:
    """Turns one file's table into settings, and knows where it is for the sake of error messages."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def settings(self, table: Mapping[str, Any]) -> Settings:
        readers: dict[str, Callable[[str, object], object]] = {
            "bind": self._bind,
            "lan": self._flag,
            "open": self._flag,
            "data": self._file,
            "history": self._history,
            "keep": self._keep,
            "certificate": self._file,
            "key": self._file,
            "limits": self._limits,
        }
        self._check_names("", table, readers)
        found: dict[str, Any] = {name: readers[name](name, value) for name, value in table.items()}
        return Settings(**found)

    def _fail(self, name: str, what: str) -> NoReturn:
        raise ConfigError(ErrorCode.BAD_OPTION, f"{self._path}: {name}: {what}")

    def _check_names(self, prefix: str, table: Mapping[str, Any], known: Mapping[str, Any]) -> None:
        for name in table:
            if name not in known:
                near = get_close_matches(name, known, 1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(sorted(known))}"
                self._fail(prefix + name, f"there is no such setting{hint}")

    def _bind(self, name: str, value: object) -> tuple[Address, ...]:
        urls = value if isinstance(value, list) else [value]
        if not urls:
            self._fail(name, _ADDRESSES)
        return tuple(self._address(name, url) for url in urls)

    def _address(self, name: str, value: object) -> Address:
        if not isinstance(value, str):
            self._fail(name, _ADDRESSES)
        try:
            return parse(value)
        except ConfigError as error:
            self._fail(name, error.message)

    def _flag(self, name: str, value: object) -> bool:
        if not isinstance(value, bool):
            self._fail(name, "write true or false")
        return value

    def _file(self, name: str, value: object) -> Path:
        if not isinstance(value, str) or not value or "\0" in value:
            self._fail(name, "write a path in quotes")
        return self._path.absolute().parent / Path(value).expanduser()

    def _history(self, name: str, value: object) -> str:
        if value not in ("durable", "none"):
            self._fail(name, 'write "durable" or "none"')
        return str(value)

    def _keep(self, name: str, value: object) -> Keep:
        spans = value if isinstance(value, dict) else {_EVERYWHERE: value}
        rooms = {fold(room): self._seconds(f"{name}.{room}", span) for room, span in spans.items()}
        everywhere = rooms.pop(_EVERYWHERE, None)
        return Keep(everywhere, rooms)

    def _seconds(self, name: str, value: object) -> int:
        seconds = parse_duration(value) if isinstance(value, str) else None
        if seconds is None:
            self._fail(name, f"{value!r} is not a span of time, such as 12h or 90d")
        return seconds

    # -- limits -----------------------------------------------------------------------------------------------

    def _limits(self, name: str, value: object) -> Limits:
        if not isinstance(value, dict):
            self._fail(name, "write a table: [limits]")
        known = {limit.name: limit for limit in dataclasses.fields(Limits)}
        self._check_names(f"{name}.", value, known)
        numbers: dict[str, Any] = {
            key: self._limit(f"{name}.{key}", number, known[key].type) for key, number in value.items()
        }
        return Limits(**numbers)

    def _limit(self, name: str, value: object, kind: object) -> int | float:
        """A number above zero; as text it may have a unit."""
        number: object = value
        if isinstance(value, str):
            number = parse_duration(value) if name.endswith("_seconds") else parse_size(value)
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < 2**53:
            self._fail(name, f"{value!r} is not a number above 0, nor one with a unit: 10s, 5m; 64 KiB, 2 GiB")
        if kind is int and not isinstance(number, int):
            self._fail(name, f"{value!r} is not a whole number")
        return float(number) if kind is float else number
