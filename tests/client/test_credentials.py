"""What a login shows, over which connections, and when it is no use to show it again."""

import pytest

from chatnet.auth import scram
from chatnet.auth.scram import ServerExchange, make_verifier
from chatnet.client.credentials import (
    Credentials,
    GuestCredentials,
    KnownChannel,
    LocalCredentials,
    PasswordCredentials,
    TokenCredentials,
)
from chatnet.client.identity import Identity
from chatnet.client.news import Offline, Online
from chatnet.client.session import Phase
from chatnet.errors import ErrorCode, Refused, TrustError
from chatnet.events import Challenge, Closing, Done, Hello, Proven, Renamed, Welcome
from chatnet.events import Refused as RefusedEvent
from chatnet.model import Role, User
from chatnet.requests import Enter, FinishScram, Login, Proof, Rename, StartScram, TokenLogin
from tests.client.script import IDENTITY, SERVER, Script

TOKEN = b"t" * 32
MEMBER = User(7, "alice", role=Role.MEMBER)
TLS = KnownChannel(channel_binding=b"\x01" * 32, server_pin=b"\x02" * 32)
LOCAL = KnownChannel(is_local=True)
FAR = KnownChannel()
PASSWORD = "correct horse"
FEW = 4096


@pytest.fixture
def few_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost of a guess is not the point here."""
    monkeypatch.setattr(scram, "ITERATIONS", FEW)


class Doorman:
    """The server's side of a login by password, which knows one account."""

    def __init__(self, script: Script, binding: bytes | None) -> None:
        self.script = script
        self._binding = binding
        self._users = {"alice": make_verifier(PASSWORD, b"0123456789abcdef", FEW)}

    def challenge(self, start: StartScram) -> tuple[ServerExchange, FinishScram]:
        """Answer the first step; returns what is to finish it, and the second step."""
        assert start.proof is Proof.PASSWORD
        exchange = ServerExchange(
            start, binding=self._binding, nonce="server", lookup=self._users.get, secret=b"k" * 32
        )
        self.script.says(Challenge(start.id, exchange.challenge))
        return exchange, self.script.hears_one(FinishScram)


# -- tokens ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [TLS, LOCAL], ids=["TLS", "local"])
def test_a_token_logs_in_and_the_name_comes_from_the_server(channel: KnownChannel) -> None:
    script = Script(TokenCredentials(TOKEN), channel=channel)
    assert script.session.cache.me.name == ""
    login = script.greet_for(TokenLogin)
    assert (login.token, login.device, login.live, login.replaces) == (TOKEN, IDENTITY.device, False, 0)
    script.says(Welcome(login.id, MEMBER, 3, "durable", 0))
    assert script.news() == [Online(MEMBER, resumed=False)]
    assert script.session.cache.me == MEMBER


def test_a_token_is_not_sent_where_others_could_read_it() -> None:
    script = Script(TokenCredentials(TOKEN), channel=FAR)
    script.connect()
    script.says(Hello(SERVER, "0.0"))
    assert script.hears() == []
    assert script.session.wants_close
    assert script.drop() is None
    assert isinstance(script.session.failure, TrustError)
    assert script.session.failure.code == ErrorCode.UNTRUSTED
    assert "not encrypted" in script.session.failure.message


def test_the_next_login_with_a_token_replaces_the_session_before_whatever_the_user_is_called_by_then() -> None:
    script = Script(TokenCredentials(TOKEN), channel=TLS)
    login = script.greet_for(TokenLogin)
    script.says(Welcome(login.id, MEMBER, 3, "durable", 0))
    script.session.request(lambda id: Rename(id, "ally"))
    script.hears_one(Rename)
    script.drop()
    again = script.greet_for(TokenLogin)
    assert (again.token, again.replaces) == (TOKEN, 3)
    script.says(Welcome(again.id, User(7, "ally", role=Role.MEMBER), 4, "durable", 0))
    assert script.session.is_online
    assert script.session.cache.me.name == "ally"


# -- the local user -------------------------------------------------------------------------------------------


def test_the_local_user_shows_nothing() -> None:
    script = Script(LocalCredentials(), channel=LOCAL)
    enter = script.greet_for(Enter)
    assert enter == Enter(enter.id, IDENTITY.device, live=False)
    script.says(Welcome(enter.id, MEMBER, 3, "durable", 0))
    assert script.session.cache.me == MEMBER
    script.drop()
    assert script.greet_for(Enter).replaces == 3


# -- guests ---------------------------------------------------------------------------------------------------


