"""Which addresses others are told, in which order; with what a system may answer, and with what this one does."""

import ipaddress
import socket

import pytest

from chatnet.net import interfaces
from chatnet.net.interfaces import default_route_addresses, interface_addresses, lan_addresses, source_address


def found(routed: list[str], listed: list[str]) -> list[str]:
    return lan_addresses(lambda: routed, lambda: listed)


def test_the_default_route_comes_first_wherever_the_system_lists_it() -> None:
    listed = ["127.0.0.1", "172.17.0.1", "192.168.1.20", "10.8.0.2"]
    assert found(["192.168.1.20"], listed) == ["192.168.1.20", "172.17.0.1", "10.8.0.2"]


def test_ipv4_stands_before_ipv6_since_people_type_it() -> None:
    assert found([], ["fd00::7", "10.0.0.7", "fd00::8", "10.0.0.8"]) == ["10.0.0.7", "10.0.0.8", "fd00::7", "fd00::8"]


def test_each_address_is_told_once() -> None:
    assert found(["10.0.0.7", "fd00::7"], ["10.0.0.7", "10.0.0.7", "fd00::7"]) == ["10.0.0.7", "fd00::7"]


@pytest.mark.parametrize(
    "useless",
    [
        "127.0.0.1",
        "127.1.2.3",
        "::1",
        "0.0.0.0",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "::ffff:10.0.0.7",
        "224.0.0.1",
        "eth0",
    ],
)
def test_an_address_that_is_of_no_use_to_others_is_not_told(useless: str) -> None:
    assert found([useless], [useless, "10.0.0.7"]) == ["10.0.0.7"]


def test_without_a_network_there_is_none() -> None:
    assert found([], ["127.0.0.1", "::1"]) == []


def test_a_network_without_a_default_route_still_has_its_addresses() -> None:
    assert found([], ["169.254.7.7"]) == ["169.254.7.7"]


# -- this machine ---------------------------------------------------------------------------------------------


def test_every_address_of_this_machine_can_be_bound() -> None:
    for address in lan_addresses():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((address, 0))


def test_the_systems_list_has_the_loopback_and_the_default_routes_addresses() -> None:
    listed = interface_addresses()
    assert "127.0.0.1" in listed
    assert set(default_route_addresses()) <= set(listed)
    assert all(ipaddress.ip_address(address) for address in listed)


def test_what_is_on_this_machine_is_reached_from_itself() -> None:
    assert source_address(socket.AF_INET, "127.0.0.1") == "127.0.0.1"


def test_to_where_no_route_leads_there_is_no_source() -> None:
    assert source_address(socket.AF_INET, "255.255.255.255") is None


# -- systems that are poorer than this one -------------------------------------------------------------------


def test_without_a_list_of_interfaces_the_hosts_own_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses() -> list[str]:
        raise AttributeError("no such function")

    def look_up(host: str, port: None) -> list[tuple[object, ...]]:
        assert host == socket.gethostname()
        return [(0, 0, 0, "", ("192.168.1.20", 0)), (0, 0, 0, "", ("fd00::7", 0, 0, 0))]

    monkeypatch.setattr(interfaces, "_getifaddrs", refuses)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert interface_addresses() == ["192.168.1.20", "fd00::7"]


def test_a_host_that_does_not_know_its_own_name_has_no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> list[object]:
        raise OSError("no such name")

    monkeypatch.setattr(interfaces, "_getifaddrs", fails)
    monkeypatch.setattr(socket, "getaddrinfo", fails)
    assert interface_addresses() == []


def test_a_system_without_ipv6_has_a_default_route_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def only_v4(family: int, target: str) -> str | None:
        return "10.0.0.7" if family == socket.AF_INET else None

    monkeypatch.setattr(interfaces, "source_address", only_v4)
    assert default_route_addresses() == ["10.0.0.7"]
