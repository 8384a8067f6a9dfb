"""What others are told: where the server is, its key, and a join code that works."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnet.address import TCP, TLS, Address, parse
from chatnet.auth.codes import parse_code, parse_link
from chatnet.client import reach
from chatnet.client.enrolment import join
from chatnet.config import Config
from chatnet.net.pins import show_pin
from chatnet.server import Server
from chatnet_gui.finding import Entrance
from chatnet_gui.viewmodels.server_inviting import Outside, invite, look_outside


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(Config(bind=(Address(TLS, "127.0.0.1", 0),), data=tmp_path / "data")) as running:
        yield running


def test_on_its_own_machine_it_is_found_at_the_loopback_address(server: Server) -> None:
    assert server.pin is not None
    outside = look_outside(server.addresses)
    assert outside == Outside([], f"127.0.0.1:{server.addresses[0].port}", show_pin(server.pin))
    assert outside.place == outside.here
    assert outside.pin_in_lines.replace("\n", "") == outside.pin


def test_where_it_listens_everywhere_the_lan_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "lan_addresses", lambda: ["192.168.1.20", "fd00::1"])
    outside = look_outside([parse("chatnet://0.0.0.0:1"), parse("chatnet+unix:///x")])
    assert (outside.places, outside.here) == (["192.168.1.20:1", "[fd00::1]:1"], "127.0.0.1:1")
    assert outside.place == "192.168.1.20:1"
    assert (outside.pin, outside.pin_in_lines) == ("", "")  # nobody is there


def test_without_tls_there_is_nothing_to_tell() -> None:
    assert look_outside([Address(TCP, "127.0.0.1", 1)]) == Outside()


def test_the_code_lets_somebody_in_however_it_is_handed_on(server: Server, tmp_path: Path) -> None:
    with Entrance(tmp_path / "data")() as chat:
        invitation = invite(chat, look_outside(server.addresses), 2, 60)
    link = parse_link(invitation.link)
    assert link is not None
    assert link == (server.addresses[0], parse_code(invitation.code))
    enrolled = join(server.addresses[0], link[1], lambda _: "alice", timeout=10)
    assert enrolled.user.name == "alice"
