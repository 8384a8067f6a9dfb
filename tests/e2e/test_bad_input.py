"""Whatever comes over a socket: the server says what is wrong, at worst ends that connection, and others talk on."""

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from chatnet import Client, Config, Server
from chatnet.address import Address, parse
from chatnet.client.identity import Identity
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Ack, Deliver, Hello, Joined, Nack, Opened, Refused, Welcome
from chatnet.requests import GetHistory, Join, Login, Open, Ping, Post
from tests.e2e.bystanders import Pair
from tests.e2e.processes import DEADLINE
from tests.e2e.raw import PREFACE, Raw, frame, login, request

LOBBY_ID = 1


@pytest.fixture
def limits() -> Limits:
    """The defaults; a test that wants others overrides this."""
    return Limits()


@pytest.fixture
def address(limits: Limits) -> Iterator[Address]:
    """Where a server listens."""
    with Server(Config(bind=(parse("chatnet+tcp://127.0.0.1:0"),), limits=limits)) as server:
        yield server.addresses[0]


@pytest.fixture(autouse=True)
def pair(address: Address) -> Iterator[Pair]:
    """Two who talk before and after every test."""
    pair = Pair(address)
    try:
        pair.start()
        pair.talk()
        yield pair
        pair.talk()
    finally:
        pair.end()


# -- what is no chatnet ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_random_bytes_are_refused(address: Address, seed: int) -> None:
    with Raw(address) as raw:
        raw.send(bytes([seed * 31]) + os.urandom(2000))
        assert raw.last_word() == ErrorCode.BAD_MAGIC


def test_random_bytes_after_a_good_preface_are_refused(address: Address) -> None:
    with Raw(address) as raw:
        raw.send(PREFACE + frame(b"\xc1" + os.urandom(500)))
        assert raw.last_word() == ErrorCode.BAD_FRAME


def test_a_browser_gets_an_answer_that_it_can_show(address: Address) -> None:
    with Raw(address) as raw:
        raw.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = raw.rest()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"chatnet" in answer


def test_a_wrong_magic_is_refused(address: Address) -> None:
    with Raw(address) as raw:
        raw.send(b"CHAP\x01")
        assert raw.last_word() == ErrorCode.BAD_MAGIC


def test_a_wrong_version_is_refused(address: Address) -> None:
    with Raw(address) as raw:
        raw.send(b"CHAT\x63")
        assert raw.last_word() == ErrorCode.BAD_VERSION


# -- frames ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [4 * 1024 + 1, 2**32 - 1])
def test_a_stranger_s_oversized_frame_is_refused_by_its_length_alone(address: Address, size: int) -> None:
    with Raw(address) as raw:
        raw.send(PREFACE + size.to_bytes(4))
        assert raw.last_word() == ErrorCode.FRAME_TOO_BIG


def test_an_oversized_frame_after_login_is_refused_by_its_length_alone(address: Address) -> None:
    with Raw(address) as raw:
        raw.log_in("mallory")
        raw.send((64 * 1024 + 1).to_bytes(4))
        assert raw.last_word() == ErrorCode.FRAME_TOO_BIG


def test_a_frame_too_big_for_a_stranger_is_fine_after_login(address: Address) -> None:
    with Raw(address) as raw:
        raw.log_in("mallory")
        raw.send(request(Post(1, LOBBY_ID, "x" * 8 * 1024)))
        assert isinstance(raw.event(), Ack)


def test_an_unknown_request_is_refused(address: Address) -> None:
    with Raw(address) as raw:
        raw.log_in("mallory")
        raw.send(frame(b"\x92\x7e\x01"))
        assert raw.last_word() == ErrorCode.UNKNOWN_REQUEST


class TestSilence:
    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(login_seconds=0.3)

    @pytest.mark.parametrize("start", [b"", b"CHA", PREFACE, PREFACE + b"\x00\x00\x01\x00half"])
    def test_half_of_something_and_then_silence_ends_when_the_time_for_a_login_is_over(
        self, address: Address, start: bytes
    ) -> None:
        with Raw(address) as raw:
            raw.send(start)
            assert raw.last_word() == ErrorCode.AUTH_TIMEOUT

    def test_a_stranger_who_asks_and_asks_and_never_reads_ends_then_too(self, address: Address) -> None:
        with Raw(address) as raw:
            raw.send(PREFACE + request(Ping(7)) * 50_000)
            assert raw.last_word() == ErrorCode.AUTH_TIMEOUT


