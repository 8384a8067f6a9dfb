"""Servers and clients that end at any step: what a kill leaves, and that mistakes which only a kill shows are found."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from chatnet.client.inbox import Inbox
from chatnet.client.outbox import Draft, ToRoom
from chatnet.client.spool import DiskOutbox
from chatnet.core.entries import Batch, Committed, Failed, PageRead, PutMessage, ReadMessages
from chatnet.core.state import State
from chatnet.model import DEVICE_ID_BYTES, Kind
from chatnet.store.database import Database
from chatnet.store.devices import Device, Devices
from chatnet.store.writer import Writer
from chatnet.testing.clock import VirtualClock
from chatnet.testing.simulation import Failed as RunFailed
from chatnet.testing.simulation import Violation, simulate
from chatnet.testing.simulation.disk import DiskManners, SimulatedDisk
from chatnet.testing.simulation.kills import ClientStep, Fate, Killed, ServerStep
from chatnet.testing.simulation.ledger import Ledger
from chatnet.testing.simulation.profile import Kept, Posted, make_spool, reopen
from chatnet.testing.store_model import post

ALL = ReadMessages(1, 100, 10_000, after=0)
NEW_DEVICE = bytes(DEVICE_ID_BYTES)


# -- fate -----------------------------------------------------------------------------------------------------


class Once(Random):
    """Always takes the first of several."""

    def choice(self, seq: Any) -> Any:
        return seq[0]


def test_a_process_ends_at_the_chosen_step_and_only_once() -> None:
    fate: Fate[ServerStep] = Fate(Once())
    fate.choose(ServerStep.ACKED)
    fate.at(ServerStep.COMMITTED)
    with pytest.raises(Killed):
        fate.at(ServerStep.ACKED)
    fate.at(ServerStep.ACKED)
    assert fate.ends == {ServerStep.ACKED: 1}


def test_a_process_that_is_spared_goes_on() -> None:
    fate: Fate[ServerStep] = Fate(Once())
    fate.choose(ServerStep.ACKED)
    fate.spare()
    fate.at(ServerStep.ACKED)
    assert not fate.ends


# -- the disk -------------------------------------------------------------------------------------------------


class Disk:
    """A simulated disk in a folder, that takes up to a second for everything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = VirtualClock()
        self.fate: Fate[ServerStep] = Fate(Once())
        self.woken = 0
        self.store = self.start()

    def start(self) -> SimulatedDisk:
        manners = DiskManners(delay=1.0, checkpoint_bytes=1 << 20)
        store = SimulatedDisk(self.folder, manners, self.clock, Random(1), self.fate, lambda _: None, lambda: False)
        store.load()
        store.bind(self._wake)
        return store

    def _wake(self) -> None:
        self.woken += 1

    def kept(self) -> list[str]:
        """The texts in the file, as another process finds them."""
        database = Database(self.folder)
        texts = [message.body for message in database.page(ALL).messages]
        database.close()
        return texts


def batch(n: int) -> Batch:
    return [post(1, n, body=f"message {n}")]


