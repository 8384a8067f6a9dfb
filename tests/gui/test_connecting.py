"""From what stands in the login window to a client that is logged in, against real servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnet import Client
from chatnet.address import TCP, TLS, UNIX, Address
from chatnet.client.credentials import LocalCredentials
from chatnet.client.folders import state_folder
from chatnet.client.identity import Identity
from chatnet.client.profiles import load_book
from chatnet.config import Config
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode, Refused, TrustError
from chatnet.net.platform import has_unix_sockets
from chatnet.server import Server
from chatnet_gui.connecting import LoginRequest, Opening, is_local, trust_pin


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Profiles, secrets and outboxes of these tests stay in their folder."""
    for variable in ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path))
    for variable in ("CHATNET_SERVER", "CHATNET_PROFILE", "CHATNET_TOKEN_FILE"):
        monkeypatch.delenv(variable, raising=False)
    assert state_folder().startswith(str(tmp_path))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    binds: tuple[Address, ...] = (Address(TLS, "127.0.0.1", 0), Address(TCP, "127.0.0.1", 0))
    if has_unix_sockets():
        binds += (Address(UNIX, path=str(tmp_path / "socket")),)
    with Server(Config(bind=binds, data=tmp_path / "server")) as running:
        yield running


@pytest.fixture
def owner(server: Server) -> Iterator[Client]:
    """Who runs the server, and may invite others."""
    if not has_unix_sockets():
        pytest.skip("the owner is known by a unix socket here, and there is none")
    with Client(server.addresses[-1], credentials=LocalCredentials(), identity=Identity.ephemeral()) as client:
        yield client


def test_a_guest_gets_in_over_plain_loopback(server: Server) -> None:
    opening = Opening(LoginRequest(server=str(server.addresses[1]), name="visitor"))
    with opening() as client:
        assert client.user.name == "visitor"
        assert opening.waiting == ()


def test_a_name_in_use_is_refused(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = LoginRequest(server=str(server.addresses[1]), name="visitor")
    with Opening(request)():
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "somebody else"))
        with pytest.raises(Refused) as raised, Opening(request)():
            pass
        assert raised.value.code == ErrorCode.NAME_IN_USE


def test_an_unknown_key_is_shown_and_once_trusted_lets_in(server: Server) -> None:
    request = LoginRequest(server=str(server.addresses[0]), name="visitor")
    with pytest.raises(TrustError) as raised, Opening(request)():
        pass
    assert raised.value.seen is not None
    assert raised.value.expected is None
    trust_pin(server.addresses[0], raised.value.seen)
    with Opening(request)() as client:
        assert client.address == server.addresses[0]


def test_a_join_code_makes_an_account_and_a_profile(server: Server, owner: Client) -> None:
    request = LoginRequest(server=str(server.addresses[0]), name="alice", code=str(owner.admin.invite()))
    with Opening(request)() as client:
        assert client.user.name == "alice"
    assert [profile.name for profile in load_book().profiles] == ["alice"]
    with Opening(LoginRequest(profile="alice"))() as again:
        assert again.user.name == "alice"


def test_a_bad_join_code_leaves_nothing_behind(server: Server) -> None:
    request = LoginRequest(server=str(server.addresses[0]), name="owner", code="7KQM-4XDP-9TBC")
    with pytest.raises(Refused) as raised, Opening(request)():
        pass
    assert raised.value.code == ErrorCode.BAD_CREDENTIALS
    assert load_book().profiles == ()


def test_a_password_gets_a_profile_of_its_own(server: Server, owner: Client) -> None:
    owner.admin.create_account("alice", password="correct horse")
    request = LoginRequest(server=str(server.addresses[0]), name="alice", password="correct horse")
    with pytest.raises(TrustError) as raised, Opening(request)():
        pass
    assert raised.value.seen is not None
    trust_pin(server.addresses[0], raised.value.seen)
    with Opening(request)() as alice:
        assert alice.user.name == "alice"
    assert [profile.name for profile in load_book().profiles] == ["alice"]


def test_what_could_not_be_sent_is_there_the_next_time() -> None:
    here = Config(bind=(Address(TCP, "127.0.0.1", 0),), limits=Limits(farewell_seconds=0.1))
    with Server(here) as first:
        request = LoginRequest(server=str(first.addresses[0]), name="visitor")
        opening = Opening(request)()
        client = opening.__enter__()
    client.post("later", room="lobby")
    opening.__exit__(None, None, None)
    with Server(Config(bind=(first.addresses[0],))):
        again = Opening(request)
        with again():
            assert [draft.body for draft in again.waiting] == ["later"]


@pytest.mark.parametrize(
    ("server", "local"), [("", True), ("localhost", True), ("localhost:5555", True), ("localhost:1", False)]
)
def test_the_server_of_this_machine_is_known_by_its_name(server: str, local: bool) -> None:
    assert is_local(server) == local
