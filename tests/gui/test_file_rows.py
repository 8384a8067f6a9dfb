"""A shared file in the list of messages: hostile names, sizes, and what can be done."""

import pytest

from chatnet.model import SharedFile
from chatnet_gui.viewmodels.file_rows import FileLook, FilesLook, file_segments, may_open, shown_name
from chatnet_gui.viewmodels.rows import Look, rows
from tests.gui.making import ALICE, NOON, file_message, shared


def shown(file: SharedFile | None, **look: object) -> str:
    return "".join(text for text, _ in file_segments(file, FileLook(**look)))  # type: ignore[arg-type]


def actions(file: SharedFile, **look: object) -> list[str]:
    pieces = file_segments(file, FileLook(**look))  # type: ignore[arg-type]
    return [tag.partition(":")[2] for _, tags in pieces for tag in tags if tag.startswith("act:")]


def test_a_file_shows_its_name_its_size_and_how_to_get_it() -> None:
    assert shown(shared("notes.txt", 2048)) == "\ufffc  notes.txt  2 KiB\nDownload    Save as…"


def test_what_can_be_done_depends_on_where_it_is() -> None:
    file = shared("photo.png")
    assert actions(file) == ["download", "save"]
    assert actions(file, is_coming=True) == ["cancel"]
    assert actions(file, is_here=True) == ["open", "folder", "save"]
    assert actions(file, trouble="the disk is full") == ["download", "save"]
    assert "Not downloaded: the disk is full" in shown(file, trouble="the disk is full")


def test_programs_are_never_offered_to_be_opened() -> None:
    assert actions(shared("holiday.exe"), is_here=True) == ["folder", "save"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("photo.jpg", True), ("archive.tar.gz", True), ("no ending", True), ("x.EXE", False), ("x.exe. ", False),
        ("a.pdf.scr", False), ("run.desktop", False), ("page.html", False),
        ("gpj.\u202eexe", False), ("a.e\u200bxe", False),
        ("a.txt\u202e", True), ("sheet.xlsm", False),
    ],
)  # fmt: skip
def test_what_may_be_opened_is_known_by_its_ending(name: str, safe: bool) -> None:
    assert may_open(name) == safe


def test_hostile_names_are_shown_as_they_are() -> None:
    assert shown_name("photo\u202egpj.exe") == "photo\\u202egpj.exe"
    assert shown_name("a\nb\tc\x1b[31m") == "a b c\\x1b[31m"
    assert "\n" not in shown_name("\n".join("abc"))


def test_a_very_long_name_keeps_its_ending() -> None:
    name = shown_name("x" * 250 + ".exe")
    assert len(name) <= 70
    assert name.endswith(".exe")
    assert "…" in name


def test_a_file_that_is_gone_says_so() -> None:
    assert shown(None) == "This file is no longer on the server."
    row = rows([file_message(1, None, body="the plan")], (), Look(ALICE, NOON.date()))[1]
    assert row.text.endswith("the plan\nThis file is no longer on the server.\n")


def test_its_row_changes_when_it_has_come_and_the_others_stay() -> None:
    from chatnet_gui.viewmodels.rows import RowCache

    file, other = shared("a.txt", id=1), shared("b.txt", id=2)
    said, cache = [file_message(1, file), file_message(2, other)], RowCache(10)
    first = rows(said, (), Look(ALICE, NOON.date()), cache)
    again = rows(said, (), Look(ALICE, NOON.date(), files=FilesLook({1: FileLook(is_here=True)})), cache)
    assert "Open" in again[1].text
    assert again[2] is first[2]


def test_the_words_stand_above_the_file_and_the_row_ends_its_line() -> None:
    row = rows([file_message(1, shared("a.txt", 1), body="as promised")], (), Look(ALICE, NOON.date()))[1]
    assert row.text.split("\n")[1:] == ["as promised", "\ufffc  a.txt  1 byte", "Download    Save as…", ""]
