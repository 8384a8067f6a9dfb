"""`scripts/transfer_test` and `scripts/big_file_test`: a short run of each; and what the ledger makes of a transfer."""

import sys
from pathlib import Path

import pytest

from chatnet.events import Credit, DownloadReady, Event, FileChunk, UploadReady
from chatnet.model import WINDOW_BYTES, SharedFile
from chatnet.requests import Request, SendChunk, StartDownload
from chatnet.wire.codec import encode
from chatnet.wire.frames import PREFACE
from tests.scripts.running import run_script

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from _transfer_ledger import Ear, TransferLedger

FILE = SharedFile(1, 1, 1, "a", 100, bytes(32), 1, "alice", 0)


@pytest.mark.crash
def test_cuts_and_kills_do_no_harm() -> None:
    done = run_script("_transfer_test.py", "8", "--kills", "1", "--size", "8", "--seed", "test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The file is the same on all three sides" in done.stdout


@pytest.mark.crash
def test_a_file_that_is_mostly_a_hole_comes_back_the_same() -> None:
    done = run_script("_big_file_test.py", "64")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("The file came back the same.\n")


# -- the ledger ---------------------------------------------------------------------------------------------------


def listen(ledger: TransferLedger, *said: Request | Event) -> None:
    """One connection."""
    ear = Ear(ledger)
    ear.hear_client(PREFACE)
    for message in said:
        (ear.hear_client if isinstance(message, Request) else ear.hear_server)(encode(message))


def test_a_transfer_as_it_should_be_is_no_violation() -> None:
    ledger = TransferLedger(slack=0)
    listen(ledger, UploadReady(1, 1, 0, 9), SendChunk(1, 0, b"abc"), Credit(1, 12, 2), SendChunk(1, 3, b"de"))
    listen(ledger, UploadReady(1, 1, 2, 9), SendChunk(1, 2, b"cde"))
    assert (ledger.violations, ledger.sent, ledger.again, ledger.reached) == ([], 8, 3, 5)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("order", [UploadReady(1, 1, 0, 9), SendChunk(1, 1, b"abc")]),
        ("order", [SendChunk(1, 0, b"abc")]),
        ("order", [StartDownload(1, 1), DownloadReady(1, 1, FILE), FileChunk(1, 5, b"abc")]),
        ("durable", [Credit(1, 9, 8), UploadReady(1, 1, 7, 9)]),
    ],
)
def test_what_breaks_a_rule_is_noticed(rule: str, said: list[Request | Event]) -> None:
    ledger = TransferLedger(slack=0)
    listen(ledger, *said)
    assert [violation.split(":")[0] for violation in ledger.violations] == [rule]


def test_a_download_that_begins_anew_is_noticed() -> None:
    ledger = TransferLedger(slack=0, reached=WINDOW_BYTES + 1)
    listen(ledger, StartDownload(1, 1, 1))
    assert not ledger.violations
    listen(ledger, StartDownload(1, 1, 0))
    assert len(ledger.violations) == 1
