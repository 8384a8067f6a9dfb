"""Messages in memory: a bounded window of what was said last, for ``--history none`` and for tests.

Nothing survives the process, so all that must is what keeps the rules of `chatnet.core.entries` while it runs: the head
of each conversation, each device's latest answers, and the end of the audit log. All that a core finds in a `Snapshot`
it remembers itself; such entries are taken and not kept. Every bound drops the oldest first. All answers are there as
soon as `submit` or `read` returns.
"""

from bisect import bisect_left
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush, heapreplace
from itertools import islice
from typing import Any, ClassVar, Final

from chatnet.core.entries import (
    Batch,
    CheckMessage,
    Committed,
    Completion,
    DeedsRead,
    DropChat,
    Duplicate,
    Entry,
    Expire,
    Outcome,
    PageRead,
    PutDeed,
    PutMessage,
    Query,
    ReadDeeds,
    ReadFailed,
    ReadMessages,
    Snapshot,
    Stale,
)
from chatnet.core.limits import MIB
from chatnet.core.policy import text_bytes
from chatnet.errors import ErrorCode
from chatnet.model import ConversationId, Deed, DeviceId, Message, Seq

# A compiler looks up such a name once, and that of an import each time.
_PUT: Final = PutMessage
_MESSAGE: Final = Message

ANSWERS: Final = 64
"""How many of a device's latest messages can be recognised: twice as many as it may have unanswered."""
DEEDS: Final = 1000
"""Lines of the audit log."""
MESSAGE_BYTES: Final = 300
"""What a message costs in memory beside its text, in CPython: the record, two numbers, its places in the tables."""

_BYTES_TO_ONE: Final = 2 * MIB
"""For each so many bytes of the whole window, one message more goes at once."""
_MESSAGES_TO_ONE: Final = 32
"""For each so many messages of a conversation's window, one more goes at once."""

_ANSWER_FIELDS: Final = 4
_FEW: Final = 64
_MOST_ANSWER_FIELDS: Final = 1 + (ANSWERS + 16) * _ANSWER_FIELDS
"""A device's list grows a little over `ANSWERS` before it is cut, so that not every message moves it."""


class _Conversation:
    """The kept messages: always those from ``first`` to ``head``."""

    __slots__ = ("first", "head", "id", "is_listed", "messages")

    def __init__(self, id: ConversationId) -> None:
        self.id = id
        self.first: Seq = 1
        self.head: Seq = 0
        self.messages: list[Message] = []
        self.is_listed = False
        """Is it in the heap of the oldest?"""