class TestHalfAFrameAfterLogin:
    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(ping_seconds=0.5, silence_seconds=2.0)

    def test_it_is_silence(self, address: Address, pair: Pair) -> None:
        with Raw(address) as raw:
            raw.log_in("mallory")
            raw.send(b"\x00\x00\x01\x00half")
            codes: list[str] = []
            waiting = threading.Thread(target=lambda: codes.append(raw.last_word()))
            waiting.start()
            while waiting.is_alive():
                pair.talk()  # or it would be silent too
                waiting.join(0.1)
        assert codes == [ErrorCode.TIMED_OUT]


# -- a client that never reads --------------------------------------------------------------------------------


class TestAClientThatNeverReads:
    @pytest.fixture
    def limits(self) -> Limits:
        # Without rates, so that the server's limits of output are all that holds it back.
        return Limits(
            post_burst=1e9,
            posts_per_second=1e9,
            text_burst=1e12,
            text_per_second=1e12,
            request_burst=1e9,
            requests_per_second=1e9,
            output_hard=256 * 1024,
            output_soft=64 * 1024,
        )

    def test_it_is_closed_once_its_replies_fill_the_queue(self, address: Address, pair: Pair) -> None:
        with Raw(address) as raw:
            raw.log_in("mallory")
            for n in range(1, 4):
                raw.send(request(Post(n, LOBBY_ID, "x" * 16_000)))
                assert isinstance(raw.event(), Ack)
            # Each asks for 48 KiB.
            raw.send(b"".join(request(GetHistory(id, LOBBY_ID)) for id in range(1000)))
            pair.wait_until_gone("mallory")
            assert raw.last_word() == ErrorCode.TOO_SLOW

    def test_what_others_say_waits_for_it_and_holds_nobody_up(self, address: Address) -> None:
        """Deliveries are not queued without end, and come once it reads again: every one, in order."""
        count, text = 900, "x" * 16_000
        with (
            Raw(address, receive_buffer=4096) as slow,
            Client(address, name="talker", identity=Identity.ephemeral()) as talker,
        ):
            slow.log_in("mallory")
            slow.send(request(Join(2, "lobby")))
            while not isinstance(slow.event(), Joined):
                pass
            for number in range(count):
                talker.post(f"{number} {text}", room="lobby")
            talker.flush(DEADLINE)
            heard: list[int] = []
            while len(heard) < count:
                if isinstance(event := slow.event(), Deliver):
                    heard += [int(message.body.split()[0]) for message in event.messages]
        assert heard == list(range(count))


# -- names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("alice", ErrorCode.NAME_IN_USE),
        ("ALICE", ErrorCode.NAME_IN_USE),
        ("", ErrorCode.BAD_NAME),
        ("al\x1b[2Jice", ErrorCode.BAD_NAME),
        ("al\nice", ErrorCode.BAD_NAME),
        ("al\u202eice", ErrorCode.BAD_NAME),
        ("\x00", ErrorCode.BAD_NAME),
        ("x" * 33, ErrorCode.BAD_NAME),
        ("-rf", ErrorCode.BAD_NAME),
    ],
)
def test_a_bad_name_is_refused_and_another_one_may_be_tried(address: Address, name: str, code: ErrorCode) -> None:
    with Raw(address) as raw:
        raw.send(PREFACE)
        assert isinstance(raw.event(), Hello)
        raw.send(request(login(name)))
        refused = raw.event()
        assert isinstance(refused, Refused)
        assert refused.code == code
        raw.send(request(login("mallory")))
        assert isinstance(raw.event(), Welcome)


@pytest.mark.parametrize("display", ["a\x1b[2J", "a\nb", "\u202ebob", "x" * 41, " x"])
def test_a_bad_display_name_is_refused(address: Address, display: str) -> None:
    with Raw(address) as raw:
        raw.send(PREFACE)
        assert isinstance(raw.event(), Hello)
        raw.send(request(Login(1, "mallory", bytes(32), bytes(16), display)))
        refused = raw.event()
        assert isinstance(refused, Refused)
        assert refused.code == ErrorCode.BAD_NAME


