"""What is replayed of an IRC log, and under which names."""

import sys
from pathlib import Path

import pytest

from chatnet.auth.names import check_name
from chatnet.model import Kind

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
from _irclog import Line, NameBook, parse_line, people, read_log  # noqa: E402


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[04:14] <Gobbert> ziggi: hi <there>", Line("Gobbert", Kind.TEXT, "ziggi: hi <there>")),
        ("[04:14] <Gobbert>  two spaces", Line("Gobbert", Kind.TEXT, " two spaces")),
        ("[04:14]  * ziggi waves", Line("ziggi", Kind.ACTION, "waves")),
        ("=== old is now known as new", Line("old", new="new")),
        ("=== tuxx [~tuxx@0x50a5a424]  has joined #ubuntu", None),
        ("no line of a log", None),
    ],
)
def test_a_line_is_read(text: str, line: Line | None) -> None:
    assert parse_line(text) == line


def test_what_says_nothing_is_counted_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("[01:00]  * someone\n[01:00] <a> hi\nwhatever\n=== a left\n", encoding="utf-8")
    log = read_log(path)
    assert (log.lines, log.empty, log.unknown) == ([Line("a", Kind.TEXT, "hi")], 1, 1)


def test_who_takes_another_nick_stays_the_same_person() -> None:
    lines = [Line("a", text="1"), Line("a", new="b"), Line("b", text="2"), Line("a", text="a newcomer")]
    assert people(lines) == ["a", "a"]


def test_nicks_that_are_no_names_get_one_and_are_shown_as_they_were() -> None:
    book = NameBook()
    name, display = book.names("|trey|")
    assert check_name(name)
    assert display == "|trey|"
    assert book.names("|trey|") == (name, display)
    assert book.names("plain") == ("plain", "")


def test_two_nicks_never_get_the_same_name() -> None:
    book = NameBook()
    names = [book.names(nick)[0].casefold() for nick in ("a|", "a^", "a_", "A_", "x" * 40, "x" * 41)]
    assert len(set(names)) == len(names)
