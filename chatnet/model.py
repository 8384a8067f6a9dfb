"""The nouns of chatnet: people, rooms, conversations and messages.

All are frozen, and encoded as msgpack arrays in the order of their fields: a new field goes to the end and has a
default, so that older and newer programs understand each other. Ids are numeric and never change; names can.
"""

from enum import IntEnum
from typing import Annotated

import msgspec

DEVICE_ID_BYTES = 16
SECRET_BYTES = 32
DIGEST_BYTES = 32
CHUNK_BYTES = 60 * 1024
"""The most bytes of a file in one frame, which is smaller than 64 KiB with all that belongs to it."""
WINDOW_BYTES = 256 * 1024
"""The most bytes of a transfer that are on their way."""

Natural = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""Fits a signed 64-bit column. The codec holds it, and the other bounds below, whenever it decodes."""
UserId = Natural
ConversationId = Natural
SessionId = Natural
Seq = Natural
"""A message's number in its conversation: 1, 2, 3... without gaps, in the order in which they were stored."""
DeviceNumber = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
"""A device's own number of a message: 1, 2, 3..."""
DeviceId = Annotated[bytes, msgspec.Meta(min_length=DEVICE_ID_BYTES, max_length=DEVICE_ID_BYTES)]
"""16 random bytes: one installation of a client, or one short-lived process of it."""
Secret = Annotated[bytes, msgspec.Meta(min_length=SECRET_BYTES, max_length=SECRET_BYTES)]
"""32 bytes that only a guest or a device knows."""
TokenId = Natural
Time = Natural
"""Milliseconds since 1970 UTC."""
FileId = Natural
TransferId = Natural
"""One of the uploads and downloads of a connection: 1, 2, 3..."""
Digest = Annotated[bytes, msgspec.Meta(min_length=DIGEST_BYTES, max_length=DIGEST_BYTES)]
"""32 bytes: SHA-256."""
Size = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""Bytes of a file."""
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e10)]
ITERATIONS = 600_000
"""Of PBKDF2: no verifier has fewer, and no client answers a server that asks for fewer."""

LOBBY = "lobby"
"""The room that always exists."""


class Kind(IntEnum):
    """What a message is. The numbers are the protocol's and the store's."""

    TEXT = 0
    ACTION = 1
    """Said of oneself, shown as ``* alice waves``."""
    FILE = 2
    ASK = 3
    ANSWER = 4
    """Its ``reference`` is the seq of the ask in the same conversation."""
    SYSTEM = 5
    """Said by the server."""


class Role(IntEnum):
    """What a user is on the server."""

    GUEST = 0
    """A name for a while; no account."""
    MEMBER = 1
    ADMIN = 2


class Rank(IntEnum):
    """What a user is in a room. Whoever has none is a passer-by."""

    INVITED = 0
    """May join a private room, and has not yet."""
    MEMBER = 1
    MODERATOR = 2
    OWNER = 3


class Scope(IntEnum):
    """What a token is good for."""

    ALL = 0
    SEND = 1
    """To look up a conversation and post into it, nothing else."""


class Act(IntEnum):
    """What those with power over others do; also the words of the audit log."""

    KICK = 0
    """Put out of the room, or off the server; coming back is allowed."""
    BAN = 1
    UNBAN = 2
    MUTE = 3
    UNMUTE = 4
    INVITE = 5
    UNINVITE = 6
    """Take back an invitation to a room, or the membership that came of it."""
    PROMOTE = 7
    """Make a moderator."""
    DEMOTE = 8
    """Make a moderator a member again."""
    PASS_ON = 9
    """Make another the owner; the old one stays a moderator."""
    CHANGE_ROOM = 20
    CREATE_ACCOUNT = 21
    DROP_ACCOUNT = 22
    SET_ROLE = 23
    SET_PASSWORD = 24
    CREATE_TOKEN = 25
    REVOKE_TOKEN = 26
    CREATE_INVITATION = 27
    REVOKE_INVITATION = 28
    REGISTER = 29
    REMOVE_FILE = 30


class Happening(IntEnum):
    """What a line of the live log tells. Who reads the log may not read what is said in private."""

    SAID = 0
    """In a public room; ``target`` is its name, ``text`` what was said."""
    SAID_PRIVATELY = 1
    """To the user ``target``, or in a private room if that is empty."""
    FILE_SHARED = 2
    """As the two above; ``text`` is the file's name, if the room is public."""
    LOGGED_IN = 3
    """``target`` is the address."""
    LOGIN_REFUSED = 4
    """``name`` is who it wanted to be, as far as that is known; ``target`` is the address, ``text`` why."""
    LEFT = 5
    """A connection ended; ``target`` is the address, ``text`` why if the server ended it."""
    JOINED = 6
    """The room ``target``; empty for a private one, here and below."""
    PARTED = 7
    """Left the room ``target``."""
    ROOM_MADE = 8
    """The room ``target``."""
    RENAMED = 9
    """``name`` is called ``target`` from now on."""
    MODERATED = 10
    """A line of the audit log: ``name`` did ``act`` to ``target``, ``text`` is its detail."""
    STORE_FAILED = 11
    """The store could not keep something for now: ``target`` is the code, ``text`` why."""


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of all that is both kept and sent."""


class User(Record, frozen=True):
    """A person or a program."""

    id: UserId
    name: str
    """Login name: 1 to 32 ASCII characters, unique when compared case-folded."""
    display: str = ""
    """How the user likes to be shown; empty for the login name itself."""
    role: Role = Role.GUEST


class Room(Record, frozen=True):
    """A room as clients see it."""

    id: ConversationId
    name: str
    owner: UserId = 0
    """0 where nobody owns it: the lobby."""
    archived: bool = False
    members: int = 0
    """How many users are in it now."""
    topic: str = ""
    private: bool = False
    """Only for its members and those who are invited; nobody else sees that it exists."""


class Conversation(Record, frozen=True):
    """One of the conversations of the user who asked: a room that this session is in, or a personal chat."""

    id: ConversationId
    room: Room | None
    """The room, or None for a personal chat."""
    peer: User | None
    """The other user of a personal chat (oneself in a chat with oneself), or None for a room."""
    first: Seq = 1
    """The oldest seq that is still kept; ``head + 1`` where none is."""
    head: Seq = 0
    """The newest seq; 0 where nothing was said yet."""
    read: Seq = 0
    """All up to here was shown to oneself on some device; ``head - read`` are unread."""
    delivered: Seq = 0
    """All up to here was applied by one of one's own devices. Without meaning in rooms."""
    peer_read: Seq = 0
    """In a personal chat: how far the other user has read."""
    peer_delivered: Seq = 0
    """In a personal chat: how far the other user's devices have got."""


