"""`scripts/bench`: that it counts what goes wrong, reckons rightly, and runs. Its figures are for people to judge."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from selectors import SelectSelector

import msgspec
import pytest

import chatnet.server
from chatnet.address import TCP, Address
from chatnet.config import Config
from chatnet.core.limits import Limits
from chatnet.events import Ack, Deliver, Event
from chatnet.model import Kind, Message
from chatnet.net.loop import EventLoop
from chatnet.net.system import SystemClock
from chatnet.server import Server
from chatnet.wire.codec import encode
from tests.net.frontends import Dialect
from tests.scripts.running import run_script

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts" / "bench"))
import _run
from _accounts import create, derive, show_password
from _bench_server import Lag
from _figures import Bar, Benchmark, Result, Row, percentile
from _hostile_lines import Line
from _lines import Ledger, fillings, text
from _load import Job, Outcome, Sleeper, run
from _report import as_data, table
from _serving import serve
from _setting import Setting, file_system, sync_times
from _slow_disk import gaps

SIZE, SAID = 50, 1000
FAST = 1e9


# -- what is heard --------------------------------------------------------------------------------------------


def message(seq: int, body: str, sender: int = 7) -> Message:
    return Message(seq, 0, sender, "ann", "", Kind.TEXT, body)


def noted(*messages: Message) -> dict[str, int]:
    ledger = Ledger(0, SIZE)
    for heard in messages:
        ledger.note(heard)
    return dict(ledger.faults)


def test_all_that_was_said_in_order_is_no_fault() -> None:
    assert noted(*(message(n, text(n, SIZE)) for n in range(1, 200))) == {}


def test_each_sender_has_an_order_of_its_own() -> None:
    assert noted(*(message(i + 1, text(1 + i // 2, SIZE), sender=i % 2) for i in range(20))) == {}


def test_what_others_say_in_the_room_is_not_judged() -> None:
    assert noted(message(1, text(1, SIZE)), message(2, "and now?", sender=9), message(3, text(2, SIZE))) == {}


@pytest.mark.parametrize(
    ("seqs", "numbers", "faults"),
    [
        ((1, 3), (1, 2), {"lost": 1}),
        ((1, 5), (1, 5), {"lost": 3, "out of order": 1}),
        ((1, 2, 2), (1, 2, 2), {"heard twice": 1}),
        ((1, 2, 3), (1, 3, 2), {"out of order": 3}),
        ((1, 2, 3), (1, 2, 2), {"out of order": 1}),
    ],
)
def test_what_is_lost_doubled_or_misplaced_is_counted(
    seqs: tuple[int, ...], numbers: tuple[int, ...], faults: dict[str, int]
) -> None:
    heard = [message(seq, text(n, SIZE)) for seq, n in zip(seqs, numbers, strict=True)]
    counted = noted(*heard)
    assert counted.keys() == faults.keys()
    assert counted.get("lost") == faults.get("lost")


def test_a_text_that_has_changed_is_damaged() -> None:
    assert noted(message(1, text(1, SIZE)[:-1] + "?")) == {"damaged": 1}


def test_texts_have_the_size_that_was_asked_for_and_differ() -> None:
    assert {len(text(n, SIZE).encode()) for n in range(1000)} == {SIZE}
    assert len(set(fillings(SIZE))) == len(fillings(SIZE))


# -- the load -------------------------------------------------------------------------------------------------


@contextmanager
def fast_server() -> Iterator[int]:
    limits = Limits(
        post_burst=FAST, posts_per_second=FAST, text_burst=FAST, text_per_second=FAST, requests_per_second=FAST
    )
    with Server(Config(bind=(Address(TCP, "127.0.0.1", 0),), limits=limits)) as server:
        yield server.addresses[0].port


def outcome_of(port: int, *, count: int = 0, rate: float = 0.0, seconds: float = 0.0) -> Outcome:
    return run(
        Job(
            port=port,
            pid=os.getpid(),
            senders=3,
            in_flight=8,
            listeners=2,
            size=SIZE,
            warm_up=0.0,
            patience=1.0,
            count=count,
            rate=rate,
            seconds=seconds,
        )
    )


def test_a_load_counts_every_answer_and_every_delivery() -> None:
    with fast_server() as port:
        outcome = outcome_of(port, count=SAID)
    assert outcome.faults == ()
    assert outcome.said == len(outcome.acks) == SAID
    assert len(outcome.deliveries) == 2 * SAID
    assert 0 < outcome.rate == SAID / outcome.seconds


def test_a_pace_is_kept_whatever_the_server_does() -> None:
    with fast_server() as port:
        outcome = outcome_of(port, rate=500.0, seconds=1.0)
    assert outcome.faults == ()
    assert 400 < outcome.said < 600


def test_a_slow_reader_is_waited_for_and_counted_like_the_others() -> None:
    with fast_server() as port:
        job = Job(port=port, pid=os.getpid(), in_flight=8, count=100, warm_up=0.0, sleeper=Sleeper.SLOW)
        outcome = run(job)
    assert outcome.faults == ()
    assert outcome.catch_up_seconds > 0


def lost(event: Event) -> Event:
    if isinstance(event, Deliver) and event.messages[0].seq > 20:
        return msgspec.structs.replace(event, messages=event.messages[1:])
    return event


def doubled(event: Event) -> Event:
    if isinstance(event, Deliver):
        return msgspec.structs.replace(event, messages=[*event.messages, event.messages[-1]])
    return event


def damaged(event: Event) -> Event:
    if isinstance(event, Deliver):
        messages = [msgspec.structs.replace(message, body=message.body[:-1] + "?") for message in event.messages]
        return msgspec.structs.replace(event, messages=messages)
    return event


def unanswered(event: Event) -> Event:
    """The last ack of all, so that nobody waits with the next message."""
    return Deliver(event.conversation, []) if isinstance(event, Ack) and event.seq == SAID else event


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [(lost, "lost"), (doubled, "heard twice"), (damaged, "damaged"), (unanswered, "unanswered")],
)
def test_a_server_that_goes_wrong_is_found_out(
    spoil: Callable[[Event], Event], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiling(event: Event) -> bytes:
        return encode(spoil(event))

    monkeypatch.setattr(chatnet.server, "NativeFrontend", partial(Dialect, spoiling))
    with fast_server() as port:
        outcome = outcome_of(port, count=SAID)
    assert any(fault in found for found in outcome.faults), outcome.faults


@pytest.mark.parametrize(("password", "is_right"), [("correct horse", True), ("battery staple", False)])
def test_a_proof_of_keys_that_are_derived_once_is_judged_by_the_real_server(
    password: str, is_right: bool, tmp_path: Path
) -> None:
    right = derive()
    wrong = replace(derive(password), verifier=right.verifier)
    with serve(None, "--tls", "--unix", str(tmp_path / "socket")) as serving:
        create(serving.addresses[1], {"ann": right.verifier})
        for address in serving.addresses:
            with Line(address) as line:
                line.greet()
                assert show_password(line, "ann", right if is_right else wrong) == is_right


def test_an_encrypted_load_counts_every_delivery() -> None:
    with serve(None, "--tls") as serving:
        job = Job(port=serving.port, pid=serving.pid, encrypted=True, in_flight=8, count=SAID, warm_up=0.0, listeners=2)
        outcome = run(job)
    assert outcome.faults == ()
    assert len(outcome.deliveries) == 2 * SAID


def test_a_stalled_loop_is_late_as_often_as_something_was_due() -> None:
    loop = EventLoop(SelectSelector(), SystemClock())
    lag = Lag(loop)
    lag.take()
    time.sleep(0.1)
    loop.run_turn(1.0)
    late = lag.take()
    assert len(late) >= 19
    assert late[0] > 0.09 > 0.01 > late[-1]


# -- the report -----------------------------------------------------------------------------------------------


def rounds(*values: float, faults: tuple[str, ...] = ()) -> Result:
    bars = (Bar("case", "p99 ms", most=5.0), Bar("case", "messages/s", least=100.0), Bar("other", "p99 ms", most=1.0))
    result = Result(Benchmark("name", "what it is", lambda _: iter(()), bars))
    for value in values:
        result.add(Row("case", {"p99 ms": value, "messages/s": 10 * value}, faults))
    return result


def test_percentiles_are_those_of_sorted_times() -> None:
    times = [float(n) for n in range(1, 101)]
    assert percentile(times, 50) == 51.0
    assert percentile(times, 99) == 100.0
    assert percentile(times, 0) == 1.0
    assert percentile([], 99) == 0.0


def test_several_rounds_give_a_median_and_what_lies_around_it() -> None:
    lines = table(rounds(3.0, 9.0, 4.0)).splitlines()
    assert lines[0] == "name: what it is"
    assert lines[1].split() == ["p99", "ms", "messages/s"]
    assert lines[2].split() == ["case", "4", "(3-9)", "40", "(30-90)"]


def test_a_bar_is_judged_by_the_median_and_only_where_its_case_was_measured() -> None:
    found = {str(bar): is_met for bar, _, is_met in rounds(3.0, 9.0, 4.0).bars()}
    assert found == {"case: p99 ms at most 5": True, "case: messages/s at least 100": False}
    assert "met     case: p99 ms at most 5 (4)" in table(rounds(3.0, 9.0, 4.0))
    assert "MISSED  case: messages/s at least 100 (40)" in table(rounds(3.0, 9.0, 4.0))


def test_what_went_wrong_is_in_every_report() -> None:
    result = rounds(1.0, faults=("2 x lost",))
    assert "WRONG   case: 2 x lost" in table(result)
    assert as_data([result], {})["benchmarks"]["name"]["wrong"] == ["case: 2 x lost"]  # type: ignore[index]


# -- the disk -------------------------------------------------------------------------------------------------


def test_the_disk_is_asked_how_long_it_takes_and_what_it_is(tmp_path: Path) -> None:
    times = sync_times(tmp_path, 5)
    assert len(times) == 5
    assert times == sorted(times)
    assert list(tmp_path.iterdir()) == []
    assert (" on " in file_system(tmp_path)) == Path("/proc/mounts").exists()


def test_a_folder_of_a_setting_is_new_and_goes(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    with setting.folder() as one, setting.folder() as other:
        assert one != other
        assert one.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == []


def test_only_delayed_syncs_of_one_thread_are_compared(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.write_text(
        "7 10.00 fdatasync(5) = 0 (DELAYED)\n"
        "8 10.01 fsync(6 <unfinished ...>\n"
        "7 10.50 fdatasync(5) = 0 (DELAYED)\n"
        "8 10.60 <... fsync resumed>) = 0 (DELAYED)\n"
        "8 10.61 fsync(6) = 0\n"
        "8 10.70 fsync(6) = 0 (DELAYED)\n"
    )
    assert sorted(gaps(trace)) == pytest.approx([0.1, 0.5])


# -- the command ----------------------------------------------------------------------------------------------


def test_a_benchmark_runs_and_tells_programs_what_it_found(tmp_path: Path) -> None:
    done = run_script("bench/_run.py", "resume", "--json", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["machine"]["disk"] == file_system(tmp_path)
    resume = found["benchmarks"]["resume"]
    assert resume["wrong"] == []
    assert resume["cases"].keys() == {"memory", "on disk"}
    assert all(case["messages/s"]["median"] > 0 for case in resume["cases"].values())
    assert list(tmp_path.iterdir()) == []


def test_a_storm_of_logins_is_judged_rightly_and_the_loop_is_watched(tmp_path: Path) -> None:
    done = run_script("bench/_run.py", "storm", "--json", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stderr
    storm = json.loads(done.stdout)["benchmarks"]["storm"]
    assert storm["wrong"] == []
    assert storm["cases"]["100 logins/s"]["lag max ms"]["median"] > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("faults", "code"), [((), 0), (("2 x lost",), 1)])
def test_what_went_wrong_is_a_failure_and_a_missed_bar_is_none(
    faults: tuple[str, ...],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [Row("case", {"p99 ms": 9.0}, faults)]
    measured = Benchmark("name", "what it is", lambda _: iter(rows), (Bar("case", "p99 ms", most=5.0),))
    monkeypatch.setattr(_run, "BENCHMARKS", {"name": measured})
    monkeypatch.setattr(sys, "argv", ["run", "--folder", str(tmp_path), "--rounds", "2"])
    assert _run.main() == code
    assert "MISSED  case: p99 ms at most 5 (9)" in capsys.readouterr().out


def test_a_benchmark_that_does_not_exist_is_a_wrong_use() -> None:
    done = run_script("bench/_run.py", "speed")
    assert done.returncode == 2
    assert "there is no benchmark 'speed', but throughput" in done.stderr
