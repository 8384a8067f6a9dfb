"""`scripts/bench`: the comparison with other servers counts rightly, and what it finds can be read again and drawn."""

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from tests.scripts.running import run_script

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts" / "bench"))
import _fan
import _peers
import _pinning
from _coming_in import NotLetIn, come_in
from _fan import fan
from _fan_job import Arrival, Fan, Fanned
from _figures import Result, Row
from _hearing import TEXT_BYTES
from _known_peers import KNOWN
from _peer import Dialogue, Peer, expect
from _peer_mqtt import _packet
from _plot import plot
from _report import markdown, number
from _report_run import merge, put_into
from _serving import CannotMeasure, check_system
from _setting import Setting
from _starting import started
from _workloads import MEMORY, TLS, WORKLOADS, pair

ALL_INSTALLED = [name for name in KNOWN if name in _peers.installed(KNOWN).names]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """On any core: the tests beside this one need all of them."""
    monkeypatch.setattr(_fan, "_IDLE_SECONDS", 0.5)
    monkeypatch.setattr(_pinning, "core", lambda _: set())
    monkeypatch.setattr("_starting.core", lambda _: set())
    monkeypatch.setattr("_peers.core", lambda _: set())


def fanned(name: str, folder: Path, **settings: float) -> Fanned:
    """A short load of a server as its users start it, in this process."""
    with started(KNOWN[name](), folder) as server:
        job = Fan(peer=name, port=server.port, pid=server.pid, warm_up=0.1, **settings)  # type: ignore[arg-type]
        return fan(job)


# -- the servers that are here --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL_INSTALLED)
def test_every_delivery_of_a_server_is_counted(name: str, tmp_path: Path) -> None:
    found = fanned(name, tmp_path, rooms=2, size=4, senders=2, window=3, seconds=0.2)
    assert found.faults == ()
    assert found.messages > 0
    assert found.deliveries == found.messages * (4 if KNOWN[name].echo else 3)
    assert found.cost >= 0


@pytest.mark.parametrize("name", ALL_INSTALLED)
def test_whoever_comes_is_told_of_as_the_server_does_it(name: str, tmp_path: Path) -> None:
    found = fanned(name, tmp_path, rooms=2, size=5, senders=0)
    assert found.faults == ()
    assert found.arrival.clients == 10


def test_at_a_pace_every_delivery_has_a_time(tmp_path: Path) -> None:
    found = fanned(MEMORY, tmp_path, rooms=1, size=5, senders=2, rate=100.0, seconds=0.5)
    assert found.faults == ()
    assert 40 <= found.messages <= 50
    assert len(found.times) == found.deliveries == 5 * found.messages
    assert 0 < found.times[0] <= found.times[-1] < 5


def test_at_a_pace_whoever_waits_for_answers_catches_up_and_counts_from_when_it_was_due() -> None:
    class Held:
        n = acked = 0

        def __init__(self) -> None:
            self.stamps: list[int] = []

        def say(self, count: int, stamp: int) -> None:
            self.n += count
            self.stamps.append(stamp)

    peer, held = Bad(), Held()
    peer.unanswered = 2
    load = _fan._Load(Fan(peer="bad", port=0, pid=0, rate=100.0), peer, [])
    load._hall.voices = [held]  # type: ignore[list-item]
    begun = time.perf_counter() - 1.0
    assert load._keep_pace(begun, 100.0, 0) == 2
    assert load._keep_pace(begun, 100.0, 2) == 2
    held.acked = 2
    assert load._keep_pace(begun, 100.0, 2) == 4
    assert held.stamps[2:] == [int(1e9 * (begun + n / 100.0)) for n in (3, 4)]
    peer.unanswered = 0
    assert load._keep_pace(begun, 100.0, 4) >= 100


def test_idle_clients_hear_nothing_and_are_not_counted(tmp_path: Path) -> None:
    found = fanned(MEMORY, tmp_path, rooms=1, size=3, senders=1, window=2, seconds=0.1, idle_rooms=2)
    assert found.faults == ()
    assert found.arrival.clients == 9
    assert found.deliveries == 3 * found.messages


