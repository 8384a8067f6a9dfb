"""Messages, rooms and people as lines and as objects."""

import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chatnet.client.receipts import Receipt
from chatnet.model import Conversation, Kind, Message, Room, SharedFile, User
from chatnet_cli.output import Style
from chatnet_cli.render import (
    message_line,
    message_object,
    receipt_object,
    room_line,
    room_object,
    shown_user,
    user_object,
)
from chatnet_cli.safe_text import CONTINUATION

ALICE = User(1, "alice", "Alice Smith")
BOB = User(2, "bob")
LOBBY = Conversation(1, Room(1, "lobby"), None)
WITH_ALICE = Conversation(2, None, ALICE)
NOON = datetime(2026, 5, 4, 12, 18).astimezone()
TIME = int(NOON.timestamp() * 1000)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


VIDEO = SharedFile(55, 1, 7, "video.mkv", 1_503_238_553, bytes(range(32)), 1, "alice", TIME, 3)


def sharing(body: str, file: SharedFile | None = VIDEO) -> Message:
    return Message(7, TIME, BOB.id, BOB.name, "", Kind.FILE, body, 0, file)


def said(body: str, sender: User = ALICE, kind: Kind = Kind.TEXT, time: int = TIME) -> Message:
    return Message(7, time, sender.id, sender.name, sender.display, kind, body)


def line(message: Message, conversation: Conversation = LOBBY, me: User = BOB) -> str:
    return message_line(message, conversation, me, NOON.date(), Style(io.StringIO()))


@pytest.mark.parametrize(
    ("message", "conversation", "shown"),
    [
        (said("hi"), LOBBY, "[12:18] lobby <Alice Smith (alice)> hi"),
        (said("hi", BOB), LOBBY, "[12:18] lobby <bob> hi"),
        (said("waves", BOB, Kind.ACTION), LOBBY, "[12:18] lobby * bob waves"),
        (said("hello", kind=Kind.SYSTEM), LOBBY, "[12:18] lobby -- hello"),
        (said("hi"), WITH_ALICE, "[12:18] Alice Smith (alice) -> bob: hi"),
        (said("hi", BOB), WITH_ALICE, "[12:18] bob -> Alice Smith (alice): hi"),
        (said("waves", BOB, Kind.ACTION), WITH_ALICE, "[12:18] bob -> Alice Smith (alice) * bob waves"),
        (said("note", BOB), Conversation(3, None, BOB), "[12:18] bob -> bob: note"),
        (sharing(""), LOBBY, "[12:18] lobby * bob shared video.mkv (1.4 GiB), file 55"),
        (sharing("hi"), LOBBY, '[12:18] lobby * bob shared video.mkv (1.4 GiB), file 55: "hi"'),
        (
            sharing("hi"),
            WITH_ALICE,
            '[12:18] bob -> Alice Smith (alice) * bob shared video.mkv (1.4 GiB), file 55: "hi"',
        ),
        (sharing("hi", None), LOBBY, '[12:18] lobby * bob shared a file that is gone: "hi"'),
        (sharing("", None), LOBBY, "[12:18] lobby * bob shared a file that is gone"),
    ],
)
def test_a_message_is_one_line(message: Message, conversation: Conversation, shown: str) -> None:
    assert line(message, conversation) == shown


def test_a_message_of_another_day_says_which() -> None:
    yesterday = int(datetime(2026, 5, 3, 23, 59).astimezone().timestamp() * 1000)
    assert line(said("hi", BOB, time=yesterday)) == "[2026-05-03 23:59] lobby <bob> hi"


@pytest.mark.parametrize("time", [2**63 - 1, 10**17])
def test_a_time_that_no_calendar_has_is_shown_as_unknown(time: int) -> None:
    assert line(said("hi", BOB, time=time)) == "[??:??] lobby <bob> hi"
    receipt = {"conversation": 1, "seq": 2, "time": None, "time_ms": time, "reached": "stored"}
    assert receipt_object(Receipt(1, 2, time)) == receipt


def test_a_terminal_gets_emphasis_unless_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    message = said("hi", BOB)
    assert message_line(message, LOBBY, BOB, NOON.date(), Style(Screen())).count("\x1b[") == 4
    assert "\x1b" not in message_line(message, LOBBY, BOB, NOON.date(), Style(io.StringIO()))
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in message_line(message, LOBBY, BOB, NOON.date(), Style(Screen()))


hostile = st.text(st.sampled_from("\x1b\x9b\r\n\t\u202e\u2028[2J <alice>")) | st.text()


@given(hostile, hostile, hostile, hostile)
def test_whatever_a_server_sends_no_line_is_a_command_or_another_line(
    name: str, display: str, room: str, body: str
) -> None:
    message = Message(1, TIME, 9, name, display, Kind.TEXT, body)
    shown = line(message, Conversation(1, Room(1, room), None))
    assert not set(shown) & set("\x1b\x9b\r\u202e\u2028")
    assert all(further.startswith(CONTINUATION) for further in shown.split("\n")[1:])
    shared = line(sharing(body, replace(VIDEO, name=name)), Conversation(1, Room(1, room), None))
    assert not set(shared) & set("\x1b\x9b\r\u202e\u2028")
    assert all(further.startswith(CONTINUATION) for further in shared.split("\n")[1:])
    for text in (shown_user(User(1, name, display)), room_line(Room(1, room))):
        assert not set(text) & set("\x1b\x9b\r\n\t\u202e\u2028")


def test_a_message_as_an_object() -> None:
    assert message_object(said("hi\n"), WITH_ALICE, BOB) == {
        "conversation": 2,
        "with": "alice",
        "seq": 7,
        "time": NOON.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "time_ms": TIME,
        "sender": {"id": 1, "name": "alice", "display": "Alice Smith"},
        "own": False,
        "kind": "text",
        "text": "hi\n",
        "reference": None,
        "file": None,
    }
    assert message_object(said("hi", BOB), LOBBY, BOB)["own"] is True
    assert message_object(said("hi", BOB), LOBBY, BOB)["room"] == "lobby"


def test_a_shared_file_as_an_object() -> None:
    shown = message_object(sharing("hi"), LOBBY, BOB)
    assert (shown["kind"], shown["text"]) == ("file", "hi")
    assert shown["file"] == {
        "id": 55,
        "name": "video.mkv",
        "size": 1_503_238_553,
        "sha256": bytes(range(32)).hex(),
        "fetched": 3,
    }
    assert message_object(sharing("hi", None), LOBBY, BOB)["file"] is None


@given(hostile, hostile)
def test_every_object_is_a_line_of_json_in_ascii(name: str, body: str) -> None:
    for value in (
        message_object(Message(1, TIME, 9, name, name, Kind.ACTION, body), LOBBY, BOB),
        message_object(sharing(body, replace(VIDEO, name=name)), LOBBY, BOB),
        user_object(User(1, name, name)),
        room_object(Room(1, name)),
    ):
        text = json.dumps(value)
        assert text.isascii()
        assert text.isprintable()
        assert json.loads(text) == value


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (Room(1, "lobby"), "lobby  0 online"),
        (Room(1, "ops", members=1), "ops  1 online"),
        (Room(1, "old", archived=True), "old  0 online  archived"),
    ],
)
def test_a_room_is_one_line(room: Room, shown: str) -> None:
    assert room_line(room) == shown