class SharedFile(Record, frozen=True):
    """A file that belongs to a conversation."""

    id: FileId
    conversation: ConversationId
    seq: Seq
    """Of the message that shares it; 0 while nobody has posted it."""
    name: str
    """As its sender calls it: for people to read, never to be used as a path."""
    size: Size
    digest: Digest
    sender: UserId
    sender_name: str
    """The sender's login name as it was then."""
    time: Time
    """When it was uploaded."""
    fetched: Natural = 0
    """How often it was downloaded to the end."""


class Piece(Record, frozen=True):
    """Some bytes of a file."""

    offset: Size
    length: Size


class Message(Record, frozen=True):
    """One stored message."""

    seq: Seq
    time: int
    """When the server got it, in milliseconds since 1970 UTC."""
    sender: UserId
    name: str
    """The sender's login name as it was then."""
    display: str
    """The sender's display name as it was then; empty for none."""
    kind: Kind
    body: str
    reference: Seq = 0
    """The seq in the same conversation that this one answers; 0 for none."""
    file: SharedFile | None = None
    """The file of a message of the kind FILE; None if it is gone."""


class Hit(Record, frozen=True):
    """A message that was found by its words, and where."""

    conversation: Conversation
    message: Message


class Verifier(Record, frozen=True):
    """What a server keeps of a password or a join code: enough to check it, not to know it (RFC 5802, section 3)."""

    salt: Annotated[bytes, msgspec.Meta(min_length=16, max_length=64)]
    iterations: Annotated[int, msgspec.Meta(ge=ITERATIONS, le=10_000_000)]
    stored_key: Secret
    server_key: Secret


class Token(Record, frozen=True):
    """One token of an account, without its secret."""

    id: TokenId
    user: UserId
    label: str
    scope: Scope
    made: Time
    expires: Time = 0
    """0 for never."""


class Invitation(Record, frozen=True):
    """A join code that can still be used, without its secret half."""

    name: str
    uses: int
    """How often it can still be used."""
    expires: Time
    """0 for never."""
    role: Role
    maker: UserId
    """0 for the server itself."""


class Member(Record, frozen=True):
    """Somebody who belongs to a room, online or not."""

    user: User
    rank: Rank
    online: bool


class Ban(Record, frozen=True):
    """A ban or a mute that holds."""

    user: User
    act: Act
    """BAN or MUTE."""
    until: Time
    """0 for ever."""
    by: UserId
    reason: str
    time: Time


class Deed(Record, frozen=True):
    """One line of the audit log. Names are kept as they were then."""

    id: Natural
    """1, 2, 3..., in the order in which things were done."""
    time: Time
    actor: UserId
    actor_name: str
    act: Act
    subject: str
    """Whom or what it was done to: a login name, a room's name, a token's label, the name of an invitation."""
    conversation: ConversationId
    """The room in which it was done; 0 for the whole server."""
    detail: str


class ServerInfo(Record, frozen=True):
    """What does not change while a server runs."""

    version: str
    started: Time
    history: str
    """How long messages are kept, as in `Welcome`."""
    guests: bool
    """May guests come from everywhere?"""
    addresses: list[str]
    """Where it listens."""


class LogLine(Record, frozen=True):
    """One line of the live log. What each field means depends on ``what``; those without a meaning are empty."""

    time: Time
    what: Happening
    user: UserId = 0
    """Who did it; 0 where it is not known."""
    name: str = ""
    """That user's login name as it was then."""
    target: str = ""
    text: str = ""
    """At most 500 characters of it."""
    characters: Natural = 0
    """How many were said, shown or not."""
    conversation: ConversationId = 0
    """The public room; 0 for none."""
    act: Act | None = None


class ConnectionInfo(Record, frozen=True):
    """One connection, as admins see it."""

    number: Natural
    """1, 2, 3... in the order in which they came since the start."""
    session: SessionId
    """0 if it has not logged in."""
    user: User | None
    """None if it has not logged in."""
    address: str
    """Of the other end, for people: ``192.0.2.7:40000``, ``unix: pid 12, uid 0``."""
    transport: str
    """``tls``, ``tcp`` or ``unix``."""
    since: Time
    received: Natural
    """Bytes, without what TLS adds; so are the next two."""
    sent: Natural
    queued: Natural
    """Bytes that wait for it to read them."""
    idle: Seconds
    """Since it said something; since it came if it has said nothing."""
    silent: Seconds
    """Since anything was heard of it, be it only an answer to `AreYouThere`."""
