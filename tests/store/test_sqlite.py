"""The SQLite store: what it keeps beyond messages, how it fails in passing, and how it ends."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatnet.core.entries import (
    Batch,
    Committed,
    DropChat,
    DropShared,
    DropUser,
    Duplicate,
    Failed,
    PutMarks,
    PutRoom,
    ReadFailed,
    ReadMessages,
    SavedConversation,
    SavedFile,
    Snapshot,
    Stale,
)
from chatnet.errors import ErrorCode
from chatnet.model import Message
from chatnet.store import devices, search, sqlite
from chatnet.store.database import Database
from chatnet.store.failures import StoreUnusable
from chatnet.store.opening import FILE_NAME
from chatnet.store.rows import HEADS
from chatnet.store.schema import bounds
from chatnet.store.sqlite import SqliteStore
from chatnet.testing.store_driver import PATIENCE, Driver, seqs
from chatnet.testing.store_files_model import file, upload
from chatnet.testing.store_model import DEVICES, PREPARATION, RECOGNISED, check, post
from tests.store.places import by_hand, open_files, opened, scratch_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder


def writing(driver: Driver) -> sqlite3.Connection:
    """The connection that a store writes by, to put obstacles in its way."""
    assert isinstance(driver.store, SqliteStore)
    assert driver.store._database is not None
    return driver.store._database._writing


# -- what is kept ---------------------------------------------------------------------------------------------


def test_it_keeps_messages_for_the_next_process() -> None:
    assert SqliteStore.history == "durable"


def test_it_recognises_as_many_messages_as_every_store_must() -> None:
    assert devices.REMEMBERED >= RECOGNISED


def test_the_servers_id_is_made_once(folder: Path) -> None:
    with opened(folder) as driver:
        server = driver.snapshot.server
    assert len(server) == 16
    with opened(folder) as driver:
        assert driver.snapshot.server == server
    with scratch_folder() as other, opened(other) as driver:
        assert driver.snapshot.server != server


def test_the_servers_id_can_be_chosen_by_whoever_composes(folder: Path) -> None:
    with closing(SqliteStore(folder, entropy=lambda n: b"\7" * n)) as store:
        assert store.load().server == b"\7" * 16


def test_marks_survive_and_only_move_forward(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION, PutMarks(1, 1, 5, 3))
        driver.put(PutMarks(1, 1, 4, 4), PutMarks(1, 2, 9, 9), PutMarks(1, 2, 10, 8))
    with opened(folder) as driver:
        assert driver.snapshot.marks == [PutMarks(1, 1, 5, 4), PutMarks(1, 2, 10, 9)]


def test_marks_go_with_their_user_and_their_chat(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION, PutMarks(1, 1, 1, 1), PutMarks(3, 1, 1, 1), PutMarks(3, 2, 1, 1), PutMarks(4, 2, 1, 1))
        driver.put(DropChat(3), DropUser(1))
    with opened(folder) as driver:
        assert driver.snapshot.marks == [PutMarks(4, 2, 1, 1)]


def test_entries_take_effect_in_their_order_within_a_batch(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION)
        room = PutRoom(2, "again", owner=1, archived=False)
        outcomes = driver.put(post(3, 1), DropChat(3), post(3, 1), post(4, 2), PutMarks(4, 1, 1, 1), DropUser(1), room)
        assert outcomes[2] == Duplicate(3, 1, 1000)
        assert driver.after(3, 0) == []
    with opened(folder) as driver:
        assert driver.snapshot.marks == []
        assert SavedConversation(room, 1, 0) in driver.snapshot.conversations
        assert [user.id for user in driver.snapshot.users] == [2]


def test_a_conversation_that_was_emptied_goes_on_where_it_was(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION, post(1, 1), post(1, 2))
    with by_hand(folder) as database:
        database.execute("DELETE FROM messages WHERE id > ? AND id < ?", bounds(1))
        database.execute(HEADS.put, HEADS.sealed(1, 3, 2))
    with opened(folder) as driver:
        assert driver.snapshot.conversations[0].first == 3
        assert driver.snapshot.conversations[0].head == 2
        page = driver.read(ReadMessages(1, 10, 1000, after=0))
        assert (page.messages, page.first) == ([], 3)
        assert seqs(driver.put(post(1, 3))) == [3]
        assert seqs(driver.after(1, 0)) == [3]


def test_answers_stand_after_a_restart_even_for_a_chat_that_was_dropped(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION, post(3, 1, time=500), post(1, 2, time=600), post(3, 3, time=700))
        driver.put(DropChat(3))
    with opened(folder) as driver:
        outcomes = driver.put(post(1, 1), post(1, 2), post(1, 3), check(3))
        assert outcomes == [Duplicate(3, 1, 500), Duplicate(1, 1, 600), Duplicate(3, 2, 700), Duplicate(3, 2, 700)]


def test_numbers_that_no_row_can_have_find_nothing(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION, post(1, 1), post(2, 2))
        most = 2**63 - 1
        assert driver.after(1, most) == []
        assert driver.after(1, 2**32) == []
        assert driver.after(most, 0) == []
        assert seqs(driver.before(1, most)) == [1]
        assert seqs(driver.after(1, 0, limit=most)) == [1]


def test_a_full_conversation_stops_the_server_and_not_its_neighbour(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION)
        writing(driver).execute(HEADS.put, HEADS.sealed(1, 2**32, 2**32 - 1))
        driver.store.submit([post(1, 1)])
        with pytest.raises(OverflowError, match="conversation 1 is full"):
            wait_until_broken(driver)
    with by_hand(folder) as database:
        assert database.execute("SELECT count(*) FROM messages").fetchone() == (0,)


# -- groups ---------------------------------------------------------------------------------------------------


def test_what_waits_is_one_transaction(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION)
        statements: list[str] = []
        with by_hand(folder) as other:
            other.execute("BEGIN IMMEDIATE")
            database = writing(driver)
            database.execute("PRAGMA busy_timeout = 10000")
            driver.store.submit([post(1, 1)])  # the writer waits for the other program with this one
            for n in range(2, 12):
                driver.store.submit([post(1, n)])
            database.set_trace_callback(statements.append)
            other.execute("ROLLBACK")
            assert all(isinstance(answer, Committed) for answer in driver.answers(11))
        assert 1 <= sum(statement == "COMMIT" for statement in statements) <= 2


def test_a_group_is_cut_at_its_size(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_GROUP_ENTRIES", 3)
    with opened(folder) as driver:
        for n in range(0, 100, 2):
            driver.store.submit([post(1, n + 1), post(1, n + 2)])
        answers = driver.answers(50)
        assert [seqs(a.outcomes) for a in answers if isinstance(a, Committed)] == [
            [n + 1, n + 2] for n in range(0, 100, 2)
        ]


# -- failures that pass -----------------------------------------------------------------------------------------


def fill_disk(driver: Driver) -> None:
    """Let the database be full, as SQLite itself says it."""
    database = writing(driver)
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")


def free_disk(driver: Driver) -> None:
    writing(driver).execute("PRAGMA max_page_count = 1000000")


def test_a_full_disk_fails_until_it_is_acknowledged_and_there_is_room(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION, post(1, 1))
        fill_disk(driver)
        big: Batch = [post(1, 2, body="x" * 20_000)]
        driver.store.submit(big)
        driver.store.submit([post(1, 3)])
        for answer in driver.answers(2):
            assert isinstance(answer, Failed)
            assert (answer.code, answer.retry_after) == (ErrorCode.STORE_FULL, 1.0)
        assert seqs(driver.after(1, 0)) == [1], "readers go on"
        driver.store.acknowledge_failure()
        driver.store.submit(big)
        (answer,) = driver.answers(1)
        assert isinstance(answer, Failed)
        free_disk(driver)
        driver.store.submit(big)
        (answer,) = driver.answers(1)
        assert isinstance(answer, Failed), "not before the core has heard of it"
        driver.store.acknowledge_failure()
        assert seqs(driver.put(*big, post(1, 3))) == [2, 3]
        assert driver.put(post(1, 2)) == [Duplicate(1, 2, 1000)]


def test_of_a_batch_that_failed_nothing_is_left(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION, post(1, 1), file(1), file(2), file(4, 4))
        fill_disk(driver)
        driver.store.submit(
            [
                PutRoom(9, "never", owner=1, archived=False),
                post(2, 1, device=DEVICES[1]),
                PutMarks(1, 1, 1, 1),
                post(3, 2, device=DEVICES[1], marks_own=True),
                DropShared(2),
                upload(1),
                file(3),
                post(1, 2, file=1),
                DropChat(4),
                *(post(1, n, body="x" * 1000) for n in range(3, 400)),
            ]
        )
        (answer,) = driver.answers(1)
        assert isinstance(answer, Failed)
        driver.store.acknowledge_failure()
        free_disk(driver)
        assert driver.after(1, 1) == driver.after(2, 0) == []
        assert seqs(driver.put(post(2, 1, device=DEVICES[1]), post(1, 2))) == [1, 2]
    with opened(folder) as driver:
        assert driver.snapshot.marks == []
        assert 9 not in {saved.conversation.id for saved in driver.snapshot.conversations}
        assert driver.snapshot.files == [SavedFile(file(1), 0), SavedFile(file(2), 0), SavedFile(file(4, 4), 0)]
        assert (driver.snapshot.uploads, driver.snapshot.next_upload, driver.snapshot.next_file) == ([], 1, 5)


def test_a_file_is_shared_by_the_batch_that_does_not_fail(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION, file(1))
        fill_disk(driver)
        driver.store.submit([post(1, 1, body="x" * 20_000, file=1)])
        (answer,) = driver.answers(1)
        assert isinstance(answer, Failed)
        driver.store.acknowledge_failure()
        free_disk(driver)
        driver.put(post(1, 2, device=DEVICES[1]), file(1, fetched=1), post(1, 1, body="x" * 20_000, file=1))
    with opened(folder) as driver:
        assert driver.snapshot.files == [SavedFile(file(1, fetched=1), 2)]


def test_a_database_that_another_program_has_locked_fails_in_passing(folder: Path) -> None:
    with opened(folder) as driver:
        with by_hand(folder) as other:
            other.execute("BEGIN IMMEDIATE")
            driver.store.submit([post(1, 1)])
            (answer,) = driver.answers(1)
            assert isinstance(answer, Failed)
            assert (answer.code, answer.retry_after) == (ErrorCode.STORE_FAILING, 1.0)
            assert driver.after(1, 0) == []
            other.execute("ROLLBACK")
        driver.store.acknowledge_failure()
        assert seqs(driver.put(post(1, 1))) == [1]


def test_what_is_submitted_after_the_acknowledgement_is_tried_even_in_one_go(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION)
        fill_disk(driver)
        driver.store.submit([post(1, 1, body="x" * 100_000)])
        driver.answers(1)
        free_disk(driver)
        driver.store.submit([post(1, 1)])
        driver.store.acknowledge_failure()
        driver.store.submit([post(1, 2)])
        first, second = driver.answers(2)
        assert isinstance(first, Failed)
        assert isinstance(second, Committed)


# -- failures that do not -------------------------------------------------------------------------------------


def wait_until_broken(driver: Driver) -> None:
    """Ask until the store raises."""
    for _ in range(100):
        driver._woken.clear()
        driver.store.completions()
        assert driver._woken.wait(PATIENCE), "nobody says that the store is broken"


class Unreadable(Exception):
    """What no store expects."""


def test_after_any_other_error_it_says_nothing_but_that(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION)
        writing(driver).set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
        driver.store.submit([post(1, 1)])
        for _ in range(2):
            with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
                wait_until_broken(driver)
        driver.store.submit([post(1, 2)])
        driver.store.acknowledge_failure()
        with pytest.raises(sqlite3.DatabaseError):
            driver.store.completions()
        writing(driver).set_authorizer(None)
    with opened(folder) as driver:
        assert driver.after(1, 0) == []


def test_an_error_that_nobody_has_heard_of_is_raised_when_it_closes(folder: Path) -> None:
    store = SqliteStore(folder)
    driver = Driver(store)
    driver.put(*PREPARATION)
    writing(driver).set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
    store.submit([post(1, 1)])
    with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
        store.close()
    store.close()


def test_a_broken_store_leaves_its_log_to_the_next_start(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION, post(1, 1))
        size = (folder / FILE_NAME).stat().st_size
        writing(driver).set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
        driver.store.submit([post(1, 2)])
        with pytest.raises(sqlite3.DatabaseError):
            wait_until_broken(driver)
    log = folder / f"{FILE_NAME}-wal"
    assert log.stat().st_size > 0
    assert (folder / FILE_NAME).stat().st_size == size
    with opened(folder) as driver:
        assert seqs(driver.after(1, 0)) == [1]


def test_an_error_in_the_reader_that_nobody_expects_is_not_lost(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise Unreadable

    with opened(folder) as driver:
        monkeypatch.setattr(Database, "page", fail)
        driver.store.read(ReadMessages(1, 10, 1000, after=0))
        with pytest.raises(Unreadable):
            wait_until_broken(driver)


def test_a_page_that_cannot_be_read_fails_for_itself(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION, post(1, 1), post(2, 2))
        writing(driver).execute("UPDATE heads SET head = 7 WHERE conversation = 1")
        driver.store.read(ReadMessages(1, 10, 1000, after=0))
        (answer,) = driver.answers(1)
        assert isinstance(answer, ReadFailed)
        assert answer.code == ErrorCode.STORE_FAILING
        assert "conversation 1" in answer.reason
        assert seqs(driver.after(2, 0)) == [1]


# -- devices ----------------------------------------------------------------------------------------------------


def test_a_device_whose_record_is_damaged_is_refused_for_good(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION, post(1, 1), post(1, 2, device=DEVICES[1]))
    with by_hand(folder) as database:
        database.execute("UPDATE devices SET n = 0 WHERE device = ?", (DEVICES[0],))
    with opened(folder) as driver:
        assert driver.put(post(1, 1), post(1, 2), post(1, 3)) == [Stale(), Stale(), Stale()]
        assert seqs(driver.put(post(1, 3, device=DEVICES[1]))) == [3]


def test_more_devices_than_are_kept_in_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_CACHED", 4)
    names = [bytes([i]) * 16 for i in range(10)]
    with opened(folder) as driver:
        for n in (1, 2):
            for name in names:
                assert isinstance(driver.put(post(1, n, device=name))[0], Message)
        assert [driver.put(post(1, 1, device=name))[0] for name in names] == [
            Duplicate(1, i, 1000) for i in range(1, 11)
        ]


def steps_of_a_duplicate(folder: Path, history: int) -> int:
    """SQLite's steps for a duplicate that the writer has to look up, with so many messages stored."""
    database = Database(folder)
    with closing(database):
        database.write([PREPARATION])
        last = database.snapshot.conversations[0].head if database.snapshot.conversations else 0
        database.write([[post(1, n, device=DEVICES[n % 2], time=n) for n in range(last + 1, history + 1)]])
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    database = Database(folder)
    with closing(database):
        database._writing.set_progress_handler(count, 1)
        (done,) = database.write([[post(1, history - 100, device=DEVICES[0])]])
        database._writing.set_progress_handler(None, 1)
    assert done.outcomes == [Duplicate(1, history - 100, history - 100)]
    return steps


