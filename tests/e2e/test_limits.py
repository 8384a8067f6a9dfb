"""Every limit of a server, on a real connection: nothing happens up to it, and one past it what docs/protocol.md says.

Numbers and sizes are those that are shipped; times are shorter. That the shipped times are kept is tested under virtual
time, in tests/net and tests/core.
"""

import ssl
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chatnet import Config, Server
from chatnet.address import TCP, TLS, UNIX, Address
from chatnet.core.limits import KIB, Limits
from chatnet.errors import ErrorCode
from chatnet.events import Ack, AreYouThere, Challenge, HistoryPage, Nack, Opened, Pong, Refused, Welcome
from chatnet.net.interfaces import lan_addresses
from chatnet.net.listening import RETRY_SECONDS
from chatnet.net.platform import has_unix_sockets
from chatnet.requests import (
    Alive,
    CreateRoom,
    FinishScram,
    GetHistory,
    Login,
    Open,
    Ping,
    Post,
    Proof,
    StartScram,
    TokenLogin,
)
from tests.e2e.processes import DEADLINE
from tests.e2e.raw import Raw, frame, login, request

LOBBY = 1
FAST, SLOW = 1e12, 0.001
LIFTED: dict[str, Any] = {
    "post_burst": FAST,
    "posts_per_second": FAST,
    "text_burst": FAST,
    "text_per_second": FAST,
    "request_burst": FAST,
    "requests_per_second": FAST,
}
"""Without rates, to reach another limit."""
NEEDS_UNIX = pytest.mark.skipif(not has_unix_sockets(), reason="this system has no unix sockets")
ANY_TCP = pytest.mark.parametrize("scheme", [TCP, TLS])


@contextmanager
def serving(
    limits: Limits, scheme: str = TCP, *, host: str = "127.0.0.1", path: Path | None = None
) -> Iterator[Address]:
    """A server with these limits; where it listens."""
    address = Address(UNIX, path=str(path)) if path else Address(scheme, host, 0)
    with Server(Config(bind=(address,), limits=limits, open=True)) as server:
        yield server.addresses[0]


def eventually_in(address: Address, name: str) -> None:
    """Come back until one is let in."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            with Raw(address) as raw:
                raw.log_in(name)
        except (OSError, AssertionError):
            assert time.monotonic() < end, "never let in again"
        else:
            return


def assert_shut_out(address: Address) -> None:
    """A new connection is closed at once: before any TLS, and without a word."""
    with Raw(address, is_plain=True) as raw:
        assert raw.rest() == b""


def pass_turns(address: Address, count: int) -> None:
    """Let the server's loop go round so often at least: each answer to somebody else takes a turn."""
    with Raw(address) as other:
        other.greet()
        for id in range(1, count + 1):
            other.send(request(Ping(id)))
            assert other.answer(Pong).id == id


# -- time -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [b"", b"\x16\x03\x01\x02\x00\x01\x00"], ids=["nothing", "half a ClientHello"])
def test_a_handshake_that_takes_too_long_is_cut_without_a_word(start: bytes) -> None:
    with serving(Limits(handshake_seconds=0.5), TLS) as address, Raw(address, is_plain=True) as raw:
        raw.send(start)
        assert raw.rest() == b""


@ANY_TCP
def test_a_login_that_takes_too_long_is_told_so(scheme: str) -> None:
    with serving(Limits(login_seconds=0.5), scheme) as address, Raw(address) as raw:
        raw.greet()
        assert raw.last_word() == ErrorCode.AUTH_TIMEOUT


def test_the_time_of_a_login_is_from_the_connection_on_and_the_handshake_s_part_of_it() -> None:
    with serving(Limits(handshake_seconds=DEADLINE, login_seconds=0.5), TLS) as address:
        begun = time.monotonic()
        with Raw(address) as raw:
            assert raw.last_word() == ErrorCode.AUTH_TIMEOUT
        assert time.monotonic() - begun < DEADLINE


@ANY_TCP
def test_who_has_logged_in_has_time(scheme: str) -> None:
    with serving(Limits(login_seconds=0.5), scheme) as address, Raw(address) as raw, Raw(address) as late:
        raw.log_in("alice")
        assert late.last_word() == ErrorCode.AUTH_TIMEOUT  # so the time of both is over
        raw.send(request(Ping(7)))
        assert raw.answer(Pong).id == 7


@ANY_TCP
def test_silence_is_asked_about_and_then_ends(scheme: str) -> None:
    limits = Limits(ping_seconds=0.5, silence_seconds=1.5)
    with serving(limits, scheme) as address, Raw(address) as silent, Raw(address) as answering:
        silent.log_in("silent")
        answering.log_in("answering")
        for _ in range(3):
            answering.answer(AreYouThere)
            answering.send(request(Alive()))
        silent.answer(AreYouThere)
        assert silent.last_word() == ErrorCode.TIMED_OUT
        answering.answer(AreYouThere)


