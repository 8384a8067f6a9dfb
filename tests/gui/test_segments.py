"""Links, mentions, and text that is made harmless; emoji stand before what is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet_gui.viewmodels.segments import LINK, MENTION, NAME, line, mentions, plain, segments


def tagged(body: str, tag: str, me: str = "alice", people: tuple[str, ...] = ("bob",)) -> list[str]:
    return [text for text, tags in segments(body, me, people) if tag in tags]


@pytest.mark.parametrize(
    ("body", "url"),
    [
        ("🎉🎉 see https://example.org/a now", "https://example.org/a"),
        ("👍 (https://example.org/a_(b))", "https://example.org/a_(b)"),
        ("😀https://example.org.", "https://example.org"),
        ('"https://example.org/?q=1&r=2"', "https://example.org/?q=1&r=2"),
        ("HTTP://EXAMPLE.ORG/!", "HTTP://EXAMPLE.ORG/"),
    ],
)
def test_a_link_ends_where_the_sentence_goes_on(body: str, url: str) -> None:
    assert tagged(body, LINK) == [url]


@pytest.mark.parametrize("body", ["javascript:alert(1)", "file:///etc/passwd", "example.org", "xhttps://a.b"])
def test_only_web_addresses_are_links(body: str) -> None:
    assert tagged(body, LINK) == []


@pytest.mark.parametrize("body", ["🚀 @alice look", "🚀 Alice: look", "🚀 is alice. here?", "alice"])
def test_ones_own_name_is_a_mention_with_and_without_an_at(body: str) -> None:
    assert [text.lstrip("@").casefold() for text in tagged(body, MENTION)] == ["alice"]
    assert mentions(body, "alice")


@pytest.mark.parametrize("body", ["malice", "alice2", "me@alice.org", "https://example.org/alice"])
def test_a_name_inside_a_word_or_a_link_is_no_mention(body: str) -> None:
    assert tagged(body, MENTION) == []
    assert not mentions(body, "alice")


def test_others_are_named_with_an_at_only() -> None:
    assert tagged("🐛 @bob and bob and @nobody", NAME) == ["@bob"]


def test_every_piece_has_the_tags_of_its_row() -> None:
    assert all(tags[0] == "body" for _, tags in segments("😀 @alice https://a.b c", "alice", (), ("body",)))


@given(st.text(alphabet="ab @.:/😀é\n\u202e\x1balicehtps"))
def test_nothing_is_lost_between_the_pieces(body: str) -> None:
    assert "".join(text for text, _ in segments(body, "alice", ("bob",))) == plain(body)


def test_what_turns_or_moves_text_is_spelled_out() -> None:
    assert plain("a\u202eb\x1b[2J\ud800") == "a\\u202eb\\x1b[2J\\ud800"
    assert plain("two\nlines\tand 😀") == "two\nlines\tand 😀"
    assert line("two\nlines") == "two lines"
