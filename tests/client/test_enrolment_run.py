"""Errands over real connections: what is tried again, what is not, and what is said then. And clients with tokens."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from chatnet import Client
from chatnet.address import TCP, Address
from chatnet.auth import scram
from chatnet.client import errand
from chatnet.client.credentials import TokenCredentials
from chatnet.client.enrolment import change_password, enrol, join
from chatnet.client.identity import Identity
from chatnet.errors import ErrorCode, Refused, Unreachable
from chatnet.events import Hello
from chatnet.requests import FinishScram, Register, Request, TokenLogin
from chatnet.wire.codec import decode_request, encode
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader
from tests.client.registrar import CODE, Desk, Registrar
from tests.client.servers import PATIENCE

PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the cost of a guess nor the pauses are the point here."""
    monkeypatch.setattr(scram, "ITERATIONS", 4096)
    monkeypatch.setattr(errand, "chance", lambda: 0.01)


@contextmanager
def open_for_business(registrar: Registrar, hangs_up: dict[type[Request], int] | None = None) -> Iterator[Address]:
    """A registrar on loopback. ``hangs_up``: how often a connection breaks once such a request is done."""
    left = dict(hangs_up or {})

    def serve(connection: socket.socket) -> None:
        reader, desk = FrameReader(MAX_PAYLOAD), Desk(registrar, None)
        assert connection.recv(len(PREFACE), socket.MSG_WAITALL) == PREFACE
        connection.sendall(encode(Hello(registrar.id, "0.0")))
        while data := connection.recv(65536):
            reader.receive(data)
            while (payload := reader.next_frame()) is not None:
                request = decode_request(payload)
                reply = desk.answer(request)
                if left.get(type(request), 0):
                    left[type(request)] -= 1
                    return
                connection.sendall(encode(reply))

    def listen() -> None:
        with suppress(OSError):  # the listener is closed at the end
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(PATIENCE)
                    serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield Address(TCP, "127.0.0.1", listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE)


def test_somebody_joins_gets_another_device_changes_the_password_and_the_tokens_are_good() -> None:
    registrar = Registrar()
    with open_for_business(registrar) as address:
        made = join(address, CODE, lambda reason: "alice", timeout=PATIENCE)
        assert change_password(address, TokenCredentials(made.token), PASSWORD) == made.user
        other = enrol(address, "alice", PASSWORD, timeout=PATIENCE)
        assert made.token != other.token
        for token in (made.token, other.token):
            credentials = TokenCredentials(token)
            with Client(address, credentials=credentials, live=False, identity=Identity.ephemeral()) as client:
                assert client.user.name == "alice"


def test_answers_that_are_lost_again_and_again_make_one_account() -> None:
    registrar = Registrar(uses=5)
    with open_for_business(registrar, {Register: 1}) as address:
        made = join(address, CODE, lambda reason: "alice", timeout=PATIENCE)
    assert registrar.tokens == {made.token: made.user}
    assert registrar.uses == 4


def test_a_server_whose_answers_never_come_leaves_a_doubt_that_is_told() -> None:
    registrar = Registrar()
    with open_for_business(registrar, {Register: 1, TokenLogin: 100}) as address:
        with pytest.raises(Unreachable, match="may have been done") as failure:
            join(address, CODE, lambda reason: "alice", timeout=PATIENCE)
        assert str(address) in failure.value.message
    assert registrar.log.count("TokenLogin") == 4


def test_a_wrong_code_is_told_at_once() -> None:
    registrar = Registrar(uses=0)
    with open_for_business(registrar) as address, pytest.raises(Refused) as failure:
        join(address, CODE, lambda reason: "alice", timeout=PATIENCE)
    assert failure.value.code == ErrorCode.BAD_CREDENTIALS
    assert registrar.log == ["StartScram", "FinishScram"]


def test_a_connection_that_breaks_before_anything_was_asked_for_is_told_at_once() -> None:
    registrar = Registrar()
    with open_for_business(registrar, {FinishScram: 1}) as address, pytest.raises(Unreachable) as failure:
        join(address, CODE, lambda reason: "alice", timeout=PATIENCE)
    assert registrar.log == ["StartScram", "FinishScram"]
    assert "may have been done" not in failure.value.message


def test_where_nobody_listens_nothing_is_tried_twice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = Address(TCP, "127.0.0.1", listener.getsockname()[1])
    with pytest.raises(Unreachable, match="nobody listens") as failure:
        join(address, CODE, lambda reason: "alice", timeout=PATIENCE)
    assert "may have been done" not in failure.value.message


def test_a_client_has_either_a_name_or_credentials() -> None:
    with pytest.raises(TypeError):
        Client(name="bob", credentials=TokenCredentials(b"t" * 32))