def test_what_is_not_installed_is_named_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("_peer._SYSTEM_PROGRAMS", ())
    here = _peers.installed(["Redis", MEMORY])
    assert here.names == {MEMORY}
    assert here.missing == ("Redis is not measured: there is no redis-server here",)


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    class Broken(Peer):
        name = "broken"

        def command(self, folder: Path, port: int) -> list[str]:
            return [sys.executable, "-c", "import sys; sys.exit('no such luck')"]

    with pytest.raises(CannotMeasure, match="broken does not start: no such luck"), started(Broken(), tmp_path):
        pass


@pytest.mark.parametrize(
    ("size", "header"), [(127, b"\x30\x7f"), (128, b"\x30\x80\x01"), (16_384, b"\x30\x80\x80\x01")]
)
def test_the_length_of_an_mqtt_packet(size: int, header: bytes) -> None:
    assert _packet(0x30, bytes(size)) == header + bytes(size)


# -- servers that go wrong ------------------------------------------------------------------------------------


class Bad(Peer):
    """A server of one room, in this process: its mistakes are planted."""

    name = "bad"

    def enter(self, client: int, room: int, *, is_first: bool) -> Dialogue:
        yield from expect(b"in\n", b"ok\n")

    def post(self, client: int, room: int, text: bytes) -> bytes:
        return text


def loses(n: int, client: int, text: bytes) -> list[bytes]:
    return [] if n == 20 and client == 2 else [text]


def doubles(n: int, client: int, text: bytes) -> list[bytes]:
    return [text, text] if n == 20 and client == 1 else [text]


def damages(n: int, client: int, text: bytes) -> list[bytes]:
    return [text.replace(b"fox", b"dog")] if n == 20 and client == 2 else [text]


def loses_for_all(n: int, client: int, text: bytes) -> list[bytes]:
    return [] if n == 20 else [text]


def makes_no_mistake(n: int, client: int, text: bytes) -> list[bytes]:
    return [text]


