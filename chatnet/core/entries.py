"""What the core asks a store to keep and to read, and what a store answers.

The store's whole contract is in these few records and in the `Store` port:

- A *batch* is a list of entries, all of one loop turn; it is stored as a whole or not at all.
- A `PutMessage` gets the next seq of its conversation in the transaction that makes it durable. Whether it is a
  duplicate is decided there too, by its device's number alone.
- Batches complete in the order in which they were submitted. After one failed, all that were submitted before the
  failure was acknowledged fail as well, wherever they are in the store's queue: nothing overtakes a message that is yet
  to be sent again. The core hears of all of them at once, with the first.
- The other ``Put`` entries are idempotent: storing one again replaces what was there. The core puts a user, a room
  or a personal chat in front of the first message that refers to it, and again until that batch was committed.
"""

from collections.abc import Hashable

import msgspec

from chatnet.model import (
    Act,
    ConversationId,
    Deed,
    DeviceId,
    Digest,
    FileId,
    Kind,
    Message,
    Natural,
    Rank,
    Role,
    Scope,
    Seq,
    TokenId,
    UserId,
    Verifier,
)

UploadId = Natural
"""Also the number of the file store's part; never given twice."""
Handle = Hashable
"""What the network calls a session by. Opaque to the core and to stores."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """Base of all that can be in a batch."""


class PutUser(Entry, frozen=True):
    """Keep a user."""

    id: UserId
    name: str
    display: str
    role: Role
    secret_hash: bytes
    """Of a guest; empty for an account."""
    verifier: Verifier | None = None
    """Of an account's password; None where it has none."""
    uid: int = -1
    """The operating system's user that may use this account over the local socket; -1 for none."""


class PutRoom(Entry, frozen=True):
    """Keep a room."""

    id: ConversationId
    name: str
    owner: UserId
    archived: bool
    topic: str = ""
    private: bool = False


class PutChat(Entry, frozen=True):
    """Keep a personal chat between two users; ``low <= high``, equal in a chat with oneself."""

    id: ConversationId
    low: UserId
    high: UserId


class PutMessage(Entry, frozen=True):
    """Keep a message, if its device has not sent one with this ``n`` or a greater one before."""

    conversation: ConversationId
    sender: UserId
    name: str
    display: str
    kind: Kind
    body: str
    reference: Seq
    time: int
    """When the server got it, in milliseconds since 1970 UTC."""
    device: DeviceId
    n: int
    origin: Handle
    """The session that waits for the answer; the store hands it back and keeps nothing of it."""
    marks_own: bool = False
    """If the sender has read all before it, is it marked as read by the sender as well? So it is in a chat of two."""
    file: FileId = 0
    """The file that it shares, which gets the message's seq in the same transaction; 0 for none."""


class PutMarks(Entry, frozen=True):
    """Keep how far a user has got in a conversation. Both numbers only ever move forward."""

    conversation: ConversationId
    user: UserId
    delivered: Seq
    read: Seq


class CheckMessage(Entry, frozen=True):
    """Was this message stored before? The core refuses it now, but if it is a duplicate the first answer stands.

    A client that lost its connection before the ack sends the message again, and by then the room may be archived:
    without this it would be told that a message is refused which everybody has read.
    """

    device: DeviceId
    n: int
    code: str
    reason: str
    """The refusal, for the core to give if the outcome is None."""
    origin: Handle


class PutToken(Entry, frozen=True):
    """Keep a token."""

    id: TokenId
    user: UserId
    hash: bytes
    """32 bytes: SHA-256 of the token."""
    label: str
    scope: Scope
    made: int
    """Milliseconds since 1970 UTC, as all times here."""
    expires: int
    """0 for never."""


class DropToken(Entry, frozen=True):
    """Forget a token."""

    id: TokenId


class PutInvitation(Entry, frozen=True):
    """Keep a join code that can be used ``uses`` times more."""

    name: str
    verifier: Verifier
    uses: int
    expires: int
    role: Role
    maker: UserId


class DropInvitation(Entry, frozen=True):
    """Forget a join code."""

    name: str


class PutMember(Entry, frozen=True):
    """Keep what a user is in a room."""

    conversation: ConversationId
    user: UserId
    rank: Rank
    since: int


class DropMember(Entry, frozen=True):
    """A user has no part in a room any more."""

    conversation: ConversationId
    user: UserId


class PutBan(Entry, frozen=True):
    """Keep a ban or a mute, in a room or (conversation 0) on the whole server."""

    conversation: ConversationId
    user: UserId
    act: Act
    """BAN or MUTE; a user can have one of each in each place."""
    until: int
    """0 for ever."""
    by: UserId
    reason: str
    time: int


class DropBan(Entry, frozen=True):
    """A ban or a mute is over."""

    conversation: ConversationId
    user: UserId
    act: Act


class PutDeed(Entry, frozen=True):
    """Add a line to the audit log. The store numbers them; nothing removes them."""

    time: int
    actor: UserId
    actor_name: str
    act: Act
    subject: str
    conversation: ConversationId
    detail: str


class PutUpload(Entry, frozen=True):
    """Keep what is known of an upload under way, so that it outlives connections and restarts."""

    id: UploadId
    user: UserId
    conversation: ConversationId
    name: str
    size: int
    digest: Digest
    since: int
    """When somebody last began or went on with it."""


class DropUpload(Entry, frozen=True):
    """An upload is finished or given up."""

    id: UploadId


class PutFile(Entry, frozen=True):
    """Keep a file of a conversation: its content is durable in the file store.

    The seq is not in it: a `PutMessage` gives it, and putting a file again leaves it as it is.
    """

    id: FileId
    conversation: ConversationId
    name: str
    size: int
    digest: Digest
    sender: UserId
    sender_name: str
    time: int
    fetched: int = 0


