"""Who is at the other end of a connection: what the core may know of it before anything was said."""

from chatnet.core.callers import Caller
from chatnet.net.platform import login_name, own_uid
from chatnet.net.ports import Transport
from chatnet.net.throttle import place_of

ROOT = 0
_ONLY_USER = 0
"""The number of the user who runs the server, where users have none."""


def caller_of(transport: Transport) -> Caller:
    """Describe the other end of a connection whose handshake is over.

    Root counts as the one who runs the server: it can read and change all that the server has anyway.
    """
    uid, binding = transport.uid, transport.channel_binding
    return Caller(
        is_local=transport.is_local,
        place="" if transport.is_local else place_of(transport.host),
        is_private=transport.is_local or binding is not None,
        binding=binding,
        uid=uid,
        login=login_name(uid) if uid >= 0 else "",
        is_owner=uid >= 0 and uid in (ROOT, own_uid()),
    )


def owner_without_socket() -> Caller:
    """The user who runs this process, known by a private file where the kernel cannot say who calls."""
    from getpass import getuser

    try:
        login = getuser()
    except (OSError, KeyError, ImportError):  # no such name; ImportError on Windows
        login = ""
    uid = own_uid()
    return Caller(is_local=True, is_private=True, uid=uid if uid >= 0 else _ONLY_USER, login=login, is_owner=True)
