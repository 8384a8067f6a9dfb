"""Waiting until a message is delivered or read, keys, and outboxes on disk, against a real server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatnet import Client
from chatnet.address import Address
from chatnet.client.identity import Identity
from chatnet.client.news import Incoming
from chatnet.client.receipts import NotYet
from chatnet.client.spool import Spool
from chatnet.errors import ErrorCode, Refused, Unreachable
from chatnet.model import Kind
from tests.client.servers import PATIENCE, Wire, running

QUICK = 0.05


@pytest.fixture(scope="module")
def server() -> Iterator[Address]:
    with running() as address:
        yield address


def someone(server: Address, name: str, **options: object) -> Client:
    identity = Identity.ephemeral()
    return Client(server, name=f"{name}-{identity.device.hex()[:8]}", identity=identity, **options)  # type: ignore[arg-type]


@contextmanager
def hearing(bob: Client, *, reads: bool) -> Iterator[None]:
    """Bob takes what comes, in a thread of his own; he marks it as read or not."""
    over = threading.Event()

    def take() -> None:
        while not over.is_set():
            for news in bob.events(QUICK):
                if reads and isinstance(news, Incoming):
                    bob.mark_read(news.conversation.id, news.message.seq)

    thread = threading.Thread(target=take)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(PATIENCE)


def test_a_message_is_delivered_once_the_other_has_taken_it(server: Address) -> None:
    with someone(server, "alice") as alice, someone(server, "bob") as bob:
        name = bob.user.name
        with pytest.raises(NotYet, match=f"stored as {name}#1, not yet delivered") as late:
            alice.send("hi", to=name, wait="delivered", timeout=QUICK)
        assert late.value.receipt.reached == "stored"
        with hearing(bob, reads=False):
            assert alice.send("there?", to=name, wait="delivered").reached == "delivered"
            with pytest.raises(NotYet, match=f"stored as {name}#3, not yet (delivered|read)"):
                alice.send("read this", to=name, wait="read", timeout=QUICK)


def test_a_message_is_read_once_the_other_says_so(server: Address) -> None:
    with someone(server, "alice") as alice, someone(server, "bob") as bob, hearing(bob, reads=True):
        assert alice.send("hi", to=bob.user.name, wait="read").reached == "read"


def test_a_note_to_oneself_is_read_at_once(server: Address) -> None:
    with someone(server, "alice") as alice:
        assert alice.send("remember", to=alice.user.name, wait="read").reached == "read"


def test_a_mark_that_came_while_the_connection_was_lost_is_noticed(server: Address) -> None:
    wire = Wire(server)
    try:
        with someone(wire.address, "alice", live=False) as alice, someone(server, "bob") as bob:
            name = bob.user.name
            reached: list[str] = []
            alice.send("first", to=name)
            wire.stall()
            thread = threading.Thread(
                target=lambda: reached.append(alice.send("hi", to=name, wait="delivered", timeout=PATIENCE).reached)
            )
            thread.start()
            wire.stall(False)
            with hearing(bob, reads=False):
                wire.cut()
                thread.join(PATIENCE)
            assert reached == ["delivered"]
    finally:
        wire.close()


def test_a_room_has_no_reader_to_wait_for(server: Address) -> None:
    with someone(server, "alice") as alice, pytest.raises(ValueError, match="to a user"):
        alice.send("hi", room="lobby", wait="read")


def test_the_same_key_is_the_same_message_whatever_its_text(server: Address) -> None:
    with someone(server, "alice") as alice, someone(server, "bob") as bob:
        name = bob.user.name
        first = alice.send("once", to=name, key="k")
        again = alice.send("other words", to=name.upper(), key="k")
        assert (again.conversation, again.seq, again.time) == (first.conversation, first.seq, first.time)
        other = alice.send("another key", to=name, key="l")
        elsewhere = alice.send("another place", room="lobby", key="k")
        assert (other.seq, elsewhere.conversation) == (2, 1)
        assert [message.text for message in bob.messages(QUICK)] == ["once", "another key"]


def test_a_key_needs_no_connection_of_before(server: Address) -> None:
    alice = someone(server, "alice", live=False)
    assert alice.send("hi", room="lobby", key="k") == alice.send("hi", room="lobby", key="k")


def test_another_user_with_the_same_key_says_something_else(server: Address) -> None:
    first = someone(server, "alice").send("hi", room="lobby", key="k")
    assert someone(server, "bob").send("hi", room="lobby", key="k").seq > first.seq


def test_what_waits_on_the_disk_is_sent_first_and_leaves_it(server: Address, tmp_path: Path) -> None:
    with someone(server, "bob") as bob:
        to = bob.user.name
        with Spool(tmp_path / "box").claim() as outbox:
            from chatnet.client.outbox import ToUser

            outbox.add(ToUser(to), "before", Kind.TEXT, 0)
            with someone(server, "alice", outbox=outbox) as alice:
                alice.send("after", to=to)
            assert len(outbox) == 0
        assert [message.text for message in bob.messages(QUICK)] == ["before", "after"]


def test_what_cannot_be_sent_is_kept_and_sent_once_later(tmp_path: Path) -> None:
    identity = Identity.ephemeral()
    with running() as address, Spool(tmp_path / "box").claim() as outbox:
        wire = Wire(address)
        with Client(wire.address, name="alice", identity=identity, outbox=outbox, reconnect=False) as alice:
            alice.send("one", room="lobby")
            wire.cut()
            with pytest.raises(Unreachable, match="is kept, and sent later"):
                alice.send("two", room="lobby", timeout=1.0)
        wire.close()
        assert [draft.body for draft in outbox] == ["two"]
        with Client(address, name="alice", identity=identity, outbox=outbox) as alice:
            alice.flush()
            assert [message.body for message in alice.history(room="lobby")] == ["one", "two"]
        assert len(outbox) == 0


def test_what_is_refused_for_good_is_not_kept(server: Address, tmp_path: Path) -> None:
    with Spool(tmp_path / "box").claim() as outbox, someone(server, "alice", outbox=outbox) as alice:
        with pytest.raises(Refused) as refusal:
            alice.send("hi", room="nowhere")
        assert refusal.value.code == ErrorCode.NO_SUCH_ROOM
        assert len(outbox) == 0


def test_history_goes_onward_too_and_a_moment_is_found_in_it(server: Address) -> None:
    with someone(server, "alice") as alice:
        room = alice.create_room("onward").name
        times = [alice.send(str(number), room=room).time for number in range(1, 6)]
        assert [message.seq for message in alice.history(room=room, after=2, limit=2)] == [3, 4]
        assert [message.seq for message in alice.history(room=room, after=5)] == []
        assert [message.seq for message in alice.read_all(room=room)] == [1, 2, 3, 4, 5]
        place = alice.conversation(room=room)
        assert alice.seq_before(place, 0) == 0
        assert alice.seq_before(place, times[-1] + 1) == 5
        for moment in times:
            assert alice.seq_before(place, moment) == sum(time < moment for time in times)
