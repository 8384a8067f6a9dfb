"""`scripts/crash_test`: a short run of the whole, and that each of its rules finds what breaks it."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from chatnet.client.outbox import ToRoom
from chatnet.core.entries import PutMessage, PutRoom, PutUser
from chatnet.model import LOBBY, Kind, Message, Role
from chatnet.store.database import Database
from chatnet.store.schema import row_id

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
from _crash_audit import audit  # noqa: E402
from _crash_ledger import Ledger, Piece  # noqa: E402

DEVICE = b"d" * 16
LOBBY_ID, ANN = 1, 7
SAID = ("one", "two", "three")


@pytest.mark.crash
def test_five_kills_lose_nothing() -> None:
    command = [sys.executable, str(SCRIPTS / "_crash_test.py"), "5", "--seed", "test"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing was lost, doubled or out of order." in done.stdout
    assert done.stdout.startswith("5 kills")


# -- what clients tell one another --------------------------------------------------------------------------------


def message(seq: int, body: str) -> Message:
    return Message(seq, 1000 + seq, ANN, "ann", "", Kind.TEXT, body)


def good_ledger() -> Ledger:
    """Ann has said three things in the lobby, all acked, and bob has heard them."""
    ledger = Ledger()
    ledger.begin(LOBBY_ID, Piece("bob", 1, 0.0))
    for seq, body in enumerate(SAID, 1):
        ledger.say((DEVICE, seq), "ann", ToRoom(LOBBY), body)
        ledger.ack((DEVICE, seq), (LOBBY_ID, seq))
        ledger.hear("bob", (LOBBY_ID, seq), message(seq, body))
    assert not ledger.violations
    return ledger


def rules(ledger: Ledger) -> set[str]:
    return {violation.split(":")[0] for violation in ledger.violations}


def test_two_messages_at_one_place_are_noticed() -> None:
    ledger = good_ledger()
    ledger.hear("cleo", (LOBBY_ID, 2), message(2, "something else"))
    assert rules(ledger) == {"I6"}


def test_one_message_at_two_places_is_noticed() -> None:
    ledger = good_ledger()
    ledger.hear("cleo", (LOBBY_ID, 4), message(4, "two"))
    assert rules(ledger) == {"I3"}


def test_an_ack_for_another_place_is_noticed() -> None:
    ledger = good_ledger()
    ledger.ack((DEVICE, 1), (LOBBY_ID, 2))
    assert rules(ledger) == {"I1"}


def test_who_must_hear_what_is_known() -> None:
    assert good_ledger().expected("anybody") == {LOBBY_ID: 3}


# -- what the database says ---------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed database with what the good ledger tells."""
    database = Database(tmp_path)
    entries = [
        PutMessage(LOBBY_ID, ANN, "ann", "", Kind.TEXT, body, 0, 1000 + n, DEVICE, n, None)
        for n, body in enumerate(SAID, 1)
    ]
    database.write([[PutUser(ANN, "ann", "", Role.GUEST, b"h" * 32), PutRoom(LOBBY_ID, LOBBY, 0, False), *entries]])
    database.close()
    return tmp_path


def test_a_good_database_passes(folder: Path) -> None:
    ledger = good_ledger()
    assert len(audit(folder, ledger, []).rows) == 3
    assert ledger.violations == []


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("DELETE FROM messages WHERE id = {last}", {"I1", "I2", "I5", "I7"}),
        ("DELETE FROM messages WHERE id = {first}", {"I1", "I2", "I5", "I7"}),
        ("UPDATE heads SET head = 4", {"I2"}),
        ("UPDATE messages SET n = 1 WHERE id = {first} + 1", {"I1", "I3", "I4", "I5", "I7"}),
        ("UPDATE messages SET n = 4 WHERE id = {first}", {"I1", "I4", "I5", "I7"}),
        ("UPDATE messages SET body = 'won' WHERE id = {first}", {"I1", "I5"}),
        ("UPDATE messages SET time = 5 WHERE id = {first}", {"I5"}),
        ("UPDATE rooms SET name = 'elsewhere'", {"I5"}),
    ],
)
def test_a_database_that_breaks_a_rule_is_found_out(folder: Path, statement: str, broken: set[str]) -> None:
    database = sqlite3.connect(folder / "chatnet.db")
    database.execute(statement.format(first=row_id(LOBBY_ID, 1), last=row_id(LOBBY_ID, 3)))
    database.commit()
    database.close()
    ledger = good_ledger()
    audit(folder, ledger, [])
    assert rules(ledger) == broken


def test_what_nobody_said_is_found_out(folder: Path) -> None:
    ledger = good_ledger()
    del ledger.said[DEVICE, 2], ledger.acks[DEVICE, 2]
    audit(folder, ledger, [])
    assert rules(ledger) == {"I5"}


def test_what_was_said_and_never_stored_is_found_out(folder: Path) -> None:
    ledger = good_ledger()
    ledger.say((DEVICE, 4), "ann", ToRoom(LOBBY), "four")
    audit(folder, ledger, [])
    assert rules(ledger) == {"I7"}


def test_a_client_that_was_there_and_heard_only_the_end_is_found_out(folder: Path) -> None:
    ledger = good_ledger()
    ledger.begin(LOBBY_ID, Piece("cleo", 3, online_at=0.0))
    audit(folder, ledger, [])
    assert rules(ledger) == {"I6"}
