"""A client in its own thread: what goes in, what comes out, and how it ends."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

import chatnet.client.client
from chatnet import Client
from chatnet.address import Address
from chatnet.client.identity import Identity
from chatnet.client.news import Incoming, Offline, Online, Stored
from chatnet.client.thread import Answered, ClientThread, Connected, Ended, Failed, Notice
from chatnet.errors import ErrorCode
from tests.client.servers import PATIENCE, Wire, running


@pytest.fixture(autouse=True)
def _small_dice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chatnet.client.client, "chance", lambda: 0.05)


@pytest.fixture(scope="module")
def server() -> Iterator[Address]:
    with running() as address:
        yield address


def guest(server: Address, name: str) -> Client:
    return Client(server, name=name, identity=Identity.ephemeral(), timeout=PATIENCE)


@contextmanager
def threaded(server: Address, name: str, capacity: int = 1000) -> Iterator[ClientThread]:
    thread = ClientThread(lambda: guest(server, name), capacity=capacity)
    thread.start()
    try:
        yield thread
    finally:
        thread.stop()
        assert thread.join(PATIENCE)


def hear_until(thread: ClientThread, found: Callable[[Notice], bool]) -> list[Notice]:
    heard: list[Notice] = []
    deadline = time.monotonic() + PATIENCE
    while not (heard and found(heard[-1])):
        assert time.monotonic() < deadline, f"only {heard}"
        heard += thread.take(1, timeout=1.0)
    return heard


def is_answer(number: int) -> Callable[[Notice], bool]:
    return lambda notice: isinstance(notice, Answered | Failed) and notice.number == number


def test_the_login_comes_first_and_names_user_and_address(server: Address) -> None:
    with threaded(server, "first") as thread:
        heard = hear_until(thread, lambda notice: isinstance(notice, Online))
    assert isinstance(heard[0], Connected)
    assert (heard[0].user.name, heard[0].address) == ("first", server)


def test_what_is_asked_before_the_login_is_answered_after_it(server: Address) -> None:
    thread = ClientThread(lambda: guest(server, "early"))
    number = thread.ask(lambda chat: chat.join("lobby").name)
    thread.start()
    heard = hear_until(thread, is_answer(number))
    assert isinstance(heard[0], Connected)
    assert heard[-1] == Answered(number, "lobby")
    thread.stop()
    assert thread.join(PATIENCE)


def test_messages_of_others_come_out_in_order(server: Address) -> None:
    with threaded(server, "hearer") as thread, guest(server, "sayer") as sayer:
        hear_until(thread, is_answer(thread.ask(lambda chat: chat.join("lobby"))))
        for number in range(20):
            sayer.post(str(number), room="lobby")
        sayer.flush()
        heard = hear_until(thread, lambda notice: isinstance(notice, Incoming) and notice.text == "19")
        assert [notice.text for notice in heard if isinstance(notice, Incoming)] == [str(n) for n in range(20)]


def test_what_cannot_be_done_is_told_with_its_number(server: Address) -> None:
    with threaded(server, "asker") as thread:
        number = thread.ask(lambda chat: chat.conversation(with_="nobody-at-all"))
        failed = hear_until(thread, is_answer(number))[-1]
    assert isinstance(failed, Failed)
    assert failed.error.code == ErrorCode.NO_SUCH_USER


def test_nobody_takes_for_a_while_and_everything_is_still_there(server: Address) -> None:
    with threaded(server, "sleeper", capacity=5) as thread, guest(server, "chatterbox") as other:
        hear_until(thread, is_answer(thread.ask(lambda chat: chat.join("lobby"))))
        for number in range(50):
            other.send(f"b{number}", room="lobby")
        heard = hear_until(thread, lambda notice: isinstance(notice, Incoming) and notice.text == "b49")
        texts = [notice.text for notice in heard if isinstance(notice, Incoming)]
        assert texts == [f"b{number}" for number in range(50)]


def test_the_stream_never_holds_more_than_its_capacity(server: Address) -> None:
    with threaded(server, "bounded", capacity=3) as thread:
        numbers = [thread.do(lambda chat: None) for _ in range(20)]
        hear_until(thread, is_answer(numbers[0]))
        assert len(thread.take(100, timeout=PATIENCE)) <= 3
        hear_until(thread, is_answer(numbers[-1]))


def test_stopping_does_not_wait_for_somebody_to_take(server: Address) -> None:
    with threaded(server, "full", capacity=1) as thread:
        for _ in range(10):
            thread.do(lambda chat: None)
    # `threaded` asserts that the thread has ended, with nothing taken.


def test_a_lost_connection_is_told_and_posts_go_out_when_it_is_back(server: Address) -> None:
    wire = Wire(server)
    try:
        with threaded(wire.address, "away") as thread:
            hear_until(thread, is_answer(thread.ask(lambda chat: chat.join("lobby"))))
            wire.cut()
            offline = hear_until(thread, lambda notice: isinstance(notice, Offline))[-1]
            assert isinstance(offline, Offline)
            assert offline.retry_in is not None
            thread.do(lambda chat: chat.post("typed meanwhile", room="lobby"))
            heard = hear_until(thread, lambda notice: isinstance(notice, Stored))
            texts = [notice.text for notice in heard if isinstance(notice, Incoming)]
            assert texts == ["typed meanwhile"]
            assert any(isinstance(notice, Online) for notice in heard)
    finally:
        wire.close()


def test_questions_fail_at_once_while_there_is_no_connection() -> None:
    with running() as address:
        thread = ClientThread(lambda: guest(address, "alone"))
        thread.start()
        hear_until(thread, lambda notice: isinstance(notice, Online))
    hear_until(thread, lambda notice: isinstance(notice, Offline))
    failed = hear_until(thread, is_answer(thread.ask(lambda chat: chat.who())))[-1]
    assert isinstance(failed, Failed)
    assert failed.error.code == ErrorCode.UNREACHABLE
    thread.stop()
    assert thread.join(PATIENCE)


def test_a_login_that_fails_is_the_last_word() -> None:
    with running() as address, guest(address, "holder"):
        thread = ClientThread(lambda: guest(address, "holder"))
        thread.start()
        ended = hear_until(thread, lambda notice: isinstance(notice, Ended))
        assert len(ended) == 1
        assert isinstance(ended[0], Ended)
        assert ended[0].error is not None
        assert ended[0].error.code == ErrorCode.NAME_IN_USE
        assert thread.join(PATIENCE)


def test_who_is_asked_to_leave_ends_without_an_error(server: Address) -> None:
    with threaded(server, "leaver") as thread:
        hear_until(thread, lambda notice: isinstance(notice, Online))
        thread.stop()
        ended = hear_until(thread, lambda notice: isinstance(notice, Ended))[-1]
        assert ended == Ended(None)


def test_what_was_posted_right_before_leaving_is_sent(server: Address) -> None:
    with guest(server, "listener") as listener:
        listener.join("lobby")
        with threaded(server, "hasty") as thread:
            hear_until(thread, lambda notice: isinstance(notice, Online))
            thread.do(lambda chat: chat.post("goodbye", room="lobby"))
        assert next(listener.messages(PATIENCE)).text == "goodbye"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_the_work_ends_the_thread_and_is_told(server: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", seen.append)
    with threaded(server, "buggy") as thread:
        thread.do(lambda chat: 1 // 0)
        ended = hear_until(thread, lambda notice: isinstance(notice, Ended))[-1]
    assert isinstance(ended, Ended)
    assert ended.error is not None
    assert ended.error.code == ErrorCode.INTERNAL
    assert [hook.exc_type for hook in seen] == [ZeroDivisionError]