class MemoryStore:
    """A `chatnet.net.ports.Store` that never fails.

    It keeps ``window_messages`` of each conversation and about ``window_bytes`` of memory in all, and recognises what
    the ``devices`` that wrote last send again. From a large window several messages of a conversation go at once, which
    is less work for each: it may hold a few more than ``window_messages``, and not quite the newest of all.
    """

    history: ClassVar[str] = "none"

    def __init__(self, *, window_messages: int = 1000, window_bytes: int = 64 * MIB, devices: int = 65_536) -> None:
        self._too_many = 1 + window_messages // _MESSAGES_TO_ONE
        """So many messages over its window, a conversation is cut to it."""
        self._most_messages = window_messages + self._too_many - 1
        self._window_bytes = window_bytes
        self._at_once = 1 + window_bytes // _BYTES_TO_ONE
        self._most_devices = devices
        self._conversations: dict[ConversationId, _Conversation] = {}
        self._devices: OrderedDict[DeviceId, list[int]] = OrderedDict()
        """Has it written since it got its place here? And its answers: wrote, n, conversation, seq, time, n, ...
        A flat list is a third of the memory of records."""
        self._oldest: list[tuple[int, ConversationId]] = []
        """A heap: each conversation that has messages, with the time of its oldest message or of one that is gone; and
        some that have none any more."""
        self._bytes = 0
        self._firsts: dict[ConversationId, Seq] = {}
        self._deeds: deque[Deed] = deque(maxlen=DEEDS)
        self._completions: list[Completion] = []

    # -- the port ---------------------------------------------------------------------------------------------

    def load(self) -> Snapshot:
        return Snapshot()

    def bind(self, wakeup: Callable[[], None]) -> None:
        """No answer ever comes late, so nobody needs to be woken."""
        del wakeup

    def submit(self, batch: Batch) -> None:
        self._firsts = {}
        outcomes = [self._put_message(entry) if type(entry) is _PUT else self._store_other(entry) for entry in batch]
        self._completions.append(Committed(batch, outcomes, self._firsts))

    def read(self, query: Query) -> None:
        if isinstance(query, ReadMessages):
            self._completions.append(self._page(query))
        elif isinstance(query, ReadDeeds):
            lines = (deed for deed in reversed(self._deeds) if not query.before or deed.id < query.before)
            self._completions.append(DeedsRead(query, list(islice(lines, query.limit))))
        else:
            reason = "this server keeps only a short history, in memory: there is no search"
            self._completions.append(ReadFailed(query, ErrorCode.UNSUPPORTED, reason))

    def _page(self, query: ReadMessages) -> PageRead:
        conversation = self._conversations.get(query.conversation)
        if conversation is None:
            return PageRead(query, [], 1)
        return PageRead(query, _page(conversation, query), conversation.first)

    def completions(self) -> list[Completion]:
        completions, self._completions = self._completions, []
        return completions

    def acknowledge_failure(self) -> None:
        """There are no failures here."""

    def close(self) -> None:
        self._conversations.clear()
        self._devices.clear()
        self._oldest.clear()
        self._deeds.clear()

    # -- entries ----------------------------------------------------------------------------------------------

    def _put_message(self, entry: Any) -> Outcome:
        """The hot path of a server without a disk, so what happens to every message is spelled out here."""
        device, n, time, id = entry.device, entry.n, entry.time, entry.conversation
        answers = self._devices.get(device)
        if answers is not None and n <= answers[-_ANSWER_FIELDS]:
            return _answer(answers, n)
        conversation = self._conversations.get(id)
        if conversation is None:
            conversation = self._conversations[id] = _Conversation(id)
        conversation.head += 1
        seq: Any = conversation.head  # packed once, where this is compiled
        body = entry.body
        message = _MESSAGE(seq, time, entry.sender, entry.name, entry.display, entry.kind, body, entry.reference)
        if answers is None:
            self._add_device(device, [False, n, id, seq, time])
        else:
            answers[0] = True
            answers += (n, id, seq, time)
            if len(answers) > _MOST_ANSWER_FIELDS:
                del answers[1 : -ANSWERS * _ANSWER_FIELDS]
        if not conversation.is_listed:
            conversation.is_listed = True
            heappush(self._oldest, (time, id))
        conversation.messages.append(message)
        self._bytes += _memory(body)
        if conversation.head - conversation.first >= self._most_messages:
            self._drop_oldest(conversation, self._too_many)
        if self._bytes > self._window_bytes:
            self._shrink()
        return message

    def _add_device(self, device: DeviceId, answers: list[int]) -> None:
        self._devices[device] = answers
        if len(self._devices) > self._most_devices:
            self._forget_device()

    def _forget_device(self) -> None:
        """One that was silent for long: whoever has written since it got its place gets another behind all.

        Else every message would move its device. Where many have, one of them is forgotten all the same.
        """
        for _ in range(_FEW):
            device, answers = next(iter(self._devices.items()))
            if not answers[0]:
                break
            answers[0] = False
            self._devices.move_to_end(device)
        self._devices.popitem(last=False)

    def _store_other(self, entry: Entry) -> Outcome:
        if type(entry) is CheckMessage:
            answers = self._devices.get(entry.device)
            return None if answers is None or entry.n > answers[-_ANSWER_FIELDS] else _answer(answers, entry.n)
        if type(entry) is Expire:
            self._expire(entry)
        elif type(entry) is DropChat:
            self._drop_chat(entry.id)
        elif type(entry) is PutDeed:
            self._put_deed(entry)
        return None

    def _put_deed(self, entry: PutDeed) -> None:
        id = self._deeds[-1].id + 1 if self._deeds else 1
        about = (entry.time, entry.actor, entry.actor_name, entry.act, entry.subject, entry.conversation)
        self._deeds.append(Deed(id, *about, entry.detail))

    # -- the window -------------------------------------------------------------------------------------------

    def _drop_oldest(self, conversation: _Conversation, count: int) -> None:
        """So many, or all that there are."""
        dropped = conversation.messages[:count]
        del conversation.messages[:count]
        self._bytes -= sum([_memory(message.body) for message in dropped])
        conversation.first += len(dropped)
        self._firsts[conversation.id] = conversation.first

    def _shrink(self) -> None:
        """Drop what is oldest of all until the rest fits."""
        while self._bytes > self._window_bytes:
            time, id = self._oldest[0]
            conversation = self._conversations.get(id)
            if conversation is not None and conversation.messages and conversation.messages[0].time == time:
                self._drop_oldest(conversation, self._at_once)
            if conversation is not None and conversation.messages:
                heapreplace(self._oldest, (conversation.messages[0].time, id))
            else:
                heappop(self._oldest)
                if conversation is not None:
                    conversation.is_listed = False

    def _expire(self, entry: Expire) -> None:
        conversation = self._conversations.get(entry.conversation)
        if conversation is not None:
            kept = (i for i, message in enumerate(conversation.messages) if message.time >= entry.before)
            count = next(kept, len(conversation.messages))
            if count:
                self._drop_oldest(conversation, count)

    def _drop_chat(self, id: ConversationId) -> None:
        conversation = self._conversations.pop(id, None)
        if conversation is not None:
            self._bytes -= sum([_memory(message.body) for message in conversation.messages])
            self._firsts.pop(id, None)
            if len(self._oldest) > 2 * len(self._conversations) + _FEW:
                self._list_anew()

    def _list_anew(self) -> None:
        """Without those that are gone."""
        self._oldest = [(each.messages[0].time, id) for id, each in self._conversations.items() if each.messages]
        heapify(self._oldest)
        for conversation in self._conversations.values():
            conversation.is_listed = bool(conversation.messages)


