"""What ``chatnet serve`` is told, by its options and its configuration file, and what it says when it listens."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import click

from chatnet import __version__
from chatnet.address import TLS, UNIX, Address, parse
from chatnet.auth.names import fold
from chatnet.config import Config, default_binds, lan_binds
from chatnet.config_file import Settings, load_settings
from chatnet.core.retention import KEEP_ALL, Keep
from chatnet.errors import ChatnetError
from chatnet.net import loop
from chatnet.net.folders import default_data_folder
from chatnet.quantities import parse_duration
from chatnet.server import Server
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.options import check_room_name
from chatnet_cli.output import put, put_json, talk

_EVERYWHERE = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command, as click gives them; None for what was not said."""

    binds: tuple[str, ...]
    lan: bool
    is_open: bool
    data: Path | None
    history: str | None
    keeps: tuple[str, ...]
    file: Path | None
    certificate: Path | None
    key: Path | None


def configuration(options: Options) -> tuple[Config, bool]:
    """The server's configuration, and whether it is for the local network.

    What an option says counts more than what the file says.

    :raises click.UsageError: options that do not go together.
    :raises ConfigError: the file, or what came of it, makes no sense.
    """
    settings = _settings(options.file)
    history = options.history or settings.history or "durable"
    data = options.data or (None if options.history == "none" else settings.data)
    if history == "none" and data is not None:
        raise click.UsageError("--history none keeps nothing, so it has no use for --data: leave one of them out")
    lan = options.lan or (settings.lan is True and not options.binds)
    binds = tuple(parse(url) for url in options.binds)
    if lan and binds and not any(address.scheme == TLS and not address.is_local for address in binds):
        raise click.UsageError(
            "--lan is for other machines, and they reach none of the addresses in --bind\n"
            f"Leave --bind out, or add one such as  --bind {lan_binds()[0]}"
        )
    given = binds or (None if lan else settings.bind)
    config = Config(
        bind=given or (lan_binds() if lan else default_binds()),
        open=options.is_open or settings.open is True,
        data=None if history == "none" else data or default_data_folder(),
        identity=default_data_folder() if history == "none" else None,
        certificate=options.certificate or settings.certificate,
        key=options.key or settings.key,
        keep=_keep(options.keeps) if options.keeps else settings.keep or KEEP_ALL,
        limits=settings.limits,
    )
    return config, lan


def _settings(file: Path | None) -> Settings:
    if file is None:
        return Settings()
    try:
        return load_settings(file)
    except FileNotFoundError:
        raise Failure(ExitCode.NO_INPUT, f"there is no configuration file {file}") from None


def _keep(texts: tuple[str, ...]) -> Keep:
    """What ``--keep`` says."""
    everywhere: int | None = None
    rooms: dict[str, float] = {}
    for text in texts:
        room, _, span = text.rpartition("=")
        seconds = parse_duration(span)
        if seconds is None:
            raise click.UsageError(f"--keep {text}: {span!r} is not a span of time, such as 12h or 90d")
        if room:
            rooms[fold(check_room_name(room))] = seconds
        else:
            everywhere = seconds
    return Keep(everywhere, rooms)


# -- what it says ---------------------------------------------------------------------------------------------


def announce(server: Server, *, as_json: bool) -> None:
    """Say where the server listens; from here on it can be talked to."""
    if as_json:
        _announce_to_program(server)
        return
    from chatnet.client.reach import places

    folder = server.config.data
    for address in server.addresses:
        put(f"chatnet {__version__} listens at {address}")
    in_memory = "Messages are kept in memory only, and for a while; files cannot be sent."
    talk(f"Everything is kept in {folder}" if folder else in_memory)
    if is_compiled():
        talk("The modules that every message passes are compiled.")
    outside = places(server.addresses)
    if server.bootstrap_code is not None:
        talk("Nobody has an account yet. The first to join from another machine becomes the admin, with:")
        put(f"  chatnet join {outside[0]} {server.bootstrap_code}")
    if outside:
        _tell_of_outside(server, outside)
    elif server.lets_in_guests:
        _suggest(server.addresses)
    talk("Ctrl-C stops the server.")


def is_compiled() -> bool:
    """Is what runs here the compiled form of the modules that have one? One stands for all: they are one library."""
    return loop.__file__.endswith(tuple(EXTENSION_SUFFIXES))


def _announce_to_program(server: Server) -> None:
    from chatnet.net.pins import show_pin

    data, pin, code = server.config.data, server.pin, server.bootstrap_code
    put_json(
        {
            "event": "listening",
            "addresses": [str(address) for address in server.addresses],
            "data": None if data is None else str(data),
            "pin": None if pin is None else show_pin(pin),
            "code": None if code is None else str(code),
            "pid": os.getpid(),
            "version": __version__,
            "compiled": is_compiled(),
        }
    )


@contextmanager
def failure_told(*, as_json: bool) -> Iterator[None]:
    """Tell a program why there will be no server, by the code of the error that passes through."""
    try:
        yield
    except ChatnetError as error:
        if as_json:
            put_json({"event": "failed", "code": error.code, "message": error.message})
        raise


def _tell_of_outside(server: Server, outside: list[str]) -> None:
    """How others find the server, whom it lets in, and how they know that it is the right one."""
    from chatnet.net.pins import show_pin

    talk(f"Others reach this machine at {', '.join(outside)}, if its firewall lets this port through.")
    if server.config.open:
        talk(f"They need no account, only a name:  chatnet chat --server {outside[0]} --as NAME")
    talk("To invite people:  chatnet invite")
    if server.pin is not None and server.config.certificate is None:
        talk("Who comes without an invitation is asked whether this is the fingerprint of the server's key:")
        talk(f"  {show_pin(server.pin)}")


def _suggest(addresses: list[Address]) -> None:
    option = _server_option(addresses)
    talk("Try it from two other terminals:")
    talk(f"  chatnet listen --as bob{option}")
    talk(f'  chatnet send --as alice --to bob{option} "hi"')


def _server_option(addresses: list[Address]) -> str:
    """What a client must be told to find the server; nothing where it looks by itself."""
    found = set(default_binds())
    if any(address in found for address in addresses):
        return ""
    local = next((address for address in addresses if address.scheme == UNIX), addresses[0])
    host = socket.gethostname() if local.host in _EVERYWHERE else local.host
    return f" --server {Address(local.scheme, host, local.port, local.path)}"
