"""Where others reach a server of this machine."""

from pathlib import Path

import pytest

from chatnet.address import Address, parse
from chatnet.client import reach
from chatnet.client.reach import place_of, places
from chatnet.config import Config
from chatnet.server import Server


def test_the_default_routes_address_comes_first_and_local_ones_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "lan_addresses", lambda: ["192.168.1.20", "10.0.0.7", "fd00::2"])
    assert places([parse("chatnet://0.0.0.0:5555"), parse("chatnet+unix:///x")]) == [
        "192.168.1.20",
        "10.0.0.7",
        "[fd00::2]",
    ]
    assert places([parse("chatnet://10.0.0.7:99"), parse("chatnet://127.0.0.1:98")]) == ["10.0.0.7:99"]
    assert places([parse("chatnet+tcp://10.0.0.7:99")]) == []


def test_a_machine_without_a_network_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "lan_addresses", list)
    monkeypatch.setattr("socket.gethostname", lambda: "box")
    assert places([parse("chatnet://0.0.0.0:5555")]) == ["box"]


def test_who_was_reached_from_elsewhere_is_reached_there_by_others_too() -> None:
    address = parse("chatnet://chat.example:99")
    assert place_of(address) == address
    assert place_of(parse("chatnet+tcp://chat.example:99")) is None


def test_the_server_is_looked_for_at_the_addresses_of_its_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # 203.0.113.1 is nobody's (RFC 5737); a loopback address stands for the machine's own.
    monkeypatch.setattr(reach, "lan_addresses", lambda: ["203.0.113.1", "127.0.0.1"])
    monkeypatch.setattr(reach, "_LOOK_SECONDS", 0.2)
    with Server(Config(bind=(parse("chatnet://127.0.0.1:0"),), data=tmp_path / "data")) as server:
        found = place_of(server.addresses[0])
        assert found == Address("chatnet", "127.0.0.1", server.addresses[0].port)
    assert place_of(server.addresses[0]) is None
