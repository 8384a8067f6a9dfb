"""Who the user is on a server, from one connection to the next.

Who logs in by name, as guests do, can become somebody else without noticing after a lost connection, in two ways: the
server may have forgotten the guest, and a rename may or may not have come through. The user's id tells.
"""

from enum import Enum

from chatnet.client.cache import Cache
from chatnet.client.credentials import Arrival, Channel, Credentials
from chatnet.client.dialogue import Steps
from chatnet.events import Hello, Welcome
from chatnet.model import DeviceId, SessionId, User
from chatnet.requests import Rename


class Who(Enum):
    """Whom a login has led to."""

    ONESELF = "oneself"
    NEWCOMER = "newcomer"
    """A new user of the old name: the server has forgotten the old one."""
    STRANGER = "stranger"
    """A new user of the old name, because oneself has another name by now: to be logged in again with that."""


class Account:
    """What logins show, and what they have shown."""

    def __init__(self, credentials: Credentials, device: DeviceId, cache: Cache) -> None:
        self._credentials = credentials
        self._device = device
        self._cache = cache
        self._server = b""
        self._session: SessionId = 0
        self._unsure: list[Rename] = []
        """Renames of which nobody knows whether they came through, in the order in which they were asked for."""

    @property
    def has_session(self) -> bool:
        """Is there an earlier session on this server that a login goes on with?"""
        return self._session != 0

    def is_elsewhere(self, hello: Hello) -> bool:
        """Is this another server than before, or the same without its memory?"""
        return self._server not in (b"", hello.server)

    def greeted(self, hello: Hello) -> None:
        """This is the server to log in to; on another than before, nothing of before counts."""
        if self.is_elsewhere(hello):
            self._session, self._unsure = 0, []
        self._server = hello.server

    def login(self, channel: Channel, *, live: bool) -> Steps[Welcome]:
        """The steps that log in to the server that has greeted."""
        arrival = Arrival(self._server, channel, self._cache.me, self._device, live, self._session)
        return self._credentials.login(arrival)

    def renaming_unanswered(self, rename: Rename) -> None:
        """Nobody knows whether this came through."""
        self._unsure.append(rename)

    def welcome(self, welcome: Welcome) -> Who:
        """Take over what the server says of oneself, and find out who that is."""
        me = self._cache.me
        if me.id in (0, welcome.user.id):
            who = Who.ONESELF
        elif self.try_another_name():
            return Who.STRANGER
        else:
            who = Who.NEWCOMER
        self._unsure = []
        self._session = welcome.session
        self._cache.log_in(welcome.user)
        return who

    def try_another_name(self) -> bool:
        """This is not one's name any more: log in with the next one that it may be. False if there is none."""
        if not self._unsure:
            return False
        rename = self._unsure.pop()
        self._cache.me = User(self._cache.me.id, rename.name, rename.display)
        return True