def test_a_name_alone_means_a_guest() -> None:
    logins = [Script(who).greet() for who in ("alice", GuestCredentials("alice", "", IDENTITY))]
    assert logins[0] == logins[1]
    assert logins[0].secret == IDENTITY.secret_for(SERVER)


def test_a_guest_may_be_another_one_than_the_device_belongs_to() -> None:
    other = Identity(b"o" * 32, b"x" * 16)
    login = Script(GuestCredentials("bob", "Bob", other)).greet()
    assert (login.name, login.display, login.secret) == ("bob", "Bob", other.secret_for(SERVER))
    assert login.device == IDENTITY.device


# -- passwords ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("few_iterations")
@pytest.mark.parametrize("channel", [FAR, LOCAL, TLS], ids=["plain", "local", "TLS"])
@pytest.mark.parametrize("byte_by_byte", [False, True])
def test_a_password_is_proven_and_then_one_enters(channel: KnownChannel, byte_by_byte: bool) -> None:
    script = Script(PasswordCredentials("alice", PASSWORD), channel=channel, byte_by_byte=byte_by_byte)
    doorman = Doorman(script, channel.channel_binding)
    exchange, finish = doorman.challenge(script.greet_for(StartScram))
    assert PASSWORD not in finish.final
    script.says(Proven(finish.id, exchange.finish(finish.final), "alice"))
    enter = script.hears_one(Enter)
    assert script.session.phase is Phase.LOGIN
    script.says(Welcome(enter.id, MEMBER, 3, "durable", 0))
    assert script.session.is_online


@pytest.mark.usefixtures("few_iterations")
def test_every_connection_needs_a_proof_of_its_own() -> None:
    script = Script(PasswordCredentials("alice", PASSWORD), channel=TLS)
    finals = set()
    for session in (1, 2):
        exchange, finish = Doorman(script, TLS.channel_binding).challenge(script.greet_for(StartScram))
        finals.add(finish.final)
        script.says(Proven(finish.id, exchange.finish(finish.final), "alice"))
        enter = script.hears_one(Enter)
        assert enter.replaces == session - 1
        script.says(Welcome(enter.id, MEMBER, session, "durable", 0))
        assert script.session.is_online
        script.drop()
    assert len(finals) == 2


@pytest.mark.usefixtures("few_iterations")
def test_the_name_that_was_taken_since_is_the_one_to_log_in_with() -> None:
    script = Script(PasswordCredentials("alice", PASSWORD))
    exchange, finish = Doorman(script, None).challenge(script.greet_for(StartScram))
    script.says(Proven(finish.id, exchange.finish(finish.final), "alice"))
    script.says(Welcome(script.hears_one(Enter).id, MEMBER, 1, "durable", 0))
    script.session.request(lambda id: Rename(id, "ally"))
    script.says(Done(script.hears_one(Rename).id), Renamed(User(7, "ally", role=Role.MEMBER)))
    script.drop()
    assert "n=ally," in script.greet_for(StartScram).first


@pytest.mark.usefixtures("few_iterations")
def test_a_server_that_says_welcome_without_a_proof_of_its_own_is_not_believed() -> None:
    script = Script(PasswordCredentials("alice", PASSWORD), channel=TLS)
    start = script.greet_for(StartScram)
    script.says(Welcome(start.id, MEMBER, 3, "durable", 0))
    assert script.session.wants_close
    assert script.session.phase is Phase.LOGIN
    assert script.news() == []


