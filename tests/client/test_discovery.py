"""Whom a client talks to, and as whom, for all that it may be told."""

import json
import socket
from pathlib import Path

import pytest

from chatnet.address import TLS, UNIX, Address, parse
from chatnet.auth.tokens import show_token
from chatnet.client import discovery
from chatnet.client.credentials import (
    Arrival,
    Credentials,
    KnownChannel,
    LocalCredentials,
    TokenCredentials,
)
from chatnet.client.discovery import (
    MachineCredentials,
    ProfileCredentials,
    find,
    server_address,
    short_address,
)
from chatnet.client.profiles import Book, KnownServer, Profile, change_book
from chatnet.errors import ConfigError, ErrorCode, TrustError
from chatnet.model import User
from chatnet.net import folders, platform
from chatnet.net.pins import show_pin
from chatnet.net.trust import ByAuthority, Pinned
from chatnet.requests import Enter, Login, TokenLogin

HERE, THERE, ELSEWHERE = (parse(f"chatnet://{host}:5555") for host in ("ops.example", "vpn.example", "other.example"))
LOCALHOST = parse("chatnet://localhost:5555")
PIN = b"\x01" * 32
OPS = KnownServer((str(HERE), str(THERE)), show_pin(PIN), "0a" * 16)
ALICE = Profile("work", OPS.id, "alice", "ab" * 16, show_token(b"a" * 32))
BOB = Profile("second", OPS.id, "bob", "cd" * 16, show_token(b"b" * 32))
BOOK = Book().with_server(OPS).with_profile(ALICE).with_profile(BOB)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, no server on this machine, and nothing in the environment."""
    for variable in ("CHATNET_SERVER", "CHATNET_PROFILE", "CHATNET_TOKEN_FILE"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(variable, "me")
    monkeypatch.setattr(platform, "SYSTEM_SOCKET_FOLDER", str(tmp_path / "run"))
    monkeypatch.setattr(platform, "TEMPORARY_FOLDER", str(tmp_path / "tmp"))
    return tmp_path


@pytest.fixture
def known(home: Path) -> Path:
    """Two profiles on one server; the first is the default."""
    change_book(lambda _: BOOK)
    return home


@pytest.fixture
def token_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = home / "token"
    path.write_text(show_token(b"s" * 32) + "\n")
    monkeypatch.setenv("CHATNET_TOKEN_FILE", str(path))
    return path


# -- addresses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "url", "short"),
    [
        ("ops.example", "chatnet://ops.example:5555", "ops.example"),
        ("ops.example:7000", "chatnet://ops.example:7000", "ops.example:7000"),
        ("192.168.1.20", "chatnet://192.168.1.20:5555", "192.168.1.20"),
        ("::1", "chatnet://[::1]:5555", "[::1]"),
        ("[::1]:7000", "chatnet://[::1]:7000", "[::1]:7000"),
        ("chatnet://ops.example", "chatnet://ops.example:5555", "ops.example"),
        ("chatnet+tcp://ops.example", "chatnet+tcp://ops.example:5555", "chatnet+tcp://ops.example:5555"),
        ("chatnet+unix:///run/c", "chatnet+unix:///run/c", "chatnet+unix:///run/c"),
    ],
)
def test_a_host_alone_means_encryption_and_a_url_what_it_says(text: str, url: str, short: str) -> None:
    assert str(server_address(text)) == url
    assert short_address(server_address(text)) == short
    assert server_address(short) == server_address(text)


@pytest.mark.parametrize("text", ["", "host:port", "host/path", "http://host"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        server_address(text)
    assert refused.value.code == ErrorCode.BAD_ADDRESS


# -- told nothing ---------------------------------------------------------------------------------------------


def test_told_nothing_it_looks_on_this_machine() -> None:
    contact = find()
    assert contact.addresses == [LOCALHOST]
    assert contact.credentials == MachineCredentials("me", {})
    assert contact.trust(LOCALHOST) == ByAuthority()
    assert not contact.is_first


@pytest.mark.skipif(not platform.has_unix_sockets(), reason="no unix sockets")
def test_the_local_socket_comes_first(home: Path) -> None:
    (home / "run").mkdir()
    path = f"{home}/run/chatnet.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        assert find().addresses == [Address(UNIX, path=path), LOCALHOST]


def test_the_owners_private_file_comes_before_localhost(home: Path) -> None:
    folder = folders.default_data_folder()
    folder.mkdir(parents=True)
    (folder / "local-access").write_text(
        json.dumps({"address": "chatnet://127.0.0.1:7000", "pin": PIN.hex(), "token": (b"t" * 32).hex()})
    )
    contact = find()
    place = Address(TLS, "127.0.0.1", 7000)
    assert contact.addresses == [place, LOCALHOST]
    assert contact.trust(place) == Pinned(PIN)
    assert contact.trust(LOCALHOST) == ByAuthority()
    assert contact.credentials == MachineCredentials("me", {PIN: b"t" * 32})
    assert find(name="bob").trust(place) == Pinned(PIN)


def test_told_a_name_only_it_comes_as_a_guest() -> None:
    contact = find(name="bob")
    assert contact.credentials is None
    assert contact.name == "bob"
    assert contact.addresses == [LOCALHOST]


def test_the_outbox_is_the_same_whether_a_server_of_this_machine_runs_or_not(home: Path) -> None:
    before = find().outbox
    (home / "run").mkdir()
    (home / "run" / "chatnet.sock").touch()
    assert find().outbox == before
    assert find(name="bob").outbox != before


def first_request(credentials: Credentials, channel: KnownChannel) -> object:
    arrival = Arrival(b"s" * 16, channel, User(0, "me"), b"d" * 16)
    return next(credentials.login(arrival))(1)


def test_on_this_machine_each_way_gets_what_belongs_to_it() -> None:
    credentials = MachineCredentials("me", {PIN: b"t" * 32})
    socket_, own, other = (
        KnownChannel(is_local=True),
        KnownChannel(is_local=True, server_pin=PIN),
        KnownChannel(is_local=True, server_pin=b"\x02" * 32),
    )
    assert isinstance(first_request(credentials, socket_), Enter)
    asked = first_request(credentials, own)
    assert isinstance(asked, TokenLogin)
    assert asked.token == b"t" * 32
    guest = first_request(credentials, other)
    assert isinstance(guest, Login)
    assert guest.name == "me"


# -- profiles -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("known")
def test_the_default_profile_says_where_and_who() -> None:
    contact = find()
    assert contact.addresses == [HERE, THERE]
    assert contact.credentials == ProfileCredentials(ALICE)
    assert contact.trust(HERE) == contact.trust(THERE) == Pinned(PIN)
    assert contact.outbox.endswith(ALICE.key)


@pytest.mark.usefixtures("known")
def test_a_profile_is_chosen_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(profile="SECOND").profile == BOB
    monkeypatch.setenv("CHATNET_PROFILE", "second")
    assert find().profile == BOB
    assert find(profile="work").profile == ALICE
    assert find(name="alice").profile == ALICE
    with pytest.raises(ConfigError, match="no profile 'third'"):
        find(profile="third")


@pytest.mark.usefixtures("known")
def test_a_name_chooses_the_account_there_or_else_a_guest() -> None:
    assert find(name="Bob").profile == BOB
    guest = find(name="carol")
    assert guest.credentials is None
    assert guest.addresses == [HERE, THERE]
    assert guest.trust(HERE) == Pinned(PIN)
    assert guest.name == "carol"


@pytest.mark.usefixtures("known")
def test_the_address_of_a_known_server_brings_its_account_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("vpn.example", "chatnet://vpn.example:5555"):
        contact = find(text)
        assert contact.addresses == [THERE]
        assert contact.profile == ALICE
        assert contact.trust(THERE) == Pinned(PIN)
        assert not contact.is_first
    monkeypatch.setenv("CHATNET_SERVER", "other.example")
    assert find("vpn.example").profile == ALICE
    assert find().profile is None


@pytest.mark.usefixtures("known")
def test_no_account_goes_to_a_server_that_is_not_its_own() -> None:
    contact = find(str(ELSEWHERE))
    assert contact.profile is None
    assert contact.credentials is None
    assert contact.is_first
    assert contact.trust(ELSEWHERE) == ByAuthority()


@pytest.mark.usefixtures("known")
def test_a_profile_at_a_new_address_insists_on_its_servers_key() -> None:
    contact = find(str(ELSEWHERE), profile="work")
    assert contact.profile == ALICE
    assert contact.trust(ELSEWHERE) == Pinned(PIN)
    with pytest.raises(ConfigError, match=r"belongs to chatnet://ops\.example"):
        find("chatnet+tcp://localhost", profile="work")


def test_a_profile_of_a_certified_server_stays_at_its_addresses() -> None:
    change_book(lambda _: Book().with_server(KnownServer((str(HERE),), "", OPS.id)).with_profile(ALICE))
    assert find().trust(HERE) == ByAuthority()
    with pytest.raises(ConfigError, match="nothing says"):
        find(str(ELSEWHERE), profile="work")


def test_a_profile_whose_server_has_lost_its_address_says_so() -> None:
    change_book(lambda _: BOOK.with_pin(HERE, b"\x02" * 32).with_pin(THERE, b"\x02" * 32))
    with pytest.raises(ConfigError, match="nothing is known any more"):
        find()


def test_a_token_of_a_profile_is_not_said_where_others_could_read_it() -> None:
    with pytest.raises(TrustError):
        first_request(ProfileCredentials(ALICE), KnownChannel())


def test_the_key_of_an_account_outlives_its_token() -> None:
    again = Profile("x", ALICE.server, "ALICE", "other", show_token(b"n" * 32))
    assert ProfileCredentials(ALICE).key == ProfileCredentials(again).key
    assert ProfileCredentials(ALICE).key != ProfileCredentials(BOB).key


# -- other ways -----------------------------------------------------------------------------------------------


def test_a_unix_socket_that_is_named_knows_who_calls() -> None:
    assert find("chatnet+unix:///run/c").credentials == LocalCredentials()
    assert find("chatnet+unix:///run/c", name="bob").credentials is None


def test_a_plain_address_has_no_key_to_ask_for() -> None:
    contact = find("chatnet+tcp://localhost:7000")
    assert contact.credentials is None
    assert contact.name == "me"
    assert not contact.is_first


@pytest.mark.usefixtures("known", "token_file")
def test_the_token_of_the_environment_counts_more_than_a_profile_and_less_than_an_option() -> None:
    token = TokenCredentials(b"s" * 32)
    assert find().credentials == token
    assert find().addresses == [HERE, THERE]
    assert find("other.example").credentials == token
    assert find(profile="work").profile == ALICE
    assert find(name="bob").profile == BOB


@pytest.mark.usefixtures("token_file")
def test_the_token_of_the_environment_is_for_this_machine_too() -> None:
    assert find().credentials == TokenCredentials(b"s" * 32)
    assert find().addresses == [LOCALHOST]


def test_a_token_file_that_is_of_no_use_is_named(token_file: Path) -> None:
    token_file.write_text("chatnet-hunter2")
    with pytest.raises(ConfigError, match="CHATNET_TOKEN_FILE") as refused:
        find()
    assert "hunter2" not in refused.value.message
    token_file.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        find()


def test_a_key_that_was_trusted_by_hand_is_asked_for_on_this_machine_too() -> None:
    change_book(lambda book: book.with_pin(LOCALHOST, PIN))
    assert find().trust(LOCALHOST) == Pinned(PIN)
    assert find("localhost", name="x").trust(LOCALHOST) == Pinned(PIN)


def test_the_default_name_is_the_login_name_made_legal(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(variable, "Jörg Müller")
    assert discovery.default_name() == "Jorg_Muller"
