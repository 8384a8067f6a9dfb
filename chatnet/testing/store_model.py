"""The rules of `chatnet.core.entries` in their simplest form, to compare stores with; and batches to try them on.

The model keeps everything for ever in plain lists, so it says what a store answers as long as its window is large
enough.
"""

from hypothesis import strategies as st

from chatnet.core.entries import (
    Batch,
    CheckMessage,
    DropChat,
    DropUser,
    Duplicate,
    Entry,
    Outcome,
    PutChat,
    PutDeed,
    PutMessage,
    PutRoom,
    PutUser,
    ReadDeeds,
    ReadMessages,
    Stale,
)
from chatnet.model import Act, ConversationId, Deed, DeviceId, FileId, Kind, Message, Role, Seq, UserId

RECOGNISED = 64
"""How many of a device's latest messages a store must recognise, at least."""
USERS = (1, 2)
ROOMS = (1, 2)
CHATS = (3, 4)
DEVICES = tuple(bytes([i]) * 16 for i in range(1, 4))
PREPARATION: Batch = [
    *(PutUser(id, f"user{id}", "", role=Role.GUEST, secret_hash=bytes([id]) * 32) for id in USERS),
    *(PutRoom(id, f"room{id}", owner=1, archived=False) for id in ROOMS),
    *(PutChat(id, low=1, high=2) for id in CHATS),
]
"""What the messages here refer to; it goes in front of them, as the core puts it there."""


def post(
    conversation: ConversationId,
    n: int,
    *,
    sender: UserId = 1,
    device: DeviceId = DEVICES[0],
    body: str = "hello",
    time: int = 1000,
    marks_own: bool = False,
    file: FileId = 0,
) -> PutMessage:
    """A message with what most tests do not care for."""
    kind = Kind.FILE if file else Kind.TEXT
    return PutMessage(conversation, sender, f"user{sender}", "", kind, body, 0, time, device, n, None, marks_own, file)


def check(n: int, *, device: DeviceId = DEVICES[0]) -> CheckMessage:
    """The question whether a message is known."""
    return CheckMessage(device, n, "ROOM_ARCHIVED", "the room is archived", origin=None)


def deed(n: int) -> PutDeed:
    """A line of the audit log that is known by its time."""
    return PutDeed(n, 1, "user1", Act.KICK, f"user{n}", 1, "spam")


class StoreModel:
    """A store without any bound."""

    def __init__(self) -> None:
        self.messages: dict[ConversationId, list[Message]] = {}
        self.dropped: set[ConversationId] = set()
        self.deeds: list[Deed] = []
        self._answers: dict[DeviceId, dict[int, Duplicate]] = {}

    def apply(self, entry: Entry) -> list[Outcome]:
        """Store an entry, and say which outcomes are right."""
        if isinstance(entry, PutMessage):
            return self._known(entry.device, entry.n) or [self._put(entry)]
        if isinstance(entry, CheckMessage):
            return self._known(entry.device, entry.n) or [None]
        if isinstance(entry, DropChat):
            self.messages.pop(entry.id, None)
            self.dropped.add(entry.id)
        if isinstance(entry, PutDeed):
            self._add(entry)
        return [None]

    def _add(self, entry: PutDeed) -> None:
        about = (entry.time, entry.actor, entry.actor_name, entry.act, entry.subject, entry.conversation)
        self.deeds.append(Deed(len(self.deeds) + 1, *about, entry.detail))

    def _known(self, device: DeviceId, n: int) -> list[Outcome]:
        answers = self._answers.get(device, {})
        if not answers or n > max(answers):
            return []
        if n not in answers:
            return [Stale()]
        is_recent = n in sorted(answers)[-RECOGNISED:]
        return [answers[n]] if is_recent else [answers[n], Stale()]

    def _put(self, entry: PutMessage) -> Message:
        kept = self.messages.setdefault(entry.conversation, [])
        message = Message(
            len(kept) + 1,
            entry.time,
            entry.sender,
            entry.name,
            entry.display,
            entry.kind,
            entry.body,
            entry.reference,
        )
        kept.append(message)
        answers = self._answers.setdefault(entry.device, {})
        answers[entry.n] = Duplicate(entry.conversation, message.seq, message.time)
        return message

    def page(self, query: ReadMessages) -> list[Message]:
        """What a read gives."""
        kept = self.messages.get(query.conversation, [])
        if query.after is not None:
            return cut([m for m in kept if m.seq > query.after], query)
        assert query.before is not None
        return cut([m for m in reversed(kept) if m.seq < query.before], query)[::-1]

    def deeds_of(self, query: ReadDeeds) -> list[Deed]:
        """What a read of the audit log gives."""
        kept = [deed for deed in reversed(self.deeds) if not query.before or deed.id < query.before]
        return kept[: query.limit]


def cut(messages: list[Message], query: ReadMessages) -> list[Message]:
    """As many from the start as a page may have, and at least one."""
    page = messages[:1]
    for message in messages[1:]:
        more = [*page, message]
        if len(more) > query.limit or sum(len(m.body.encode()) for m in more) > query.max_bytes:
            break
        page = more
    return page


# -- strategies -----------------------------------------------------------------------------------------------

_conversations = st.sampled_from(ROOMS + CHATS)
_devices = st.sampled_from(DEVICES)
_texts = st.text(min_size=1, max_size=20)


def messages() -> st.SearchStrategy[PutMessage]:
    """Messages of few devices to few conversations, so that numbers come again."""
    return st.builds(
        PutMessage,
        conversation=_conversations,
        sender=st.sampled_from(USERS),
        name=st.sampled_from(["user1", "user2"]),
        display=st.sampled_from(["", "Ünsal 🙂"]),
        kind=st.sampled_from(Kind),
        body=_texts,
        reference=st.integers(0, 3),
        time=st.integers(0, 2**42),
        device=_devices,
        n=st.integers(1, 40),
        origin=st.none(),
    )


def deeds() -> st.SearchStrategy[PutDeed]:
    """Lines of the audit log."""
    times, users, places = st.integers(0, 2**63 - 1), st.sampled_from(USERS), st.sampled_from((0, *ROOMS))
    return st.builds(PutDeed, times, users, _texts, st.sampled_from(Act), _texts, places, st.text(max_size=20))


def entries() -> st.SearchStrategy[Entry]:
    """Mostly messages."""
    others = st.one_of(
        st.builds(CheckMessage, _devices, st.integers(1, 40), st.just("FORBIDDEN"), st.just("no"), st.none()),
        st.sampled_from(PREPARATION),
        st.builds(DropChat, st.sampled_from(CHATS)),
        st.builds(DropUser, st.just(99)),
        deeds(),
    )
    return st.one_of(messages(), messages(), messages(), others)


def queries(highest: Seq = 60) -> st.SearchStrategy[ReadMessages]:
    """Reads from either side, with all sorts of limits."""
    limits = {"limit": st.integers(1, 20), "max_bytes": st.integers(1, 200)}
    seqs = st.integers(0, highest)
    return st.one_of(
        st.builds(ReadMessages, _conversations, after=seqs, **limits),
        st.builds(ReadMessages, _conversations, before=seqs, **limits),
    )


def deed_queries() -> st.SearchStrategy[ReadDeeds]:
    """Reads of the audit log."""
    return st.builds(ReadDeeds, st.integers(0, 30), st.integers(1, 10))


def steps() -> st.SearchStrategy[list[Batch | ReadMessages | ReadDeeds]]:
    """What happens to a store, in order: batches and reads."""
    return st.lists(st.one_of(st.lists(entries(), min_size=1, max_size=8), queries(), deed_queries()), max_size=30)
