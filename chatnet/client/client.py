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
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Self

from chatnet.address import Address, parse
from chatnet.auth.names import fold
from chatnet.client import discovery
from chatnet.client.asking import ask
from chatnet.client.credentials import Credentials
from chatnet.client.dialogue import expect
from chatnet.client.driver import Driver, chance, forever_or
from chatnet.client.identity import Identity, load_identity
from chatnet.client.inbox import ChatStart
from chatnet.client.news import Incoming, News
from chatnet.client.outbox import ToRoom, ToUser
from chatnet.client.questions import target_of
from chatnet.client.receipts import Receipt, Stage, await_stage
from chatnet.client.session import ClientSession
from chatnet.client.sharing import Sharing
from chatnet.errors import ChatnetError, ErrorCode, TimedOut, Unreachable
from chatnet.events import Done, Joined, Opened
from chatnet.model import ConversationId, Kind, Room, Seq, User
from chatnet.net.trust import TrustFor, by_authority
from chatnet.requests import ChangeRoom, CreateRoom, Rename

if TYPE_CHECKING:
    from chatnet.client.administration import Administration
    from chatnet.client.spool import DiskOutbox

_FAREWELL_SECONDS = 3.0
"""For the last marks, when a client leaves: a disk may be slow; a server that is gone should not hold anybody up."""


