"""Servers of the local network in the login window."""

import threading
import time
from pathlib import Path

import pytest

from chatnet.address import TLS, Address
from chatnet.client.profiles import Book
from chatnet.errors import ErrorCode, Unreachable
from chatnet.net.mdns import INSTALL, LanServer
from chatnet_gui.lan import Found, LanSearch
from chatnet_gui.viewmodels.login import LoginModel
from chatnet_gui.viewmodels.settings import Settings
from tests.e2e.processes import DEADLINE

OPS = LanServer("ops\u202e", (Address(TLS, "192.168.1.20", 5555),), "0.1.0", "aa", "sha256:00", True)
LAB = LanServer("lab", (Address(TLS, "192.168.1.21", 6000), Address(TLS, "fe80::1", 6000)), "", "bb", "", False)


def taken(search: LanSearch) -> Found:
    deadline = time.monotonic() + DEADLINE
    while (found := search.take()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return found


def model() -> LoginModel:
    return LoginModel(Settings(), Book(), "alice")


def test_it_is_looked_for_in_another_thread_first_shortly_then_longer() -> None:
    asked: list[tuple[float, str]] = []

    def look(seconds: float) -> list[LanServer]:
        asked.append((seconds, threading.current_thread().name))
        return [OPS] if len(asked) > 1 else []

    search = LanSearch(look)
    assert taken(search) == Found([])
    assert taken(search) == Found([OPS])
    search.stop()
    assert asked[0] < asked[1]
    assert {name for _, name in asked} == {"chatnet discovery"}


def test_without_the_package_it_says_what_to_install_and_nothing_else_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "zeroconf", None)
    search = LanSearch()
    made = model()
    made.learn(taken(search))
    assert made.looking == f"Finding servers on the local network needs the zeroconf package.\nInstall it: {INSTALL}"
    assert made.found == []
    assert made.submit() is not None


def test_a_network_that_cannot_be_listened_to_says_so() -> None:
    def look(seconds: float) -> list[LanServer]:
        raise Unreachable(ErrorCode.UNREACHABLE, "the local network cannot be listened to: no such device")

    made = model()
    made.learn(taken(LanSearch(look)))
    assert made.looking == "The local network cannot be listened to: no such device."


def test_servers_are_listed_harmlessly_and_one_can_be_chosen() -> None:
    made = model()
    made.learn(Found([OPS, LAB]))
    assert made.found_as_text() == ["ops\\u202e   192.168.1.20   guests", "lab   192.168.1.21:6000"]
    assert made.looking == ""
    made.choose_found(1)
    assert (made.values["host"], made.values["port"]) == ("192.168.1.21", "6000")
    request = made.submit()
    assert request is not None
    assert request.server == "192.168.1.21:6000"


def test_who_was_about_to_use_a_profile_and_chooses_a_server_uses_that(tmp_path: Path) -> None:
    made = model()
    made.profile = "work"
    made.learn(Found([LAB]))
    made.choose_found(0)
    assert made.profile == ""


def test_an_empty_network_says_so() -> None:
    made = model()
    assert made.looking.startswith("Looking")
    made.learn(Found([]))
    assert made.looking == "No server makes itself known on this network."
