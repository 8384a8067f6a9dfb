"""The server's side of a client session, spoken by a test line by line, in virtual time."""

from typing import TypeVar

from chatnet.client.credentials import UNKNOWN_CHANNEL, Channel, Credentials
from chatnet.client.identity import Identity
from chatnet.client.news import News
from chatnet.client.session import ClientSession, Phase
from chatnet.events import ConversationPage, Deliver, Event, Hello, Welcome
from chatnet.model import Conversation, Kind, Message, Room, User
from chatnet.requests import ListConversations, Login, Request
from chatnet.wire.codec import decode_request, encode
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader

R = TypeVar("R", bound=Request)
SERVER = b"s" * 16
ME = User(7, "alice")
BOB = User(8, "bob")
LOBBY = Room(1, "lobby")
CHAT = Conversation(5, None, BOB)
IDENTITY = Identity(b"i" * 32, b"d" * 16)


class Script:
    """``byte_by_byte``: feed the session what the server says in pieces of one byte. ``features``: of the server."""

    def __init__(
        self,
        who: str | Credentials = "alice",
        *,
        channel: Channel = UNKNOWN_CHANNEL,
        byte_by_byte: bool = False,
        live: bool = False,
        random: float = 0.5,
        features: tuple[str, ...] = (),
    ) -> None:
        self.now = 1000.0
        self.features = features
        self.session = ClientSession(who, IDENTITY, random=lambda: random, live=live)
        self._channel = channel
        self._byte_by_byte = byte_by_byte
        self._reader = FrameReader(MAX_PAYLOAD)

    # -- what the server does ---------------------------------------------------------------------------------

    def connect(self) -> None:
        """Make a connection, up to the preface."""
        self.session.connection_made(self.now, self._channel)
        self._reader = FrameReader(MAX_PAYLOAD)
        assert self.session.data_to_send() == PREFACE

    def says(self, *events: Event) -> None:
        """The server says all this at once."""
        self.sends(b"".join(map(encode, events)))

    def sends(self, data: bytes) -> None:
        """The server sends these bytes."""
        pieces = [bytes([byte]) for byte in data] if self._byte_by_byte else [data]
        for piece in pieces:
            self.session.receive(piece, self.now)

    def hears(self) -> list[Request]:
        """What the session has sent since the last time."""
        self._reader.receive(self.session.data_to_send())
        requests: list[Request] = []
        while (payload := self._reader.next_frame()) is not None:
            requests.append(decode_request(payload))
        return requests

    def hears_one(self, kind: type[R]) -> R:
        """The only request since the last time, which is of this kind."""
        (request,) = self.hears()
        assert isinstance(request, kind)
        return request

    def drop(self) -> float | None:
        """The connection ends."""
        return self.session.connection_lost(self.now)

    def wait(self, seconds: float) -> bool:
        """Time passes, with every tick that is due on the way. Does the session still hold on to its connection?"""
        end = self.now + seconds
        while (due := self.session.next_tick) is not None and due <= end and not self.session.wants_close:
            self.now = max(self.now, due)
            self.session.tick(self.now)
        self.now = end
        return not self.session.wants_close

    # -- longer passages --------------------------------------------------------------------------------------

    def greet(self, server: bytes = SERVER) -> Login:
        """Connect and say hello; returns the login that follows."""
        return self.greet_for(Login, server)

    def greet_for(self, kind: type[R], server: bytes = SERVER) -> R:
        """Connect and say hello; returns the request of this kind that follows."""
        self.connect()
        self.says(Hello(server, "0.0", list(self.features)))
        return self.hears_one(kind)

    def log_in(self, *, server: bytes = SERVER, session: int = 1, user: User = ME) -> Login:
        """Connect and let the session in; what it sends after that is still to be heard."""
        login = self.greet(server)
        self.says(Welcome(login.id, user, session, "none", 0))
        assert self.session.phase is Phase.ONLINE
        return login

    def log_in_live(self, *chats: Conversation) -> None:
        """Let a live session in, which has these personal chats already."""
        self.log_in()
        listing = self.hears_one(ListConversations)
        self.says(ConversationPage(listing.id, list(chats)))
        assert self.session.is_online
        self.session.news()

    def news(self) -> list[News]:
        """What the application hears."""
        return self.session.news()


def message(seq: int, *, sender: User = BOB, body: str = "") -> Message:
    """A message that says its own number, unless told otherwise."""
    return Message(seq, 1_700_000_000_000 + seq, sender.id, sender.name, "", Kind.TEXT, body or str(seq))


def deliver(conversation: int, *seqs: int) -> Deliver:
    """Messages of a conversation."""
    return Deliver(conversation, [message(seq) for seq in seqs])
