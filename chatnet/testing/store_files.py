"""What every store must do with files and uploads: a part of the suite for stores.

Contents are not in it: those are for a file store, and `chatnet.testing.file_conformance`.
"""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatnet.core.entries import (
    Batch,
    DropChat,
    DropShared,
    DropUpload,
    Duplicate,
    PutChat,
    SavedFile,
    Stale,
)
from chatnet.model import Kind, Message
from chatnet.testing.store_driver import Driver, StoreSuite, seqs
from chatnet.testing.store_files_model import FilesModel, file, file_entries, upload
from chatnet.testing.store_model import PREPARATION, post


class FileConformance(StoreSuite):
    """A part of `chatnet.testing.store_conformance.StoreConformance`."""

    # -- what every store takes -------------------------------------------------------------------------------

    def test_files_and_uploads_have_no_outcome(self) -> None:
        driver = self.new()
        entries: Batch = [upload(1), file(1), DropUpload(1), file(1, fetched=1), DropShared(1), DropShared(9)]
        assert driver.put(*entries) == [None] * len(entries)

    def test_a_message_that_shares_a_file_is_a_message_as_any_other(self) -> None:
        driver = self.new()
        message = Message(1, 1000, 1, "user1", "", Kind.FILE, "from the trip", file=None)
        assert driver.put(file(7), post(1, 1, body="from the trip", file=7)) == [None, message]
        assert driver.after(1, 0) == [message], "whose file it is, the core knows"

    def test_a_message_is_stored_whatever_has_become_of_its_file(self) -> None:
        driver = self.new()
        assert seqs(driver.put(file(7), DropShared(7), post(1, 1, file=7), post(1, 2, file=99))) == [None, None, 1, 2]

    # -- what outlives the process ----------------------------------------------------------------------------

    def test_files_and_uploads_survive(self) -> None:
        driver = self.new()
        driver.put(upload(4), upload(2, 3), file(9, 3), file(5))
        snapshot = self.new_again(driver).snapshot
        assert snapshot.files == [SavedFile(file(5), 0), SavedFile(file(9, 3), 0)]
        assert snapshot.uploads == [upload(2, 3), upload(4)]

    def test_a_file_gets_the_seq_of_its_message(self) -> None:
        driver = self.new()
        driver.put(post(1, 1), file(7), post(1, 2, file=7), file(8))
        driver.put(post(1, 3, file=8))
        assert self.new_again(driver).snapshot.files == [SavedFile(file(7), 2), SavedFile(file(8), 3)]

    def test_a_file_that_is_put_again_keeps_its_seq(self) -> None:
        driver = self.new()
        driver.put(file(7), post(1, 1, file=7), file(7, fetched=1))
        driver.put(file(7, fetched=2))
        driver = self.new_again(driver)
        driver.put(file(7, fetched=3))
        assert self.new_again(driver).snapshot.files == [SavedFile(file(7, fetched=3), 1)]

    def test_a_duplicate_or_stale_message_shares_nothing(self) -> None:
        driver = self.new()
        driver.put(file(7), file(8), post(1, 5, time=500))
        assert driver.put(post(1, 5, file=7), post(1, 4, file=8)) == [Duplicate(1, 1, 500), Stale()]
        assert driver.put(post(1, 6, time=600, file=7), post(1, 6, file=8))[1] == Duplicate(1, 2, 600)
        assert self.new_again(driver).snapshot.files == [SavedFile(file(7), 2), SavedFile(file(8), 0)]

    def test_what_is_sent_again_leaves_the_seq_as_it_is(self) -> None:
        driver = self.new()
        driver.put(file(7), post(1, 1, file=7), post(1, 2))
        driver = self.new_again(driver)
        driver.put(post(1, 1, file=7))
        assert self.new_again(driver).snapshot.files == [SavedFile(file(7), 1)]

    def test_a_message_shares_no_file_of_another_conversation(self) -> None:
        driver = self.new()
        driver.put(file(7, 2), post(1, 1, file=7))
        assert self.new_again(driver).snapshot.files == [SavedFile(file(7, 2), 0)]

    def test_an_upload_that_goes_on_is_put_again(self) -> None:
        driver = self.new()
        driver.put(upload(4), upload(4, since=6000))
        driver.put(upload(4, since=7000))
        assert self.new_again(driver).snapshot.uploads == [upload(4, since=7000)]

    def test_files_and_uploads_that_were_dropped_do_not_come_back_nor_do_their_ids(self) -> None:
        driver = self.new()
        driver.put(upload(3), upload(4), file(7), file(8), post(1, 1, file=8))
        driver.put(DropUpload(4), DropShared(8), DropShared(8))
        driver = self.new_again(driver)
        snapshot = driver.snapshot
        assert (snapshot.uploads, snapshot.files) == ([upload(3)], [SavedFile(file(7), 0)])
        assert (snapshot.next_upload, snapshot.next_file) == (5, 9)
        driver.put(DropUpload(3), DropShared(7))
        driver = self.new_again(self.new_again(driver))
        assert (driver.snapshot.next_upload, driver.snapshot.next_file) == (5, 9), "however often it starts"
        assert seqs(driver.after(1, 0)) == [1], "the message stays"

    def test_what_is_put_and_dropped_in_one_batch_is_not_there_but_counts(self) -> None:
        driver = self.new()
        driver.put(upload(4), file(7), post(1, 1, file=7), DropShared(7), DropUpload(4))
        snapshot = self.new_again(driver).snapshot
        assert (snapshot.uploads, snapshot.files, snapshot.next_upload, snapshot.next_file) == ([], [], 5, 8)

    def test_with_a_chat_go_its_files_and_uploads(self) -> None:
        driver = self.new()
        driver.put(upload(1, 3), file(1, 3), post(3, 1, file=1), upload(2, 4), file(2, 4), upload(3), file(3))
        driver.put(DropChat(3))
        driver.put(upload(4, 4), file(4, 4), DropChat(4))
        snapshot = self.new_again(driver).snapshot
        assert (snapshot.uploads, snapshot.files) == ([upload(3)], [SavedFile(file(3), 0)])
        assert (snapshot.next_upload, snapshot.next_file) == (5, 5)

    def test_with_a_chat_go_the_files_and_uploads_that_came_behind_another_one_that_went(self) -> None:
        driver = self.new()
        driver.put(*(PutChat(id, low=1, high=2) for id in (8, 9)), DropChat(3))
        driver.put(file(1, 8), upload(1, 9))
        driver.put(DropChat(8), DropChat(9))
        snapshot = self.new_again(driver).snapshot
        assert (snapshot.uploads, snapshot.files) == ([], [])

    @settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow]
    )
    @given(runs=st.lists(st.lists(st.lists(file_entries(), min_size=1, max_size=8), max_size=6), max_size=3))
    def test_any_run_of_files_is_known_after_any_restart(self, runs: list[list[Batch]]) -> None:
        driver, model = Driver(self.make_store()), FilesModel()
        driver.put(*PREPARATION)
        for batches in runs:
            for batch in batches:
                possible = model.possible(batch)
                for entry, outcome in zip(possible, driver.put(*possible), strict=True):
                    model.apply(entry, outcome)
            driver = self.new_again(driver)
            model.compare(driver.snapshot)
        driver.store.close()
