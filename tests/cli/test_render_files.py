"""Listed files as lines and as objects."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chatnet.model import Conversation, Room, SharedFile, User
from chatnet_cli.render_files import file_line, listed_object

NOON = datetime(2026, 5, 4, 12, 18).astimezone()
TIME = int(NOON.timestamp() * 1000)
VIDEO = SharedFile(55, 9, 7, "video.mkv", 2048, b"\x01" * 32, 1, "alice", TIME)
LAB = Conversation(9, Room(9, "lab"), None)
hostile = st.text(st.sampled_from("\x1b\x9b\r\n\t\u202e\u2028[2J <alice>")) | st.text()


@pytest.mark.parametrize(("fetched", "words"), [(0, "never"), (1, "once"), (2, "2 times")])
def test_a_file_is_one_line_with_all_that_is_known(fetched: int, words: str) -> None:
    shown = file_line(replace(VIDEO, fetched=fetched), None, NOON.date())
    assert shown == f"55  video.mkv  2 KiB  alice  12:18  fetched {words}  {'01' * 32}"


def test_where_it_is_stands_in_front_if_that_is_not_clear() -> None:
    assert file_line(VIDEO, LAB, NOON.date()).startswith("lab  55  video.mkv  ")
    chat = Conversation(9, None, User(2, "bob"))
    assert file_line(VIDEO, chat, NOON.date()).startswith("bob  55  video.mkv  ")


@given(hostile, hostile)
def test_whoever_names_files_gets_no_control_and_no_second_line(name: str, sender: str) -> None:
    shown = file_line(replace(VIDEO, name=name, sender_name=sender), LAB, NOON.date())
    assert not set(shown) & set("\x1b\x9b\r\n\t\u202e\u2028")


def test_a_file_as_an_object() -> None:
    shown = listed_object(VIDEO, LAB)
    assert shown["time_ms"] == TIME
    del shown["time"], shown["time_ms"]
    assert shown == {
        "id": 55,
        "name": "video.mkv",
        "size": 2048,
        "sha256": "01" * 32,
        "fetched": 0,
        "sender": {"id": 1, "name": "alice"},
        "conversation": 9,
        "room": "lab",
        "seq": 7,
    }
    assert "room" not in listed_object(VIDEO, None)
