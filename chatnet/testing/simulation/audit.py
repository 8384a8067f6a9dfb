"""A store that remembers all that any other store has answered, and holds it to its contract.

Its log is the truth of a simulation: what is in it was stored before the core could know of it, and nothing else was.
Kept apart from the store that it watches, it also knows what a bounded window has dropped.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from chatnet.core.entries import (
    Batch,
    CheckMessage,
    Committed,
    Completion,
    Duplicate,
    Entry,
    Failed,
    Outcome,
    PageRead,
    PutChat,
    PutMessage,
    PutRoom,
    PutUser,
    Query,
    Snapshot,
    Stale,
)
from chatnet.model import ConversationId, DeviceId, Message, Seq, UserId
from chatnet.net.ports import Store
from chatnet.testing.simulation.trace import Trace, Violation


class Place(NamedTuple):
    """Where a message is."""

    conversation: ConversationId
    seq: Seq


class AuditedStore:
    """Passes everything on to ``inner``, and raises `Violation` as soon as an answer of it breaks a rule."""

    def __init__(self, inner: Store, trace: Trace) -> None:
        self._inner = inner
        self._trace = trace
        self._submitted: deque[Batch] = deque()
        self._doomed = 0
        """How many batches must still fail because one before them did."""
        self._has_failed = False
        """Has a batch failed that the core has not acknowledged?"""
        self._logs: dict[ConversationId, list[Message]] = {}
        self._firsts: dict[ConversationId, Seq] = {}
        self._dropped: dict[ConversationId, Seq] = {}
        """The same as pages told it, which may be ahead of what was told of batches."""
        self._last: dict[DeviceId, int] = {}
        self.places: dict[tuple[DeviceId, int], Place] = {}
        """Where each device's message of each number is."""
        self.repeated: set[tuple[DeviceId, int]] = set()
        """Those that came again after they were stored."""
        self.refused: set[tuple[DeviceId, int]] = set()
        """Those that clients have heard never will be stored."""
        self.checked: set[tuple[DeviceId, int]] = set()
        """Those that the core has refused, so that they are stale if they come again after others."""
        self.chats: dict[ConversationId, tuple[UserId, UserId]] = {}
        self.rooms: dict[ConversationId, str] = {}
        self._users: set[UserId] = set()

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

    @property
    def messages(self) -> int:
        """How many were stored in all."""
        return len(self.places)

    @property
    def is_waiting(self) -> bool:
        """Is any batch unanswered?"""
        return bool(self._submitted)

    # -- the port ---------------------------------------------------------------------------------------------

    @property
    def history(self) -> str:
        return self._inner.history

    def load(self) -> Snapshot:
        return self._inner.load()

    def bind(self, wakeup: Callable[[], None]) -> None:
        self._inner.bind(wakeup)

    def submit(self, batch: Batch) -> None:
        self._submitted.append(batch)
        self._inner.submit(batch)

    def read(self, query: Query) -> None:
        self._inner.read(query)

    def completions(self) -> list[Completion]:
        completions = self._inner.completions()
        for completion in completions:
            match completion:
                case Committed() | Failed():
                    self._answered(completion)
                case PageRead():
                    self._page(completion)
                case _:
                    self._trace.add("store", f"cannot read {completion.query.conversation}")
        return completions

    def acknowledge_failure(self) -> None:
        if not self._has_failed:
            raise Violation("store", "a failure was acknowledged that never happened")
        self._has_failed, self._doomed = False, len(self._submitted)
        self._inner.acknowledge_failure()

    def close(self) -> None:
        self._inner.close()

    # -- batches ----------------------------------------------------------------------------------------------

    def _answered(self, answer: Committed | Failed) -> None:
        if not self._submitted or self._submitted.popleft() is not answer.batch:
            raise Violation("store", "a batch was answered out of order")
        doomed, self._doomed = self._has_failed or self._doomed > 0, max(0, self._doomed - 1)
        if isinstance(answer, Failed):
            self._has_failed = self._has_failed or not doomed
            self._trace.add("store", f"fails {len(answer.batch)} entries: {answer.code}")
            return
        if doomed:
            raise Violation("store", "a batch was stored that was submitted after one that failed")
        if len(answer.batch) != len(answer.outcomes):
            raise Violation("store", f"{len(answer.outcomes)} outcomes for {len(answer.batch)} entries")
        for entry, outcome in zip(answer.batch, answer.outcomes, strict=True):
            self._committed(entry, outcome)
        for conversation, first in answer.firsts.items():
            if not self._firsts.get(conversation, 1) < first <= self.head(conversation) + 1:
                raise Violation("I2", f"{conversation} starts at {first}, its head is {self.head(conversation)}")
            self._firsts[conversation] = first
        self._trace.add("store", f"commits {len(answer.batch)} entries, {self.messages} messages in all")

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
            case PutRoom(id, name):
                self.rooms[id] = name
            case PutUser(id):
                self._users.add(id)

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
        if entry.sender not in self._users or not is_known:
            raise Violation("store", f"{name} is stored before its sender or its conversation")
        if outcome.seq != len(log) + 1:
            raise Violation("I2", f"{name} got seq {outcome.seq} after {len(log)} in {entry.conversation}")
        if _content(outcome) != _content(entry):
            raise Violation("store", f"{name} was stored as something else")
        log.append(outcome)
        self.places[key] = Place(entry.conversation, outcome.seq)
        self._last[entry.device] = entry.n

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

    # -- pages ------------------------------------------------------------------------------------------------

    def _page(self, page: PageRead) -> None:
        """It may be ahead of what was told of batches, so only what is known can be compared."""
        query, seqs = page.query, [message.seq for message in page.messages]
        self._trace.add("store", f"reads {seqs[:1]} to {seqs[-1:]} of {query.conversation}")
        self._dropped[query.conversation] = max(page.first, self.first(query.conversation))
        if seqs != list(range(seqs[0], seqs[0] + len(seqs))) if seqs else False:
            raise Violation("I2", f"a page of {query.conversation} has a gap: {seqs}")
        if query.after is not None and seqs and seqs[0] != max(query.after + 1, page.first):
            raise Violation("store", f"a page after {query.after} starts at {seqs[0]}; {page.first} is kept")
        for message in page.messages:
            if self.message(query.conversation, message.seq) not in (message, None):
                raise Violation("store", f"{query.conversation} has two messages {message.seq}")


def _content(message: Message | PutMessage) -> tuple[object, ...]:
    names = (message.sender, message.name, message.display)
    return (*names, message.kind, message.body, message.reference, message.time)
