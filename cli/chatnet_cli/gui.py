"""``chatnet gui-client`` and ``chatnet gui-server``: the windows. Nothing of it is loaded before it is wanted."""

from collections.abc import Callable

import click

from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure


@click.command("gui-client", short_help="Chat in a window.")
def client() -> None:
    """Chat in a window: log in to a server, talk in rooms and with people.

    Needs a display and Python's tkinter; without them it says what to install, and ends with 69.

    \b
    Examples:
      chatnet gui-client
      CHATNET_SERVER=192.168.1.20 chatnet gui-client
    """
    from chatnet_gui.start import run_client

    _show(run_client)


@click.command("gui-server", short_help="Run a server from a window.")
def server() -> None:
    """Run a server from a window: start and stop it, see who is connected and what happens, hand out join codes.

    Attaches to a server that runs already on the same data folder. Closing the window stops only what it has started.

    Needs a display and Python's tkinter; without them it says what to install, and ends with 69.

    \b
    Examples:
      chatnet gui-server
    """
    from chatnet_gui.start import run_server

    _show(run_server)


def _show(run: Callable[[], None]) -> None:
    from chatnet_gui.start import CannotShow

    try:
        run()
    except CannotShow as reason:
        raise Failure(ExitCode.UNREACHABLE, str(reason)) from None
