"""How a server fares, as people and as programs read it."""

import json
from datetime import datetime

import pytest
from msgspec.structs import replace

from chatnet.events import Stats
from chatnet.model import ConnectionInfo, Role, ServerInfo, User
from chatnet_cli.render_stats import (
    FOLLOW_HEAD,
    Rates,
    connection_object,
    connection_table,
    follow_line,
    rates,
    shown_span,
    stats_lines,
    stats_object,
)

NOON = datetime(2026, 5, 4, 12, 18, 30).astimezone()
TIME = int(NOON.timestamp() * 1000)
STATS = Stats(
    id=0,
    time=TIME,
    server=ServerInfo("0.1.0", TIME - 100_000_000, "durable", True, ["chatnet://0.0.0.0:5555", "chatnet+unix:///s"]),
    connections=1013,
    sessions=12,
    users=1,
    rooms=4,
    messages=5_000_000,
    deliveries=1,
    received=2048,
    sent=3 * 2**20,
    queued=1,
    lag=0.0123,
    batches=1,
    stored=5 * 2**30,
    transfers=2,
    cpu=1000.0,
    memory=48 * 2**20,
)
HOSTILE = "evil\x1b[2J\u202ename\nnext"
ALICE = ConnectionInfo(
    3, 17, User(7, "alice", "Alice", Role.ADMIN), "192.0.2.7:40000", "tls", TIME, 512, 2048, 0, 90061.5, 0.25
)
NOBODY = ConnectionInfo(12, 0, None, "unix: pid 1, uid 0", "unix", TIME, 5, 30, 0, 2.0, 2.0)


def test_one_look_fits_one_screen() -> None:
    lines = stats_lines(STATS)
    started = f"{datetime.fromtimestamp(TIME / 1000 - 100_000):%Y-%m-%d %H:%M}"
    assert lines == [
        f"server       chatnet 0.1.0, up 1d 3h, since {started}",
        "listens at   chatnet://0.0.0.0:5555",
        "             chatnet+unix:///s",
        "guests       from everywhere",
        "connections  1,013, 12 of them logged in, 1 user",
        "rooms        4",
        "messages     5,000,000 since the start, 1 delivery",
        "history      durable, 5 GiB on disk",
        "traffic      2 KiB in, 3 MiB out, 1 byte waiting",
        "files        2 transfers under way",
        "store        1 batch waiting",
        "lag          12.3 ms at worst within the last second",
        "process      1000.0 s of CPU (1.0 % of one processor), 48 MiB of memory",
    ]
    assert len(lines) < 24
    assert all(len(line) < 80 for line in lines)


def test_what_a_system_does_not_say_is_not_shown() -> None:
    text = "\n".join(stats_lines(replace(STATS, memory=0, stored=0)))
    assert "memory" not in text
    assert "disk" not in text


def test_a_server_that_starts_this_very_moment_divides_nothing_by_zero() -> None:
    new = replace(STATS, server=replace(STATS.server, started=TIME))
    assert "up 0s" in stats_lines(new)[0]
    assert stats_lines(new)[-1] == "process      1000.0 s of CPU, 48 MiB of memory"


def test_rates_are_what_came_between_two_looks() -> None:
    later = replace(
        STATS,
        time=TIME + 2000,
        messages=STATS.messages + 10,
        deliveries=101,
        received=STATS.received + 4096,
        sent=STATS.sent + 1,
        cpu=STATS.cpu + 0.5,
    )
    assert rates(STATS, later) == Rates(5.0, 50.0, 2048.0, 0.5, 0.25)


def test_there_are_no_rates_without_two_looks_at_the_same_run_of_a_server() -> None:
    assert rates(None, STATS) is None
    assert rates(STATS, STATS) is None
    again = replace(STATS, time=TIME + 1000, server=replace(STATS.server, started=TIME))
    assert rates(STATS, again) is None


def test_a_second_is_a_line_below_its_head() -> None:
    line = follow_line(STATS, Rates(1234.4, 98765.4, 1.5 * 2**20, 2**30, 0.4567))
    assert " ".join(line.split()) == "12:18:30 1013 1 1234 98765 1.5 MiB 1 GiB 1 byte 12.3 45.7"
    assert len(line) == len(FOLLOW_HEAD) < 100


def test_connections_are_a_table() -> None:
    assert connection_table([ALICE, NOBODY]) == [
        "NAME             ADDRESS             BY    SINCE              RECEIVED      SENT   QUEUED   IDLE  SILENT",
        "Alice (alice)    192.0.2.7:40000     tls   2026-05-04 12:18  512 bytes     2 KiB  0 bytes  1d 1h      0s",
        "(not logged in)  unix: pid 1, uid 0  unix  2026-05-04 12:18    5 bytes  30 bytes  0 bytes     2s      2s",
    ]


def test_what_a_server_says_is_made_harmless() -> None:
    evil = replace(ALICE, user=User(1, HOSTILE, HOSTILE), address=HOSTILE, transport=HOSTILE, since=2**62)
    server = ServerInfo(HOSTILE, TIME, HOSTILE, False, [HOSTILE])
    for line in [*connection_table([evil]), *stats_lines(replace(STATS, server=server, time=2**62))]:
        assert "\x1b" not in line
        assert "\u202e" not in line
        assert "\n" not in line


def test_programs_get_all_of_it() -> None:
    found = stats_object(STATS)
    assert json.loads(json.dumps(found)) == found
    assert found["time_ms"] == TIME
    assert (found["messages"], found["lag_seconds"], found["stored_bytes"]) == (5_000_000, 0.0123, 5 * 2**30)
    assert found["addresses"] == ["chatnet://0.0.0.0:5555", "chatnet+unix:///s"]
    assert "per_second" not in found
    assert stats_object(STATS, Rates(1.5, 2.0, 3.0, 4.0, 0.01))["per_second"] == {
        "messages": 1.5,
        "deliveries": 2.0,
        "received_bytes": 3,
        "sent_bytes": 4,
        "cpu_seconds": 0.01,
    }


def test_programs_get_all_of_a_connection() -> None:
    found = connection_object(ALICE)
    assert (found["number"], found["session"], found["role"], found["queued_bytes"]) == (3, 17, "admin", 0)
    assert found["user"] == {"id": 7, "name": "alice", "display": "Alice"}
    stranger = connection_object(NOBODY)
    assert (stranger["user"], stranger["session"], stranger["role"]) == (None, None, None)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (125, "2m 5s"),
        (3600, "1h"),
        (3605, "1h"),
        (90061, "1d 1h"),
        (36000, "10h"),
        (864_000, "10d"),
    ],
)
def test_spans_have_their_two_greatest_units(seconds: float, text: str) -> None:
    assert shown_span(seconds) == text
