"""The login window: fields, plain words, and what is asked."""

import pytest

from chatnet.address import TLS, Address
from chatnet.client.discovery import VARIABLE
from chatnet.client.profiles import Book, KnownServer, Profile
from chatnet.errors import ErrorCode, Refused, TrustError, Unreachable
from chatnet_gui.connecting import LoginRequest
from chatnet_gui.viewmodels.login import NEW, LoginModel, free_name
from chatnet_gui.viewmodels.settings import Settings

BOOK = Book(
    default="work",
    servers=(KnownServer(("chatnet://chat.example",), "", "aa"),),
    profiles=(Profile("work", "aa", "alice", "00"),),
)


@pytest.fixture(autouse=True)
def _no_server_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def model(**values: str) -> LoginModel:
    made = LoginModel(Settings(), Book(), "alice")
    for field, value in values.items():
        made.set(field, value)
    return made


def test_an_empty_home_has_a_sensible_login() -> None:
    made = model()
    assert (made.values["host"], made.values["port"], made.values["name"]) == ("localhost", "5555", "alice")
    assert made.submit() == LoginRequest(server="localhost", name="alice")
    assert made.is_busy


def test_the_last_server_and_name_are_there_again() -> None:
    settings = Settings()
    first = LoginModel(settings, Book(), "alice")
    for field, value in (("host", "chat.example"), ("port", "6000"), ("name", "al")):
        first.set(field, value)
    assert first.submit() is not None
    first.succeeded(settings)
    again = LoginModel(settings, Book(), "alice")
    assert (again.values["host"], again.values["port"], again.values["name"]) == ("chat.example", "6000", "al")


@pytest.mark.parametrize(
    ("host", "port", "server"),
    [
        ("chat.example", "", "chat.example"),
        ("chat.example", "5555", "chat.example"),
        (" chat.example ", "6000", "chat.example:6000"),
        ("fe80::1", "6000", "[fe80::1]:6000"),
        ("chatnet+tcp://127.0.0.1:7", "5555", "chatnet+tcp://127.0.0.1:7"),
    ],
)
def test_address_and_port_become_one_server(host: str, port: str, server: str) -> None:
    request = model(host=host, port=port).submit()
    assert request is not None
    assert request.server == server


@pytest.mark.parametrize(
    ("field", "value"),
    [("port", "x"), ("port", "0"), ("port", "70000"), ("name", "no spaces"), ("name", ""), ("code", "nonsense")],
)
def test_what_is_wrong_stands_beside_its_field(field: str, value: str) -> None:
    made = model(**{field: value})
    assert made.submit() is None
    assert list(made.errors) == [field]
    assert made.errors[field][0].isupper()
    assert made.errors[field].endswith(".")
    made.set(field, "5")
    assert made.errors == {}


def test_a_known_account_needs_nothing_else() -> None:
    made = LoginModel(Settings(), BOOK, "alice")
    assert made.submit() == LoginRequest(profile="work")
    made.choose_profile(NEW)
    request = made.submit()
    assert request is not None
    assert request.profile == ""


def test_a_name_in_use_offers_others_one_after_the_other() -> None:
    made = model()
    made.submit()
    made.failed(Refused(ErrorCode.NAME_IN_USE, "taken"))
    assert made.errors == {"name": "Somebody else has this name."}
    assert made.offer == "alice2"
    request = made.take_offer()
    assert request is not None
    assert request.name == "alice2"
    made.failed(Refused(ErrorCode.NAME_IN_USE, "taken"))
    assert made.offer == "alice3"


def test_free_names_stay_legal() -> None:
    assert free_name("a" * 32, set()) == "a" * 31 + "2"
    assert free_name("bob7", {"bob2"}) == "bob3"
    assert free_name("7", set()) == "72"


@pytest.mark.parametrize(
    ("error", "field"),
    [
        (Unreachable(ErrorCode.UNREACHABLE, "x"), "host"),
        (Unreachable(ErrorCode.NOT_CHATNET, "x"), "port"),
        (Refused(ErrorCode.BAD_NAME, "a name has letters"), "name"),
        (Refused(ErrorCode.STORE_FAILING, "the disk is full"), ""),
    ],
)
def test_errors_stand_beside_the_field_that_they_are_about(error: Unreachable | Refused, field: str) -> None:
    made = model()
    made.submit()
    made.failed(error)
    assert list(made.errors) == [field]
    assert not made.is_busy


def test_who_is_banned_is_told_why() -> None:
    made = model()
    made.submit()
    made.failed(Refused(ErrorCode.BANNED, "you are banned from this server for good: off topic\x1b[2J"))
    assert made.errors == {"": "You are banned from this server for good: off topic\\x1b[2J."}


def test_wrong_credentials_are_about_what_was_shown() -> None:
    for values, field in (({"code": "7KQM-4XDP-9TBC"}, "code"), ({"password": "x"}, "password"), ({}, "")):
        made = model(**values)
        assert made.submit() is not None
        made.failed(Refused(ErrorCode.BAD_CREDENTIALS, "no"))
        assert list(made.errors) == [field]


def test_the_first_contact_shows_the_fingerprint_and_remembers_the_answer() -> None:
    trusted: list[tuple[Address, bytes]] = []
    made = LoginModel(Settings(), Book(), "alice", lambda *answer: trusted.append(answer))
    made.set("host", "chat.example")
    made.submit()
    made.failed(TrustError(ErrorCode.UNTRUSTED, "who is this?", None, bytes(32)))
    assert made.question is not None
    assert made.question.shown.startswith("sha256:00000000-")
    assert made.question.expected == ""
    assert made.accept() == LoginRequest(server="chat.example", name="alice")
    assert trusted == [(Address(TLS, "chat.example", 5555), bytes(32))]


def test_a_changed_key_shows_both() -> None:
    made = model(host="chat.example")
    made.submit()
    made.failed(TrustError(ErrorCode.UNTRUSTED, "another", bytes(32), b"\1" * 32))
    assert made.question is not None
    assert made.question.expected.startswith("sha256:0000")
    assert made.question.shown.startswith("sha256:0101")


def test_who_does_not_trust_a_server_says_nothing_to_it() -> None:
    trusted: list[tuple[Address, bytes]] = []
    made = LoginModel(Settings(), Book(), "alice", lambda *answer: trusted.append(answer))
    made.set("host", "chat.example")
    made.submit()
    made.failed(TrustError(ErrorCode.UNTRUSTED, "who is this?", None, bytes(32)))
    made.decline()
    assert (made.question, trusted) == (None, [])
    assert "host" in made.errors


def test_a_join_code_may_be_the_whole_link() -> None:
    request = model(host="", code="chatnet://chat.example:5555/7KQM-4XDP-9TBC").submit()
    assert request is not None
    assert request.code.endswith("9TBC")


def test_secrets_are_not_shown_in_reports() -> None:
    assert "hunter2" not in repr(LoginRequest(password="hunter2", code="hunter2"))
