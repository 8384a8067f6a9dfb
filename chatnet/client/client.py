"""The client for programs: blocking, in one thread, with the connection looked after in the background of each call.

    from chatnet import Client

    with Client("chatnet+tcp://localhost:5555", name="bot") as chat:
        chat.send("hi", to="bob")
        for message in chat.messages():
            if not message.own:
                print(message.sender, message.text)

There is no thread behind it: bytes move only inside its methods. A program that calls none of them for more than 75
seconds is disconnected by the server; its next call connects again, and whatever was said meanwhile then arrives, in
order and once. What arrives waits in memory until `messages` or `events` takes it.
"""

import time
from collections.abc import Iterator
from functools import partial
from typing import Self, TypeVar

import msgspec

from chatnet.address import Address, parse
from chatnet.client import discovery
from chatnet.client.asking import ask, expect, pages, request
from chatnet.client.connection import Make
from chatnet.client.driver import Driver, chance, forever_or
from chatnet.client.identity import Identity, load_identity
from chatnet.client.news import Incoming, News
from chatnet.client.outbox import Target, ToRoom, ToUser
from chatnet.client.sender import open_request
from chatnet.client.session import ClientSession
from chatnet.errors import ErrorCode, Unreachable
from chatnet.events import ConversationPage, Done, Event, HistoryPage, Joined, Opened, Pong, RoomPage, UserPage
from chatnet.model import Conversation, ConversationId, Kind, Message, Room, Seq, User
from chatnet.requests import (
    ArchiveRoom,
    CreateRoom,
    GetHistory,
    ListConversations,
    ListRooms,
    ListUsers,
    Ping,
    Rename,
)

E = TypeVar("E", bound=Event)
_HISTORY_LIMIT = 1000
"""Messages that a server gives at once."""


class Receipt(msgspec.Struct, frozen=True):
    """A message is stored, for good: it is ``seq`` of its conversation."""

    conversation: ConversationId
    seq: Seq
    time: int
    """When the server got it, in milliseconds since 1970 UTC."""


