"""Whole conversations as JSON lines and as a page."""

import json
import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from chatnet.model import Conversation, Kind, Message, Room, SharedFile, User
from chatnet_cli.exporting import html_page, json_lines

ME = User(1, "bob")
LOBBY = Conversation(1, Room(1, "lobby"), None, head=9)
DAY = 86_400_000
hostile = st.text(st.sampled_from("<>&\"'\x1b/script{}= \n")) | st.text()


def said(seq: int, body: str, *, name: str = "alice", time: int = 20_000 * DAY, kind: Kind = Kind.TEXT) -> Message:
    return Message(seq, time, 2, name, "", kind, body)


def page(*messages: Message) -> str:
    return "".join(html_page(messages, LOBBY, ME))


class Tags(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(hostile, hostile, hostile)
def test_whatever_was_said_the_page_has_the_same_tags(name: str, body: str, room: str) -> None:
    def tags(name: str, body: str, room: str) -> list[str]:
        place = Conversation(1, Room(1, room), None)
        return Tags("".join(html_page([said(1, body, name=name)], place, ME))).tags

    assert tags(name, body, room) == tags("alice", "hi", "lobby")


def test_a_page_has_a_heading_for_each_day_and_every_message_in_order() -> None:
    text = page(said(1, "one"), said(2, "two"), said(3, "three", time=20_002 * DAY))
    assert text.count("<h2>") == 2
    assert re.findall(r'<p id="m(\d+)">', text) == ["1", "2", "3"]
    assert re.search("one.*two.*three", text, re.S)


def test_a_page_needs_nothing_from_elsewhere_and_knows_dark_and_light() -> None:
    text = page(said(1, "see https://example.org/x.png"))
    assert not re.search(r"<(script|img|link|iframe)|src=|href=|@import|url\(", text)
    assert "prefers-color-scheme: dark" in text
    assert text.startswith("<!DOCTYPE html>")


def test_actions_and_an_empty_room_have_their_form() -> None:
    assert "* <b>alice</b> waves" in page(said(1, "waves", kind=Kind.ACTION))
    assert "Nothing was said here." in Tags(page()).text


@given(hostile, hostile)
def test_a_shared_file_is_named_and_its_name_is_only_text(name: str, body: str) -> None:
    file = SharedFile(55, 1, 1, name, 1024, bytes(32), 2, "alice", 0)
    plain, odd = (
        Tags(page(Message(1, 0, 2, "alice", "", Kind.FILE, text, 0, shared)))
        for text, shared in (("hi", SharedFile(7, 1, 1, "a.txt", 1, bytes(32), 2, "alice", 0)), (body, file))
    )
    assert odd.tags == plain.tags
    assert "shared a.txt (1 byte), file 7: hi" in plain.text
    assert "(1 KiB), file 55" in odd.text


def test_a_file_that_is_gone_is_said_to_be() -> None:
    assert "shared a file that is gone" in Tags(page(said(1, "", kind=Kind.FILE))).text


@given(st.lists(hostile))
def test_each_message_is_one_line_of_json(bodies: list[str]) -> None:
    lines = list(json_lines([said(n, body) for n, body in enumerate(bodies, 1)], LOBBY, ME))
    assert all(line.endswith("\n") and line.count("\n") == 1 and line.isascii() for line in lines)
    assert [json.loads(line)["text"] for line in lines] == bodies