def test_the_cost_of_a_duplicate_does_not_grow_with_history(folder: Path) -> None:
    few = steps_of_a_duplicate(folder, 200)
    assert few > devices.REMEMBERED / 2, "it was looked up"
    assert steps_of_a_duplicate(folder, 10_000) == few


# -- the end --------------------------------------------------------------------------------------------------


def test_what_was_submitted_is_finished_before_it_closes(folder: Path) -> None:
    store = SqliteStore(folder)
    driver = Driver(store)
    driver.put(*PREPARATION)
    for n in range(1, 101):
        store.submit([post(1, n)])
    store.close()
    assert len(store.completions()) == 100
    with opened(folder) as driver:
        assert len(driver.after(1, 0)) == 100


def test_a_closed_store_has_no_logs_and_nothing_open(folder: Path) -> None:
    before = threading.active_count(), open_files()
    with opened(folder) as driver:
        driver.put(*PREPARATION, post(1, 1))
        driver.after(1, 0)
        assert (threading.active_count(), open_files()) != before
    assert {file.name for file in folder.iterdir()} == {FILE_NAME, search.FILE_NAME}
    assert (threading.active_count(), open_files()) == before


def test_it_can_be_closed_whatever_has_become_of_it(folder: Path) -> None:
    before = open_files()
    SqliteStore(folder).close()
    (folder / FILE_NAME).write_bytes(b"no database" * 100)
    store = SqliteStore(folder)
    with pytest.raises(StoreUnusable):
        store.load()
    store.close()
    (folder / FILE_NAME).unlink()
    store = SqliteStore(folder)
    store.load()
    store.close()
    store.close()
    assert open_files() == before


def test_numbers_that_a_run_gave_out_without_storing_anything_are_not_given_out_again(tmp_path: Path) -> None:
    first, second = (_started(tmp_path) for _ in range(2))
    assert second.next_conversation >= first.next_conversation + 10_000
    assert second.next_user >= first.next_user + 10_000


def _started(folder: Path) -> Snapshot:
    store = SqliteStore(folder)
    snapshot = store.load()
    store.close()
    return snapshot