class Client:
    """A guest's session with a server.

    :param server: an address, or None to look for one: in CHATNET_SERVER, or else on this machine.
    :param name: the login name; None for the operating system's.
    :param display: how to be shown; empty for the login name.
    :param identity: who one is; None for this installation's guest. The device is always a new one.
    :param timeout: seconds to wait for any answer.
    :param live: hear what is said in personal chats from now on. Rooms are heard once they are joined.
    :param reconnect: come back by itself after a lost connection. The first connection is tried once in any case.

    Every method but `post`, `wake` and `close` may raise `Unreachable` (no connection), `TimedOut` (no answer in
    time), `Refused` (the server said no), and `ProtocolError` (the server speaks nonsense).
    """

    def __init__(
        self,
        server: str | Address | None = None,
        *,
        name: str | None = None,
        display: str = "",
        identity: Identity | None = None,
        timeout: float = 10.0,
        live: bool = True,
        reconnect: bool = True,
    ) -> None:
        self._server = parse(server) if isinstance(server, str) else server
        self._name, self._display = name, display
        self._identity = identity
        self._timeout = timeout
        self._live, self._reconnect = live, reconnect
        self._driver: Driver | None = None
        self._address: Address | None = None

    # -- life -------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Log in. Once is enough: later losses of the connection are mended by the other methods.

        :raises Unreachable: UNREACHABLE with all that was tried, or NOT_CHATNET.
        :raises TimedOut: NO_ANSWER: something is there, but silent.
        :raises Refused: for instance NAME_IN_USE.
        :raises ConfigError: an address, or a file with the guest's secret, that cannot be used.
        """
        assert self._driver is None, "this client is connected already"
        identity = self._identity or load_identity()
        session = ClientSession(
            self._name or discovery.default_name(),
            identity.on_new_device(),
            random=chance,
            display=self._display,
            live=self._live,
            answer_seconds=self._timeout,
        )
        driver = Driver(session, timeout=self._timeout, reconnect=self._reconnect)
        try:
            self._address = driver.connect(discovery.candidates() if self._server is None else [self._server])
        except BaseException:
            driver.close()
            raise
        self._driver = driver

    def close(self) -> None:
        """Leave at once. Posts that the server has not answered may be lost; see `flush`."""
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.close()

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Leave, after everything posted is stored if all went well."""
        try:
            if kind is None and self._driver is not None:
                self.flush()
        finally:
            self.close()

    @property
    def user(self) -> User:
        """Oneself, as the server knows one."""
        return self._connected.session.cache.me

    @property
    def address(self) -> Address:
        """The server's address."""
        assert self._address is not None, "connect first"
        return self._address

    # -- saying -----------------------------------------------------------------------------------------------

    def send(
        self,
        text: str,
        *,
        to: str | None = None,
        room: str | None = None,
        kind: Kind = Kind.TEXT,
        reference: Seq = 0,
        timeout: float | None = None,
    ) -> Receipt:
        """Say something to a user or in a room, and return once the server has stored it.

        :raises Refused: it is not stored, and never will be: NO_SUCH_USER, NO_SUCH_ROOM, TOO_LONG, BAD_TEXT...
        :raises TimedOut, Unreachable: not stored so far; the text says whether it may have been sent.
        """
        # Not `post`, which may take the answer before anybody waits for it.
        n = self._connected.session.post(_target(to, room), text, kind, reference)
        stored = self._connected.answer_to_post(n, timeout)
        return Receipt(stored.conversation, stored.seq, stored.time)

    def post(
        self,
        text: str,
        *,
        to: str | None = None,
        room: str | None = None,
        kind: Kind = Kind.TEXT,
        reference: Seq = 0,
    ) -> int:
        """Say something without waiting; it goes out in order, after a lost connection too.

        `events` gives a `Stored` or `PostRefused` with the number that is returned.
        """
        n = self._connected.session.post(_target(to, room), text, kind, reference)
        self._connected.flush()
        return n

    def flush(self, timeout: float | None = None) -> None:
        """Wait until the server has answered everything that was posted, for as long as an answer comes in time."""
        driver = self._connected
        while waiting := driver.session.unanswered:
            driver.wait(lambda: driver.session.unanswered < waiting or None, driver.deadline(timeout))

    # -- hearing ----------------------------------------------------------------------------------------------

    def messages(self, timeout: float | None = None) -> Iterator[Incoming]:
        """Messages as they come, one's own too, until none has come for ``timeout`` seconds. Drops all other news."""
        until = forever_or(timeout)
        while (news := self._next(until)) is not None:
            if isinstance(news, Incoming):
                yield news
                until = forever_or(timeout)

    def events(self, timeout: float | None = None) -> Iterator[News]:
        """All that happens, see `chatnet.client.news`, until nothing has for ``timeout`` seconds."""
        while (news := self._next(forever_or(timeout))) is not None:
            yield news

    def wake(self) -> None:
        """Make `events` give a `Woken`. The only method for other threads, such as one that reads the keyboard."""
        if self._driver is not None:
            self._driver.wake()

    def _next(self, until: float) -> News | None:
        """The next news; None when the time is over, or once somebody has closed the client."""
        while self._driver is not None:
            if self._driver.news:
                return self._driver.news.popleft()
            if time.monotonic() >= until:
                return None
            self._driver.step(until)
        return None

    # -- rooms and names --------------------------------------------------------------------------------------

    def join(self, room: str, after: Seq | None = None) -> Room:
        """Be in a room from now on, and hear what was said after ``after``, or from now on."""
        driver = self._connected
        return ask(driver, Joined, lambda: driver.session.join(room, after)).room

    def part(self, room: str) -> None:
        """Leave a room."""
        id, driver = self._open(ToRoom(room)).id, self._connected
        # If the connection breaks first, one is out of the room as well.
        driver.answer_to(lambda: driver.session.part(id), driver.deadline(None))

    def create_room(self, name: str) -> Room:
        """Make a room and own it, without joining it.

        :raises Refused: ROOM_EXISTS, BAD_NAME, TOO_MANY_ROOMS.
        """
        driver = self._connected
        question = partial(driver.session.request, partial(CreateRoom, name=name))
        reply = driver.answer_to(question, driver.deadline(None))
        if reply is None:
            message = f"the connection was lost while the room {name!r} was made; rooms() will tell whether it was"
            raise Unreachable(ErrorCode.UNREACHABLE, message)
        room = expect(Opened, reply).conversation.room
        assert room is not None
        return room

    def archive_room(self, name: str, archived: bool = True) -> None:
        """Close one's own room for posts, or open it again.

        :raises Refused: FORBIDDEN, NO_SUCH_ROOM.
        """
        id = self._open(ToRoom(name)).id
        self._request(Done, lambda n: ArchiveRoom(n, id, archived))

    def rename(self, name: str, display: str = "") -> None:
        """Take another login and display name.

        :raises Refused: NAME_IN_USE, BAD_NAME.
        """
        self._request(Done, lambda n: Rename(n, name, display))

    # -- asking -----------------------------------------------------------------------------------------------

    def who(self, room: str | None = None) -> list[User]:
        """Who is online, or in one room."""
        id = 0 if room is None else self._open(ToRoom(room)).id
        return pages(self._connected, UserPage, lambda n, cursor: ListUsers(n, id, cursor), lambda page: page.users)

    def rooms(self, archived: bool = False) -> list[Room]:
        """All rooms; the archived ones too if asked for."""
        make = partial(ListRooms, archived=archived)
        return pages(self._connected, RoomPage, make, lambda page: page.rooms)

    def conversations(self) -> list[Conversation]:
        """The rooms that this client is in, and the user's personal chats."""
        return pages(self._connected, ConversationPage, ListConversations, lambda page: page.conversations)

    def conversation(self, *, room: str | None = None, with_: str | None = None) -> Conversation:
        """The conversation in a room or with a user, found by name; no room is joined.

        :raises Refused: NO_SUCH_ROOM, NO_SUCH_USER.
        """
        return self._open(_target(with_, room))

    def history(
        self, *, room: str | None = None, with_: str | None = None, limit: int = 100, before: Seq = 0
    ) -> list[Message]:
        """The last ``limit`` messages of a room or of the personal chat with a user, oldest first.

        ``before``: only those with a smaller seq. There are fewer where the server keeps no more.
        """
        conversation = self._open(_target(with_, room))
        messages: list[Message] = []
        while len(messages) < limit:
            count = min(limit - len(messages), _HISTORY_LIMIT)
            make = partial(GetHistory, conversation=conversation.id, before=before, limit=count)
            page = self._request(HistoryPage, make)
            messages = page.messages + messages
            if not page.messages or page.messages[0].seq <= page.first:
                break
            before = page.messages[0].seq
        return messages

    def ping(self) -> float:
        """How long the server takes to answer, in seconds."""
        started = time.monotonic()
        self._request(Pong, Ping)
        return time.monotonic() - started

    # -- parts ------------------------------------------------------------------------------------------------

    @property
    def _connected(self) -> Driver:
        if self._driver is None:
            raise Unreachable(ErrorCode.UNREACHABLE, "this client is not connected: use `with`, or call connect()")
        return self._driver

    def _request(self, expected: type[E], make: Make) -> E:
        return request(self._connected, expected, make)

    def _open(self, target: Target) -> Conversation:
        return self._request(Opened, lambda id: open_request(id, target)).conversation


def _target(to: str | None, room: str | None) -> Target:
    if (to is None) == (room is None):
        raise TypeError("name either a user or a room")
    return ToRoom(room) if room is not None else ToUser(to or "")
