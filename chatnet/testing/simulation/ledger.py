"""All that was ever stored in a simulation, and all that was promised of it: the truth that everything is held to.

What is in it was stored before the core could know of it, and nothing else was. It is kept apart from every store and
outlives every process, so it also knows what a bounded window has dropped and what a killed server never told.
"""

from msgspec.structs import replace

from chatnet.core.entries import (
    Batch,
    CheckMessage,
    Committed,
    DropChat,
    Duplicate,
    Entry,
    Outcome,
    PutChat,
    PutMarks,
    PutMessage,
    PutRoom,
    PutUser,
    Snapshot,
    Stale,
)
from chatnet.model import LOBBY, ConversationId, DeviceId, FileId, Message, Seq, UserId
from chatnet.testing.simulation.file_ledger import FileLedger
from chatnet.testing.simulation.trace import Violation

_LOBBY_ID: ConversationId = 1
Place = tuple[ConversationId, Seq]
"""Where a message is."""
Post = tuple[DeviceId, int]
"""A device's message of a number."""
Position = tuple[Seq, Seq]
"""(delivered, read)."""


class Ledger:
    """Takes what stores say of batches, and raises `Violation` where it breaks a rule."""

    def __init__(self) -> None:
        self._logs: dict[ConversationId, list[Message]] = {}
        self._firsts: dict[ConversationId, Seq] = {}
        self._dropped: dict[ConversationId, Seq] = {}
        """The same as pages told it, which may be ahead of what was told of batches."""
        self._last: dict[DeviceId, int] = {}
        self.places: dict[Post, Place] = {}
        """Where each message is."""
        self.repeated: set[Post] = set()
        """Those that came again after they were stored."""
        self.refused: set[Post] = set()
        """Those that clients have heard never will be stored."""
        self.checked: set[Post] = set()
        """Those that the core has refused, so that they are stale if they come again after others."""
        self.users: dict[UserId, PutUser] = {}
        self.chats: dict[ConversationId, tuple[UserId, UserId]] = {}
        self.rooms: dict[ConversationId, str] = {}
        self.marks: dict[tuple[UserId, ConversationId], Position] = {}
        """How far each user has got, at least."""
        self._holders: dict[UserId, bytes] = {}
        self.files = FileLedger()

    # -- questions --------------------------------------------------------------------------------------------

    def head(self, conversation: ConversationId) -> Seq:
        """The last seq that is stored."""
        return len(self._logs.get(conversation, ()))

    def first(self, conversation: ConversationId) -> Seq:
        """The oldest seq that is still kept."""
        return max(self._firsts.get(conversation, 1), self._dropped.get(conversation, 1))

    def message(self, conversation: ConversationId, seq: Seq) -> Message | None:
        """What was stored under this seq, kept or not; None if nothing was."""
        log = self._logs.get(conversation, [])
        return log[seq - 1] if 0 < seq <= len(log) else None

    def check_message(self, who: str, conversation: ConversationId, message: Message) -> None:
        """Somebody was told of a message. Is it what was stored, with its file if that is still there?"""
        if self.message(conversation, message.seq) != replace(message, file=None):
            raise Violation("I5", f"{who} was told of {conversation}#{message.seq}, which is not stored")
        self.files.check_message(who, conversation, message, self.first(conversation))

    def has_file(self, id: FileId) -> bool:
        """Is this file shared, and are its row and its message still kept?"""
        file = self.files.files.get(id)
        return file is not None and 0 < self.first(file.entry.conversation) <= file.seq

    def may_read(self, user: UserId, conversation: ConversationId) -> bool:
        """May this user read that? All rooms of a simulation are open to everybody."""
        return user in self.chats.get(conversation, (user,))

    def knows(self, conversation: ConversationId) -> bool:
        """Is there such a room or personal chat? The lobby is always there, stored or not."""
        return conversation == _LOBBY_ID or conversation in self.rooms or conversation in self.chats

    def name_of(self, room: ConversationId) -> str | None:
        """The name of a room; None if there is none."""
        return LOBBY if room == _LOBBY_ID else self.rooms.get(room)

    @property
    def messages(self) -> int:
        """How many were stored in all."""
        return len(self.places)

    # -- people -----------------------------------------------------------------------------------------------

    def holds(self, user: UserId, secret: bytes) -> None:
        """Somebody with this secret was let in as this user."""
        if self._holders.setdefault(user, secret) != secret:
            raise Violation("identity", f"user {user} has become somebody else")

    def told_marks(self, user: UserId, conversation: ConversationId, position: Position) -> None:
        """Somebody was told that a user has got so far."""
        if max(position) > self.head(conversation):
            raise Violation("I5", f"user {user} is said to be at {position} of {conversation}, which is not stored")
        self._move(user, conversation, position)

    def _move(self, user: UserId, conversation: ConversationId, position: Position) -> None:
        delivered, read = self.marks.get((user, conversation), (0, 0))
        self.marks[user, conversation] = (max(delivered, position[0]), max(read, position[1]))

    # -- batches ----------------------------------------------------------------------------------------------

    def commit(self, answer: Committed) -> None:
        """A batch is stored."""
        self._check_size(answer.batch, answer.outcomes)
        for entry, outcome in zip(answer.batch, answer.outcomes, strict=True):
            self._committed(entry, outcome)
            self.files.committed(entry)
        for conversation, first in answer.firsts.items():
            if not self._firsts.get(conversation, 1) < first <= self.head(conversation) + 1:
                raise Violation("I2", f"{conversation} starts at {first}, its head is {self.head(conversation)}")
            self._firsts[conversation] = first

    def _check_size(self, batch: Batch, outcomes: list[Outcome]) -> None:
        if len(batch) != len(outcomes):
            raise Violation("store", f"{len(outcomes)} outcomes for {len(batch)} entries")

    def _committed(self, entry: Entry, outcome: Outcome) -> None:
        match entry:
            case PutMessage():
                self._put(entry, outcome)
            case CheckMessage(device, n):
                self._check_again(device, n, outcome)
                self.checked.add((device, n))
            case PutChat(id, low, high):
                if self.chats.setdefault(id, (low, high)) != (low, high):
                    raise Violation("store", f"the chat {id} changed hands")
            case DropChat(id):
                self._drop(id)
            case PutRoom(id, name):
                self.rooms[id] = name
            case PutUser(id):
                self.users[id] = entry
            case PutMarks(conversation, user, delivered, read):
                self._move(user, conversation, (delivered, read))

    def _put(self, entry: PutMessage, outcome: Outcome) -> None:
        if not isinstance(outcome, Message):
            if outcome is None:
                raise Violation("store", f"no outcome for message {entry.n}")
            self._check_again(entry.device, entry.n, outcome)
            return
        key, log = (entry.device, entry.n), self._logs.setdefault(entry.conversation, [])
        name = f"{entry.name}'s message {entry.n}"
        if key in self.places:
            raise Violation("I3", f"{name} is stored at {self.places[key]} and again as {outcome.seq}")
        if entry.n <= self._last.get(entry.device, 0):
            raise Violation("I4", f"{name} is stored after {self._last[entry.device]}")
        if key in self.refused:
            raise Violation("refused", f"{name} is stored although its sender was told that it never will be")
        is_known = entry.conversation in self.chats or entry.conversation in self.rooms
        if entry.sender not in self.users or not is_known:
            raise Violation("store", f"{name} is stored before its sender or its conversation")
        if outcome.seq != len(log) + 1:
            raise Violation("I2", f"{name} got seq {outcome.seq} after {len(log)} in {entry.conversation}")
        if _content(outcome) != _content(entry):
            raise Violation("store", f"{name} was stored as something else")
        log.append(outcome)
        self.places[key] = (entry.conversation, outcome.seq)
        self._last[entry.device] = entry.n
        if entry.file:
            self.files.shared(outcome, entry.conversation, entry.file)

    def _check_again(self, device: DeviceId, n: int, outcome: Outcome) -> None:
        """A message that was not stored now; was it before?"""
        place = self.places.get((device, n))
        if isinstance(outcome, Duplicate):
            self.repeated.add((device, n))
            message = self.message(outcome.conversation, outcome.seq)
            if place != (outcome.conversation, outcome.seq) or message is None or message.time != outcome.time:
                raise Violation("I1", f"message {n} is at {place}; again, it is said to be at {outcome}")
        elif place is not None:
            raise Violation("I1", f"message {n} is at {place}, but forgotten by the store")
        elif isinstance(outcome, Stale) and n > self._last.get(device, 0):
            raise Violation("store", f"message {n} is said to be stale after {self._last.get(device, 0)}")

    def _drop(self, chat: ConversationId) -> None:
        if self.head(chat):
            raise Violation("I1", f"the chat {chat} is dropped with {self.head(chat)} messages")
        self.chats.pop(chat, None)

    # -- pages ------------------------------------------------------------------------------------------------

    def learn_first(self, conversation: ConversationId, first: Seq) -> None:
        """A page says where a conversation begins by now."""
        self._dropped[conversation] = max(first, self.first(conversation))

    # -- after a restart --------------------------------------------------------------------------------------

    def compare(self, found: Snapshot, messages: dict[ConversationId, list[Message]]) -> None:
        """Is this all that is stored, and nothing else? ``messages``: of each conversation, all that are found."""
        kept = {saved.conversation.id: saved for saved in found.conversations}
        users = {user.id: user for user in found.users}
        for id, user in self.users.items():
            if users.pop(id, None) != user:
                raise Violation("I1", f"user {id} is not kept as it was stored")
        if users or kept.keys() != self.rooms.keys() | self.chats.keys():
            raise Violation("I1", f"users {list(users)} or conversations {list(kept)} are kept that nobody has stored")
        for id, saved in kept.items():
            first, head = self._firsts.get(id, 1), self.head(id)
            if (saved.first, saved.head) != (first, head):
                raise Violation("I2", f"{id} is kept from {saved.first} to {saved.head}, not from {first} to {head}")
            if messages[id] != self._logs.get(id, [])[first - 1 :]:
                raise Violation("I1", f"the messages of {id} are not those that were stored")
        self._compare_marks(found)
        self.files.compare(found)

    def _compare_marks(self, found: Snapshot) -> None:
        marks = {(mark.user, mark.conversation): (mark.delivered, mark.read) for mark in found.marks}
        for (user, conversation), (delivered, read) in self.marks.items():
            now = marks.get((user, conversation), (0, 0))
            if self.chats.get(conversation) == (user, user):
                # What one says to oneself is read at once, so that no mark is kept.
                now = (self.head(conversation), self.head(conversation))
            if now[0] < delivered or now[1] < read:
                where = f"from {(delivered, read)} to {now} in {conversation}"
                raise Violation("marks", f"the marks of user {user} moved back {where}")


def _content(message: Message | PutMessage) -> tuple[object, ...]:
    names = (message.sender, message.name, message.display)
    return (*names, message.kind, message.body, message.reference, message.time)
