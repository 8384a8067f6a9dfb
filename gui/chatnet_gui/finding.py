"""The window's own way into the server of a data folder, as its admin. Blocking: it runs in the client's thread.

Who runs a server is admin on the same machine: over the local socket, or, where the server has none, with the private
file that it leaves in its data folder. A socket may be that of another server, so it counts only if the process
behind it is the one that holds the folder.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chatnet import Client
from chatnet.address import UNIX, Address
from chatnet.client.credentials import Arrival, Credentials, LocalCredentials, TokenCredentials
from chatnet.client.dialogue import Steps
from chatnet.client.identity import Identity
from chatnet.errors import ErrorCode, Unreachable
from chatnet.events import Welcome
from chatnet.model import SessionId, User
from chatnet.net.folders import lock_holder
from chatnet.net.local_access import load_local_access
from chatnet.net.platform import find_local_sockets
from chatnet.net.sockets import listening_process
from chatnet.net.trust import ByAuthority, Pinned, Trust

_TIMEOUT = 8.0
"""Seconds for any answer."""


@dataclass(frozen=True, slots=True)
class WayIn:
    """Where the server is, what to show to it, and what it has to show."""

    address: Address
    credentials: Credentials
    trust: Trust = field(default_factory=ByAuthority)


def find_way(folder: Path) -> WayIn:
    """The way into the server that uses a data folder.

    :raises Unreachable: there is none, or no server.
    :raises ConfigError: the private file cannot be understood.
    """
    holder = lock_holder(folder)
    for path in find_local_sockets():
        if holder is not None and listening_process(path) == holder:
            return WayIn(Address(UNIX, path=path), LocalCredentials())
    access = load_local_access(folder)
    if access is None:
        message = f"no server of the folder {folder} can be found on this machine"
        raise Unreachable(ErrorCode.UNREACHABLE, message)
    return WayIn(access.address, TokenCredentials(access.token), Pinned(access.pin))


class Entrance:
    """Opens one connection to the server of a folder; called in the client's thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._credentials: _Remembering | None = None

    @property
    def session(self) -> SessionId:
        """The window's own session, so that it can leave itself out; 0 before the first login."""
        return 0 if self._credentials is None else self._credentials.session

    @contextmanager
    def __call__(self) -> Iterator[Client]:
        """The client; it connects when it is entered.

        :raises ChatnetError: why not.
        """
        way = find_way(self._folder)
        self._credentials = _Remembering(way.credentials)
        with Client(
            way.address,
            credentials=self._credentials,
            identity=Identity.ephemeral(),
            trust=lambda _: way.trust,
            timeout=_TIMEOUT,
            live=False,
        ) as client:
            yield client


class _Remembering:
    """Credentials that know which session they have led to."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self.session: SessionId = 0

    @property
    def me(self) -> User:
        return self._credentials.me

    @property
    def key(self) -> str:
        return self._credentials.key

    def login(self, arrival: Arrival) -> Steps[Welcome]:
        welcome = yield from self._credentials.login(arrival)
        self.session = welcome.session
        return welcome
