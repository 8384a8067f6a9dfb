"""Who is at the other end of a connection: what the core may know of it before anything was said."""

from functools import lru_cache

from msgspec.structs import replace

from chatnet.core.callers import Caller
from chatnet.net.platform import login_name, own_uid
from chatnet.net.ports import Transport
from chatnet.net.throttle import place_of

ROOT = 0
_ONLY_USER = 0
"""The number of the user who runs the server, where users have none."""
_KEPT = 4096
"""Descriptions at hand for those who come next."""


def caller_of(transport: Transport) -> Caller:
    """Describe the other end of a connection whose handshake is over.

    Root counts as the one who runs the server: it can read and change all that the server has anyway.
    """
    place = "" if transport.is_local else place_of(transport.host)
    caller = _anybody(transport.is_local, place, transport.channel_binding)
    uid = transport.uid
    if uid < 0:
        return caller
    return replace(caller, uid=uid, login=login_name(uid), is_owner=uid in (ROOT, own_uid()))


@lru_cache(_KEPT)
def _anybody(is_local: bool, place: str, binding: bytes | None) -> Caller:
    """Of whom the system names no user: the same one for all who come from the same place."""
    return Caller(is_local=is_local, place=place, is_private=is_local or binding is not None, binding=binding)


def owner_without_socket() -> Caller:
    """The user who runs this process, known by a private file where the kernel cannot say who calls."""
    from getpass import getuser

    try:
        login = getuser()
    except (OSError, KeyError, ImportError):  # no such name; ImportError on Windows
        login = ""
    uid = own_uid()
    return Caller(is_local=True, is_private=True, uid=uid if uid >= 0 else _ONLY_USER, login=login, is_owner=True)
