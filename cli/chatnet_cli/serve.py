"""``chatnet serve``: run a server until it is told to stop."""

import os
import socket
from pathlib import Path

import click

from chatnet import __version__
from chatnet.address import TCP, Address, parse
from chatnet.auth.names import fold
from chatnet.config import Config, default_binds
from chatnet.core.retention import Keep
from chatnet.net.folders import default_data_folder
from chatnet.net.platform import stop_on_signals
from chatnet.net.storing import StoreBroken
from chatnet.server import Server
from chatnet_cli.durations import parse_duration
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.options import check_room_name, json_option
from chatnet_cli.output import put, put_json, talk

_EVERYWHERE = ("0.0.0.0", "::")


@click.command("serve", short_help="Run a server.")
@click.option(
    "--bind",
    "binds",
    multiple=True,
    metavar="URL",
    help="Listen here, and nowhere else unless given again; port 0 takes a free one. "
    "Default: 127.0.0.1:5555, and a local socket where the system has them.",
)
@click.option("--open", "is_open", is_flag=True, help="Let in guests from other machines too, without a password.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help=f"Keep everything in this private folder. Default: {default_data_folder()}",
)
@click.option(
    "--history",
    type=click.Choice(["durable", "none"]),
    default="durable",
    show_default=True,
    help="Whether messages are kept on disk; 'none' is a window in memory, gone with the server.",
)
@click.option(
    "--keep",
    "keeps",
    multiple=True,
    metavar="[ROOM=]TIME",
    help="Forget messages that are older than this, such as 90d; with ROOM= in one room only. May be given several "
    "times. Default: keep everything.",
)
@json_option("where it listens")
def command(
    *, binds: tuple[str, ...], is_open: bool, data: Path | None, history: str, keeps: tuple[str, ...], as_json: bool
) -> None:
    """Run a server until Ctrl-C or SIGTERM; both let everybody have what is theirs first.

    \b
    Examples:
      chatnet serve
      chatnet serve --open --bind chatnet+tcp://0.0.0.0:5555      # for the local network, in plain text
      chatnet serve --bind chatnet+tcp://127.0.0.1:0 --json       # for a script: any free port
      chatnet serve --data /srv/chat                              # keep everything there
      chatnet serve --keep 90d --keep random=7d                   # forget what is older
    """
    if history == "none" and data is not None:
        raise click.UsageError("--history none keeps nothing, so it has no use for --data: leave one of them out")
    folder = None if history == "none" else data or default_data_folder()
    addresses = tuple(parse(url) for url in binds) or default_binds()
    server = Server(Config(bind=addresses, open=is_open, data=folder, keep=_keep(keeps)))
    server.start()
    try:
        with stop_on_signals(server.stop, server.wakeup_fd):
            _announce(server.addresses, folder, as_json=as_json)
            server.run()
    except StoreBroken as error:
        # For a client a failing store is a thing that passes; for its server it is the end.
        raise Failure(ExitCode.IO, str(error)) from error
    finally:
        server.close()
    talk("chatnet: stopped")


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


def _announce(addresses: list[Address], folder: Path | None, *, as_json: bool) -> None:
    """Say where the server listens; from here on it can be talked to."""
    if as_json:
        urls = [str(address) for address in addresses]
        data = None if folder is None else str(folder)
        put_json({"event": "listening", "addresses": urls, "data": data, "pid": os.getpid(), "version": __version__})
        return
    for address in addresses:
        put(f"chatnet {__version__} listens at {address}")
    talk(f"Everything is kept in {folder}" if folder else "Messages are kept in memory only, and for a while.")
    option = _server_option(addresses)
    talk("Try it from two other terminals:")
    talk(f"  chatnet listen --as bob{option}")
    talk(f'  chatnet send --as alice --to bob{option} "hi"')
    talk("Ctrl-C stops the server.")


def _server_option(addresses: list[Address]) -> str:
    """What a client must be told to find the server; nothing where it looks by itself."""
    if set(addresses) & set(default_binds()):
        return ""
    address = addresses[0]
    if address.scheme == TCP and address.host in _EVERYWHERE:
        address = Address(TCP, host=socket.gethostname(), port=address.port)
    return f" --server {address}"