# -- connections ----------------------------------------------------------------------------------------------


@ANY_TCP
def test_256_may_be_about_to_log_in_and_the_next_is_told_when_to_come_back(scheme: str) -> None:
    limits = Limits(wasted_connections_per_place=1000, login_seconds=DEADLINE, handshake_seconds=DEADLINE)
    with serving(limits, scheme) as address, ExitStack() as held:
        strangers = [held.enter_context(Raw(address)) for _ in range(limits.strangers)]
        for stranger in strangers:
            stranger.greet()
        with Raw(address) as late:
            closing = late.closing()
            assert (closing.code, closing.retry_after) == (ErrorCode.SERVER_FULL, RETRY_SECONDS)
        strangers[0].send(request(login("alice")))
        strangers[0].answer(Welcome)
        with Raw(address) as late:
            late.greet()


def test_strangers_who_have_not_even_done_their_handshake_count() -> None:
    with serving(Limits(strangers=2), TLS) as address, ExitStack() as held:
        for _ in range(2):
            held.enter_context(Raw(address, is_plain=True))
        with Raw(address) as late:
            assert late.last_word() == ErrorCode.SERVER_FULL


@ANY_TCP
def test_64_connections_from_one_address_may_come_to_nothing_and_the_next_is_closed_at_once(scheme: str) -> None:
    limits = Limits()
    with serving(limits, scheme) as address, ExitStack() as held:
        strangers = [held.enter_context(Raw(address)) for _ in range(limits.wasted_connections_per_place)]
        strangers[0].greet()
        assert_shut_out(address)
        for stranger in strangers[1:]:
            stranger.socket.close()
        assert_shut_out(address)
        # A login gives back the slot that it came with, and no other.
        strangers[0].send(request(login("alice")))
        strangers[0].answer(Welcome)
        with Raw(address) as again:
            again.greet()
            assert_shut_out(address)


def test_after_a_minute_the_address_may_try_again() -> None:
    with serving(Limits(wasted_connections_per_place=2, wasted_connection_seconds=1.0)) as address:
        for _ in range(2):
            Raw(address).socket.close()
        assert_shut_out(address)
        eventually_in(address, "alice")


@ANY_TCP
def test_200_logins_in_a_row_from_one_address_are_no_matter(scheme: str) -> None:
    with serving(Limits(), scheme) as address:
        for _ in range(200):
            with Raw(address) as raw:
                raw.log_in("alice" + str(time.monotonic_ns()))


@ANY_TCP
def test_60_who_reconnect_at_once_from_one_address_are_let_in_every_time(scheme: str) -> None:
    with serving(Limits(), scheme) as address:
        for _ in range(3):
            with ExitStack() as held:
                guests = [held.enter_context(Raw(address)) for _ in range(60)]
                for number, guest in enumerate(guests):
                    guest.log_in(f"guest{number}-{time.monotonic_ns()}")


@NEEDS_UNIX
def test_a_unix_socket_has_no_address_and_no_such_limit(tmp_path: Path) -> None:
    limits = Limits()
    with serving(limits, path=tmp_path / "socket") as address:
        for _ in range(2 * limits.wasted_connections_per_place):
            with Raw(address) as raw:
                raw.greet()


# -- sizes ----------------------------------------------------------------------------------------------------


def padded_ping(size: int) -> bytes:
    """A frame whose payload is a `Ping` of so many bytes, most of them a field that nobody knows."""
    empty = len(msgspec.msgpack.encode([2, 7, bytes(256)])) - 256
    payload = msgspec.msgpack.encode([2, 7, bytes(size - empty)])
    payload = (
        payload if len(payload) == size else msgspec.msgpack.encode([2, 7, bytes(2 * size - empty - len(payload))])
    )
    assert len(payload) == size
    return frame(payload)


@ANY_TCP
def test_a_frame_before_the_login_may_have_4_kib(scheme: str) -> None:
    with serving(Limits(), scheme) as address, Raw(address) as raw:
        raw.greet()
        raw.send(padded_ping(4 * KIB))
        assert raw.answer(Pong).id == 7
        raw.send(padded_ping(4 * KIB + 1))
        assert raw.last_word() == ErrorCode.FRAME_TOO_BIG


@ANY_TCP
def test_a_frame_after_the_login_may_have_64_kib(scheme: str) -> None:
    with serving(Limits(), scheme) as address, Raw(address) as raw:
        raw.log_in("alice")
        raw.send(padded_ping(64 * KIB))
        assert raw.answer(Pong).id == 7
        raw.send(padded_ping(64 * KIB + 1))
        assert raw.last_word() == ErrorCode.FRAME_TOO_BIG