class DropShared(Entry, frozen=True):
    """A file is gone; the message that shared it stays."""

    id: FileId


class Expire(Entry, frozen=True):
    """Forget the oldest messages of a conversation, those from before a time. Some at a time: ask again while it helps.

    Its head stays, so no seq is ever given out twice; `Committed.firsts` tells the new oldest one.
    """

    conversation: ConversationId
    before: int
    """Milliseconds since 1970 UTC. The first message that is not older ends it, whatever comes after that."""


class DropUser(Entry, frozen=True):
    """Forget a guest or an account that is gone for good, with its tokens, memberships, marks and bans."""

    id: UserId


class DropChat(Entry, frozen=True):
    """Forget a personal chat with all its messages, files and uploads: nobody who was in it is left."""

    id: ConversationId


Batch = list[Entry]


class Duplicate(msgspec.Struct, frozen=True):
    """A `PutMessage` or `CheckMessage` that was stored before; the answer is the same as then."""

    conversation: ConversationId
    seq: Seq
    time: int


class Stale(msgspec.Struct, frozen=True):
    """A message that was not stored and never will be: its device has gone on to greater numbers."""


Outcome = Message | Duplicate | Stale | None
"""Of one entry: the message as stored, or why not; None for a `CheckMessage` of a new number and for all others."""


class Committed(msgspec.Struct, frozen=True):
    """A whole batch is stored, durably so where the store is durable."""

    batch: Batch
    outcomes: list[Outcome]
    """One for each entry, in the same order."""
    firsts: dict[ConversationId, Seq] = {}
    """The new oldest kept seq of each conversation in which older messages were dropped."""


class Failed(msgspec.Struct, frozen=True):
    """Nothing of a batch is stored. Only for failures that pass; a store that cannot know must stop the server."""

    batch: Batch
    code: str
    reason: str
    retry_after: float
    """Seconds after which to try again."""


class ReadMessages(msgspec.Struct, frozen=True):
    """Read one page of a conversation, oldest first: the first messages after ``after``, or the last before ``before``.

    Exactly one of ``after`` and ``before`` is set. A page ends after ``limit`` messages or ``max_bytes`` of text,
    but has at least one message if there is any.
    """

    conversation: ConversationId
    limit: int
    max_bytes: int
    after: Seq | None = None
    before: Seq | None = None
    token: object = None
    """The asker's own note; handed back."""


class PageRead(msgspec.Struct, frozen=True):
    """The answer to a `ReadMessages`."""

    query: ReadMessages
    messages: list[Message]
    first: Seq
    """The oldest seq that is kept; ``head + 1`` where none is."""


class ReadFailed(msgspec.Struct, frozen=True):
    """A query that could not be answered now."""

    query: "ReadMessages | SearchMessages | ReadDeeds"
    code: str
    reason: str


class SearchMessages(msgspec.Struct, frozen=True):
    """Find messages by their words, the newest first: in all public rooms, and of what is closed only in ``chats``.

    The core asks again what the asker may read when it has the answer; a store need not know of bans.
    """

    words: str
    chats: list[ConversationId]
    """The personal chats and the private rooms that the asker may read; no others are looked through."""
    conversation: ConversationId
    """Only in this one; 0 for all."""
    before: int
    """Only what comes after the page that gave this as ``next``; 0 for the first page."""
    limit: int
    token: object = None
    """The asker's own note; handed back."""


class Found(msgspec.Struct, frozen=True):
    """The answer to a `SearchMessages`."""

    query: SearchMessages
    hits: list[tuple[ConversationId, Message, int]]
    """Each with what ``before`` goes on after it."""
    next: int
    """0 where there is no more."""


class ReadDeeds(msgspec.Struct, frozen=True):
    """Read the last ``limit`` lines of the audit log, or those before the one of id ``before``; the newest first."""

    before: int
    """0 for the newest."""
    limit: int
    token: object = None
    """The asker's own note; handed back."""


class DeedsRead(msgspec.Struct, frozen=True):
    """The answer to a `ReadDeeds`."""

    query: ReadDeeds
    deeds: list[Deed]


Query = ReadMessages | SearchMessages | ReadDeeds
Completion = Committed | Failed | PageRead | Found | DeedsRead | ReadFailed


class SavedConversation(msgspec.Struct, frozen=True):
    """A room or personal chat as a store found it at start, with the seqs that it holds."""

    conversation: PutRoom | PutChat
    first: Seq
    head: Seq


class SavedFile(msgspec.Struct, frozen=True):
    """A file as a store found it at start."""

    file: PutFile
    seq: Seq
    """Of the message that shares it; 0 for none."""


class Snapshot(msgspec.Struct, frozen=True):
    """All that the core must know before it can start: no messages."""

    users: list[PutUser] = []
    conversations: list[SavedConversation] = []
    marks: list[PutMarks] = []
    next_user: UserId = 1
    """Greater than every user id that was ever put, so that no id is given out twice."""
    next_conversation: ConversationId = 1
    """The same for rooms and personal chats."""
    server: bytes = b""
    """16 bytes by which clients know the server again, made once; empty where a store keeps nothing."""
    secret: bytes = b""
    """32 bytes that nobody else knows, made once; empty where a store keeps nothing."""
    tokens: list[PutToken] = []
    invitations: list[PutInvitation] = []
    members: list[PutMember] = []
    """In the order in which they came to be members."""
    bans: list[PutBan] = []
    next_token: TokenId = 1
    """Greater than every token id that was ever put."""
    uploads: list[PutUpload] = []
    files: list[SavedFile] = []
    """In the order of their ids."""
    next_upload: UploadId = 1
    """Greater than every upload's id that was ever put."""
    next_file: FileId = 1
    """Greater than every file's id that was ever put."""
