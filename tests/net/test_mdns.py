"""Servers that make themselves known; over loopback only, so that no other machine hears of it."""

import logging
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec

import pytest

from chatnet.address import TCP, TLS, Address
from chatnet.errors import ErrorCode, Unreachable
from chatnet.net import mdns
from chatnet.net.mdns import Announcement, LanServer, announce, browse, read_service, txt_record
from chatnet.net.pins import show_pin

HERE = ["127.0.0.1"]
PIN = bytes(range(32))
DEADLINE = 20.0
RUN = os.urandom(4).hex()
"""In every name, since other runs of these tests may be on the same loopback."""

needs_zeroconf = pytest.mark.skipif(
    find_spec("zeroconf") is None,
    reason="zeroconf, which the extra `lan` brings, is not installed (scripts/test installs it)",
)


# -- what is said ---------------------------------------------------------------------------------------------


def test_a_record_holds_all_that_a_client_wants_to_know() -> None:
    record = txt_record(server=b"\xab" * 16, pin=PIN, version="1.2", port=5555, is_open=True)
    assert record == {"id": "ab" * 16, "pin": show_pin(PIN), "version": "1.2", "port": "5555", "open": "1"}


def test_a_server_without_tls_tells_of_no_key() -> None:
    assert "pin" not in txt_record(server=b"\xab" * 16, pin=None, version="1.2", port=5555, is_open=False)


@pytest.mark.parametrize(
    ("name", "instance"),
    [
        ("ops", "ops"),
        ("a.b c", "a.b c"),
        ("\x1b[2Jx", "[2Jx"),
        ("", "chatnet"),
        ("\n", "chatnet"),
        ("é" * 60, "é" * 29),
    ],
)
def test_any_name_becomes_one_that_can_be_announced(name: str, instance: str) -> None:
    assert mdns._instance(name) == instance


# -- what is heard --------------------------------------------------------------------------------------------


def heard(txt: dict[bytes, bytes | None], addresses: list[str] | None = None, port: int | None = 5555) -> LanServer:
    server = read_service("ops", port, ["10.0.0.7"] if addresses is None else addresses, txt)
    assert server is not None
    return server


def test_a_server_that_tells_of_a_key_speaks_tls() -> None:
    assert heard({b"pin": show_pin(PIN).encode()}).addresses == (Address(TLS, "10.0.0.7", 5555),)
    assert heard({}).addresses == (Address(TCP, "10.0.0.7", 5555),)


def test_ipv4_comes_first_and_link_local_ipv6_not_at_all() -> None:
    found = heard({}, ["fd00::7", "fe80::7", "169.254.0.7", "10.0.0.7"]).addresses
    assert [address.host for address in found] == ["169.254.0.7", "10.0.0.7", "fd00::7"]


@pytest.mark.parametrize("pin", [b"", b"sha256:00", b"\xff\xfe", b"\x1b[2J", None])
def test_a_key_that_is_none_is_not_shown_but_nothing_is_sent_in_the_clear(pin: bytes | None) -> None:
    server = heard({b"pin": pin})
    assert server.pin == ""
    assert server.addresses[0].scheme == TLS


def test_bytes_that_are_no_text_do_no_harm() -> None:
    server = heard({b"version": b"\xff", b"\xfe": b"x", b"open": b"yes"})
    assert (server.version, server.server, server.is_open) == ("\ufffd", "", False)


@pytest.mark.parametrize(
    ("addresses", "port"), [([], 5555), (["fe80::1"], 5555), (["10.0.0.7"], 0), (["10.0.0.7"], None)]
)
def test_a_server_that_is_nowhere_is_none(addresses: list[str], port: int | None) -> None:
    assert read_service("ops", port, addresses, {}) is None


# -- on a network ---------------------------------------------------------------------------------------------


@pytest.fixture
def announced() -> Iterator[Callable[[str, int, dict[str, str]], Announcement]]:
    with ExitStack() as open_ones:

        def make(name: str, port: int, txt: dict[str, str]) -> Announcement:
            announcement = announce(name, port, txt, addresses=HERE, interfaces=HERE)
            open_ones.callback(announcement.close)
            return announcement

        yield make


def find(count: int, name: str) -> list[LanServer]:
    """Look until there are so many servers whose name begins like that."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        found = [server for server in browse(0.5, interfaces=HERE) if server.name.startswith(name)]
        if len(found) == count:
            return found
    raise AssertionError(f"there are no {count} servers called {name}")


@needs_zeroconf
def test_an_announced_server_is_found_and_gone_when_it_says_so(
    announced: Callable[[str, int, dict[str, str]], Announcement],
) -> None:
    txt = txt_record(server=b"\xab" * 16, pin=PIN, version="1.2", port=5555, is_open=True)
    announcement = announced(f"gone.soon {RUN}", 5555, txt)
    [server] = find(1, f"gone.soon {RUN}")
    assert server.addresses == (Address(TLS, "127.0.0.1", 5555),)
    assert (server.version, server.server, server.pin, server.is_open) == ("1.2", "ab" * 16, show_pin(PIN), True)
    announcement.close()
    assert find(0, f"gone.soon {RUN}") == []


def other_program() -> socket.socket:
    """One of those that share the port; the system gives each of them a part of what is sent to this machine alone."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_REUSEPORT", socket.SO_REUSEADDR), 1)
    sock.bind((HERE[0], 5353))
    return sock


@needs_zeroconf
def test_two_servers_of_one_name_are_told_apart_and_keep_their_own_addresses() -> None:
    with ExitStack() as both:
        for _ in range(8):
            both.enter_context(other_program())
        # One after the other: two that ask at the same moment whether a name is free may both be told so.
        for count, address in enumerate(("10.0.0.7", "10.0.0.8"), start=1):
            both.callback(announce(f"twin {RUN}", 5554 + count, {}, addresses=[address], interfaces=HERE).close)
            found = find(count, f"twin {RUN}")
    assert {server.name for server in found} == {f"twin {RUN}", f"twin {RUN}-2"}
    assert {server.addresses for server in found} == {
        (Address(TCP, "10.0.0.7", 5555),),
        (Address(TCP, "10.0.0.8", 5556),),
    }


@needs_zeroconf
def test_closing_ends_all_threads_also_twice_and_at_once() -> None:
    before = set(threading.enumerate())
    announcement = announce(f"short {RUN}", 5555, {}, addresses=HERE, interfaces=HERE)
    announcement.close()
    announcement.close()
    assert set(threading.enumerate()) <= before


@needs_zeroconf
def test_a_network_that_is_not_there_is_logged_and_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="chatnet.net.mdns"):
        announce("nowhere", 5555, {}, addresses=HERE, interfaces=["203.0.113.77"]).close()
    assert "not announced" in caplog.text
    assert "203.0.113.77" in caplog.text


@needs_zeroconf
@pytest.mark.parametrize("interface", ["203.0.113.77", "nonsense", "::1"])
def test_looking_at_a_network_that_is_not_there_says_so(interface: str) -> None:
    with pytest.raises(Unreachable, match="no IPv4 address of this machine"):
        browse(0.1, interfaces=[interface])


def test_without_zeroconf_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    for ask in (lambda: browse(0.1), lambda: announce("ops", 5555, {})):
        with pytest.raises(Unreachable, match=re.escape(f"{sys.executable} -m pip install zeroconf")) as raised:
            ask()
        assert raised.value.code == ErrorCode.UNSUPPORTED
