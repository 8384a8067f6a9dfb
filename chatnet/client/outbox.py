"""Where posts wait until the server has answered them for good.

A post leaves the outbox only when it is stored, or will never be. The outbox gives out the device's numbers, because
both must be kept together: an outbox on disk goes on counting where it stopped.
"""

from collections.abc import Iterator
from typing import Protocol

import msgspec

from chatnet.model import ConversationId, FileId, Kind, Seq


class ToUser(msgspec.Struct, frozen=True):
    """The personal chat with the user of this login name."""

    name: str


class ToRoom(msgspec.Struct, frozen=True):
    """The room of this name."""

    name: str


class ToConversation(msgspec.Struct, frozen=True):
    """A conversation by its id, which only the server that gave it knows."""

    id: ConversationId


Target = ToUser | ToRoom | ToConversation


class Draft(msgspec.Struct, frozen=True):
    """One post that the server has not answered for good."""

    n: int
    target: Target
    body: str
    kind: Kind = Kind.TEXT
    reference: Seq = 0
    file: FileId = 0
    """What it shares, if its kind is FILE."""


class Outbox(Protocol):
    """Drafts in the order of their numbers. One device has one outbox."""

    def add(self, target: Target, body: str, kind: Kind, reference: Seq, file: FileId = 0) -> Draft:
        """Keep a new draft under the device's next number."""
        ...

    def after(self, n: int) -> Draft | None:
        """The first draft with a greater number than ``n``."""
        ...

    def remove(self, n: int) -> Draft | None:
        """Forget a draft that is answered for good, and return it; None if it is not here."""
        ...

    def __iter__(self) -> Iterator[Draft]: ...

    def __len__(self) -> int: ...


class MemoryOutbox:
    """An outbox that ends with the process; so its device is one that nobody uses again."""

    def __init__(self) -> None:
        self._drafts: dict[int, Draft] = {}
        self._first = 1
        """No draft has a smaller number."""
        self._next = 1

    def add(self, target: Target, body: str, kind: Kind, reference: Seq, file: FileId = 0) -> Draft:
        """Keep a new draft under the next number."""
        draft = Draft(self._next, target, body, kind, reference, file)
        self.put(draft)
        return draft

    def put(self, draft: Draft) -> None:
        """Keep a draft that has its number; none before it had a greater one."""
        assert draft.n >= self._next
        if not self._drafts:
            self._first = draft.n
        self._drafts[draft.n] = draft
        self._next = draft.n + 1

    def after(self, n: int) -> Draft | None:
        """The first draft with a greater number than ``n``. Numbers have few holes, so counting up is quick."""
        for number in range(max(n + 1, self._first), self._next):
            if number in self._drafts:
                return self._drafts[number]
        return None

    def remove(self, n: int) -> Draft | None:
        """Forget a draft."""
        draft = self._drafts.pop(n, None)
        while self._first < self._next and self._first not in self._drafts:
            self._first += 1
        return draft

    def __iter__(self) -> Iterator[Draft]:
        return iter(list(self._drafts.values()))

    def __len__(self) -> int:
        return len(self._drafts)
