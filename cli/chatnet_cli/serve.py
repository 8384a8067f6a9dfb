"""``chatnet serve``: run a server until it is told to stop."""

import gc
import socket
from contextlib import ExitStack
from pathlib import Path

import click

from chatnet import __version__
from chatnet.address import TLS
from chatnet.errors import Unreachable
from chatnet.net.folders import default_data_folder
from chatnet.net.platform import stop_on_signals
from chatnet.net.storing import StoreBroken
from chatnet.server import Server
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.log_lines import log_to_stderr
from chatnet_cli.options import json_option
from chatnet_cli.output import talk
from chatnet_cli.serving import Options, announce, configuration, failure_told

_FILE = click.Path(path_type=Path, dir_okay=False)
_GARBAGE = (50_000, 50, 100)
"""After how many new objects, and how many rounds, Python looks for garbage in cycles: seldom. Messages make none, and
under load it costs more than anything else to look through all connections."""


@click.command("serve", short_help="Run a server.")
@click.option("--lan", is_flag=True, help="Listen for the whole local network, encrypted, and print how to join.")
@click.option(
    "--bind",
    "binds",
    multiple=True,
    metavar="URL",
    help="Listen here, and nowhere else unless given again; port 0 takes a free one. "
    "Default: chatnet://127.0.0.1:5555, and a local socket where the system has them.",
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
    help="Whether messages are kept on disk; 'none' is a window in memory, gone with the server.  [default: durable]",
)
@click.option(
    "--keep",
    "keeps",
    multiple=True,
    metavar="[ROOM=]TIME",
    help="Forget messages that are older than this, such as 90d; with ROOM= in one room only. May be given several "
    "times. Default: keep everything.",
)
@click.option("--config", "file", type=_FILE, metavar="FILE", help="Read this TOML file; options count more.")
@click.option("--certificate", type=_FILE, metavar="PEM", help="Show this certificate of an authority; with --key.")
@click.option("--key", type=_FILE, metavar="PEM", help="The private key of the certificate.")
@json_option("where it listens")
def command(*, as_json: bool, **options: object) -> None:
    """Run a server until Ctrl-C or SIGTERM; both let everybody have what is theirs first.

    SIGHUP reads the certificate again.

    \b
    Examples:
      chatnet serve
      chatnet serve --lan                                         # for everybody on the local network who has a code
      chatnet serve --lan --open                                  # for a classroom: a name is enough
      chatnet serve --lan --bind chatnet://0.0.0.0:6000           # the same at another port
      chatnet serve --bind chatnet+tcp://127.0.0.1:0 --json       # for a script: any free port
      chatnet serve --data /srv/chat --keep 90d --keep random=7d  # forget what is older
      chatnet serve --config /etc/chatnet.toml
    """
    with failure_told(as_json=as_json):
        config, lan = configuration(Options(**options))  # type: ignore[arg-type]
        server = Server(config)
        log_to_stderr()
        server.start()
        _run(server, lan=lan, as_json=as_json)
    talk("chatnet: stopped")


def _run(server: Server, *, lan: bool, as_json: bool) -> None:
    try:
        with ExitStack() as stack:
            stack.enter_context(stop_on_signals(server.stop, server.wakeup_fd, server.reload))
            announce(server, as_json=as_json)
            if lan:
                _make_known(server, stack)
            gc.freeze()
            gc.set_threshold(*_GARBAGE)
            server.run()
    except StoreBroken as error:
        # For a client a failing store is a thing that passes; for its server it is the end.
        raise Failure(ExitCode.IO, str(error)) from error
    finally:
        server.close()


def _make_known(server: Server, stack: ExitStack) -> None:
    """Tell the local network, where the package for it is installed."""
    from chatnet.net import mdns

    port = next((address.port for address in server.addresses if address.scheme == TLS), None)
    if port is None:
        return
    record = mdns.txt_record(
        server=server.id, pin=server.pin, version=__version__, port=port, is_open=server.config.open
    )
    try:
        stack.callback(mdns.announce(socket.gethostname(), port, record).close)
    except Unreachable:
        talk(f"To be found by  chatnet discover  as well, stop it and do this first:  {mdns.INSTALL}")