@pytest.fixture
def bad_port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Serves three clients, and tells each what ``request.param`` makes of what they say."""
    spoil = request.param

    def serve() -> None:
        clients = [listener.accept()[0] for _ in range(3)]
        for client in clients:
            while b"in\n" not in client.recv(100, socket.MSG_PEEK):
                pass
            client.recv(3)
            client.sendall(b"ok\n")
        speaker, buffer, n = clients[0], b"", 0
        while data := speaker.recv(65536):
            buffer += data
            while len(buffer) >= TEXT_BYTES:
                n += 1
                text, buffer = buffer[:TEXT_BYTES], buffer[TEXT_BYTES:]
                for i, client in enumerate(clients):
                    client.sendall(b"".join(spoil(n, i, text)))
        for client in clients:
            client.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("bad_port", "is_good"),
    [(makes_no_mistake, True), (loses, False), (doubles, False), (damages, False), (loses_for_all, False)],
    indirect=["bad_port"],
)
def test_a_server_that_goes_wrong_is_found_out(bad_port: int, is_good: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KNOWN, "bad", Bad)
    monkeypatch.setattr(_fan, "_PATIENCE_SECONDS", 0.3)
    job = Fan(peer="bad", port=bad_port, pid=os.getpid(), size=3, senders=1, window=4, seconds=0.3, warm_up=0.1)
    assert (fan(job).faults == ()) == is_good


def test_a_server_that_hangs_up_on_those_who_come_is_found_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=lambda: listener.accept()[0].close()).start()
        with pytest.raises(NotLetIn, match="only 0 of 1 clients got in: "):
            come_in(Bad(), listener.getsockname()[1], 1, 1)


# -- the comparison -------------------------------------------------------------------------------------------


def a_fanned(**more: float) -> Fanned:
    return Fanned(Arrival(10, 2.0, 0.001, 20_480), 100, 1000, 2.0, 0.002, **more)  # type: ignore[arg-type]


def test_figures_are_those_of_the_workload() -> None:
    assert WORKLOADS["A"].figures(a_fanned()) == {
        "deliveries/s": 500.0,
        "us/delivery": 2.0,
        "server busy": 0.001,
        "load busy": 0.0,
    }
    assert WORKLOADS["E"].figures(a_fanned()) == {"KiB each": 2.0, "logins/s": 5.0, "us/login": pytest.approx(100.0)}
    assert WORKLOADS["D"].figures(a_fanned())["kept up"] == 0.5


def test_each_bar_is_of_something_that_is_measured() -> None:
    for name, workload in WORKLOADS.items():
        figures = workload.figures(a_fanned())
        pairs = {pair(own, other) for own in workload.own for other in workload.others}
        for bar in workload.bars:
            assert bar.case in workload.own, name
            assert bar.figure in figures, name
        for bar in workload.pair_bars:
            assert bar.case in pairs, name
            assert bar.figure in workload.ratios, name


def test_ratios_are_of_the_same_round_and_none_of_a_server_that_went_wrong() -> None:
    own, other = Row(MEMORY, {"us/delivery": 1.0, "deliveries/s": 9.0}), {"us/delivery": 2.0, "deliveries/s": 3.0}
    assert _peers._compare(WORKLOADS["A"], own, Row("Redis", other)).figures == {
        "us/delivery": 0.5,
        "deliveries/s": 3.0,
    }
    assert _peers._compare(WORKLOADS["A"], own, Row("Redis", other, ("1 x lost",))).figures == {}


def test_a_round_on_a_busy_machine_is_done_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = [a_fanned(others=0.5), a_fanned(others=0.01), a_fanned(others=0.01)]
    monkeypatch.setattr(_peers, "_load", lambda *_: found.pop(0))
    _peers.measure("A", [MEMORY], Setting(tmp_path), tries=3)
    assert len(found) == 1
    found.insert(0, a_fanned(others=0.5))
    _peers.measure("A", [MEMORY], Setting(tmp_path), tries=1)
    assert len(found) == 1


def test_a_server_that_does_not_start_is_left_out_and_chatnet_must_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def cannot(_: object, peer: Peer, __: object) -> Fanned:
        raise CannotMeasure(f"{peer.name} does not start")

    monkeypatch.setattr(_peers, "_load", cannot)
    rows, compared = _peers.measure("A", [MEMORY, "Redis"], Setting(tmp_path), tries=1)
    assert rows == [Row(MEMORY, {}, (f"{MEMORY} does not start",))]
    assert compared == []


@pytest.mark.parametrize("name", ["A", "E-tls"])
def test_the_comparison_runs_and_can_be_read_again(name: str, tmp_path: Path) -> None:
    own = TLS if name == "E-tls" else MEMORY
    more = ("--only", own, "--rounds", "1", "--seconds", "0.2", "--tries", "1", "--json", "--folder", str(tmp_path))
    done = run_script("bench/_peers_run.py", name, *more)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "found.json"
    path.write_text(done.stdout)
    found = json.loads(done.stdout)
    assert found["machine"]["servers"].keys() == {own}
    assert found["benchmarks"][name]["wrong"] == []
    again = run_script("bench/_report_run.py", str(path), str(path), "--json", "--svg", str(tmp_path / "plot.svg"))
    assert again.returncode == 0, again.stderr
    rounds = [
        [len(figure["rounds"]) for figure in piece["benchmarks"][name]["cases"][own].values()]
        for piece in (found, json.loads(again.stdout))
    ]
    assert rounds == [[1] * len(rounds[0]), [2] * len(rounds[0])]
    assert ElementTree.parse(tmp_path / "plot.svg").getroot().tag.endswith("svg")


# -- the machine ----------------------------------------------------------------------------------------------


def test_who_needs_more_files_than_are_allowed_is_told_how_to_raise_that() -> None:
    resource = pytest.importorskip("resource")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY:
        pytest.skip("any number is allowed here")
    with pytest.raises(CannotMeasure, match=rf"ulimit -Hn {hard + 1}"):
        _pinning.allow_open_files(hard + 1)


def test_a_system_that_binds_nothing_to_cores_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pinning, "os", SimpleNamespace())
    assert "binds no process to a core" in _pinning.why_not_pinned()


def test_one_core_is_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pinning, "os", SimpleNamespace(sched_getaffinity=lambda _: {3}, sched_setaffinity=None))
    assert "there is one core only" in _pinning.why_not_pinned()


# -- reports --------------------------------------------------------------------------------------------------


def a_result(*values: float) -> Result:
    result = Result(_peers.BENCHMARKS["A"])
    for value in values:
        result.add(Row(MEMORY, {"deliveries/s": 1000 * value, "server busy": value}))
    return result


def test_a_page_gets_a_table_with_the_bars_below() -> None:
    lines = markdown(a_result(0.5, 0.7, 0.6)).splitlines()
    assert lines[0] == "**A**: one room of 100, 10 who speak, 8 messages of each under way"
    assert lines[2:5] == [
        "|  | deliveries/s | server busy |",
        "| --- | ---: | ---: |",
        f"| {MEMORY} | 600 (500-700) | 0.6 (0.5-0.7) |",
    ]
    assert lines[-1] == f"- **missed**: {MEMORY}: server busy at least 0.95 (0.6)"


def test_pieces_of_a_measurement_are_put_together() -> None:
    def piece(value: float, wrong: list[str]) -> dict[str, object]:
        cases = {MEMORY: {"server busy": {"median": value, "rounds": [value]}}}
        return {"machine": {"load": value}, "benchmarks": {"A": {"cases": cases, "bars": [], "wrong": wrong}}}

    (result,), where = merge([piece(1.0, []), piece(2.0, ["1 x lost"])])
    assert result.values == {MEMORY: {"server busy": [1.0, 2.0]}}
    assert result.faults == ["1 x lost"]
    assert where == {"load": 2.0}


@pytest.mark.parametrize(
    ("text", "code"), [("{}", 65), ("no JSON", 65), ('{"machine": {}, "benchmarks": {"Z": 1}}', 65), (None, 66)]
)
def test_a_report_of_something_else_is_refused(text: str | None, code: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    if text is not None:
        path.write_text(text)
    done = run_script("bench/_report_run.py", str(path))
    assert done.returncode == code
    assert done.stderr.startswith("bench: ")


def test_figures_get_into_a_page_and_replace_those_before(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("# Page\n<!-- figures: how -->\n<!-- end of figures -->\nmore\n")
    for text in ("| 1 |", "| 2 |\n| 3 |"):
        put_into(path, text)
    assert path.read_text() == "# Page\n<!-- figures: how -->\n\n| 2 |\n| 3 |\n\n<!-- end of figures -->\nmore\n"


def test_a_page_without_a_place_for_figures_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("# Page\n")
    with pytest.raises(ValueError, match="has no place for figures"):
        put_into(path, "| 1 |")
    assert path.read_text() == "# Page\n"


def test_where_what_a_process_uses_cannot_be_told_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("_serving._PROCESSES", tmp_path)
    with pytest.raises(CannotMeasure, match="as Linux has it"):
        check_system()


def test_a_picture_has_a_bar_for_each_case_as_long_as_its_median() -> None:
    result = a_result(0.5, 0.7, 0.6)
    result.add(Row("Redis & <co>", {"deliveries/s": 1200.0}))
    root = ElementTree.fromstring(plot([result]))
    space = "{http://www.w3.org/2000/svg}"
    widths = [float(bar.attrib["width"]) for bar in root.iter(f"{space}rect") if bar.attrib["class"] == "bar"]
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.01)
    texts = [text.text for text in root.iter(f"{space}text")]
    assert "Redis & <co>" in texts
    assert number(600.0) in texts
    assert len(list(root.iter(f"{space}circle"))) == 3
    assert "prefers-color-scheme: dark" in plot([result])
