"""``chatnet discover``, over loopback only, so that no other machine hears of it."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from chatnet.address import TLS, Address
from chatnet.net.mdns import LanServer, announce, txt_record
from chatnet.net.pins import show_pin
from chatnet_cli.app import run
from tests.e2e.processes import DEADLINE, Chatnet

HERE = ["127.0.0.1"]
PIN = bytes(range(32))
NAME = f"ops {os.urandom(4).hex()}"
"""Other runs of these tests may be on the same loopback."""
ONE_SECOND = ("--interface", "127.0.0.1", "--timeout", "1")


@pytest.fixture
def _announced() -> Iterator[None]:
    """Two servers: one as it should be, and one that means harm to terminals."""
    pytest.importorskip("zeroconf", reason="zeroconf, of the extra `lan`, is not installed (scripts/test installs it)")
    good = txt_record(server=b"\xab" * 16, pin=PIN, version="1.2", port=5555, is_open=True)
    bad = {"version": "\x1b[2J\x9b31m\u202e\u200b", "id": "\x1b]0;x\x07", "pin": "\x1b[2J"}
    with ExitStack() as announced:
        for name, port, txt in ((f"{NAME} a", 5555, good), (f"{NAME} b", 5556, bad)):
            announced.callback(announce(name, port, txt, addresses=["10.0.0.7"], interfaces=HERE).close)
        yield


def lines(user: Chatnet, *args: str) -> list[str]:
    """What is told of the two, once both are known: to become known takes them a second or two."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        done = user.run("discover", *ONE_SECOND, *args)
        found = [line for line in done.stdout.splitlines() if NAME in line]
        if len(found) == 2:
            assert done.returncode == 0
            return found
    raise AssertionError(f"not both were found: {done.stdout} {done.stderr}")


@pytest.mark.usefixtures("_announced")
def test_servers_are_listed_with_where_they_are_and_what_proves_them(alone: Chatnet) -> None:
    good, bad = lines(alone)
    assert good == f"{NAME} a  chatnet://10.0.0.7:5555  chatnet 1.2  open  {show_pin(PIN)}"
    assert not set(bad) & set("\x1b\x07\x9b\u202e\u200b")
    assert r"\x1b[2J" in bad
    assert bad.endswith("fingerprint not told")


@pytest.mark.usefixtures("_announced")
def test_each_server_is_an_object_for_programs(alone: Chatnet) -> None:
    good = json.loads(lines(alone, "--json")[0])
    assert good == {
        "name": f"{NAME} a",
        "url": "chatnet://10.0.0.7:5555",
        "addresses": ["chatnet://10.0.0.7:5555"],
        "version": "1.2",
        "server": "ab" * 16,
        "pin": show_pin(PIN),
        "open": True,
    }


def test_a_name_from_the_network_does_not_reach_the_terminal_raw(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "\x1b]0;x\x07\x9b2J\u202e\u200b"
    server = LanServer(hostile, (Address(TLS, "10.0.0.7", 5555),), hostile, hostile, "", is_open=True)
    monkeypatch.setattr("chatnet_cli.discover.browse", lambda seconds, interfaces: [server])
    for args in (["discover"], ["discover", "--json"]):
        assert run(args) == 0
        assert not set(capsys.readouterr().out) & set(hostile) & set("\x1b\x07\x9b\u202e\u200b")


def test_none_is_1_and_says_how_to_have_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Not by looking: other runs of these tests may announce servers at the same moment.
    monkeypatch.setattr("chatnet_cli.discover.browse", lambda seconds, interfaces: [])
    assert run(["discover"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "chatnet serve --lan" in shown.err


def test_a_network_that_is_not_there_is_69(alone: Chatnet) -> None:
    pytest.importorskip("zeroconf")
    done = alone.run("discover", "--interface", "203.0.113.77")
    assert (done.returncode, done.stdout) == (69, "")
    assert "203.0.113.77" in done.stderr


def test_without_zeroconf_it_is_69_and_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    assert run(["discover"]) == 69
    assert f"{sys.executable} -m pip install zeroconf" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "1e9", "soon"])
def test_a_time_that_makes_no_sense_is_64(seconds: str) -> None:
    assert run(["discover", "--timeout", seconds]) == 64