def _answer(answers: list[int], n: int) -> Duplicate | Stale:
    """What became of a message whose number is not greater than the last in ``answers``."""
    numbers = answers[1::_ANSWER_FIELDS]
    place = bisect_left(numbers, n)
    if numbers[place] != n:
        return Stale()
    _, conversation, seq, time = answers[1 + place * _ANSWER_FIELDS :][:_ANSWER_FIELDS]
    return Duplicate(conversation, seq, time)


def _memory(body: str) -> int:
    """About the bytes that a kept message with this text costs; always the same for the same message."""
    # Beyond ASCII, up to four bytes a character, and as many for the UTF-8 that CPython keeps once it was encoded.
    return MESSAGE_BYTES + (len(body) if body.isascii() else 8 * len(body))


def _page(conversation: _Conversation, query: ReadMessages) -> list[Message]:
    if query.after is not None:
        return _take(conversation, range(max(query.after + 1, conversation.first), conversation.head + 1), query)
    assert query.before is not None
    newest = min(query.before - 1, conversation.head)
    return _take(conversation, range(newest, conversation.first - 1, -1), query)[::-1]


def _take(conversation: _Conversation, seqs: Iterable[Seq], query: ReadMessages) -> list[Message]:
    """The messages with these seqs, as far as the page's limits go, and at least one."""
    page: list[Message] = []
    size = 0
    for seq in seqs:
        message = conversation.messages[seq - conversation.first]
        size += text_bytes(message.body)
        if page and (len(page) >= query.limit or size > query.max_bytes):
            break
        page.append(message)
    return page
