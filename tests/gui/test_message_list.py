"""The message list: whatever rows follow each other, the text is theirs, and who reads further up is not moved."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatnet_gui.viewmodels.rows import Row
from tests.gui.windows import Display, needs_display

pytestmark = needs_display


class Reader:
    """Notes what the reader did."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def older(self) -> None:
        self.calls.append("older")

    def newer(self) -> None:
        self.calls.append("newer")

    def follow(self, *, following: bool) -> None:
        self.calls.append(f"follow {following}")

    def go_to(self, fraction: float) -> None:
        self.calls.append(f"go to {fraction}")

    def jump_to_latest(self) -> None:
        self.calls.append("latest")

    def toggle_fold(self, seq: int) -> None:
        self.calls.append(f"fold {seq}")


@pytest.fixture(scope="module")
def root() -> Iterator[Any]:
    import tkinter as tk

    display = Display()
    root = tk.Tk(screenName=display.name)
    root.geometry("400x300")
    yield root
    root.destroy()
    display.close()


@pytest.fixture(scope="module")
def theme(root: Any) -> Any:
    from chatnet_gui.theme import Theme

    theme = Theme(root)
    theme.apply(dark=False, size=11)
    return theme


@pytest.fixture
def shown(root: Any, theme: Any) -> Iterator[tuple[Any, Reader]]:
    from chatnet_gui.views.message_list import MessageList

    reader = Reader()
    made = MessageList(root, reader, lambda top, bottom: (top, bottom), lambda url: reader.calls.append(url))
    made.dress(theme)
    made.pack(fill="both", expand=True)
    root.update()
    yield made, reader
    made.destroy()


def row(number: int, text: str = "", lines: int = 1) -> Row:
    body = text or f"🎉 text {number}"
    return Row(f"m{number}", tuple((f"{body}\n", ("body",)) for _ in range(lines)))


def content(made: Any) -> str:
    return str(made.text.get("1.0", "end-1c"))


a_row = st.builds(row, st.integers(1, 12), st.sampled_from(["a", "🙂", ""]), st.integers(1, 3))
some_rows = st.lists(a_row, max_size=12, unique_by=lambda made: made.key)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(some_rows, max_size=4))
def test_the_text_is_always_that_of_the_rows(shown: tuple[Any, Reader], pictures: list[list[Row]]) -> None:
    made, _ = shown
    for rows in pictures:
        made.show(rows, follows=True, below=0)
        assert content(made) == "".join(one.text for one in rows)


def test_a_message_more_leaves_the_others_where_they_are(shown: tuple[Any, Reader]) -> None:
    made, _ = shown
    rows = [row(number) for number in range(1, 601)]
    made.show(rows, follows=True, below=0)
    made.text.mark_set("witness", "300.2")
    made.text.mark_gravity("witness", "left")
    made.show([*rows[1:], row(601)], follows=True, below=0)
    assert made.text.index("witness") == "299.2"


def test_who_follows_sees_the_newest(shown: tuple[Any, Reader], root: Any) -> None:
    made, _ = shown
    made.show([row(number) for number in range(1, 200)], follows=True, below=0)
    root.update()
    assert made.text.bbox("199.0") is not None


def test_a_page_above_keeps_the_top_line_in_place(shown: tuple[Any, Reader], root: Any) -> None:
    made, _ = shown
    rows = [row(number) for number in range(201, 401)]
    made.show(rows, follows=False, below=0)
    made.text.yview("50.0")
    root.update()
    top = made.text.get("@0,0 linestart", "@0,0 lineend")
    made.show([row(number) for number in range(1, 201)] + rows, follows=False, below=0)
    root.update()
    assert made.text.get("@0,0 linestart", "@0,0 lineend") == top == "🎉 text 250"


def test_at_the_upper_end_older_ones_are_asked_for(shown: tuple[Any, Reader], root: Any) -> None:
    made, reader = shown
    made.show([row(number) for number in range(1, 200)], follows=True, below=0)
    root.update()
    made.text.event_generate("<Prior>")
    for _ in range(30):
        made.text.yview_scroll(-1, "pages")
    made.text.event_generate("<Button-4>")
    root.update()
    assert "follow False" in reader.calls
    assert "older" in reader.calls


def test_a_place_in_the_text_belongs_to_a_row(shown: tuple[Any, Reader]) -> None:
    made, _ = shown
    made.show([row(1, lines=2), row(2, lines=3)], follows=True, below=0)
    found = [made.row_at(f"{line}.0") for line in range(1, 6)]
    assert [one.key for one in found if one is not None] == ["m1", "m1", "m2", "m2", "m2"]


def test_text_takes_over_the_dark_theme(shown: tuple[Any, Reader], root: Any, theme: Any) -> None:
    from chatnet_gui.colours import DARK

    made, _ = shown
    theme.apply(dark=True, size=12)
    made.dress(theme)
    root.update()
    assert made.text.cget("background") == DARK.field
    assert made.text.cget("selectbackground") == DARK.selection
