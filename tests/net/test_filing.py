"""The server's side of the file store: who hears what when, and what a stop waits for."""

from collections.abc import Callable

import pytest

from chatnet.core.effects import Bulk, Effect, FileWork, Reply
from chatnet.core.entries import Committed, Completion
from chatnet.core.file_jobs import (
    ClosePart,
    Collect,
    Collected,
    DropPart,
    Dropped,
    FileAnswer,
    FileFailed,
    FileJob,
    FileRead,
    FinishPart,
    OpenPart,
    PartClosed,
    PartFinished,
    PartOpened,
    PartWritten,
    ReadFile,
    WritePart,
)
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Closing, Done, FileChunk
from chatnet.net.filing import FEW, PATIENCE_SECONDS, TALK_SECONDS, FileLink
from chatnet.net.listening import Acceptor
from chatnet.net.peer import CLOSED
from chatnet.net.shutdown import Shutdown
from chatnet.requests import Ping
from tests.net.rig import Client, Rig, ScriptedFileStore, entry

NAME = b"d" * 32
OPEN, FINISH, DROP = OpenPart(1, 10, NAME), FinishPart(1), DropPart(1)


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
def store(rig: Rig) -> ScriptedFileStore:
    return rig.file_store


@pytest.fixture
def link(rig: Rig) -> FileLink:
    return rig.files


# -- the link -------------------------------------------------------------------------------------------------


def test_it_waits_until_every_job_is_answered(link: FileLink, store: ScriptedFileStore) -> None:
    failure = FileFailed(FINISH, ErrorCode.STORE_FULL, "the server's disk is full")
    waits = [link.is_waiting]
    link.jobs += [OPEN, FINISH]
    waits.append(link.is_waiting)
    link.send()
    waits.append(link.is_waiting)
    for answer in (PartOpened(OPEN, 0), failure):
        store.answers = [answer]
        assert list(link.take()) == [answer]
        waits.append(link.is_waiting)
    assert store.log == [OPEN, FINISH]
    assert waits == [False, True, True, True, False]


def test_it_waits_for_the_jobs_of_all_turns(link: FileLink, store: ScriptedFileStore) -> None:
    for job in (OPEN, FINISH):
        link.jobs.append(job)
        link.send()
    store.answers = [PartOpened(OPEN, 0)]
    assert list(link.take())
    assert link.is_waiting


def test_a_job_is_submitted_once(link: FileLink, store: ScriptedFileStore) -> None:
    link.jobs.append(OPEN)
    link.send()
    link.send()
    assert store.log == [OPEN]


def test_it_is_loaded_and_told_how_to_wake_the_loop(link: FileLink, store: ScriptedFileStore) -> None:
    def wake() -> None:
        """For the store."""

    link.open(wake)
    assert store.log == ["load"]
    assert store.wakeup is wake


def test_without_a_store_there_is_nothing_to_open_to_wait_for_or_to_close(rig: Rig) -> None:
    link = FileLink(None, rig.link, rig.loop)
    link.open(lambda: None)
    link.send()
    assert list(link.take()) == []
    assert not link.is_waiting
    link.close()


