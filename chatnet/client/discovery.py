"""What a client does that is told nothing: where it looks for a server, and as whom it comes."""

import os

from chatnet.address import DEFAULT_PORT, TCP, UNIX, Address, parse
from chatnet.auth.names import suggest_name

VARIABLE = "CHATNET_SERVER"


def candidates() -> list[Address]:
    """The addresses to try, in this order: the one in CHATNET_SERVER, or else those of this machine.

    :raises ConfigError: BAD_ADDRESS in the variable.
    """
    given = os.environ.get(VARIABLE)
    if given:
        return [parse(given)]
    from chatnet.net.platform import find_local_sockets

    return [Address(UNIX, path=path) for path in find_local_sockets()] + [Address(TCP, "localhost", DEFAULT_PORT)]


def default_name() -> str:
    """The operating system's login name, made a legal one."""
    from getpass import getuser

    try:
        return suggest_name(getuser())
    except (OSError, KeyError, ImportError):  # a user id without a name, as containers have; ImportError on Windows
        return "guest"