class Client(Sharing):
    """A user's session with a server.

    :param server: an address, or several of one server; None to look for one, and for an account there, as
        the command line does: in CHATNET_SERVER, the profiles, and on this machine.
    :param name: a guest's login name; None for the operating system's.
    :param display: how a guest is to be shown; empty for the login name.
    :param identity: which guest one is; None for this installation's. The device is always the outbox's.
    :param credentials: what to log in with instead of a guest's name; see `chatnet.client.credentials`.
    :param trust: how a server with TLS has to prove itself, by its address; by default with a certificate for its name
        from an authority that this system trusts.
    :param timeout: seconds to wait for any answer.
    :param live: hear what is said in personal chats from now on. Rooms are heard once they are joined.
    :param reconnect: come back by itself after a lost connection. The first connection is tried once in any case.
    :param outbox: where posts wait; None for one in memory, on a new device. What waits in one on disk is sent first,
        and what cannot be sent stays there for the next client that is given it. The caller closes it.
    :param chat_start: the last seq after which a personal chat of before is heard; by default its newest.

    Every method but `post`, `wake` and `close` may raise `Unreachable` (no connection), `TimedOut` (no answer in
    time), `Refused` (the server said no), and `ProtocolError` (the server speaks nonsense).
    """

    def __init__(
        self,
        server: str | Address | Sequence[Address] | None = None,
        *,
        name: str | None = None,
        display: str = "",
        identity: Identity | None = None,
        credentials: Credentials | None = None,
        trust: TrustFor = by_authority,
        timeout: float = 10.0,
        live: bool = True,
        reconnect: bool = True,
        outbox: "DiskOutbox | None" = None,
        chat_start: ChatStart | None = None,
    ) -> None:
        if credentials is not None and (name is not None or display):
            raise TypeError("credentials have a name already")
        if server is None and credentials is None:
            contact = discovery.find(name=name)
            server, trust = contact.addresses, contact.trust
            if contact.credentials is not None and not display:
                credentials, name = contact.credentials, None
        self._servers = discovery.candidates() if server is None else _addresses(server)
        self._name, self._display = name, display
        self._identity, self._credentials = identity, credentials
        self._trust = trust
        self._timeout = timeout
        self._live, self._reconnect = live, reconnect
        self._outbox, self._chat_start = outbox, chat_start
        self._key = b""
        """Set in a client that exists to send one message."""
        self._taken: News | None = None
        """What the application got last, and may still be busy with."""
        self._driver: Driver | None = None
        self._address: Address | None = None

    # -- life -------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Log in. Once is enough: later losses of the connection are mended by the other methods.

        :raises TrustError: UNTRUSTED: it is not the server that it should be; nothing was said to it.
        :raises Unreachable: UNREACHABLE with all that was tried, or NOT_CHATNET.
        :raises TimedOut: NO_ANSWER: something is there, but silent.
        :raises Refused: for instance NAME_IN_USE.
        :raises ConfigError: an address, or a file with the guest's secret, that cannot be used.
        """
        assert self._driver is None, "this client is connected already"
        session = ClientSession(
            self._credentials or self._name or discovery.default_name(),
            self._on_a_device(),
            random=chance,
            display=self._display,
            live=self._live,
            outbox=self._outbox,
            chat_start=self._chat_start,
            answer_seconds=self._timeout,
        )
        driver = Driver(session, timeout=self._timeout, reconnect=self._reconnect, trust=self._trust)
        try:
            self._address = driver.connect(self._servers)
        except BaseException:
            driver.close()
            raise
        self._driver = driver

    def _on_a_device(self) -> Identity:
        identity = self._identity
        if identity is None:
            # Only guests, and messages that are known again by their key, need what is kept between two processes.
            is_kept = self._credentials is None or self._key
            identity = load_identity() if is_kept else Identity.ephemeral()
        if self._outbox is not None:
            return Identity(identity.secret, self._outbox.device)
        return identity.on_device_for(self._key) if self._key else identity.on_new_device()

    def close(self) -> None:
        """Leave at once. Posts that the server has not answered may be lost; see `flush`."""
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.close()

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Leave, after everything posted is stored if all went well; what an outbox on disk keeps is not waited for."""
        try:
            if kind is None and self._driver is not None:
                self._finish()
                self._send_posts(self._driver)
            if kind is None or kind is KeyboardInterrupt:
                self._send_marks()
        finally:
            self.close()

    def _send_posts(self, driver: Driver) -> None:
        if self._outbox is None:
            self.flush()
        elif driver.session.is_online:
            # What cannot be sent now is kept for the next client that is given this outbox.
            with suppress(Unreachable, TimedOut):
                self.flush()

    def _send_marks(self) -> None:
        driver = self._driver
        if driver is None or not driver.session.is_online or driver.session.are_marks_settled:
            return
        driver.session.flush_marks()
        # A mark that does not get through is made up for by the next one.
        with suppress(ChatnetError):
            deadline = driver.deadline(min(self._timeout, _FAREWELL_SECONDS))
            driver.wait(lambda: driver.session.are_marks_settled or None, deadline)

    @property
    def user(self) -> User:
        """Oneself, as the server knows one."""
        return self._connected.session.cache.me

    @property
    def address(self) -> Address:
        """The server's address."""
        assert self._address is not None, "connect first"
        return self._address

    @property
    def is_online(self) -> bool:
        """Is there a connection now, as far as is known?"""
        return self._driver is not None and self._driver.session.is_online

    # -- saying -----------------------------------------------------------------------------------------------

    def send(
        self,
        text: str,
        *,
        to: str | None = None,
        room: str | None = None,
        kind: Kind = Kind.TEXT,
        reference: Seq = 0,
        wait: Stage = "stored",
        key: str | None = None,
        timeout: float | None = None,
    ) -> Receipt:
        """Say something to a user or in a room, and return once the server has stored it.

        ``wait``: return once a user's device has got it, or once the user has read it.
        ``key``: the same key for the same user or room is the same message, whatever its text: it is stored once, and
        a repetition, by another process too, gets the receipt of the first. It goes over a connection of its own,
        which needs no `connect`.

        :raises Refused: it is not stored, and never will be: NO_SUCH_USER, NO_SUCH_ROOM, TOO_LONG, BAD_TEXT...
        :raises NotYet: it is stored, but has not got as far as ``wait`` says.
        :raises TimedOut, Unreachable: not stored so far; the text says whether it may have been sent.
        """
        target = target_of(to, room)
        if wait != "stored" and not isinstance(target, ToUser):
            raise ValueError("only a message to a user is delivered or read")
        if key is not None:
            with self._twin(key, target) as twin:
                return twin.send(text, to=to, room=room, kind=kind, reference=reference, wait=wait, timeout=timeout)
        driver = self._connected
        deadline = driver.deadline(timeout)
        # Not `post`, which may take the answer before anybody waits for it.
        n = driver.session.post(target, text, kind, reference)
        stored = driver.answer_to_post(n, deadline, is_kept=self._outbox is not None)
        return await_stage(driver, stored, wait, target.name, lambda: self._open(target), deadline)

    def _twin(self, key: str, target: ToUser | ToRoom, *, reconnect: bool = False) -> "Client":
        """A client on the device that exists for this one message."""
        name = None
        if self._credentials is None:
            name = self.user.name if self._driver is not None else self._name or discovery.default_name()
        twin = Client(
            self._address or self._servers,
            name=name,
            display=self._display,
            identity=self._identity,
            credentials=self._credentials,
            trust=self._trust,
            timeout=self._timeout,
            live=False,
            reconnect=reconnect,
        )
        who = fold(name or "") if self._credentials is None else self._credentials.key
        place = "room" if isinstance(target, ToRoom) else "user"
        twin._key = "\n".join((who, place, fold(target.name), key)).encode(errors="surrogatepass")
        return twin

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
        n = self._connected.session.post(target_of(to, room), text, kind, reference)
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
        self._finish()
        while self._driver is not None:
            if self._driver.news:
                self._taken = self._driver.news.popleft()
                return self._taken
            if time.monotonic() >= until:
                return None
            self._driver.step(until)
        return None

    def _finish(self) -> None:
        """The application is done with what it got last: it has come back for more, or leaves."""
        taken, self._taken = self._taken, None
        if isinstance(taken, Incoming) and self._driver is not None:
            self._driver.session.delivered(taken)

    def mark_read(self, conversation: ConversationId, seq: Seq) -> None:
        """Everything up to this message was shown to the user. Goes out with the next wait, at most once a second."""
        self._connected.session.mark_read(conversation, seq)

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
        self._request(Done, lambda n: ChangeRoom(n, id, archived=archived))

    def rename(self, name: str, display: str = "") -> None:
        """Take another login and display name.

        :raises Refused: NAME_IN_USE, BAD_NAME.
        """
        self._request(Done, lambda n: Rename(n, name, display))

    @property
    def admin(self) -> "Administration":
        """What one asks about accounts, tokens, join codes and order; most of it is for admins."""
        from chatnet.client.administration import Administration

        return Administration(self._connected, lambda room: self._open(ToRoom(room)).id)


def _addresses(server: str | Address | Sequence[Address]) -> list[Address]:
    if isinstance(server, str):
        return [parse(server)]
    return [server] if isinstance(server, Address) else list(server)
