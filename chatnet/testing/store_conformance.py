"""What every store must do: a suite to run on one's own, with pytest and hypothesis.

    class TestMyStore(StoreConformance):
        def make_store(self) -> Store:
            return MyStore()

        def reopen(self, store: Store) -> Store | None:      # only where messages outlive the process
            store.close()
            return MyStore(the_same_file)

The store is new and empty, and its window holds 1,000 messages. The rules are those of `chatnet.core.entries`.
"""

import gc
import weakref

from hypothesis import HealthCheck, given, settings

from chatnet.core.entries import (
    Batch,
    Committed,
    DropChat,
    DropUser,
    Duplicate,
    Outcome,
    PutChat,
    PutMarks,
    PutMessage,
    PutRoom,
    PutUser,
    ReadDeeds,
    ReadMessages,
    SavedConversation,
    Snapshot,
    Stale,
)
from chatnet.model import ConversationId, Kind, Message, Role, UserId
from chatnet.testing.store_accounts import AccountConformance
from chatnet.testing.store_driver import Driver, seqs
from chatnet.testing.store_files import FileConformance
from chatnet.testing.store_model import DEVICES, PREPARATION, RECOGNISED, StoreModel, check, post, steps


class StoreConformance(AccountConformance, FileConformance):
    """Subclass it as ``Test...`` and define `make_store`."""

    # -- seqs -------------------------------------------------------------------------------------------------

    def test_a_new_store_is_empty(self) -> None:
        driver = Driver(self.make_store())
        assert driver.snapshot == Snapshot(server=driver.snapshot.server, secret=driver.snapshot.secret)
        assert driver.deeds() == []
        page = driver.read(ReadMessages(1, 10, 1000, after=0))
        assert (page.messages, page.first) == ([], 1)

    def test_each_conversation_counts_its_own_messages_without_gaps(self) -> None:
        driver = self.new()
        assert seqs(driver.put(post(1, 1), post(2, 2), post(1, 3))) == [1, 1, 2]
        assert seqs(driver.put(post(2, 4), post(1, 5))) == [2, 3]

    def test_a_message_is_stored_as_it_came(self) -> None:
        driver = self.new()
        entry = PutMessage(1, 2, "user2", "Zwei 🙂", Kind.ACTION, "winkt\n\tzweimal", 7, 2**41, DEVICES[0], 9, None)
        message = Message(1, 2**41, 2, "user2", "Zwei 🙂", Kind.ACTION, "winkt\n\tzweimal", 7)
        assert driver.put(entry) == [message]
        assert driver.after(1, 0) == [message]

    def test_entries_that_are_no_messages_have_no_outcome(self) -> None:
        driver = self.new()
        assert driver.put(*PREPARATION, DropUser(2), DropChat(3)) == [None] * (len(PREPARATION) + 2)

    def test_batches_complete_in_the_order_of_submission(self) -> None:
        driver = self.new()
        batches: list[Batch] = [[post(1, n), post(2, n + 1)] for n in range(1, 200, 2)]
        for batch in batches:
            driver.store.submit(batch)
        answers = driver.answers(len(batches))
        assert [a.batch for a in answers if isinstance(a, Committed)] == batches
        assert [seqs(a.outcomes) for a in answers if isinstance(a, Committed)] == [[i, i] for i in range(1, 101)]

    def test_the_origin_is_handed_back_and_not_kept(self) -> None:
        class Session:
            pass

        driver, session = self.new(), Session()
        message = PutMessage(1, 1, "user1", "", Kind.TEXT, "hello", 0, 1000, DEVICES[0], 1, session)
        done = driver.commit([message])
        (entry,) = done.batch
        assert isinstance(entry, PutMessage)
        assert entry.origin is session
        alive = weakref.ref(session)
        del session, message, entry, done
        driver.put(post(1, 2))
        gc.collect()
        assert alive() is None

    # -- duplicates -------------------------------------------------------------------------------------------

    def test_what_is_sent_again_gets_its_first_answer_and_is_not_stored_again(self) -> None:
        driver = self.new()
        driver.put(post(1, 1, time=500))
        assert driver.put(post(1, 1, time=900)) == [Duplicate(1, 1, 500)]
        assert seqs(driver.after(1, 0)) == [1]

    def test_the_device_alone_decides_even_if_the_message_is_another(self) -> None:
        driver = self.new()
        driver.put(post(1, 1, time=500))
        assert driver.put(post(2, 1, body="another")) == [Duplicate(1, 1, 500)]
        assert seqs(driver.put(post(1, 1, device=DEVICES[1]))) == [2]

    def test_a_number_that_was_skipped_is_stale(self) -> None:
        driver = self.new()
        driver.put(post(1, 1), post(1, 5))
        assert driver.put(post(1, 3), post(1, 4)) == [Stale(), Stale()]
        assert seqs(driver.put(post(1, 6))) == [3]

    def test_duplicates_within_a_batch_are_recognised(self) -> None:
        driver = self.new()
        outcomes = driver.put(post(1, 2, time=500), post(1, 2), post(1, 1), post(1, 3))
        assert outcomes[1:3] == [Duplicate(1, 1, 500), Stale()]
        assert seqs(outcomes) == [1, None, None, 2]

    def test_the_latest_messages_of_a_device_are_recognised(self) -> None:
        driver = self.new()
        for n in range(1, 201):
            driver.put(post(1, 2 * n, time=n))
            oldest = max(1, n - RECOGNISED + 1)
            assert driver.put(post(1, 2 * oldest)) == [Duplicate(1, oldest, oldest)]
            assert driver.put(post(1, 2 * n - 1)) == [Stale()]
        assert seqs(driver.put(post(1, 401))) == [201]

    def test_a_check_finds_what_was_stored_and_changes_nothing(self) -> None:
        driver = self.new()
        driver.put(post(1, 2, time=500))
        assert driver.put(check(1), check(2), check(3)) == [Stale(), Duplicate(1, 1, 500), None]
        assert driver.put(check(1, device=DEVICES[1])) == [None]
        assert seqs(driver.put(post(1, 3), post(1, 1, device=DEVICES[1]))) == [2, 3]

    def test_large_numbers_are_numbers_too(self) -> None:
        driver = self.new()
        assert seqs(driver.put(post(1, 2**62), post(1, 2**63 - 1))) == [1, 2]
        assert driver.put(post(1, 2**62, time=0)) == [Duplicate(1, 1, 1000)]

    # -- reads ------------------------------------------------------------------------------------------------

    def test_pages_after_a_seq_are_its_followers(self) -> None:
        driver = self.new()
        driver.put(*(post(1, n) for n in range(1, 11)))
        assert seqs(driver.after(1, 0, limit=4)) == [1, 2, 3, 4]
        assert seqs(driver.after(1, 4, limit=4)) == [5, 6, 7, 8]
        assert seqs(driver.after(1, 8, limit=4)) == [9, 10]
        assert seqs(driver.after(1, 10)) == []
        assert seqs(driver.after(1, 99)) == []

    def test_pages_before_a_seq_are_the_last_ones_oldest_first(self) -> None:
        driver = self.new()
        driver.put(*(post(1, n) for n in range(1, 11)))
        assert seqs(driver.before(1, 11, limit=4)) == [7, 8, 9, 10]
        assert seqs(driver.before(1, 7, limit=4)) == [3, 4, 5, 6]
        assert seqs(driver.before(1, 3, limit=4)) == [1, 2]
        assert seqs(driver.before(1, 1)) == []
        assert seqs(driver.before(1, 99, limit=1)) == [10]

    def test_a_page_ends_at_its_bytes_of_utf_8(self) -> None:
        driver = self.new()
        driver.put(*(post(1, n, body="é" * 5) for n in range(1, 11)))
        assert seqs(driver.read(ReadMessages(1, 100, 30, after=0)).messages) == [1, 2, 3]
        assert seqs(driver.read(ReadMessages(1, 100, 39, after=0)).messages) == [1, 2, 3]
        assert seqs(driver.read(ReadMessages(1, 100, 30, before=11)).messages) == [8, 9, 10]

    def test_a_page_has_one_message_however_long_it_is(self) -> None:
        driver = self.new()
        driver.put(post(1, 1, body="long" * 1000), post(1, 2, body="x"))
        assert seqs(driver.read(ReadMessages(1, 100, 10, after=0)).messages) == [1]
        assert seqs(driver.read(ReadMessages(1, 100, 10, before=2)).messages) == [1]

    def test_a_page_tells_the_oldest_that_is_kept_and_hands_the_token_back(self) -> None:
        driver = self.new()
        driver.put(post(1, 1), post(1, 2))
        token = object()
        page = driver.read(ReadMessages(1, 100, 1000, after=1, token=token))
        assert (seqs(page.messages), page.first) == ([2], 1)
        assert page.query.token is token

    def test_a_dropped_chat_is_gone_and_no_other(self) -> None:
        driver = self.new()
        driver.put(post(3, 1, time=500), post(4, 2), post(3, 3))
        driver.put(DropChat(3), DropUser(99))
        assert driver.after(3, 0) == []
        assert seqs(driver.after(4, 0)) == [1]
        assert driver.put(post(3, 1)) == [Duplicate(3, 1, 500)], "the answer stands all the same"

    @settings(deadline=None, suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow])
    @given(steps=steps())
    def test_any_run_goes_as_the_rules_say(self, steps: list[Batch | ReadMessages | ReadDeeds]) -> None:
        driver, model = self.new(), StoreModel()
        for step in steps:
            if isinstance(step, ReadMessages):
                assert driver.read(step).messages == model.page(step)
            elif isinstance(step, ReadDeeds):
                assert driver.deeds(step.before, step.limit) == model.deeds_of(step)
            else:
                _compare(driver, model, step)
        for id, messages in model.messages.items():
            assert driver.after(id, 0) == messages
        driver.store.close()

    # -- what outlives the process ----------------------------------------------------------------------------

    def test_messages_and_answers_survive(self) -> None:
        driver = self.new()
        driver.put(post(1, 1, time=500), post(1, 3))
        driver.store.submit([post(1, 4)])
        driver = self.new_again(driver)
        assert seqs(driver.after(1, 0)) == [1, 2, 3]
        assert driver.put(post(1, 1), post(1, 2)) == [Duplicate(1, 1, 500), Stale()]
        assert seqs(driver.put(post(1, 5))) == [4]

    def test_the_last_put_of_each_thing_survives(self) -> None:
        driver = self.new()
        driver.put(post(1, 1), post(1, 2), post(3, 3))
        renamed = PutUser(1, "renamed", "Re Named", role=Role.MEMBER, secret_hash=b"x" * 32)
        archived = PutRoom(2, "room2", owner=0, archived=True)
        driver.put(renamed, archived)
        snapshot = self.new_again(driver).snapshot
        assert sorted(snapshot.users, key=lambda user: user.id) == [renamed, PREPARATION[1]]
        assert sorted(snapshot.conversations, key=lambda saved: saved.conversation.id) == [
            SavedConversation(PutRoom(1, "room1", owner=1, archived=False), 1, 2),
            SavedConversation(archived, 1, 0),
            SavedConversation(PutChat(3, low=1, high=2), 1, 1),
            SavedConversation(PutChat(4, low=1, high=2), 1, 0),
        ]

    def test_what_one_says_with_nothing_unread_is_marked_as_read(self) -> None:
        driver = self.new()
        driver.put(own(3, 1), own(3, 2), own(3, 3, sender=2), own(3, 4), own(4, 5, sender=2), post(4, 6))
        driver.put(PutMarks(3, 2, 3, 2), PutMarks(4, 1, 2, 2), own(4, 7), own(4, 7))
        marks = {(mark.conversation, mark.user): mark for mark in self.new_again(driver).snapshot.marks}
        assert list(map(marks.get, [(3, 1), (3, 2), (4, 1), (4, 2)])) == [
            PutMarks(3, 1, 2, 2),
            PutMarks(3, 2, 3, 2),
            PutMarks(4, 1, 3, 3),
            PutMarks(4, 2, 1, 1),
        ]

    def test_what_was_dropped_does_not_come_back_nor_does_its_id(self) -> None:
        driver = self.new()
        driver.put(PutUser(9, "gone", "", role=Role.GUEST, secret_hash=b""), PutChat(8, low=1, high=9))
        driver.put(DropChat(8), DropUser(9))
        snapshot = self.new_again(driver).snapshot
        assert {user.id for user in snapshot.users} == {1, 2}
        assert {saved.conversation.id for saved in snapshot.conversations} == {1, 2, 3, 4}
        assert snapshot.next_user >= 10
        assert snapshot.next_conversation >= 9


def own(conversation: ConversationId, n: int, *, sender: UserId = 1) -> PutMessage:
    """A message in a chat of two."""
    return post(conversation, n, sender=sender, marks_own=True)


def _compare(driver: Driver, model: StoreModel, batch: Batch) -> None:
    """Commit a batch, less the messages to dropped chats: the core never gives an id out twice."""
    expected: list[list[Outcome]] = []
    possible: Batch = []
    for entry in batch:
        is_gone = getattr(entry, "conversation", getattr(entry, "id", None)) in model.dropped
        if not (is_gone and isinstance(entry, PutMessage | PutChat)):
            possible.append(entry)
            expected.append(model.apply(entry))
    outcomes = driver.commit(possible).outcomes
    for entry, outcome, right in zip(possible, outcomes, expected, strict=True):
        assert outcome in right, f"{entry} became {outcome}, not {right}"
