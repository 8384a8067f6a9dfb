"""How a device gets its token: once, from the right server, whatever breaks on the way."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatnet.address import TLS as TLS_SCHEME
from chatnet.address import Address
from chatnet.auth import scram
from chatnet.auth.codes import Code
from chatnet.client.credentials import KnownChannel
from chatnet.client.enrolment import Joining
from chatnet.client.errand import Errand
from chatnet.errors import ErrorCode, Refused, TimedOut, TrustError, Unreachable
from chatnet.events import Challenge, Closing, Event, Hello, Proven, Registered, Welcome
from chatnet.events import Refused as RefusedEvent
from chatnet.model import User
from chatnet.requests import FinishScram, Register
from chatnet.testing import strategies
from chatnet.wire.codec import encode
from tests.client.registrar import BINDING, CODE, LOCAL, PIN, TLS, Registrar, Visit, failure_of

FEW = 4096
ids, reasons = st.integers(0, 4), st.sampled_from(["", "no"])
likely = st.one_of(
    st.just(Hello(b"s" * 16, "")),
    st.builds(Challenge, ids, st.sampled_from(["", "r=x,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096", "e=other-error"])),
    st.builds(Proven, ids, st.sampled_from(["", "v=AAAA", "e=other-error"]), reasons),
    st.builds(Registered, ids, st.just(User(1, "alice"))),
    st.builds(Welcome, ids, st.just(User(1, "alice")), ids, reasons, ids),
    st.builds(RefusedEvent, ids, st.sampled_from(["BAD_CREDENTIALS", "NAME_IN_USE", "?"]), reasons),
)
SERVER = Address(TLS_SCHEME, "chat", 5555)
FAR = KnownChannel()


@pytest.fixture(autouse=True, scope="module")
def few_iterations() -> Iterator[None]:
    """The cost of a guess is not the point here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scram, "ITERATIONS", FEW)
        yield


class Names:
    """Somebody who is asked for names."""

    def __init__(self, *names: str) -> None:
        self._names = list(names)
        self.reasons: list[str | None] = []

    def __call__(self, reason: str | None) -> str:
        self.reasons.append(reason)
        return self._names.pop(0)


def joining(*names: str, uses: int = 1, code: Code = CODE) -> tuple[Visit[User], Joining, Names, Registrar]:
    """Somebody who joins a server, with the names that they will think of."""
    chooser = Names(*names)
    plan = Joining(code, chooser, label="laptop")
    registrar = Registrar(uses=uses)
    return Visit(plan, registrar), plan, chooser, registrar


# -- joining --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [TLS, LOCAL], ids=["TLS", "local"])
def test_a_code_makes_an_account_and_a_token_that_the_server_has(channel: KnownChannel) -> None:
    visit, plan, names, registrar = joining("alice")
    visit.go(channel)
    assert visit.errand.outcome == [registrar.users["alice"]]
    made = plan.enrolment(SERVER, visit.errand.outcome[0])
    assert (made.address, made.server, made.user.name) == (SERVER, registrar.id, "alice")
    assert made.pin == channel.server_pin
    assert registrar.tokens == {made.token: made.user}
    assert names.reasons == [None]
    assert registrar.log == ["StartScram", "FinishScram", "Register"]
    assert repr(made.token) not in repr(made)


def test_a_name_that_cannot_be_had_is_asked_for_again_with_the_reason() -> None:
    visit, _, names, registrar = joining("no such name!", "alice", "bob")
    registrar.add("Alice")
    visit.go()
    assert visit.errand.outcome == [registrar.users["bob"]]
    assert names.reasons[0] is None
    assert "letters" in (names.reasons[1] or "")
    assert names.reasons[2] == "alice is taken"
    assert registrar.log.count("StartScram") == 1
    assert registrar.log.count("Register") == 2


def test_a_wrong_code_is_refused_before_anybody_is_asked_for_a_name() -> None:
    visit, _, names, registrar = joining(code=Code("7KQM", "00000000"))
    visit.go()
    error = failure_of(visit)
    assert isinstance(error, Refused)
    assert error.code == ErrorCode.BAD_CREDENTIALS
    assert names.reasons == []
    assert not registrar.users


def test_a_code_that_is_used_up_is_refused_like_a_wrong_one() -> None:
    wrong, *_ = joining(code=Code("7KQM", "00000000"))
    used, *_ = joining(uses=0)
    wrong.go()
    used.go()
    assert str(failure_of(wrong)) == str(failure_of(used))


def test_nobody_makes_an_account_where_others_can_read_along() -> None:
    visit, plan, _, registrar = joining("alice")
    visit.go(FAR)
    error = failure_of(visit)
    assert isinstance(error, TrustError)
    assert "not encrypted" in error.message
    assert registrar.log == []
    assert not plan.is_unsure


