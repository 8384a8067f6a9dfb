"""Who is at the other end, as the core gets to know it."""

import os
from pathlib import Path

import pytest

from chatnet.address import UNIX, Address
from chatnet.core.callers import Caller
from chatnet.net.callers import caller_of
from chatnet.net.platform import has_unix_sockets, login_name, own_uid
from chatnet.transports import unix
from chatnet.transports.memory import MemoryNetwork, MemoryTransport

NOBODY = 4_000_000_000
"""A number that no user has."""


def transport(
    *, is_local: bool = False, host: str = "", uid: int = -1, binding: bytes | None = None
) -> MemoryTransport:
    """A connection that tells this of itself."""

    class Described(MemoryTransport):
        pass

    Described.is_local, Described.host, Described.uid = is_local, host, uid
    Described.channel_binding = binding  # type: ignore[assignment]
    _, server = MemoryNetwork().pair()
    return Described(server.incoming, server.outgoing, "test")


def test_on_this_machine_there_is_no_place_and_nobody_listens() -> None:
    assert caller_of(transport(is_local=True, host="127.0.0.1")) == Caller(is_local=True, is_private=True)


@pytest.mark.parametrize(
    ("host", "place"), [("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("", "")]
)
def test_others_come_from_an_address_or_a_subnet(host: str, place: str) -> None:
    assert caller_of(transport(host=host)) == Caller(is_local=False, place=place)


def test_of_whom_only_the_address_is_known_there_is_one_description() -> None:
    one, same, other = (caller_of(transport(host=host)) for host in ("192.0.2.7", "192.0.2.7", "192.0.2.8"))
    assert one is same
    assert one != other


def test_tls_is_private_and_has_a_binding() -> None:
    caller = caller_of(transport(host="192.0.2.7", binding=b"binding"))
    assert (caller.is_private, caller.binding, caller.is_local) == (True, b"binding", False)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no users have numbers here")
def test_root_and_who_runs_the_server_are_its_owners() -> None:
    assert caller_of(transport(is_local=True, uid=0)).is_owner
    if own_uid() >= 0:
        caller = caller_of(transport(is_local=True, uid=os.getuid()))
        assert (caller.is_owner, caller.uid, caller.login) == (True, os.getuid(), login_name(os.getuid()))
    stranger = caller_of(transport(is_local=True, uid=NOBODY))
    assert (stranger.is_owner, stranger.uid, stranger.login) == (False, NOBODY, "")


@pytest.mark.skipif(not has_unix_sockets(), reason="no unix sockets here")
def test_the_kernel_says_who_is_on_a_local_socket(tmp_path: Path) -> None:
    address = Address(UNIX, path=str(tmp_path / "s"))
    listener = unix.listen(address)
    client = unix.connect(address, 5.0)
    server = listener.accept()
    assert server is not None
    assert caller_of(server).uid in (os.getuid(), -1), "-1 where the system does not say"
    assert caller_of(server).is_private
    for thing in (client, server, listener):
        thing.close()


def test_without_a_number_nobody_is_the_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATNET_TEST_PLATFORM", "minimal")
    assert own_uid() == -1
    assert not caller_of(transport(is_local=True)).is_owner
