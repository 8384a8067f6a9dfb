"""``chatnet gui-client``: the window. Nothing of it is loaded before it is wanted."""

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
    from chatnet_gui.start import CannotShow, run_client

    try:
        run_client()
    except CannotShow as reason:
        raise Failure(ExitCode.UNREACHABLE, str(reason)) from None