def test_a_label_that_no_server_takes_is_not_mistaken_for_a_name_to_be_chosen_again() -> None:
    with pytest.raises(Refused) as failure:
        Joining(CODE, Names(), label="two\nlines")
    assert failure.value.code == ErrorCode.BAD_NAME


def test_who_gives_up_choosing_a_name_leaves_nothing_behind() -> None:
    class GaveUp(Exception):
        pass

    def choose(reason: str | None) -> str:
        raise GaveUp

    registrar = Registrar()
    with pytest.raises(GaveUp):
        Visit(Joining(CODE, choose), registrar).go()
    assert registrar.uses == 1


# -- the wrong server -----------------------------------------------------------------------------------------


def test_a_man_in_the_middle_with_a_key_of_his_own_gets_no_account_no_token_and_no_pin() -> None:
    visit, plan, names, registrar = joining("alice")
    his = KnownChannel(channel_binding=b"\x0b" * 32, server_pin=b"\x0c" * 32)
    visit.go(his, binding=BINDING)
    error = failure_of(visit)
    assert isinstance(error, Refused)
    assert error.code == ErrorCode.BAD_CREDENTIALS
    assert (registrar.uses, registrar.users, registrar.tokens) == (1, {}, {})
    assert names.reasons == []
    with pytest.raises(AssertionError):
        plan.enrolment(SERVER, User(1, "alice"))


