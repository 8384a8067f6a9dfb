"""A store that does nothing until it is told to: the rules of `chatnet.core.entries`, written as plainly as can be."""

from collections import deque

from chatnet.core.entries import (
    Batch,
    CheckMessage,
    Committed,
    DeedsRead,
    DropBan,
    DropChat,
    DropInvitation,
    DropMember,
    DropShared,
    DropToken,
    DropUpload,
    DropUser,
    Duplicate,
    Entry,
    Expire,
    Failed,
    Outcome,
    PageRead,
    PutBan,
    PutChat,
    PutDeed,
    PutFile,
    PutInvitation,
    PutMember,
    PutMessage,
    PutRoom,
    PutToken,
    PutUpload,
    PutUser,
    ReadDeeds,
    ReadFailed,
    ReadMessages,
    SavedFile,
    Stale,
    UploadId,
)
from chatnet.core.policy import text_bytes
from chatnet.errors import ErrorCode
from chatnet.model import Act, ConversationId, Deed, DeviceId, FileId, Message, Seq, TokenId, UserId

RETRY_AFTER = 1.0
_HEARD = None
"""Stands between batches where the core had heard of a failure."""


class SlowStore:
    """Keeps the last ``window`` messages of each conversation, or all."""

    def __init__(self, window: int | None = None) -> None:
        self.waiting: deque[Batch | None] = deque()
        self.queries: list[ReadMessages] = []
        self.deed_queries: list[ReadDeeds] = []
        self.log: dict[ConversationId, list[Message]] = {}
        """All that was ever stored."""
        self.first: dict[ConversationId, Seq] = {}
        self.failure = 0
        """The number of the last failure; all batches that fail for the same reason have the same."""
        self.users: dict[UserId, PutUser] = {}
        self.conversations: dict[ConversationId, PutRoom | PutChat] = {}
        self.tokens: dict[TokenId, PutToken] = {}
        self.invitations: dict[str, PutInvitation] = {}
        self.deeds: list[PutDeed] = []
        self.members: dict[tuple[ConversationId, UserId], PutMember] = {}
        self.bans: dict[tuple[ConversationId, UserId, Act], PutBan] = {}
        self.uploads: dict[UploadId, PutUpload] = {}
        self.files: dict[FileId, SavedFile] = {}
        self.last_upload = self.last_file = 0
        """The greatest numbers that were ever put."""
        self._window = window
        self._devices: dict[DeviceId, dict[int, Duplicate]] = {}
        self._failing = False

    def go_on(self, before: "SlowStore") -> None:
        """Begin with all that another one has stored; what it had not stored is lost."""
        self.log, self.first, self._devices = before.log, before.first, before._devices
        self.users, self.conversations = before.users, before.conversations
        self.tokens, self.invitations, self.deeds = before.tokens, before.invitations, before.deeds
        self.members, self.bans = before.members, before.bans
        self.uploads, self.last_upload = before.uploads, before.last_upload
        self.files, self.last_file = before.files, before.last_file

    # -- batches ----------------------------------------------------------------------------------------------

    def submit(self, batch: Batch) -> None:
        """Keep a batch waiting."""
        self.waiting.append(batch)

    def acknowledge_failure(self) -> None:
        """Batches from here on are tried again."""
        self.waiting.append(_HEARD)

    @property
    def has_batch(self) -> bool:
        """Is there one to store?"""
        return any(batch is not _HEARD for batch in self.waiting)

    def store(self, *, fails: bool = False) -> Committed | Failed:
        """Store the oldest batch, or fail."""
        while (batch := self.waiting.popleft()) is _HEARD:
            self._failing = False
        if fails and not self._failing:
            self._failing = True
            self.failure += 1
        if self._failing:
            return Failed(batch, ErrorCode.STORE_FULL, "the disk is full", RETRY_AFTER)
        firsts: dict[ConversationId, Seq] = {}
        return Committed(batch, [self._take(entry, firsts) for entry in batch], firsts)

    def _take(self, entry: Entry, firsts: dict[ConversationId, Seq]) -> Outcome:
        match entry:
            case PutUser():
                self.users[entry.id] = entry
            case PutRoom() | PutChat():
                self.conversations[entry.id] = entry
            case DropUser():
                self.users.pop(entry.id, None)
                self.tokens = {id: token for id, token in self.tokens.items() if token.user != entry.id}
                self.members = {key: row for key, row in self.members.items() if row.user != entry.id}
                self.bans = {key: ban for key, ban in self.bans.items() if ban.user != entry.id}
            case PutMember():
                self.members[entry.conversation, entry.user] = entry
            case DropMember():
                self.members.pop((entry.conversation, entry.user), None)
            case PutBan():
                self.bans[entry.conversation, entry.user, entry.act] = entry
            case DropBan():
                self.bans.pop((entry.conversation, entry.user, entry.act), None)
            case PutToken():
                self.tokens[entry.id] = entry
            case DropToken():
                self.tokens.pop(entry.id, None)
            case PutInvitation():
                self.invitations[entry.name] = entry
            case DropInvitation():
                self.invitations.pop(entry.name, None)
            case PutDeed():
                self.deeds.append(entry)
            case Expire():
                self._expire(entry, firsts)
            case DropChat():
                self.conversations.pop(entry.id, None)
                self.log.pop(entry.id, None)
                self.uploads = {id: row for id, row in self.uploads.items() if row.conversation != entry.id}
                self.files = {id: kept for id, kept in self.files.items() if kept.file.conversation != entry.id}
            case PutUpload():
                self.uploads[entry.id] = entry
                self.last_upload = max(self.last_upload, entry.id)
            case DropUpload():
                self.uploads.pop(entry.id, None)
            case PutFile():
                kept = self.files.get(entry.id)
                self.files[entry.id] = SavedFile(entry, kept.seq if kept is not None else 0)
                self.last_file = max(self.last_file, entry.id)
            case DropShared():
                self.files.pop(entry.id, None)
            case PutMessage() | CheckMessage():
                return self._answer(entry, firsts)
        return None

    def _answer(self, entry: PutMessage | CheckMessage, firsts: dict[ConversationId, Seq]) -> Outcome:
        answers = self._devices.setdefault(entry.device, {})
        if entry.n <= max(answers, default=0):
            return answers.get(entry.n, Stale())
        if isinstance(entry, CheckMessage):
            return None
        assert entry.sender in self.users, "a message without its sender"
        assert entry.conversation in self.conversations, "a message without its conversation"
        log = self.log.setdefault(entry.conversation, [])
        e = entry
        message = Message(len(log) + 1, e.time, e.sender, e.name, e.display, e.kind, e.body, e.reference)
        log.append(message)
        if entry.file:
            assert not self.files[entry.file].seq, "a file that is shared twice"
            self.files[entry.file] = SavedFile(self.files[entry.file].file, message.seq)
        answers[entry.n] = Duplicate(entry.conversation, message.seq, message.time)
        if self._window is not None and len(log) > self._window:
            self.first[entry.conversation] = firsts[entry.conversation] = len(log) - self._window + 1
        return message

    def _expire(self, entry: Expire, firsts: dict[ConversationId, Seq]) -> None:
        before = self.first.get(entry.conversation, 1)
        old = [m.seq for m in self.log.get(entry.conversation, [])[before - 1 :] if m.time < entry.before]
        if old:
            self.first[entry.conversation] = firsts[entry.conversation] = old[-1] + 1

    # -- reading ----------------------------------------------------------------------------------------------

    def read(self, query: ReadMessages | ReadDeeds) -> None:
        """Keep a query waiting."""
        if isinstance(query, ReadDeeds):
            self.deed_queries.append(query)
        else:
            self.queries.append(query)

    def answer(self, query: ReadMessages, *, fails: bool = False) -> PageRead | ReadFailed:
        """Read a page now, whatever the core has been told by now."""
        self.queries.remove(query)
        if fails:
            return ReadFailed(query, ErrorCode.STORE_FAILING, "the disk does not answer")
        log, first = self.log.get(query.conversation, []), self.first.get(query.conversation, 1)
        kept = log[first - 1 :]
        if query.after is not None:
            found = [m for m in kept if m.seq > query.after]
            return PageRead(query, _cut(found, query), first)
        assert query.before is not None
        found = [m for m in kept if m.seq < query.before]
        return PageRead(query, _cut(found[::-1], query)[::-1], first)

    def answer_deeds(self, *, fails: bool = False) -> DeedsRead | ReadFailed:
        """Read the page of the audit log that was asked for first."""
        query = self.deed_queries.pop(0)
        if fails:
            return ReadFailed(query, ErrorCode.STORE_FAILING, "the disk does not answer")
        lines = [
            Deed(id, d.time, d.actor, d.actor_name, d.act, d.subject, d.conversation, d.detail)
            for id, d in enumerate(self.deeds, start=1)
            if not query.before or id < query.before
        ]
        return DeedsRead(query, lines[::-1][: query.limit])


def _cut(messages: list[Message], query: ReadMessages) -> list[Message]:
    size = 0
    for i, message in enumerate(messages[: query.limit]):
        size += text_bytes(message.body)
        if size > query.max_bytes and i:
            return messages[:i]
    return messages[: query.limit]
