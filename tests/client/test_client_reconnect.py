"""The blocking client when connections break, servers restart, and nobody answers."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

import chatnet.client.client
from chatnet import Client
from chatnet.address import Address
from chatnet.client.identity import Identity
from chatnet.client.news import HistoryLost, Incoming, News, Offline, Online
from chatnet.errors import ErrorCode, Refused, TimedOut, Unreachable
from tests.client.servers import PATIENCE, Wire, running


@pytest.fixture(autouse=True)
def _small_dice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chance decides for short delays, so that tests do not wait long."""
    monkeypatch.setattr(chatnet.client.client, "chance", lambda: 0.05)


@pytest.fixture(scope="module")
def server() -> Iterator[Address]:
    with running() as address:
        yield address


@pytest.fixture
def wire(server: Address) -> Iterator[Wire]:
    wire = Wire(server)
    yield wire
    wire.close()


def client(
    server: Address, name: str, *, timeout: float = PATIENCE, reconnect: bool = True, live: bool = True
) -> Client:
    """A client of a guest of its own; enter it to connect."""
    return Client(server, name=name, identity=Identity.ephemeral(), timeout=timeout, reconnect=reconnect, live=live)


def hear_until(chat: Client, text: str) -> list[News]:
    """All news up to this message."""
    heard = []
    for news in chat.events(PATIENCE):
        heard.append(news)
        if isinstance(news, Incoming) and news.text == text:
            return heard
    raise AssertionError(f"{text!r} did not come, only {heard}")


def texts(news: list[News]) -> list[str]:
    return [item.text for item in news if isinstance(item, Incoming)]


def test_a_cut_connection_is_mended_and_nothing_is_missed(server: Address, wire: Wire) -> None:
    with client(wire.address, "away") as away, client(server, "steady") as steady:
        away.join("lobby")
        steady.send("0", room="lobby")
        steady.send("p0", to="away")
        hear_until(away, "p0")
        for number in range(1, 4):
            wire.cut()
            steady.send(str(number), room="lobby")
            steady.send(f"p{number}", to="away")
            heard = hear_until(away, f"p{number}")
            if str(number) not in texts(heard):
                heard += hear_until(away, str(number))
            assert sorted(texts(heard)) == [str(number), f"p{number}"]
            kinds = [type(news) for news in heard]
            assert kinds.index(Offline) < kinds.index(Online) < kinds.index(Incoming)
    assert wire.connections == 4


def test_what_is_said_while_cut_off_is_stored_once_and_in_order(server: Address, wire: Wire) -> None:
    with client(wire.address, "talker", live=False) as talker, client(server, "reader") as reader:
        for number in range(15):
            if number % 5 == 2:
                wire.cut()
            talker.post(str(number), to="reader")
        talker.flush()
        assert texts(hear_until(reader, "14")) == [str(number) for number in range(15)]


def test_requests_are_asked_again_over_the_next_connection(wire: Wire) -> None:
    with client(wire.address, "asker") as chat:
        wire.cut()
        assert [user.name for user in chat.who() if user.name == "asker"] == ["asker"]
        wire.cut()
        chat.rename("asker-2")
        wire.cut()
        chat.send("still me", to="asker-2")
    assert wire.connections == 4


def test_a_server_that_restarts_without_its_memory_is_used_again() -> None:
    with running() as address:
        chat = client(address, "stayer")
        chat.connect()
        chat.join("lobby")
        chat.send("before", room="lobby")
    n = chat.post("typed while the server was away", room="lobby")
    with running(address.port), client(address, "other") as other:
        heard = hear_until(chat, "typed while the server was away")
        other.send("after", room="lobby")
        heard += hear_until(chat, "after")
        assert n == 2
        assert texts(heard) == ["before", "typed while the server was away", "after"]
        assert [news.conversation for news in heard if isinstance(news, HistoryLost)] == [None]
        codes = [news.code for news in heard if isinstance(news, Offline)]
        assert codes[0] == ErrorCode.SHUTTING_DOWN
        chat.close()


