"""``chatnet discover``: which servers there are on the local network."""

import click

from chatnet.address import TLS
from chatnet.net.mdns import LanServer, browse
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.options import LONGEST_TIMEOUT, json_option
from chatnet_cli.output import put, put_json, talk
from chatnet_cli.safe_text import safe_name

_SECONDS = 3.0
_SHORTEST = 0.1


def _check_seconds(ctx: click.Context, param: click.Parameter, value: float) -> float:
    """Not by `click.FloatRange`, for which `nan` is between all numbers."""
    if not _SHORTEST <= value <= LONGEST_TIMEOUT:
        raise click.BadParameter(f"{value:g} is not between {_SHORTEST} and {LONGEST_TIMEOUT} seconds", ctx, param)
    return value


@click.command("discover", short_help="List the servers on the local network.")
@click.option(
    "--timeout",
    type=float,
    callback=_check_seconds,
    default=_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long to listen for them.",
)
@click.option(
    "--interface",
    "interfaces",
    multiple=True,
    metavar="ADDRESS",
    help="Look only on the network of this IPv4 address of this machine. Default: on all of them.",
)
@json_option("every server")
@click.pass_context
def command(ctx: click.Context, *, timeout: float, interfaces: tuple[str, ...], as_json: bool) -> None:
    """List the servers that make themselves known on the local network ('chatnet serve --lan' does), one a line.

    Each line has the server's name, its address, its version and the fingerprint of its key. Anybody on the network
    can claim to be any server: compare the fingerprint, or join with a code. Ends with 1 if there is none, and with 69
    if the network cannot be listened to.

    \b
    Examples:
      chatnet discover
      chatnet discover --json --timeout 10
    """
    servers = browse(timeout, interfaces=interfaces or None)
    for server in servers:
        if as_json:
            put_json(_object(server))
        else:
            put(_line(server))
    if not servers:
        talk(f"chatnet: no server made itself known within {timeout:g} s; 'chatnet serve --lan' announces one")
        ctx.exit(ExitCode.NOTHING)


def _line(server: LanServer) -> str:
    """``ops  chatnet://192.168.1.20:5555  chatnet 0.1.0  open  sha256:...``."""
    parts = [server.name, str(server.addresses[0]), f"chatnet {server.version}" if server.version else "chatnet"]
    parts += ["open"] if server.is_open else []
    unpinned = "fingerprint not told" if server.addresses[0].scheme == TLS else "not encrypted"
    return "  ".join(safe_name(part) for part in [*parts, server.pin or unpinned])


def _object(server: LanServer) -> dict[str, object]:
    return {
        "name": server.name,
        "url": str(server.addresses[0]),
        "addresses": [str(address) for address in server.addresses],
        "version": server.version or None,
        "server": server.server or None,
        "pin": server.pin or None,
        "open": server.is_open,
    }
