"""SCRAM between an honest client and an honest server, and what each refuses of the other."""

import os
from base64 import b64decode, b64encode
from collections.abc import Callable

import pytest

from chatnet.auth import scram
from chatnet.auth.codes import Code
from chatnet.auth.scram import (
    ClientExchange,
    ServerExchange,
    make_code_verifier,
    make_nonce,
    make_verifier,
    refusal,
)
from chatnet.errors import ErrorCode, Refused, TrustError
from chatnet.model import ITERATIONS, Verifier
from chatnet.requests import Proof, StartScram

FEW = 4096
"""Iterations where nothing is to be derived that anybody wants to know: the least that RFC 7677 allows."""
SECRET = b"k" * 32
HERE, THERE = b"\x01" * 32, b"\x02" * 32
"""The bindings of two TLS connections, to two servers."""
PASSWORD = "correct horse"
SALT = b"0123456789abcdef"


@pytest.fixture
def few_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the cost of a guess is not the point, tests take the cheap way."""
    monkeypatch.setattr(scram, "ITERATIONS", FEW)


def serve(
    first: str,
    binding: bytes | None = None,
    *,
    users: dict[str, Verifier] | None = None,
    nonce: str = "server-nonce",
    proof: Proof = Proof.PASSWORD,
    secret: bytes = SECRET,
) -> ServerExchange:
    """A server whose only user is alice."""
    known = {"alice": make_verifier(PASSWORD, SALT, FEW)} if users is None else users
    request = StartScram(1, proof, first)
    return ServerExchange(request, binding=binding, nonce=nonce, lookup=known.get, secret=secret)


# -- going well -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("few_iterations")
@pytest.mark.parametrize("binding", [None, HERE], ids=["plain", "on TLS"])
def test_who_knows_the_password_gets_in_and_learns_that_the_server_knows_it_too(binding: bytes | None) -> None:
    client = ClientExchange("alice", PASSWORD, binding, make_nonce(os.urandom))
    server = serve(client.first, binding)
    assert server.name == "alice"
    client.verify(server.finish(client.respond(server.challenge)))


def test_what_chatnet_makes_itself_has_all_the_iterations() -> None:
    client = ClientExchange("7KQM", "4XDP9TBC", HERE, make_nonce(os.urandom))
    codes = {"7KQM": make_code_verifier(Code("7KQM", "4XDP9TBC"), SALT)}
    assert codes["7KQM"].iterations == ITERATIONS == 600_000
    server = serve(client.first, HERE, users=codes, proof=Proof.CODE)
    client.verify(server.finish(client.respond(server.challenge)))
    assert make_verifier(PASSWORD, SALT).iterations == ITERATIONS


@pytest.mark.usefixtures("few_iterations")
def test_the_vectors_of_rfc_7677() -> None:
    nonce, server_nonce = "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    users = {"user": scram._derive("pencil", b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)}
    client = ClientExchange("user", "pencil", None, nonce)
    assert client.first == "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    server = serve(client.first, users=users, nonce=server_nonce)
    assert server.challenge == f"r={nonce}{server_nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    final = client.respond(server.challenge)
    assert final == f"c=biws,r={nonce}{server_nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    last = server.finish(final)
    assert last == "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    client.verify(last)


def test_a_nonce_is_new_every_time_and_fits_a_message() -> None:
    nonces = {make_nonce(os.urandom) for _ in range(100)}
    assert len(nonces) == 100
    assert all(len(nonce) == 24 and "," not in nonce for nonce in nonces)


# -- passwords ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("seven77", "at least 8 characters"),
        ("", "empty"),
        ("\u00ad" * 12, "empty"),
        ("seven77\u200b\u200b\u200b", "at least 8 characters"),
        ("x" * 257, "at most 256"),
        ("sunshine \N{GRINNING FACE}", "emoji"),
        ("sunshine \N{HEBREW LETTER ALEF}", "right-to-left"),
        ("\N{HEBREW LETTER ALEF}" * 8 + "1", "right-to-left"),
        ("tab\tinside it", "control characters"),
        ("half a pair \ud800", "control characters"),
    ],
)
def test_a_password_that_cannot_be_used_is_refused_in_plain_words(password: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as failure:
        make_verifier(password, SALT, FEW)
    assert failure.value.code == ErrorCode.BAD_PASSWORD


@pytest.mark.parametrize("password", ["8 letter", "ünïcödé", "\N{HEBREW LETTER ALEF}" * 8, "日本語のパスワード"])
def test_other_passwords_can_be_in_any_writing(password: str) -> None:
    assert make_verifier(password.ljust(8, password[-1]), SALT, FEW).iterations == FEW


@pytest.mark.usefixtures("few_iterations")
def test_the_same_password_typed_in_another_form_of_unicode_is_the_same() -> None:
    users = {"alice": make_verifier("Schlu\u0308ssel", SALT, FEW)}
    client = ClientExchange("alice", "Schl\u00fcssel", None, "nonce")
    server = serve(client.first, users=users)
    client.verify(server.finish(client.respond(server.challenge)))


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        ("alice", "\N{GRINNING FACE}", ErrorCode.BAD_PASSWORD),
        ("no such name!", "x", ErrorCode.BAD_NAME),
        ("älice", "x", ErrorCode.BAD_NAME),
        ("a,r=x", "x", ErrorCode.BAD_NAME),
    ],
)
def test_what_nobody_can_have_is_not_even_tried(name: str, password: str, code: ErrorCode) -> None:
    with pytest.raises(Refused) as failure:
        ClientExchange(name, password, None, "nonce")
    assert failure.value.code == code


# -- what a server refuses ------------------------------------------------------------------------------------


def turned_away(server: ServerExchange, final: str) -> tuple[str, str, float]:
    with pytest.raises(Refused) as failure:
        server.finish(final)
    error = failure.value
    assert error.__cause__ is None
    return error.code, error.message, error.retry_after


@pytest.mark.usefixtures("few_iterations")
@pytest.mark.parametrize("binding", [None, HERE], ids=["plain", "on TLS"])
def test_a_wrong_password_an_unknown_name_and_a_damaged_proof_get_one_answer(binding: bytes | None) -> None:
    answers = set()
    for name, password in (("alice", "wrong horse"), ("mallory", PASSWORD), ("mallory", "wrong horse")):
        client = ClientExchange(name, password, binding, "nonce")
        server = serve(client.first, binding)
        answers.add(turned_away(server, client.respond(server.challenge)))
    client = ClientExchange("alice", PASSWORD, binding, "nonce")
    for damage in (lambda final: final[:-8], lambda final: final + ",x=y", lambda final: "", lambda final: "\ud800"):
        server = serve(client.first, binding)
        answers.add(turned_away(server, damage(f"c=biws,r=nonceserver-nonce,p={'A' * 43}=")))
    wrong = refusal(Proof.PASSWORD)
    assert answers == {(ErrorCode.BAD_CREDENTIALS, wrong.message, 0.0)}


def test_an_unknown_name_has_a_salt_that_looks_like_any_other_and_stays() -> None:
    known = serve("n,,n=alice,r=nonce", users={"alice": Verifier(SALT, ITERATIONS, b"s" * 32, b"v" * 32)})
    unknown = [serve(f"n,,n={name},r=nonce").challenge for name in ("mallory", "Mallory", "mallory", "eve")]
    assert len(unknown[0]) == len(known.challenge)
    assert unknown[0] == unknown[1] == unknown[2] != unknown[3]
    assert unknown[0].endswith(f",i={ITERATIONS}")
    assert unknown[0] != serve("n,,n=mallory,r=nonce", secret=b"another server's secret").challenge


def test_the_salts_of_one_name_as_a_user_and_as_a_code_do_not_show_that_there_is_neither() -> None:
    as_user = serve("n,,n=7KQM,r=nonce", proof=Proof.PASSWORD)
    as_code = serve("n,,n=7KQM,r=nonce", proof=Proof.CODE)
    assert as_user.challenge != as_code.challenge


@pytest.mark.usefixtures("few_iterations")
def test_an_exchange_is_good_for_one_answer() -> None:
    client = ClientExchange("alice", PASSWORD, None, "nonce")
    server = serve(client.first)
    final = client.respond(server.challenge)
    server.finish(final)
    assert turned_away(server, final)[0] == ErrorCode.BAD_CREDENTIALS


@pytest.mark.usefixtures("few_iterations")
def test_a_recorded_exchange_is_worth_nothing_with_another_nonce() -> None:
    client = ClientExchange("alice", PASSWORD, HERE, "nonce")
    final = client.respond(serve(client.first, HERE, nonce="first").challenge)
    assert turned_away(serve(client.first, HERE, nonce="second"), final)[0] == ErrorCode.BAD_CREDENTIALS


BARE = "n=alice,r=nonce"


@pytest.mark.parametrize(
    ("binding", "first"),
    [
        (HERE, f"n,,{BARE}"),
        (HERE, f"y,,{BARE}"),
        (HERE, f"p=tls-unique,,{BARE}"),
        (HERE, f"p=tls-exporter,,{BARE}"),
        (None, f"y,,{BARE}"),
        (None, f"p=tls-server-end-point,,{BARE}"),
        (None, f"n,a=admin,{BARE}"),
        (None, BARE),
        (None, ""),
        (None, "n,,"),
        (None, f"n,,m=must,{BARE}"),
        (None, "n,,n=alice,n=bob,r=nonce"),
        (None, "n,,n=al=ice,r=nonce"),
        (None, "n,,n=älice,r=nonce"),
        (None, "n,,n=alice,r="),
        (None, "n,,n=alice,r=" + "x" * 1100),
    ],
)
def test_a_first_message_of_another_kind_is_refused_whoever_it_names(binding: bytes | None, first: str) -> None:
    words = []
    for text in (first, first.replace("alice", "mally")):
        with pytest.raises(Refused) as failure:
            serve(text, binding)
        assert failure.value.code == ErrorCode.BAD_REQUEST
        words.append(failure.value.message)
    assert words[0] == words[1]
    assert binding is None or "SCRAM-SHA-256-PLUS" in words[0]


def test_a_look_up_that_fails_is_not_taken_for_a_wrong_password() -> None:
    def broken(name: str) -> Verifier | None:
        raise LookupError(name)

    with pytest.raises(LookupError, match="alice"):
        ServerExchange(
            StartScram(1, Proof.PASSWORD, f"n,,{BARE}"), binding=None, nonce="x", lookup=broken, secret=SECRET
        )


# -- what a client refuses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "challenge",
    [
        "r=noncemore,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096",
        "r=noncemore,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=599999",
        "r=noncemore,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=10000001",
        "r=noncemore,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=99999999999999999999999999",
        "r=nonce,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=600000",
        "r=another,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=600000",
        "r=noncemore,s=AAAA,i=600000",
        "r=noncemore,s=not base 64,i=600000",
        "r=noncemore,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=1e6",
        "m=x,r=noncemore,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=600000",
        "e=unknown-user",
        "",
        "r=noncemore,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=600000" + ",x=" + "y" * 1000,
    ],
)
def test_no_server_gets_an_answer_to_a_challenge_that_is_weak_or_not_for_this_client(
    challenge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def derive(*args: object) -> bytes:
        raise AssertionError("something was derived of the password")

    monkeypatch.setattr("hashlib.pbkdf2_hmac", derive)
    client = ClientExchange("alice", PASSWORD, None, "nonce")
    with pytest.raises(TrustError, match="nothing was shown") as failure:
        client.respond(challenge)
    assert failure.value.code == ErrorCode.UNTRUSTED


@pytest.mark.usefixtures("few_iterations")
@pytest.mark.parametrize(
    "forge",
    [
        lambda last: f"v={b64encode(bytes(32)).decode()}",
        lambda last: last[:-5],
        lambda last: "v=",
        lambda last: "e=invalid-proof",
        lambda last: "e=nonsense",
        lambda last: "",
        lambda last: last + ",x=" + "y" * 1100,
        lambda last: "v=\N{GRINNING FACE}",
    ],
)
def test_a_server_that_cannot_show_that_it_knows_the_secret_is_not_trusted(forge: Callable[[str], str]) -> None:
    client = ClientExchange("alice", PASSWORD, None, "nonce")
    server = serve(client.first)
    last = server.finish(client.respond(server.challenge))
    with pytest.raises(TrustError, match="not the server") as failure:
        client.verify(forge(last))
    assert failure.value.code == ErrorCode.UNTRUSTED


@pytest.mark.usefixtures("few_iterations")
def test_a_server_cannot_skip_a_step() -> None:
    client = ClientExchange("alice", PASSWORD, None, "nonce")
    with pytest.raises(TrustError):
        client.verify(f"v={b64encode(bytes(32)).decode()}")


# -- a man in the middle --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("few_iterations")
def test_who_passes_all_messages_on_between_two_tls_connections_gets_nothing() -> None:
    """The attacker has a key of his own, so the client's connection ends THERE, and his own with the server HERE."""
    client = ClientExchange("alice", PASSWORD, THERE, make_nonce(os.urandom))
    server = serve(client.first, HERE, nonce=make_nonce(os.urandom))
    final = client.respond(server.challenge)
    assert turned_away(server, final)[0] == ErrorCode.BAD_CREDENTIALS

    # With the binding put right, the proof is one for other words.
    _, nonce, proof = final.split(",")
    bound = b64encode(b"p=tls-server-end-point,," + HERE).decode()
    again = serve(client.first, HERE, nonce=server.challenge.split(",")[0].removeprefix("r=")[24:])
    assert again.challenge == server.challenge
    assert turned_away(again, f"c={bound},{nonce},{proof}")[0] == ErrorCode.BAD_CREDENTIALS


@pytest.mark.usefixtures("few_iterations")
@pytest.mark.parametrize("flag", ["n", "y"])
def test_who_takes_the_binding_off_on_the_way_gets_nothing(flag: str) -> None:
    client = ClientExchange("alice", PASSWORD, THERE, "nonce")
    stripped = client.first.replace("p=tls-server-end-point", flag)
    with pytest.raises(Refused):
        serve(stripped, HERE)
    # Nor with a server that has no TLS at all, such as one behind the attacker's own.
    if flag == "n":
        server = serve(stripped, None)
        assert turned_away(server, client.respond(server.challenge))[0] == ErrorCode.BAD_CREDENTIALS


@pytest.mark.usefixtures("few_iterations")
def test_who_poses_as_the_server_cannot_prove_it_without_the_secret() -> None:
    client = ClientExchange("7KQM", "4XDP9TBC", THERE, "nonce")
    guess = {"7KQM": make_code_verifier(Code("7KQM", "00000000"), SALT)}
    impostor = serve(client.first, THERE, users=guess)
    final = client.respond(impostor.challenge)
    assert turned_away(impostor, final)
    with pytest.raises(TrustError):
        client.verify(f"v={b64encode(os.urandom(32)).decode()}")