def test_a_text_may_have_16_kib_of_utf8() -> None:
    with serving(Limits()) as address, Raw(address) as raw:
        raw.log_in("alice")
        raw.send(request(Post(1, LOBBY, "é" * (8 * KIB))) + request(Post(2, LOBBY, "é" * (8 * KIB) + "e")))
        refused = raw.answer(Nack)
        assert (refused.n, refused.code, refused.retry_after) == (2, ErrorCode.TOO_LONG, 0)
        assert raw.answer(Ack).n == 1


def test_a_page_has_48_kib() -> None:
    with serving(Limits(**LIFTED)) as address, Raw(address) as raw:
        raw.log_in("alice")
        for n in range(1, 11):
            raw.send(request(Post(n, LOBBY, "x" * 8 * KIB)))
            raw.answer(Ack)
        raw.send(request(GetHistory(7, LOBBY)))
        assert len(raw.answer(HistoryPage).messages) == 5


@NEEDS_UNIX
def test_before_the_login_16_kib_may_wait_to_be_read(tmp_path: Path) -> None:
    """On top of what the system holds back for somebody who does not read: some 200 KiB, which TCP has more of."""
    limits = Limits(**LIFTED, login_seconds=DEADLINE, farewell_seconds=DEADLINE)
    with serving(limits, path=tmp_path / "socket") as address, Raw(address) as raw:
        raw.greet()
        raw.send(request(Open(7, user="bob")) * 15_000)  # the answers have some 500 KiB
        pass_turns(address, 100)  # in each, 256 requests are handled
        assert raw.last_word() == ErrorCode.TOO_SLOW


# -- rates ----------------------------------------------------------------------------------------------------


def assert_held(raw: Raw, address: Address) -> None:
    """What was sent last is not answered, while somebody else who comes later is."""
    pass_turns(address, 10)
    raw.socket.setblocking(False)
    with pytest.raises((BlockingIOError, ssl.SSLWantReadError)):
        raw.event()
    raw.socket.settimeout(DEADLINE)


@ANY_TCP
def test_20_messages_may_be_sent_at_once(scheme: str) -> None:
    """One more is taken, on credit. What comes then is read when the rate allows it."""
    with serving(Limits(posts_per_second=SLOW), scheme) as address, Raw(address) as raw:
        raw.log_in("alice")
        raw.send(b"".join(request(Post(n, LOBBY, "x")) for n in range(1, 23)))
        assert [raw.answer(Ack).n for _ in range(21)] == list(range(1, 22))
        assert_held(raw, address)


@ANY_TCP
def test_64_kib_of_text_may_be_sent_at_once(scheme: str) -> None:
    with serving(Limits(text_per_second=SLOW), scheme) as address, Raw(address) as raw:
        raw.log_in("alice")
        raw.send(b"".join(request(Post(n, LOBBY, "x" * 16 * KIB)) for n in range(1, 7)))
        assert [raw.answer(Ack).n for _ in range(5)] == list(range(1, 6))
        assert_held(raw, address)


@ANY_TCP
def test_200_other_requests_may_be_sent_at_once(scheme: str) -> None:
    with serving(Limits(requests_per_second=SLOW), scheme) as address, Raw(address) as raw:
        raw.greet()
        raw.send(b"".join(request(Ping(id)) for id in range(1, 203)))
        assert [raw.answer(Pong).id for _ in range(201)] == list(range(1, 202))
        assert_held(raw, address)


def test_what_is_over_a_rate_is_neither_lost_nor_silence() -> None:
    """10 too many at 10 a second: a second in which nothing is read, and in which the silence would be over."""
    limits = Limits(ping_seconds=0.2, silence_seconds=0.4)
    with serving(limits) as address, Raw(address) as raw:
        raw.log_in("alice")
        begun = time.monotonic()
        raw.send(b"".join(request(Post(n, LOBBY, "x")) for n in range(1, 33)))
        assert [raw.answer(Ack).n for _ in range(32)] == list(range(1, 33))
        assert time.monotonic() - begun >= (32 - 21) / limits.posts_per_second


def test_32_posts_may_be_unanswered() -> None:
    with serving(Limits(**LIFTED)) as address, Raw(address) as raw, Raw(address) as hasty:
        raw.log_in("alice")
        raw.send(b"".join(request(Post(n, LOBBY, "x")) for n in range(1, 33)))
        assert [raw.answer(Ack).n for _ in range(32)] == list(range(1, 33))
        hasty.log_in("bob")
        hasty.send(b"".join(request(Post(n, LOBBY, "x")) for n in range(1, 34)))
        assert hasty.last_word() == ErrorCode.TOO_MANY_UNANSWERED