def test_a_disk_that_fails_at_the_end_is_logged_since_what_was_durable_still_is(
    link: FileLink, store: ScriptedFileStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.error = OSError(5, "Input/output error")
    link.close()
    assert "Input/output error" in caplog.text


def test_contents_that_are_missing_are_logged_with_their_number(
    link: FileLink, store: ScriptedFileStore, caplog: pytest.LogCaptureFixture
) -> None:
    lost = tuple(bytes([i]) * 32 for i in range(12))
    collect = Collect(frozenset(), dict.fromkeys(lost, 1))
    store.answers = [Collected(collect, 0, ())]
    assert list(link.take())
    assert not caplog.records
    store.answers = [Collected(collect, 0, lost)]
    assert list(link.take())
    (record,) = caplog.records
    assert "12 files are missing" in record.getMessage()
    assert lost[9].hex() in record.getMessage()
    assert lost[10].hex() not in record.getMessage()


@pytest.mark.parametrize("call", ["open", "send", "take", "close"])
def test_a_mistake_of_the_store_is_not_hidden(link: FileLink, store: ScriptedFileStore, call: str) -> None:
    link.jobs.append(OPEN)
    store.error = AssertionError("a bug")
    calls: dict[str, Callable[[], object]] = {
        "open": lambda: link.open(lambda: None),
        "send": link.send,
        "take": lambda: list(link.take()),
        "close": link.close,
    }
    with pytest.raises(AssertionError, match="a bug"):
        calls[call]()


# -- in the server's turn -------------------------------------------------------------------------------------


def answering(rig: Rig, **effects: list[Effect]) -> None:
    """Let the core answer so to answers of the file store, by their sort."""
    rig.core.on_filed = lambda answer: effects.get(type(answer).__name__, [])


def test_the_first_thing_that_the_core_wants_is_the_first_that_the_file_store_hears(rig: Rig) -> None:
    collect = Collect(frozenset(), {})
    rig.core.on_tick = lambda: [FileWork(collect)]
    rig.core.on_request = lambda *_: [FileWork(OPEN)]
    rig.dispatcher.start()
    assert rig.loop.next_due() == 0.0
    client = rig.greet()
    client.send(Ping(1))
    rig.settle()
    assert rig.file_store.log == [collect, OPEN]


def test_jobs_of_a_turn_are_submitted_at_its_end(rig: Rig) -> None:
    client = rig.login()
    rig.core.on_request = lambda *_: [FileWork(OPEN), FileWork(FINISH)]
    client.send(Ping(1))
    rig.turn()
    assert rig.file_store.log == [OPEN, FINISH]


def test_a_store_that_answers_at_once_is_heard_in_the_same_turn(rig: Rig) -> None:
    def submit(job: FileJob) -> None:
        assert isinstance(job, OpenPart)
        rig.file_store.answers.append(PartOpened(job, 0))

    rig.file_store.submit = submit  # type: ignore[method-assign]
    rig.carry_out(FileWork(OPEN))
    rig.turn()
    assert rig.core.heard("filed") == [(PartOpened(OPEN, 0),)]


def test_an_answer_reaches_the_core_and_what_it_says_is_written_in_the_same_turn(rig: Rig) -> None:
    client = rig.login()
    answering(rig, PartOpened=[Reply(client.peer, Done(1))])
    rig.file_store.answers = [PartOpened(OPEN, 0)]
    rig.turn()
    assert rig.core.heard("filed") == [(PartOpened(OPEN, 0),)]
    assert client.events() == [Done(1)]


def test_what_a_finished_file_puts_into_the_message_store_is_in_the_batch_of_its_turn(rig: Rig) -> None:
    answering(rig, PartFinished=[entry(1)])
    rig.file_store.answers = [PartFinished(FINISH)]
    rig.turn()
    assert rig.store.batches == [[entry(1)]]


def test_what_a_stored_row_asks_of_the_file_store_is_submitted_in_the_same_turn(rig: Rig) -> None:
    def drop(_: Completion) -> list[Effect]:
        return [FileWork(DROP)]

    rig.store.answers = [Committed(rig.submit(), [None])]
    rig.core.on_completed = drop
    rig.turn()
    assert rig.file_store.log == [DROP]


def test_what_an_answer_asks_for_next_does_not_wait_for_other_events(rig: Rig) -> None:
    answering(rig, PartOpened=[FileWork(FINISH)])
    rig.file_store.answers = [PartOpened(OPEN, 0)]
    rig.turn()
    assert rig.file_store.log == [FINISH]


def test_a_mistake_of_the_core_about_one_answer_costs_the_others_nothing(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    client = rig.login()

    def fail(answer: FileAnswer) -> list[Effect]:
        if isinstance(answer, PartOpened):
            raise RuntimeError("mistake")
        return [Reply(client.peer, Done(1))]

    rig.core.on_filed = fail
    rig.file_store.answers = [PartOpened(OPEN, 0), Dropped(DROP)]
    rig.turn()
    assert client.events() == [Done(1)]
    assert "error in the core" in caplog.text


@pytest.mark.parametrize("when", ["submit", "completions"])
def test_a_mistake_of_the_store_ends_the_loop_and_is_not_taken_for_a_clients_fault(rig: Rig, when: str) -> None:
    client = rig.login()
    rig.core.on_request = lambda *_: [FileWork(OPEN)] if when == "submit" else []
    client.send(Ping(1))
    rig.file_store.error = AssertionError("a bug")
    with pytest.raises(AssertionError, match="a bug"):
        rig.turn()
    assert client.events() == []
    assert client.peer in rig.connections.all


# -- messages first -------------------------------------------------------------------------------------------


def test_a_job_waits_while_a_message_is_on_its_way_to_the_disk(rig: Rig) -> None:
    batch = rig.submit()
    rig.carry_out(FileWork(OPEN))
    rig.turn()
    assert rig.file_store.log == []
    assert rig.files.is_waiting
    rig.store.answers = [Committed(batch, [None])]
    rig.turn()
    assert rig.file_store.log == [OPEN]


def test_it_waits_for_a_message_of_its_own_turn_too(rig: Rig) -> None:
    rig.carry_out(FileWork(OPEN), entry(1))
    rig.turn()
    assert (rig.store.batches, rig.file_store.log) == ([[entry(1)]], [])


def test_a_message_that_takes_long_does_not_hold_up_files_and_no_event_is_needed_for_that(rig: Rig) -> None:
    rig.submit()
    rig.carry_out(FileWork(OPEN))
    rig.turn()
    assert rig.loop.next_due() == PATIENCE_SECONDS
    rig.clock.advance(PATIENCE_SECONDS)
    rig.settle()
    assert rig.file_store.log == [OPEN]


def test_however_much_is_said_each_job_waits_only_so_long(rig: Rig) -> None:
    batch = rig.submit(1)
    for number in range(2, 12):
        rig.carry_out(FileWork(OPEN), entry(number))
        rig.turn()
        rig.clock.advance(PATIENCE_SECONDS / 2)
        rig.store.answers = [Committed(batch, [None])]
        rig.settle()
        batch = rig.store.batches[-1]
        assert len(rig.files.jobs) <= 2
    rig.clock.advance(PATIENCE_SECONDS)
    rig.settle()
    assert rig.link.under_way
    assert rig.file_store.log == [OPEN] * 10


def pieces(count: int) -> list[WritePart]:
    return [WritePart(1, offset, b"x") for offset in range(count)]


def say(rig: Rig) -> None:
    """Something is said and stored."""
    batch = rig.submit()
    rig.store.answers = [Committed(batch, [None])]
    rig.settle()


def test_while_people_talk_few_pieces_of_files_are_under_way_and_all_else_is(rig: Rig) -> None:
    say(rig)
    wanted = pieces(5)
    rig.carry_out(*map(FileWork, [OPEN, *wanted[:FEW], FINISH, *wanted[FEW:]]))
    rig.turn()
    assert rig.file_store.log == [OPEN, *wanted[:FEW], FINISH]
    rig.file_store.answers = [PartOpened(OPEN, 0), PartWritten(wanted[0], 0)]
    rig.turn()
    assert rig.file_store.log == [OPEN, *wanted[:FEW], FINISH, wanted[FEW]]
    rig.file_store.answers = [FileFailed(wanted[1], ErrorCode.STORE_FULL, ""), PartWritten(wanted[2], 0)]
    rig.turn()
    assert rig.file_store.log == [OPEN, *wanted[:FEW], FINISH, *wanted[FEW:]]


def test_once_nobody_has_said_anything_for_a_while_all_pieces_are_under_way(rig: Rig) -> None:
    say(rig)
    rig.clock.advance(TALK_SECONDS)
    rig.carry_out(*map(FileWork, pieces(5)))
    rig.settle()
    assert rig.file_store.log == pieces(5)


def test_nothing_is_left_to_do_once_the_message_is_stored_before_patience_ends(rig: Rig) -> None:
    batch = rig.submit()
    rig.carry_out(FileWork(OPEN))
    rig.turn()
    rig.store.answers = [Committed(batch, [None])]
    rig.settle()
    assert rig.loop.next_due() is None


# -- a stop ---------------------------------------------------------------------------------------------------


class Stopping:
    """A rig that stops, with a transfer under way."""

    def __init__(self, capacity: int = 1 << 16) -> None:
        self.rig = Rig(Limits(farewell_seconds=5.0), capacity=capacity)
        self.client = self.rig.login()

    def begin(self) -> None:
        rig = self.rig
        acceptor = Acceptor([], rig.frontend, rig.intake, rig.connections, 10)
        self.shutdown = Shutdown(acceptor, rig.link, rig.files, rig.connections)

    def turns(self, client: Client | None = None) -> list[object]:
        """Some turns; what the client is told."""
        told: list[object] = []
        for _ in range(10):
            self.rig.turn()
            self.is_over = self.shutdown.step()
            told += client.events() if client else []
        return told


def test_a_stop_waits_for_the_answers_of_the_file_store() -> None:
    world = Stopping()
    rig, client = world.rig, world.client
    answering(rig, PartFinished=[entry(1)])
    rig.core.on_completed = lambda _: [Reply(client.peer, Done(1))]
    rig.carry_out(FileWork(FINISH))
    rig.turn()
    world.begin()
    assert world.turns(client) == []
    rig.file_store.answers = [PartFinished(FINISH)]
    assert world.turns(client) == []
    rig.store.answers = [Committed([entry(1)], [None])]
    told = world.turns(client)
    assert [type(event) for event in told] == [Done, Closing]


def test_a_stop_waits_for_the_uploads_that_it_interrupts() -> None:
    world = Stopping()
    rig, client = world.rig, world.client
    close = ClosePart(1)
    rig.core.on_disconnected = lambda _: [FileWork(close)]
    world.begin()
    world.turns()
    client.transport.close()
    world.turns()
    assert client.peer.state == CLOSED
    assert rig.file_store.log == [close]
    assert not world.is_over
    rig.file_store.answers = [PartClosed(close, 10)]
    world.turns()
    assert world.is_over


def test_a_download_that_nobody_reads_does_not_hold_up_a_stop() -> None:
    world = Stopping(capacity=1000)
    rig, client = world.rig, world.client
    read = ReadFile(NAME, 0, 5000)
    answering(rig, FileRead=[Bulk(client.peer, FileChunk(1, 0, bytes(5000)))])
    rig.carry_out(FileWork(read), FileWork(read))
    rig.turn()
    rig.file_store.answers = [FileRead(read, bytes(5000))] * 2
    world.begin()
    world.turns()
    assert not world.is_over
    told = world.turns(client)
    assert [type(event) for event in told] == [FileChunk, Closing], "and only what was begun is finished"


def test_a_stop_does_not_wait_for_a_file_store_that_does_not_answer() -> None:
    world = Stopping()
    world.rig.carry_out(FileWork(FINISH))
    world.begin()
    world.turns()
    assert not world.is_over
    world.rig.clock.advance(5.0)
    assert [type(event) for event in world.turns(world.client)] == [Closing]
    assert world.is_over