@pytest.mark.usefixtures("few_iterations")
def test_a_server_with_a_wrong_proof_hears_nothing_more() -> None:
    script = Script(PasswordCredentials("alice", PASSWORD), channel=TLS)
    _, finish = Doorman(script, TLS.channel_binding).challenge(script.greet_for(StartScram))
    script.says(Proven(finish.id, "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "alice"))
    assert script.hears() == []
    assert script.drop() is None
    assert isinstance(script.session.failure, TrustError)


def test_a_server_that_asks_for_few_iterations_gets_no_proof() -> None:
    script = Script(PasswordCredentials("alice", PASSWORD), channel=TLS)
    start = script.greet_for(StartScram)
    nonce = start.first.rpartition("r=")[2]
    script.says(Challenge(start.id, f"r={nonce}more,s=MDEyMzQ1Njc4OWFiY2RlZg==,i={FEW}"))
    assert script.hears() == []
    assert script.drop() is None
    assert isinstance(script.session.failure, TrustError)


def test_tls_without_anything_to_bind_a_proof_to_is_no_reason_to_do_without() -> None:
    script = Script(PasswordCredentials("alice", PASSWORD), channel=KnownChannel(server_pin=b"\x02" * 32))
    script.connect()
    script.says(Hello(SERVER, "0.0"))
    assert script.hears() == []
    assert script.drop() is None
    assert isinstance(script.session.failure, TrustError)


def test_a_password_that_nobody_can_have_is_refused_without_the_server() -> None:
    script = Script(PasswordCredentials("alice", "\N{GRINNING FACE}"), channel=TLS)
    script.connect()
    script.says(Hello(SERVER, "0.0"))
    assert script.hears() == []
    assert script.drop() is None
    assert isinstance(script.session.failure, Refused)
    assert script.session.failure.code == ErrorCode.BAD_PASSWORD


def test_a_login_by_password_has_the_same_time_as_any_other() -> None:
    script = Script(PasswordCredentials("alice", PASSWORD), channel=TLS)
    script.greet_for(StartScram)
    assert script.wait(9.9)
    assert not script.wait(0.2)
    assert script.drop() is not None


@pytest.mark.usefixtures("few_iterations")
def test_a_connection_that_breaks_in_the_middle_of_a_proof_begins_anew() -> None:
    script = Script(PasswordCredentials("alice", PASSWORD), channel=TLS)
    Doorman(script, TLS.channel_binding).challenge(script.greet_for(StartScram))
    assert script.drop() is not None
    assert script.greet_for(StartScram).proof is Proof.PASSWORD


# -- being turned away ----------------------------------------------------------------------------------------

EVERYBODY = [TokenCredentials(TOKEN), LocalCredentials(), GuestCredentials("alice", "", IDENTITY)]


@pytest.mark.parametrize("credentials", EVERYBODY, ids=lambda credentials: type(credentials).__name__)
@pytest.mark.parametrize("code", [ErrorCode.BAD_CREDENTIALS, ErrorCode.LOGGED_OUT, ErrorCode.BANNED])
@pytest.mark.parametrize("retry_after", [0.0, 60.0])
def test_who_is_not_let_in_does_not_knock_again(credentials: Credentials, code: ErrorCode, retry_after: float) -> None:
    script = Script(credentials, channel=LOCAL)
    script.connect()
    script.says(Hello(SERVER, "0.0"))
    (login,) = script.hears()
    assert isinstance(login, TokenLogin | Enter | Login)
    script.says(RefusedEvent(login.id, code, "no", retry_after))
    assert script.drop() is None
    assert script.session.phase is Phase.STOPPED
    assert script.news() == [Offline(code, "no", None)]


def test_too_many_failed_logins_of_others_only_delay_one() -> None:
    script = Script(TokenCredentials(TOKEN), channel=TLS)
    login = script.greet_for(TokenLogin)
    script.says(RefusedEvent(login.id, ErrorCode.RETRY_AFTER, "later", 20.0))
    retry_at = script.drop()
    assert retry_at is not None
    assert retry_at >= script.now + 20


@pytest.mark.parametrize("code", [ErrorCode.LOGGED_OUT, ErrorCode.BANNED])
def test_who_is_put_out_for_good_stays_out(script: Script, code: ErrorCode) -> None:
    script.log_in()
    script.says(Closing(code, "out", 5.0))
    assert script.drop() is None


def test_who_was_only_kicked_comes_back(script: Script) -> None:
    script.log_in()
    script.says(Closing(ErrorCode.KICKED, "out", 5.0))
    retry_at = script.drop()
    assert retry_at is not None
    assert retry_at >= script.now + 5


# -- what does not show ---------------------------------------------------------------------------------------


def test_no_secret_shows_when_credentials_are_logged() -> None:
    guest = GuestCredentials("alice", "", IDENTITY)
    shown = repr([TokenCredentials(TOKEN), PasswordCredentials("alice", PASSWORD), guest, LocalCredentials()])
    assert "tttt" not in shown
    assert PASSWORD not in shown
    assert "iiii" not in shown


def test_the_keys_of_all_credentials_differ_and_hide_the_token() -> None:
    credentials: list[Credentials] = [
        GuestCredentials("alice", "", IDENTITY),
        PasswordCredentials("alice", PASSWORD),
        LocalCredentials(),
        TokenCredentials(TOKEN),
        TokenCredentials(b"u" * 32),
    ]
    keys = {each.key for each in credentials}
    assert len(keys) == 5
    assert not any(TOKEN.hex() in key or "tttt" in key for key in keys)
    assert GuestCredentials("Alice", "", IDENTITY).key in keys
