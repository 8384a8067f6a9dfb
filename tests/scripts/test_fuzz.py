"""`scripts/fuzz`: that its inputs come to everything, that it finds what is planted, and that a short run is clean."""

import sys
from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest

from chatnet.core.lists import Lists
from chatnet.errors import ProtocolError
from chatnet.net.dispatch import Dispatcher
from chatnet.requests import Moderate, Request, StartScram
from chatnet.wire.codec import decode_request
from tests.scripts.running import run_script

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import _fuzz
from _fuzz_target import ADMIN, GUEST, STRANGER, Target, as_input, pieces
from _fuzz_values import ODD_NUMBERS, ODD_TEXTS, REQUESTS, at_random, encode, mutated, with_odd_numbers, with_odd_texts
from _hostile_lines import Wrong

SEED = 1


# -- what is fed ----------------------------------------------------------------------------------------------


def test_every_request_comes_at_random_and_is_one_that_the_protocol_allows() -> None:
    random = Random(SEED)
    made = [at_random(random) for _ in range(2000)]
    assert {type(request) for request in made} == set(REQUESTS)
    assert all(decode_request(encode(request)) == request for request in made)


def test_the_same_seed_makes_the_same() -> None:
    assert [_fuzz.one(Random(SEED)) for _ in range(50)] == [_fuzz.one(Random(SEED)) for _ in range(50)]


def test_every_text_has_every_odd_text_once() -> None:
    made = [name.partition(" = ")[0] for name, _ in with_odd_texts(Random(SEED))]
    assert {f"{kind.__name__}.{field}" for kind, field in ((Moderate, "reason"), (StartScram, "first"))} <= set(made)
    assert all(made.count(name) == len(ODD_TEXTS) for name in set(made))


def test_numbers_within_records_are_among_them_and_some_are_out_of_bounds() -> None:
    made = dict(with_odd_numbers(Random(SEED)))
    assert f"SetPassword.verifier.iterations = {ODD_NUMBERS[0]}" in made
    assert f"CreateAccount.verifier.iterations = {ODD_NUMBERS[0]}" in made
    outcomes = {_is_request(payload) for payload in made.values()}
    assert outcomes == {True, False}


def _is_request(payload: bytes) -> bool:
    try:
        return isinstance(decode_request(payload), Request)
    except ProtocolError:
        return False


def test_some_of_what_is_mutated_is_still_a_request() -> None:
    random = Random(SEED)
    payloads = [encode(at_random(random)) for _ in range(500)]
    outcomes = {_is_request(mutated(random, payload)) for payload in payloads}
    assert outcomes == {True, False}


def test_an_input_is_cut_into_frames_and_bytes_as_they_are() -> None:
    assert pieces(as_input(GUEST, [b"ab", b"", b"c"])[1:]) == [b"\0\0\0\x02ab", b"\0\0\0\0", b"\0\0\0\x01c"]
    assert pieces(b"\x80\x02abc") == [b"ab", b"\0\0\0\0"]
    assert pieces(b"") == []


# -- what is found --------------------------------------------------------------------------------------------


def plant_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(Lists, "open", broken)


def plant_a_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dispatcher, "_tell_core", lambda self: self._connections.gone.clear())


def plant_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatnet.core.sessions.check_display", lambda display: display)


@pytest.fixture(params=[plant_a_mistake, plant_a_leak, plant_an_escape], ids=lambda plant: plant.__name__)
def _planted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    request.param(monkeypatch)


@pytest.mark.usefixtures("_planted")
def test_what_is_planted_is_found() -> None:
    with pytest.raises(Wrong, match=f"input [0-9]+ of seed {SEED}, [0-9a-f]+: "):
        _fuzz.in_process(4000, SEED)


def test_an_input_that_was_found_can_be_fed_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = tmp_path / "input"
    found.write_bytes(as_input(ADMIN, [b"\x92\x02\x01"]))
    _fuzz.replay(found)
    assert "nothing found" in capsys.readouterr().out


# -- what is clean --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"\0", b"\2\xff", as_input(STRANGER, [b""] * 50), b"\1" + b"\x80\x01\xff" * 50])
def test_the_smallest_inputs_are_no_harm(data: bytes) -> None:
    with Target(SEED) as target:
        target.feed(data)


def test_a_short_run_finds_nothing() -> None:
    done = run_script("_fuzz.py", "--count", "4000", "--seed", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("4,000 inputs of seed 2: nothing found")


@pytest.mark.skipif(find_spec("atheris") is not None, reason="it would run")
def test_without_atheris_it_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert _fuzz.by_atheris([]) == _fuzz.EX_UNAVAILABLE
    assert "atheris is not installed" in capsys.readouterr().err


def test_logins_can_be_measured() -> None:
    done = run_script("bench/_run.py", "logins", "--seconds", "0.2")
    assert done.returncode == 0, done.stderr
    assert "TLS, idle" in done.stdout
