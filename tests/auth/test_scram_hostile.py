"""Whatever the other side says, each half of SCRAM ends in a result or in a documented error."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatnet.auth import scram
from chatnet.auth.scram import ClientExchange, ServerExchange, make_verifier
from chatnet.errors import ErrorCode, Refused, TrustError
from chatnet.requests import Proof, StartScram

FEW = 4096
VERIFIER = make_verifier("correct horse", b"0123456789abcdef", FEW)
ANY_TEXT = st.text(st.characters(), max_size=200)
"""Lone surrogates too."""

values = st.one_of(
    st.sampled_from(
        [
            "alice",
            "nonce",
            "nonceserver",
            "biws",
            "=2C",
            "=",
            "600000",
            "4096",
            "MDEyMzQ1Njc4OWFiY2RlZg==",
            "A" * 43 + "=",
        ]
    ),
    st.text(st.characters(codec="ascii"), max_size=20),
    ANY_TEXT,
)
attributes = st.builds(lambda key, value: f"{key}={value}", st.sampled_from([*"amnrcsipvex", "ä", ""]), values)
messages = st.one_of(st.lists(attributes, max_size=6).map(",".join), ANY_TEXT, st.just("x" * 5000))
headers = st.sampled_from(["n,,", "y,,", "p=tls-server-end-point,,", "p=,,", "n,a=x,", ",,", ""])
bindings = st.sampled_from([None, b"\x01" * 32])


@pytest.fixture(autouse=True, scope="module")
def _few_iterations() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scram, "ITERATIONS", FEW)
        yield


def serve(first: str, binding: bytes | None) -> ServerExchange:
    request = StartScram(1, Proof.PASSWORD, first)
    return ServerExchange(request, binding=binding, nonce="server", lookup={"alice": VERIFIER}.get, secret=b"k")


@given(st.builds(str.__add__, headers, messages), bindings)
@example("n,,n=alice,r=\ud800", None)
@example("n,,n==2C=3D,r=x", None)
def test_a_server_refuses_any_first_message_or_has_a_challenge_for_it(first: str, binding: bytes | None) -> None:
    with suppress(Refused):
        exchange = serve(first, binding)
        assert exchange.name
        assert exchange.challenge.isascii()


@given(messages, bindings)
@example("c=biws,r=nonceserver,x=\ud800,p=AAAA", None)
@example("c=biws,r=nonceserver,p=" + "A" * 43 + "=", None)
def test_a_server_refuses_every_proof_of_who_does_not_know_the_password(final: str, binding: bytes | None) -> None:
    header = "n,," if binding is None else "p=tls-server-end-point,,"
    exchange = serve(f"{header}n=alice,r=nonce", binding)
    with pytest.raises(Refused) as failure:
        exchange.finish(final)
    assert failure.value.code == ErrorCode.BAD_CREDENTIALS


@given(messages, messages)
@example("r=noncemore,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096", "v=\ud800")
@example("r=noncemore,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096,x=\ud800", "")
def test_a_client_trusts_no_server_that_does_not_know_the_password(challenge: str, last: str) -> None:
    client = ClientExchange("alice", "correct horse", None, "nonce")
    with suppress(TrustError):
        assert client.respond(challenge).isascii()
    with pytest.raises(TrustError) as failure:
        client.verify(last)
    assert failure.value.code == ErrorCode.UNTRUSTED


@given(ANY_TEXT | st.text(max_size=300))
def test_any_password_makes_a_verifier_or_is_refused(password: str) -> None:
    with suppress(Refused):
        verifier = make_verifier(password, b"0123456789abcdef", FEW)
        assert len(verifier.stored_key) == len(verifier.server_key) == 32