def test_a_batch_is_committed_and_told_of_at_two_moments(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.store.submit(batch(1))
    assert disk.store.completions() == []
    while not (told := disk.store.completions()):
        assert disk.clock.next_due is not None
        disk.clock.advance_to(disk.clock.next_due)
    assert [type(answer) for answer in told] == [Committed]
    assert disk.woken == 1
    disk.store.close()
    assert disk.kept() == ["message 1"]


def test_a_kill_before_the_commit_leaves_nothing(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.store.submit(batch(1))
    assert disk.store.kill() == []
    disk.clock.advance(10.0)
    assert disk.kept() == []


@pytest.mark.parametrize("step", [ServerStep.WRITING, ServerStep.COMMITTED])
def test_a_kill_in_a_commit_leaves_all_of_it_or_nothing(tmp_path: Path, step: ServerStep) -> None:
    disk = Disk(tmp_path)
    disk.store.submit([*batch(1), *batch(2)])
    disk.fate.choose(step)
    with pytest.raises(Killed) as end:
        disk.clock.advance(10.0)
    untold = disk.store.kill()
    texts = ["message 1", "message 2"] if end.value.step is ServerStep.COMMITTED else []
    assert end.value.step is step
    assert [entry.body for done in untold for entry in done.batch if isinstance(entry, PutMessage)] == texts
    assert disk.kept() == texts


def test_after_a_kill_the_next_process_goes_on_with_what_was_committed(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.store.submit(batch(1))
    disk.clock.advance(10.0)
    disk.store.kill()
    store = disk.start()
    store.submit(batch(2))
    store.read(ALL)
    disk.clock.advance(10.0)
    store.kill()
    assert disk.kept() == ["message 1", "message 2"]


def test_a_full_disk_fails_all_batches_until_the_failure_is_known(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.store.fill_up(is_full=True)
    disk.store.submit([post(1, 1, body="x" * 100_000)])
    disk.clock.advance(10.0)
    disk.store.fill_up(is_full=False)
    disk.store.submit(batch(1))
    disk.clock.advance(10.0)
    assert [type(answer) for answer in disk.store.completions()] == [Failed, Failed]
    disk.store.acknowledge_failure()
    disk.store.submit(batch(1))
    disk.store.close()
    assert disk.kept() == ["message 1"]


def test_a_kill_tells_in_order_what_had_failed_and_what_was_committed_since(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.store.fill_up(is_full=True)
    disk.store.submit([post(1, 1, body="x" * 100_000)])
    disk.clock.advance(10.0)
    disk.store.fill_up(is_full=False)
    disk.store.submit(batch(2))
    disk.store.acknowledge_failure()
    disk.store.submit(batch(3))
    disk.clock.advance(10.0)
    assert [type(answer) for answer in disk.store.kill()] == [Failed, Failed, Committed]
    assert disk.kept() == ["message 3"]


def test_pages_come_in_the_order_in_which_they_were_asked_for(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    queries = [ReadMessages(1, 100, 10_000, after=n) for n in range(8)]
    for query in queries:
        disk.store.read(query)
    disk.clock.advance(10.0)
    assert [answer.query for answer in disk.store.completions() if isinstance(answer, PageRead)] == queries


def test_a_page_is_read_from_the_file(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.store.submit(batch(1))
    disk.clock.advance(10.0)
    disk.store.completions()
    disk.store.read(ALL)
    disk.clock.advance(10.0)
    (answer,) = disk.store.completions()
    assert isinstance(answer, PageRead)
    assert [message.body for message in answer.messages] == ["message 1"]
    disk.store.close()


# -- an outbox after a crash ----------------------------------------------------------------------------------


def write(folder: Path, kept: Kept) -> None:
    """Put a post into the outbox, and let the process end before anybody knows its number."""
    fate: Fate[ClientStep] = Fate(Once())
    outbox = reopen(folder, kept, Ledger(), fate.at)
    fate.choose(ClientStep.KEPT)
    kept.writing = Posted(ToRoom("lobby"), "hi", ())
    with pytest.raises(Killed):
        outbox.add(ToRoom("lobby"), "hi", Kind.TEXT, 0)
    outbox.let_go()


def test_a_draft_whose_number_nobody_knows_is_found_again(tmp_path: Path) -> None:
    make_spool(tmp_path, NEW_DEVICE)
    kept = Kept()
    write(tmp_path, kept)
    outbox = reopen(tmp_path, kept, Ledger(), lambda _: None)
    assert [draft.body for draft in outbox] == ["hi"]
    assert list(kept.posts) == [1]
    outbox.let_go()


def test_a_draft_that_vanishes_without_an_answer_is_noticed(tmp_path: Path) -> None:
    make_spool(tmp_path, NEW_DEVICE)
    kept = Kept()
    write(tmp_path, kept)
    reopen(tmp_path, kept, Ledger(), lambda _: None).let_go()
    with DiskOutbox(tmp_path / "1") as outbox:
        outbox.remove(1)
    with pytest.raises(Violation, match="I1: draft 1 has left the outbox"):
        reopen(tmp_path, kept, Ledger(), lambda _: None)


# -- planted mistakes -----------------------------------------------------------------------------------------


def first_violation(seeds: int = 20) -> str | None:
    """The rule that the first of these seeds finds broken."""
    for seed in range(seeds):
        try:
            simulate(seed, store="sqlite")
        except RunFailed as failure:
            return getattr(failure.__cause__, "rule", repr(failure.__cause__))
    return None


def test_duplicates_that_are_forgotten_at_a_restart_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    load = Devices._load

    def forgetful(self: Devices, name: bytes) -> Device:
        known = load(self, name)
        return Device(known.id, 0, known.last)

    monkeypatch.setattr(Devices, "_load", forgetful)
    assert first_violation() == "I3"


def test_marks_that_are_kept_in_memory_alone_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Writer, "_put_marks", lambda *_: None)
    assert first_violation() == "marks"


def test_an_outbox_that_forgets_what_it_has_handed_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    after = DiskOutbox.after

    def hasty(self: DiskOutbox, n: int) -> Draft | None:
        draft = after(self, n)
        if draft is not None:
            self._execute("DELETE FROM drafts WHERE n = ?", (draft.n,))
        return draft

    monkeypatch.setattr(DiskOutbox, "after", hasty)
    assert first_violation() == "I1"


def test_a_cursor_that_is_behind_what_was_applied_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = Inbox.connection_lost

    def late(self: Inbox) -> None:
        lost(self)
        for cursor in self._cursors.values():
            cursor.applied = max(0, cursor.applied - 1)

    monkeypatch.setattr(Inbox, "connection_lost", late)
    assert first_violation() == "I6"


def test_numbers_that_are_given_out_again_after_a_restart_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    init: Callable[..., None] = State.__init__

    def starting_over(self: State, *arguments: Any) -> None:
        init(self, *arguments)
        self._next_user = 1 + max(self.users, default=0)

    monkeypatch.setattr(State, "__init__", starting_over)
    assert first_violation() == "identity"