def test_without_reconnect_a_lost_connection_ends_the_news(server: Address, wire: Wire) -> None:
    with client(server, "sender") as sender:
        chat = client(wire.address, "once", reconnect=False)
        chat.connect()
        sender.send("last words", to="once")
        hear_until(chat, "last words")
        wire.cut()
        heard: list[News] = []
        with pytest.raises(Unreachable) as lost:
            heard.extend(chat.events(PATIENCE))
        assert [type(news) for news in heard] == [Offline]
        assert str(wire.address) in lost.value.message
        chat.close()


def test_sending_without_a_server_fails_in_time_and_sends_nothing_later() -> None:
    with running() as address:
        chat = client(address, "patient")
        chat.connect()
    started = time.monotonic()
    with pytest.raises(Unreachable, match="nothing was sent"):
        chat.send("too late", to="patient", timeout=0.3)
    assert time.monotonic() - started < PATIENCE
    with running(address.port):
        chat.send("in time", to="patient")
        assert texts(hear_until(chat, "in time")) == ["in time"]
    chat.close()


def test_a_server_that_does_not_answer_leaves_open_whether_it_was_stored(wire: Wire) -> None:
    with client(wire.address, "unsure", timeout=1.5) as chat:
        chat.send("0", to="unsure")
        wire.stall()
        with pytest.raises(TimedOut, match="may still have arrived"):
            chat.send("1", to="unsure", timeout=0.2)
        with pytest.raises(TimedOut) as silence:
            chat.history(with_="unsure")
        assert silence.value.code == ErrorCode.NO_ANSWER
        wire.stall(False)
        assert texts(hear_until(chat, "1")) == ["0", "1"]


def test_a_room_that_may_have_been_made_is_not_made_again(wire: Wire) -> None:
    with client(wire.address, "maker") as chat:
        wire.stall()
        cutter = threading.Timer(0.1, wire.cut)
        cutter.start()
        with pytest.raises(Unreachable, match=r"rooms\(\) will tell"):
            chat.create_room("perhaps")
        cutter.join()
        wire.stall(False)


def test_a_wait_for_messages_ends_in_time_while_the_server_is_away() -> None:
    with running() as address:
        chat = client(address, "waiter")
        chat.connect()
    assert list(chat.messages(0.2)) == []
    chat.close()


def test_a_name_that_is_taken_meanwhile_ends_the_client() -> None:
    with running() as address:
        chat = client(address, "owner")
        chat.connect()
    with running(address.port), client(address, "owner"):
        heard: list[News] = []
        with pytest.raises(Refused) as refused:
            heard.extend(chat.events(PATIENCE))
        assert refused.value.code == ErrorCode.NAME_IN_USE
        assert isinstance(heard[-1], Offline)
        assert heard[-1].retry_in is None
    chat.close()


def test_a_program_that_was_busy_for_long_goes_on_where_it_stopped(server: Address, wire: Wire) -> None:
    with client(wire.address, "busy") as busy, client(server, "talkative") as talkative:
        talkative.send("0", to="busy")
        hear_until(busy, "0")
        # What the server does after 75 seconds of silence, seen from here: it is gone, and nobody noticed.
        wire.cut()
        for number in range(1, 4):
            talkative.send(str(number), to="busy")
        assert texts(hear_until(busy, "3")) == ["1", "2", "3"]


def test_a_large_message_goes_through_a_narrow_socket(server: Address) -> None:
    with client(server, "wide") as chat:
        transport = chat._driver._link._transport  # type: ignore[union-attr]
        assert transport is not None
        sock = transport.selectable
        assert isinstance(sock, socket.socket)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
        body = "x" * 16384
        for _ in range(3):
            chat.post(body, to="wide")
        chat.flush()
        assert [len(message.body) for message in chat.history(with_="wide")] == [16384] * 3
