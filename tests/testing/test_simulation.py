"""A whole server with its clients, under virtual time: 300 seeds, what a seed is worth, and that mistakes are found."""

import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from chatnet.client.session import ClientSession
from chatnet.core.effects import Broadcast
from chatnet.core.entries import PutMessage
from chatnet.core.posting import Posting
from chatnet.events import Deliver
from chatnet.model import Message
from chatnet.store.memory import MemoryStore
from chatnet.testing.simulation import Failed, Report, Violation, World, simulate
from chatnet.testing.simulation.__main__ import TRACE_LINES, main
from chatnet.testing.simulation.file_ledger import FileEvent
from chatnet.testing.simulation.kills import ClientStep, ServerStep
from chatnet.testing.simulation.process import ServerProcess

SEEDS = 300
SEEDS_A_TEST = 20


@cache
def reports(first: int) -> list[Report]:
    """What came of ``SEEDS_A_TEST`` seeds."""
    return [simulate(seed) for seed in range(first, first + SEEDS_A_TEST)]


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_A_TEST))
def test_no_invariant_is_broken(first: int) -> None:
    said = sum(report.messages for report in reports(first))
    assert said > 10 * SEEDS_A_TEST, "nobody says anything in these runs, so they prove nothing"


def test_the_server_was_killed_and_clients_crashed_at_every_step() -> None:
    runs = [report for first in range(0, SEEDS, SEEDS_A_TEST) for report in reports(first)]
    assert {report.store for report in runs} == {"memory", "sqlite"}
    for server_step in ServerStep:
        assert sum(report.kills.get(server_step, 0) for report in runs) >= 5, server_step
    for client_step in ClientStep:
        assert sum(report.crashes.get(client_step, 0) for report in runs) >= 5, client_step


def test_all_that_can_happen_to_files_did_happen() -> None:
    runs = [report for first in range(0, SEEDS, SEEDS_A_TEST) for report in reports(first)]
    for event in FileEvent:
        assert sum(report.files.get(event, 0) for report in runs) >= 5, event


# -- one seed, one run ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_a_seed_gives_the_same_trace_byte_for_byte(store: str) -> None:
    worlds = [World(seed, store) for seed in (8, 8, 7)]
    for world in worlds:
        world.run(400)
    once, again, other = (world.trace.text() for world in worlds)
    assert once == again
    assert once != other


def test_a_seed_decides_which_store_it_has() -> None:
    stores = [World(seed).run(0).store for seed in range(8)]
    assert set(stores) == {"memory", "sqlite"}
    assert stores == [World(seed).run(0).store for seed in range(8)]


def test_a_seed_gives_the_same_trace_in_every_process() -> None:
    """Sets and dicts of text are in another order with another hash seed, and folders have other names."""
    code = (
        "from chatnet.testing.simulation import simulate\n"
        "for store in ('memory', 'sqlite'): print(simulate(7, 600, store).digest, simulate(8, 600, store).digest)"
    )
    digests = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout.split()
        for hash_seed in ("1", "2")
    ]
    runs = [(seed, store) for store in ("memory", "sqlite") for seed in (7, 8)]  # the second one has files
    assert digests[0] == digests[1] == [simulate(seed, 600, store).digest for seed, store in runs]


def test_the_server_has_no_turn_in_which_nothing_can_happen(monkeypatch: pytest.MonkeyPatch) -> None:
    turn, wanted = ServerProcess.turn, []

    def watched(self: ServerProcess) -> None:
        wanted.append(self.wants_turn)
        turn(self)

    monkeypatch.setattr(ServerProcess, "turn", watched)
    World(1).run(200)
    assert len(wanted) > 10
    assert all(wanted)


# -- planted mistakes -----------------------------------------------------------------------------------------


def first_violation(seeds: int = 30) -> str | None:
    """The rule that the first of these seeds finds broken."""
    for seed in range(seeds):
        try:
            simulate(seed, store="memory")
        except Failed as failure:
            return getattr(failure.__cause__, "rule", repr(failure.__cause__))
    return None


def test_a_delivery_before_the_commit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    post = Posting.post

    def hasty(self: Posting, session: Any, request: Any, now: Any) -> Any:
        refusal, out = post(self, session, request, now), self._state.out
        if out and isinstance(entry := out[-1], PutMessage):
            chat = self._state.conversations[entry.conversation]
            about = (entry.time, entry.sender, entry.name, entry.display, entry.kind, entry.body, entry.reference)
            said = Message(chat.head + chat.pending, *about)
            out.append(Broadcast(chat.live, Deliver(chat.id, [said])))
        return refusal

    monkeypatch.setattr(Posting, "post", hasty)
    assert first_violation() == "I5"


def test_a_store_that_forgets_what_it_stored_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    put = MemoryStore._put_message

    def forgetful(self: MemoryStore, entry: Any) -> Any:
        self._devices.pop(entry.device, None)
        return put(self, entry)

    monkeypatch.setattr(MemoryStore, "_put_message", forgetful)
    assert first_violation() == "I3"


def test_half_a_frame_that_outlives_its_connection_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ClientSession.connection_made

    def sticky(self: ClientSession, now: float) -> None:
        reader = getattr(self, "kept_reader", None)
        made(self, now)
        assert self._connection is not None
        if reader is not None:
            self._connection._reader = reader
        self.kept_reader = self._connection._reader  # type: ignore[attr-defined]

    monkeypatch.setattr(ClientSession, "connection_made", sticky)
    assert first_violation() in ("client", "I7")


# -- the script -----------------------------------------------------------------------------------------------


def test_the_script_sums_up_what_it_ran(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "2", "--first", "5", "--steps", "100"]) == 0
    assert "2 seeds without a violation" in capsys.readouterr().out


def test_the_script_tells_how_often_the_server_was_killed_at_each_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "3", "--store", "sqlite"]) == 0
    kills = [simulate(seed, store="sqlite").kills for seed in range(3)]
    output = capsys.readouterr().out
    assert "(sqlite: 3)" in output
    assert f"the server was killed {sum(map(sum, (k.values() for k in kills)))} times" in output


@pytest.mark.parametrize("whole", [False, True])
def test_the_script_shows_the_trace_of_the_first_seed_that_fails(
    whole: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(World, "_stop", lambda *_: _raise(Violation("I9", "as planted")))
    with pytest.raises(Failed) as failed:
        simulate(5, 100)
    trace = failed.value.trace
    assert len(trace) > TRACE_LINES
    assert main(["--seeds", "2", "--first", "5", "--steps", "100", *(["--trace"] if whole else [])]) == 1
    output = capsys.readouterr().out
    assert output.startswith("\n".join(trace if whole else trace[-TRACE_LINES:]) + "\nseed 5: I9: as planted\n")


def _raise(violation: Violation) -> None:
    raise violation