@pytest.mark.parametrize(("secret", "device"), [(b"", bytes(16)), (bytes(33), bytes(16)), (bytes(32), b"")])
def test_a_secret_or_device_of_another_length_is_refused(address: Address, secret: bytes, device: bytes) -> None:
    with Raw(address) as raw:
        raw.send(PREFACE + request(Login(1, "mallory", secret, device)))
        assert raw.last_word() == ErrorCode.BAD_FRAME


# -- requests -------------------------------------------------------------------------------------------------


def test_a_request_before_login_is_refused(address: Address) -> None:
    with Raw(address) as raw:
        raw.send(PREFACE + request(Open(5, user="bob")))
        assert isinstance(raw.event(), Hello)
        refused = raw.event()
        assert isinstance(refused, Refused)
        assert (refused.id, refused.code) == (5, ErrorCode.NOT_LOGGED_IN)


def test_a_post_before_login_is_the_end(address: Address) -> None:
    with Raw(address) as raw:
        raw.send(PREFACE + request(Post(1, LOBBY_ID, "hi")))
        assert raw.last_word() == ErrorCode.NOT_LOGGED_IN


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (Open(5, user="nobody"), ErrorCode.NO_SUCH_USER),
        (Open(5, room="nowhere"), ErrorCode.NO_SUCH_ROOM),
        (Join(5, "nowhere"), ErrorCode.NO_SUCH_ROOM),
        (Open(5, room="\x1b[2J"), ErrorCode.NO_SUCH_ROOM),
        (Open(5), ErrorCode.BAD_REQUEST),
    ],
)
def test_an_unknown_user_or_room_is_refused(address: Address, asked: Open | Join, code: ErrorCode) -> None:
    with Raw(address) as raw:
        raw.log_in("mallory")
        raw.send(request(asked))
        refused = raw.event()
        assert isinstance(refused, Refused)
        assert (refused.id, refused.code) == (5, code)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("x" * (16 * 1024 + 1), ErrorCode.TOO_LONG),
        ("é" * (8 * 1024) + "x", ErrorCode.TOO_LONG),
        ("", ErrorCode.BAD_TEXT),
        ("\x1b[2J", ErrorCode.BAD_TEXT),
        ("a\rb", ErrorCode.BAD_TEXT),
        ("\x9b", ErrorCode.BAD_TEXT),
    ],
)
def test_a_bad_text_is_refused_for_good_and_the_next_one_is_taken(address: Address, body: str, code: ErrorCode) -> None:
    with Raw(address) as raw:
        raw.log_in("mallory")
        raw.send(request(Post(1, LOBBY_ID, body)) + request(Post(2, LOBBY_ID, "sorry")))
        refused, stored = raw.event(), raw.event()
        assert isinstance(refused, Nack)
        assert (refused.n, refused.code, refused.retry_after) == (1, code, 0)
        assert isinstance(stored, Ack)
        assert stored.n == 2


def test_a_message_of_exactly_16_kib_is_stored(address: Address) -> None:
    with Raw(address) as raw:
        raw.log_in("mallory")
        raw.send(request(Post(1, LOBBY_ID, "é" * (8 * 1024))))
        assert isinstance(raw.event(), Ack)


def test_a_post_into_somebody_else_s_chat_is_refused(address: Address, pair: Pair) -> None:
    with Raw(address) as raw:
        raw.log_in("mallory")
        raw.send(request(Post(1, pair.alice.conversation(with_="bob").id, "hi")))
        refused = raw.event()
        assert isinstance(refused, Nack)
        assert refused.code == ErrorCode.NO_SUCH_CONVERSATION


# -- all at once ----------------------------------------------------------------------------------------------


def test_connections_that_come_and_go_are_forgotten(address: Address) -> None:
    for number in range(100):
        with socket.create_connection((address.host, address.port), timeout=DEADLINE) as connection:
            connection.sendall((PREFACE + request(login(f"m{number}")))[: number % 20])


def test_one_name_can_be_looked_up_and_talked_to_after_all_that(address: Address) -> None:
    with Raw(address) as raw:
        raw.log_in("mallory")
        raw.send(request(Open(9, user="bob")))
        assert isinstance(raw.event(), Opened)
