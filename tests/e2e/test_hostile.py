"""A server process under attack: it says what is wrong, keeps nothing, and two who talk meanwhile notice nothing.

`scripts/hostile_test` is the same with large counts, and with a look at how long their messages take.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from chatnet.address import TCP, TLS, UNIX
from chatnet.errors import ErrorCode
from chatnet.events import Closing, Event, Pong, Refused, RoomPage
from chatnet.model import Room
from tests.e2e.bystanders import Pair
from tests.e2e.processes import DEADLINE

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import _hostile_attacks
import _hostile_frames
import _hostile_replay
from _hostile_attacks import Attack, knocking
from _hostile_frames import check_event
from _hostile_lines import Line, Target, Wrong
from _hostile_server import resident, running

COUNTS = {
    "lengths of 4 GiB": 4,
    "a byte a second": 300,
    "logins that never finish": 30,
    "handshakes that never finish": 20,
    "connects without a login": 1000,
    "connects from one address": 200,
    "foreign protocols": 1,
    "floods": 6,
    "replayed TLS connections": 2,
    "replayed proofs of a password": 2,
    "random frames": 300,
    "mutated frames": 700,
    "odd texts in every field": 1,
    "odd numbers in every field": 1,
}
ATTACKS = [
    pytest.param(attack, COUNTS[name], id=name)
    for module in (_hostile_attacks, _hostile_replay, _hostile_frames)
    for name, attack, _ in module.by_name()
]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere this machine has no 127.0.0.2")


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """A server that has written nothing to its standard error in the end."""
    with running("--login-seconds", "2", "--handshake-seconds", "1") as target:
        yield target


@pytest.fixture(scope="module")
def pair(target: Target) -> Iterator[Pair]:
    pair = Pair(target.of(TCP)[0])
    try:
        pair.start()
        yield pair
    finally:
        pair.end()


@pytest.mark.parametrize(("attack", "count"), ATTACKS)
def test_others_talk_on(
    target: Target, pair: Pair, attack: Attack, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_hostile_attacks, "SLOW_SECONDS", 2.0)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            attack(target, count, Random(1))
        except BaseException as failure:
            failures.append(failure)

    attacker = threading.Thread(target=run)
    attacker.start()
    while attacker.is_alive():
        pair.talk()
        attacker.join(0.1)
    pair.talk()
    assert failures == []


@pytest.mark.parametrize(
    ("schemes", "most"),
    [
        pytest.param((TCP, UNIX), 2 << 20, id="plain"),
        # What OpenSSL has given back comes in pieces that Python's memory is not made of.
        pytest.param((TLS,), 24 << 20, id="TLS"),
    ],
)
def test_nothing_is_kept_of_connections_that_come_and_go(
    target: Target, pair: Pair, schemes: tuple[str, ...], most: int
) -> None:
    if not resident(target.pid):
        pytest.skip("this system does not say how much memory a process has")
    part = Target(tuple(target.of(*schemes)), target.pid)
    knocking(part, 3000, Random(1))
    pair.talk()
    before = resident(target.pid)
    knocking(part, 3000, Random(2))
    pair.talk()
    assert resident(target.pid) - before < most


# -- who looks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "event",
    [
        Refused(1, ErrorCode.INTERNAL, "the server made a mistake"),
        Closing(ErrorCode.INTERNAL, "the server made a mistake"),
        Refused(1, ErrorCode.BAD_NAME, "no \x1b[2J"),
        RoomPage(1, [Room(1, "a\nb")]),
    ],
)
def test_what_a_server_must_not_say_is_noticed(event: Event) -> None:
    with pytest.raises(Wrong):
        check_event(event)


def test_a_server_that_answers_nothing_or_hangs_up_is_noticed(target: Target) -> None:
    with Line(target.of(TCP)[0]) as line:
        line.socket.settimeout(0.1)
        with pytest.raises(Wrong, match="did not hang up"):
            line.last_word()
    with Line(target.of(TCP)[0]) as line:
        line.send(b"CHAT\x63")
        with pytest.raises(Wrong, match="no Pong, but Closing"):
            line.expect(Pong)


def kill(pid: int) -> None:
    """Kill a server, and wait until it is dead."""
    line = Path(f"/proc/{pid}/cmdline")
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + DEADLINE
    while line.read_bytes():
        assert time.monotonic() < end


def test_a_server_that_dies_is_noticed() -> None:
    servers = running()
    kill(servers.__enter__().pid)
    with pytest.raises(Wrong, match="ended with -9"):
        servers.__exit__(None, None, None)