@pytest.mark.parametrize("skips", ["the proof", "everything", "iterations"])
def test_an_impostor_without_the_code_is_told_nothing_and_not_pinned(skips: str) -> None:
    visit, plan, names, _ = joining("alice")
    errand = visit.errand
    errand.connection_made(0.0, TLS)
    errand.receive(encode(Hello(b"s" * 16, "")), 0.0)
    first = errand.data_to_send()
    nonce = first[first.rindex(b"r=") + 2 :].decode()
    count = 1000 if skips == "iterations" else FEW
    if skips == "everything":
        errand.receive(encode(Registered(1, User(1, "alice"))), 0.0)
    else:
        errand.receive(encode(Challenge(1, f"r={nonce}x,s=MDEyMzQ1Njc4OWFiY2RlZg==,i={count}")), 0.0)
    if skips == "the proof":
        assert errand.data_to_send()
        errand.receive(encode(Proven(2, "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "7KQM")), 0.0)
    assert errand.wants_close
    assert errand.data_to_send() == b""
    errand.connection_lost(0.0, None)
    failure_of(visit)
    assert names.reasons == []
    with pytest.raises(AssertionError):
        plan.enrolment(SERVER, User(1, "alice"))


@pytest.mark.parametrize(
    ("channel", "id"),
    [(replace(TLS, server_pin=b"\x0c" * 32), b"s" * 16), (TLS, b"t" * 16)],
    ids=["another key", "another id"],
)
def test_the_token_is_not_shown_to_another_server_than_the_one_that_was_proven(
    channel: KnownChannel, id: bytes
) -> None:
    visit, plan, _, registrar = joining("alice")
    visit.go(lose_reply=Register)
    assert plan.is_unsure
    impostor = Registrar(id=id)
    visit.registrar = impostor
    visit.go(channel)
    error = failure_of(visit)
    assert isinstance(error, TrustError)
    assert impostor.log == []
    assert plan.enrolment(SERVER, registrar.users["alice"]).pin == PIN


# -- answers that are lost ------------------------------------------------------------------------------------


def test_an_account_whose_answer_was_lost_is_found_by_its_token() -> None:
    visit, plan, names, registrar = joining("alice", uses=5)
    visit.go(lose_reply=Register)
    assert plan.is_unsure
    assert not visit.errand.is_final
    assert isinstance(visit.errand.failure, Unreachable)
    visit.go()
    assert visit.errand.outcome == [registrar.users["alice"]]
    assert list(registrar.users) == ["alice"]
    assert registrar.uses == 4
    assert names.reasons == [None]
    assert registrar.log[-1] == "TokenLogin"


def test_an_account_that_the_server_never_heard_of_is_asked_for_again_by_the_same_name() -> None:
    visit, plan, names, registrar = joining("alice", uses=5)
    visit.go(lose_request=Register)
    assert plan.is_unsure
    visit.go()
    assert visit.errand.outcome == [registrar.users["alice"]]
    assert registrar.uses == 4
    assert names.reasons == [None]
    assert registrar.log[-4:] == ["TokenLogin", "StartScram", "FinishScram", "Register"]


@pytest.mark.parametrize("uses", [1, 5])
def test_a_request_that_comes_through_late_makes_no_second_account(uses: int) -> None:
    """The first `Register` is done only after the new connection was told that its token is unknown."""
    visit, _, names, registrar = joining("alice", uses=uses)
    visit.go(lose_reply=Register)
    (token,) = registrar.tokens
    user = registrar.tokens.pop(token)

    class Late(dict[bytes, User]):
        asked = 0

        def __contains__(self, key: object) -> bool:
            self.asked += 1
            return self.asked > 1 and super().__contains__(key)

    registrar.tokens = Late({token: user})
    visit.go()
    assert visit.errand.outcome == [user]
    assert list(registrar.users) == ["alice"]
    assert names.reasons == [None]
    refused_at = "FinishScram" if uses == 1 else "Register"
    assert registrar.log[-2:] == [refused_at, "TokenLogin"]


def test_a_name_that_somebody_else_took_in_the_meantime_is_asked_for_anew() -> None:
    visit, _, names, registrar = joining("alice", "bob", uses=5)
    visit.go(lose_request=Register)
    registrar.add("alice")
    visit.go()
    assert visit.errand.outcome == [registrar.users["bob"]]
    assert registrar.uses == 4
    assert names.reasons == [None, "alice is taken"]


def test_every_connection_may_break_and_still_there_is_one_account() -> None:
    visit, _, _, registrar = joining("alice", uses=5)
    visit.go(lose_request=Register)
    visit.go(lose_reply=FinishScram)
    visit.go(lose_request=Register)
    visit.go(lose_reply=Register)
    visit.go()
    assert visit.errand.outcome == [registrar.users["alice"]]
    assert (len(registrar.users), registrar.uses) == (1, 4)


def test_a_server_that_says_no_for_another_reason_leaves_no_doubt() -> None:
    visit, plan, names, registrar = joining("alice", uses=5)
    visit.go(lose_request=Register)
    registrar.refuses = Refused(ErrorCode.STORE_FULL, "full", 5.0)
    visit.go()
    error = failure_of(visit)
    assert isinstance(error, Refused)
    assert error.code == ErrorCode.STORE_FULL
    assert not plan.is_unsure
    assert names.reasons == [None]


def test_a_connection_that_breaks_before_anything_was_asked_for_leaves_no_doubt() -> None:
    visit, plan, names, _ = joining("alice")
    visit.go(lose_reply=FinishScram)
    assert not plan.is_unsure
    assert names.reasons == []


# -- errands in general ---------------------------------------------------------------------------------------


def test_a_silent_server_is_given_up() -> None:
    errand = joining("alice")[0].errand
    errand.connection_made(0.0, TLS)
    assert errand.next_tick == 10.0
    errand.tick(10.0)
    assert errand.wants_close
    errand.connection_lost(10.0, None)
    assert isinstance(errand.failure, TimedOut)
    assert not errand.is_final
    assert errand.next_tick is None


def test_a_server_that_closes_is_heard() -> None:
    errand = joining("alice")[0].errand
    errand.connection_made(0.0, TLS)
    errand.receive(encode(Closing(ErrorCode.SERVER_FULL, "full", 7.0)), 0.0)
    errand.connection_lost(0.0, None)
    assert isinstance(errand.failure, Unreachable)
    assert (errand.failure.code, errand.retry_after, errand.is_final) == (ErrorCode.SERVER_FULL, 7.0, False)


def test_what_is_no_chatnet_server_is_not_tried_again() -> None:
    visit, *_ = joining("alice")
    visit.errand.connection_made(0.0, TLS)
    visit.errand.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n", 0.0)
    visit.errand.connection_lost(0.0, None)
    error = failure_of(visit)
    assert isinstance(error, Unreachable)
    assert error.code == ErrorCode.NOT_CHATNET


def test_tokens_of_two_enrolments_differ() -> None:
    visits = [joining("alice") for _ in range(2)]
    for visit, *_ in visits:
        visit.go()
    assert len({plan.enrolment(SERVER, User(1, "alice")).token for _, plan, _, _ in visits}) == 2


@settings(max_examples=200)
@given(st.lists(st.one_of(likely, strategies.events(), st.binary(max_size=20)), max_size=12))
def test_no_server_makes_an_errand_raise_or_believe_it(plan: list[Event | bytes]) -> None:
    chooser = Names(*["alice"] * 20)
    joiner = Joining(CODE, chooser)
    errand = Errand(joiner, 10.0)
    errand.connection_made(0.0, TLS)
    for step in plan:
        errand.receive(step if isinstance(step, bytes) else encode(step), 0.0)
        errand.data_to_send()
    errand.connection_lost(0.0, None)
    assert errand.outcome == []
    assert chooser.reasons == []