# -- logins ---------------------------------------------------------------------------------------------------


def guess(raw: Raw, name: str) -> Refused:
    """Show a wrong password; what the server says to that."""
    raw.send(request(StartScram(1, Proof.PASSWORD, f"n,,n={name},r=nonce")))
    challenge = raw.event()
    if isinstance(challenge, Refused):
        return challenge
    assert isinstance(challenge, Challenge)
    nonce = challenge.message.partition(",")[0].removeprefix("r=")
    proof = b64encode(bytes(32)).decode()
    raw.send(request(FinishScram(2, f"c=biws,r={nonce},p={proof}")))
    return raw.answer(Refused)


def test_a_password_may_be_wrong_5_times_a_minute() -> None:
    limits = Limits()
    with serving(limits) as address, Raw(address) as raw:
        raw.greet()
        codes = [guess(raw, "alice").code for _ in range(limits.failed_logins_per_account)]
        assert set(codes) == {ErrorCode.BAD_CREDENTIALS}
        refused = guess(raw, "alice")
        assert refused.code == ErrorCode.RETRY_AFTER
        assert 0 < refused.retry_after <= 60
        assert guess(raw, "bob").code == ErrorCode.BAD_CREDENTIALS


def test_the_minute_is_not_that_of_one_connection() -> None:
    limits = Limits()
    with serving(limits) as address:
        codes = []
        for _ in range(limits.failed_logins_per_account + 1):
            with Raw(address) as raw:
                raw.greet()
                codes.append(guess(raw, "alice").code)
    assert codes == [ErrorCode.BAD_CREDENTIALS] * limits.failed_logins_per_account + [ErrorCode.RETRY_AFTER]


def wrong_tokens(address: Address, count: int) -> list[str]:
    """Show as many tokens that nobody has been given."""
    with Raw(address) as raw:
        raw.greet()
        codes = []
        for id in range(1, count + 1):
            raw.send(request(TokenLogin(id, bytes(32), bytes(16))))
            codes.append(raw.answer(Refused).code)
        return codes


def test_from_one_address_10_logins_may_fail_in_a_minute() -> None:
    limits = Limits()
    allowed = limits.failed_logins_per_place
    host = next((address for address in lan_addresses() if ":" not in address), None)
    if host is None:
        pytest.skip("this machine has no address but loopback")
    with serving(limits, TLS, host=host) as address:
        assert wrong_tokens(address, allowed + 1) == [ErrorCode.BAD_CREDENTIALS] * allowed + [ErrorCode.RETRY_AFTER]
        assert wrong_tokens(address, 1) == [ErrorCode.RETRY_AFTER]


def test_this_machine_itself_is_no_address() -> None:
    limits = Limits()
    allowed = limits.failed_logins_per_place
    with serving(limits, TLS) as address:
        assert wrong_tokens(address, allowed + 1) == [ErrorCode.BAD_CREDENTIALS] * (allowed + 1)


def test_one_user_may_have_8_sessions() -> None:
    limits = Limits()
    who = login("alice")
    with serving(limits) as address, ExitStack() as held:
        lines = [held.enter_context(Raw(address)) for _ in range(limits.sessions_per_user + 1)]
        for number, line in enumerate(lines[:-1]):
            line.greet()
            line.send(request(Login(1, who.name, who.secret, bytes([number]) * 16)))
            line.answer(Welcome)
        lines[-1].greet()
        lines[-1].send(request(who))
        assert lines[-1].answer(Refused).code == ErrorCode.TOO_MANY_SESSIONS


def test_a_guest_may_own_100_rooms() -> None:
    limits = Limits(**LIFTED)
    with serving(limits) as address, Raw(address) as raw:
        raw.log_in("alice")
        for number in range(limits.rooms_per_guest):
            raw.send(request(CreateRoom(1, f"room{number}")))
            raw.answer(Opened)
        raw.send(request(CreateRoom(1, "one-more")))
        assert raw.answer(Refused).code == ErrorCode.TOO_MANY_ROOMS


@ANY_TCP
def test_there_is_a_most_of_all_connections(scheme: str) -> None:
    """The one too many is told so if that takes no handshake."""
    with serving(Limits(connections=2), scheme) as address, Raw(address) as alice, Raw(address) as bob:
        alice.log_in("alice")
        bob.log_in("bob")
        with Raw(address, is_plain=True) as late:
            if scheme == TCP:
                assert late.last_word() == ErrorCode.SERVER_FULL
            else:
                assert late.rest() == b""
