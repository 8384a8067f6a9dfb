"""The memory store: the rules of every store, and a window that drops the oldest."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from chatnet.core.entries import Batch, Committed, DeedsRead, DropChat, Outcome, PageRead, ReadDeeds, ReadMessages
from chatnet.core.limits import KIB, MIB
from chatnet.model import ConversationId, Message, Seq
from chatnet.net.ports import Store
from chatnet.store.memory import ANSWERS, DEEDS, MESSAGE_BYTES, MemoryStore
from chatnet.testing.store_conformance import StoreConformance
from chatnet.testing.store_model import DEVICES, RECOGNISED, deed, post


class TestMemoryStore(StoreConformance):
    def make_store(self) -> Store:
        return MemoryStore()


def commit(store: MemoryStore, batch: Batch) -> Committed:
    store.submit(batch)
    (done,) = store.completions()
    assert isinstance(done, Committed)
    return done


def put(store: MemoryStore, *batch: tuple[ConversationId, int]) -> Committed:
    """Post into these conversations, at a later time with each number."""
    return commit(store, [post(conversation, n, time=n) for conversation, n in batch])


def page(store: MemoryStore, conversation: ConversationId, after: Seq = 0) -> PageRead:
    store.read(ReadMessages(conversation, 1000, 1 << 20, after=after))
    (answer,) = store.completions()
    assert isinstance(answer, PageRead)
    return answer


def seqs(messages: list[Message]) -> list[Seq]:
    return [message.seq for message in messages]


def test_it_keeps_nothing_for_the_next_process() -> None:
    assert MemoryStore().history == "none"


def test_it_recognises_as_many_messages_as_every_store_must() -> None:
    assert ANSWERS >= RECOGNISED


def test_the_answer_is_there_when_submit_returns_and_only_once() -> None:
    store = MemoryStore()
    store.submit([post(1, 1)])
    assert len(store.completions()) == 1
    assert store.completions() == []


# -- the window of a conversation -----------------------------------------------------------------------------


def test_a_conversation_keeps_its_last_messages() -> None:
    store = MemoryStore(window_messages=3)
    for n in range(1, 6):
        put(store, (1, n))
    answer = page(store, 1)
    assert seqs(answer.messages) == [3, 4, 5]
    assert answer.first == 3


def test_dropped_messages_are_told_with_the_batch_that_pushed_them_out() -> None:
    store = MemoryStore(window_messages=2)
    assert put(store, (1, 1), (1, 2), (2, 3)).firsts == {}
    assert put(store, (1, 4), (1, 5), (2, 6)).firsts == {1: 3}
    assert put(store, (2, 7)).firsts == {2: 2}


def test_seqs_go_on_when_nothing_is_kept_any_more() -> None:
    store = MemoryStore(window_bytes=0)
    done = put(store, (1, 1), (1, 2))
    assert seqs([m for m in done.outcomes if isinstance(m, Message)]) == [1, 2]
    assert done.firsts == {1: 3}
    answer = page(store, 1)
    assert (answer.messages, answer.first) == ([], 3)
    (outcome,) = put(store, (1, 3)).outcomes
    assert isinstance(outcome, Message)
    assert outcome.seq == 3


def test_a_dropped_message_is_still_recognised() -> None:
    store = MemoryStore(window_messages=1)
    first = put(store, (1, 1), (1, 2)).outcomes[0]
    assert isinstance(first, Message)
    (again,) = put(store, (1, 1)).outcomes
    assert again is not None
    assert not isinstance(again, Message)
    assert getattr(again, "seq", None) == first.seq


# -- the window of the whole store ----------------------------------------------------------------------------


def test_the_oldest_of_all_conversations_is_dropped_first() -> None:
    store = MemoryStore(window_bytes=3 * (MESSAGE_BYTES + 5))
    put(store, (1, 1), (2, 2), (1, 3))
    assert put(store, (3, 4)).firsts == {1: 2}
    assert put(store, (3, 5)).firsts == {2: 2}
    assert seqs(page(store, 1).messages) == [2]
    assert page(store, 2).messages == []
    assert seqs(page(store, 3).messages) == [1, 2]


def test_text_beyond_ascii_counts_for_what_it_costs() -> None:
    store = MemoryStore(window_bytes=10 * MESSAGE_BYTES)
    for n in range(1, 11):
        commit(store, [post(1, n, body="🙂" * 100)])
    assert len(page(store, 1).messages) == 10 * MESSAGE_BYTES // (MESSAGE_BYTES + 800)


def test_a_dropped_chat_gives_its_room_back() -> None:
    store = MemoryStore(window_bytes=3 * (MESSAGE_BYTES + 5))
    put(store, (1, 1), (2, 2), (2, 3))
    commit(store, [DropChat(2)])
    assert put(store, (1, 4), (1, 5)).firsts == {}
    assert put(store, (1, 6)).firsts == {1: 2}


def test_conversations_that_come_and_go_leave_nothing_behind() -> None:
    store = MemoryStore(window_messages=10)
    put(store, (1, 1))
    for n in range(2, 2000):
        put(store, (n, n))
        commit(store, [DropChat(n)])
    assert len(store._oldest) < 100
    assert seqs(page(store, 1).messages) == [1]


def test_a_message_that_is_older_than_it_came_is_dropped_in_its_turn() -> None:
    """The clock was set back: then nobody can say what is oldest, but nothing is dropped too much or twice."""
    store = MemoryStore(window_bytes=3 * (MESSAGE_BYTES + 5))
    put(store, (1, 9))
    commit(store, [post(2, 10, time=5)])
    commit(store, [post(1, 11, time=6)])
    assert put(store, (3, 12)).firsts == {2: 2}
    assert put(store, (3, 13)).firsts == {1: 2}
    assert put(store, (3, 14)).firsts == {1: 3}


class Oldest:
    """The window in its simplest form: one list of all messages, oldest first."""

    def __init__(self, window_messages: int, most: int) -> None:
        self.kept: deque[tuple[ConversationId, Seq]] = deque()
        self.heads: dict[ConversationId, Seq] = {}
        self._window_messages, self._most = window_messages, most

    def put(self, conversation: ConversationId) -> None:
        seq = self.heads[conversation] = self.heads.get(conversation, 0) + 1
        self.kept.append((conversation, seq))
        if seq - self.first(conversation) >= self._window_messages:
            self.kept.remove((conversation, self.first(conversation)))
        if len(self.kept) > self._most:
            self.kept.popleft()

    def drop(self, conversation: ConversationId) -> None:
        self.kept = deque(place for place in self.kept if place[0] != conversation)
        self.heads.pop(conversation, None)

    def first(self, conversation: ConversationId) -> Seq:
        head = self.heads.get(conversation, 0)
        return min((seq for id, seq in self.kept if id == conversation), default=head + 1)


@given(
    window=st.integers(1, 4),
    most=st.integers(1, 8),
    batches=st.lists(st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=6), max_size=20),
)
def test_the_window_is_always_the_newest_messages(
    window: int, most: int, batches: list[list[tuple[ConversationId, bool]]]
) -> None:
    store = MemoryStore(window_messages=window, window_bytes=most * (MESSAGE_BYTES + 5))
    model = Oldest(window, most)
    firsts: dict[ConversationId, Seq] = {}
    n = 0
    for steps in batches:
        batch: Batch = []
        for conversation, is_drop in steps:
            n += 1
            if is_drop and n % 3 == 0:
                batch.append(DropChat(conversation))
                model.drop(conversation)
            else:
                batch.append(post(conversation, n, time=n))
                model.put(conversation)
        done = commit(store, batch)
        for entry in batch:
            if isinstance(entry, DropChat):
                firsts.pop(entry.id, None)
        firsts |= done.firsts
        for id, head in model.heads.items():
            answer = page(store, id)
            assert (answer.first, seqs(answer.messages)) == (model.first(id), list(range(model.first(id), head + 1)))
            assert firsts.get(id, 1) == answer.first


def test_a_large_window_of_a_conversation_is_cut_by_several_messages_at_once() -> None:
    store = MemoryStore(window_messages=64)
    firsts = [put(store, (1, n)).firsts.get(1) for n in range(1, 133)]
    # With the 67th message, the 70th and so on three go, and 64 stay.
    assert firsts == [n - 63 if n > 64 and n % 3 == 1 else None for n in range(1, 133)]
    assert seqs(page(store, 1).messages) == list(range(67, 133))


def test_a_large_window_of_the_store_is_cut_by_several_messages_of_a_conversation_at_once() -> None:
    body = "x" * (64 * KIB)
    store = MemoryStore(window_bytes=4 * MIB)
    for n in range(1, 201):
        done = commit(store, [post(n % 2 + 1, n, time=n, body=body)])
        assert all(first % 3 == 1 for first in done.firsts.values())
        kept = sum(len(store._conversations[id].messages) for id in (1, 2) if id in store._conversations)
        assert min(n, 61) <= kept <= 64


# -- devices --------------------------------------------------------------------------------------------------


def test_the_devices_that_wrote_last_are_recognised() -> None:
    store = MemoryStore(devices=2)

    def post_by(device: bytes) -> Outcome:
        (outcome,) = commit(store, [post(1, 1, device=device)]).outcomes
        return outcome

    first, second, third = DEVICES
    assert isinstance(post_by(first), Message)
    assert isinstance(post_by(second), Message)
    commit(store, [post(1, 2, device=first)])
    assert isinstance(post_by(third), Message)
    assert not isinstance(post_by(first), Message)
    assert isinstance(post_by(second), Message), "it was silent for the longest time"


def test_a_device_costs_no_more_however_much_it_writes() -> None:
    store = MemoryStore()
    for n in range(1, 2000):
        put(store, (1, n))
    assert len(store._devices[DEVICES[0]]) <= 1 + 4 * (ANSWERS + 16)


# -- the audit log --------------------------------------------------------------------------------------------


def test_the_audit_log_keeps_its_last_lines_and_counts_on() -> None:
    store = MemoryStore()
    commit(store, [deed(n) for n in range(1, DEEDS + 11)])
    store.read(ReadDeeds(0, 2 * DEEDS))
    (answer,) = store.completions()
    assert isinstance(answer, DeedsRead)
    assert [line.id for line in answer.deeds] == list(range(DEEDS + 10, 10, -1))
