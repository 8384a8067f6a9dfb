"""The message list: whatever rows follow each other, the text is theirs, and who reads further up is not moved."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatnet_gui.viewmodels.rows import Row
from tests.e2e.processes import DEADLINE
from tests.gui.windows import needs_display

pytestmark = needs_display


class Reader:
    """Notes what the reader did."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.whole_is = (1, 100_000)

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

    def span(self, top: float, bottom: float) -> tuple[float, float]:
        return top, bottom

    def whole(self) -> tuple[int, int]:
        return self.whole_is

    def copy(self, low: int, high: int, done: Callable[[str, int], None]) -> None:
        done(f"{low} to {high}", high - low + 1)

    def open_link(self, url: str) -> None:
        self.calls.append(url)

    def act(self, key: str, what: str) -> None:
        self.calls.append(f"{what} {key}")

    def menu(self, key: str) -> list[tuple[str, str]]:
        return []

    def picture(self, row: Row) -> Any:
        return None


@pytest.fixture(scope="module", autouse=True)
def _size(root: Any) -> None:
    root.geometry("400x300")


@pytest.fixture
def shown(root: Any, theme: Any) -> Iterator[tuple[Any, Reader]]:
    from chatnet_gui.views.message_list import MessageList

    reader = Reader()
    made = MessageList(root, reader)
    made.dress(theme)
    made.pack(fill="both", expand=True)
    root.update()
    yield made, reader
    made.destroy()


def row(number: int, text: str = "", lines: int = 1) -> Row:
    body = text or f"🎉 text {number}"
    return Row(f"m{number}", tuple((f"{body}\n", ("body",)) for _ in range(lines)))


def settle(made: Any) -> None:
    """Let all steps be taken."""
    made.update()
    deadline = time.monotonic() + DEADLINE
    while not made.text.is_settled:
        assert time.monotonic() < deadline
        made.update()


def content(made: Any) -> str:
    settle(made)
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
    settle(made)
    made.text.mark_set("witness", "300.2")
    made.text.mark_gravity("witness", "left")
    made.show([*rows[1:], row(601)], follows=True, below=0)
    settle(made)
    assert made.text.index("witness") == "299.2"


def test_who_follows_sees_the_newest(shown: tuple[Any, Reader], root: Any) -> None:
    made, _ = shown
    made.show([row(number) for number in range(1, 200)], follows=True, below=0)
    settle(made)
    assert made.text.bbox("199.0") is not None


def test_a_page_above_keeps_the_top_line_in_place(shown: tuple[Any, Reader], root: Any) -> None:
    made, _ = shown
    rows = [row(number) for number in range(201, 401)]
    made.show(rows, follows=False, below=0)
    settle(made)
    made.text.yview("50.0")
    settle(made)
    top = made.text.get("@0,0 linestart", "@0,0 lineend")
    made.show([row(number) for number in range(1, 201)] + rows, follows=False, below=0)
    settle(made)
    assert made.text.get("@0,0 linestart", "@0,0 lineend") == top == "🎉 text 250"


def test_at_the_upper_end_older_ones_are_asked_for(shown: tuple[Any, Reader], root: Any) -> None:
    made, reader = shown
    made.show([row(number) for number in range(1, 200)], follows=True, below=0)
    settle(made)
    made.text.event_generate("<Prior>")
    for _ in range(30):
        made.text.yview_scroll(-1, "pages")
    made.text.event_generate("<Button-4>")
    settle(made)
    assert "follow False" in reader.calls
    assert "older" in reader.calls


def test_how_much_is_newer_is_still_said_after_scrolling(shown: tuple[Any, Reader]) -> None:
    made, _ = shown
    made.show([row(number) for number in range(1, 200)], follows=False, below=7)
    settle(made)
    made.text.event_generate("<Button-5>")
    settle(made)
    assert made._jump["text"] == "↓ 7 newer"
    assert made._jump.winfo_ismapped()


def test_a_place_in_the_text_belongs_to_a_row(shown: tuple[Any, Reader]) -> None:
    made, _ = shown
    made.show([row(1, lines=2), row(2, lines=3)], follows=True, below=0)
    found = [made.text.row_at(f"{line}.0") for line in range(1, 6)]
    assert [one.key for one in found if one is not None] == ["m1", "m1", "m2", "m2", "m2"]


def test_who_reads_above_keeps_his_place_to_the_pixel_while_a_burst_is_drawn_in_steps(
    shown: tuple[Any, Reader], root: Any
) -> None:
    made, _ = shown
    made.show([row(number) for number in range(1, 601)], follows=True, below=0)
    settle(made)
    made.text.yview("300.0")
    made.text.yview_scroll(7, "pixels")
    made.text.event_generate("<Button-4>")  # the reader has moved
    root.update()
    assert not made.text.follows
    before = made.text.get("@0,0 linestart", "@0,0 lineend"), made.text.dlineinfo("@0,0")[1]
    made.show([row(number) for number in range(1, 601)] + [row(n) for n in range(601, 1200)], follows=False, below=0)
    settle(made)
    assert (made.text.get("@0,0 linestart", "@0,0 lineend"), made.text.dlineinfo("@0,0")[1]) == before


def test_a_long_piece_is_put_in_by_short_steps_that_end_where_the_reader_is(shown: tuple[Any, Reader]) -> None:
    made, _ = shown
    made.show([row(number) for number in range(1, 601)], follows=True, below=0)
    assert not made.text.is_settled
    assert made.text.rows[-1].key == "m600"
    assert len(made.text.rows) < 200
    settle(made)
    assert len(made.text.rows) == 600


def test_the_scrollbar_knows_of_rows_that_are_not_in_the_text_yet(shown: tuple[Any, Reader]) -> None:
    made, _ = shown
    made.show([row(number) for number in range(1, 601)], follows=True, below=0)
    top = made.text.part_of_wanted(0.0)
    assert top > 0.5
    assert made.text.part_of_text(top) == pytest.approx(0.0)


def test_a_row_that_is_looked_for_comes_into_view(shown: tuple[Any, Reader], root: Any) -> None:
    made, _ = shown
    made.show([row(number) for number in range(1, 601)], follows=False, below=0, key="m300")
    settle(made)
    assert made.text.bbox("300.0") is not None
    made.highlight("m300")
    assert [str(end) for end in made.text.tag_ranges("found")] == ["300.0", "301.0"]


# -- what can be clicked --------------------------------------------------------------------------------------


def linked() -> list[Row]:
    return [
        Row("m1", (("🎉 see ", ("body",)), ("https://example.org", ("body", "link")), ("\n", ("body",)))),
        Row("m2", (("Show all", ("body", "act", "act:fold")), ("\n", ("body",)))),
        Row(
            "m3",
            (
                ("Download", ("body", "act", "act:download")),
                ("  ", ("body",)),
                ("Save as…", ("body", "act", "act:save")),
                ("\n", ("body",)),
            ),
        ),
    ]


def test_by_keyboard_one_goes_from_one_to_the_next_and_does_it(shown: tuple[Any, Reader], root: Any) -> None:
    made, reader = shown
    made.show(linked(), follows=False, below=0)
    settle(made)
    made.text.focus_force()
    root.update()
    for keys in (["Left", "Return"], ["Left", "Return"], ["Left", "space"], ["Left", "Return"], ["Right", "Return"]):
        for key in keys:
            made.text.event_generate(f"<{key}>")
    done = [call for call in reader.calls if call.split(" ")[0] in ("save", "download", "fold", "https://example.org")]
    assert done == ["save m3", "download m3", "fold m2", "https://example.org", "fold m2"]


def test_tab_reaches_the_list(shown: tuple[Any, Reader]) -> None:
    made, _ = shown
    assert made.tk.call("tk::FocusOK", str(made.text))


def test_a_click_does_what_stands_there(shown: tuple[Any, Reader], root: Any) -> None:
    made, reader = shown
    made.show(linked(), follows=False, below=0)
    settle(made)
    x, y, _, _ = made.text.bbox("3.2")
    made.text.event_generate("<Motion>", x=x + 1, y=y + 1)
    made.text.event_generate("<Button-1>", x=x + 1, y=y + 1)
    made.text.event_generate("<ButtonRelease-1>", x=x + 1, y=y + 1)
    root.update()
    assert "download m3" in reader.calls


# -- copying --------------------------------------------------------------------------------------------------


def test_a_part_of_one_message_is_copied_as_it_stands(shown: tuple[Any, Reader], root: Any) -> None:
    made, _ = shown
    made.show([row(1), row(2)], follows=False, below=0)
    settle(made)
    made.text.tag_add("sel", "1.3", "1.7")
    made.text.event_generate("<<Copy>>")
    assert root.clipboard_get() == "text"


def test_several_messages_are_copied_whole_from_the_history(shown: tuple[Any, Reader], root: Any) -> None:
    made, _ = shown
    made.show([row(number) for number in range(1, 10)], follows=False, below=0)
    settle(made)
    made.text.tag_add("sel", "2.3", "5.1")
    made.text.event_generate("<<Copy>>")
    assert root.clipboard_get() == "2 to 5"


def test_all_is_copied_also_what_is_not_in_the_list(shown: tuple[Any, Reader], root: Any) -> None:
    made, reader = shown
    reader.whole_is = (1, 5000)
    made.show([row(number) for number in range(4000, 4100)], follows=True, below=0)
    settle(made)
    made.text.event_generate("<<SelectAll>>")
    made.show([row(number) for number in range(4000, 4101)], follows=True, below=0)
    settle(made)
    assert [str(end) for end in made.text.tag_ranges("sel")] == ["1.0", "102.0"]
    made.text.event_generate("<<Copy>>")
    assert root.clipboard_get() == "1 to 5000"


def test_what_is_marked_reaches_to_where_it_was_begun_even_if_that_is_in_the_list_no_more(
    shown: tuple[Any, Reader], root: Any
) -> None:
    made, _ = shown
    made.show([row(number) for number in range(500, 600)], follows=False, below=0, key="m550")
    settle(made)
    x, y, _, _ = made.text.bbox(f"{made.text.index('@5,40').split('.')[0]}.0")
    begun = made.text.row_at(f"@{x},{y}").key
    made.text.event_generate("<Button-1>", x=x + 1, y=y + 2)
    made.text.event_generate("<ButtonRelease-1>", x=x + 1, y=y + 2)
    made.show([row(number) for number in range(1, 101)], follows=False, below=0, key="m50")
    settle(made)
    ended = made.text.row_at(f"@{x},{y}").key
    made.text.event_generate("<Shift-Button-1>", x=x + 1, y=y + 2)
    made.text.event_generate("<<Copy>>")
    assert root.clipboard_get() == f"{ended[1:]} to {begun[1:]}"


def test_a_picture_stands_in_the_place_of_its_character(shown: tuple[Any, Reader], root: Any) -> None:
    import tkinter as tk

    made, reader = shown
    picture = tk.PhotoImage(master=root, width=30, height=20)
    reader.picture = lambda row: picture  # type: ignore[method-assign]
    file = Row("m2", (("🙂 who\n", ("header",)), ("\ufffc", ("body", "picture", "picture:7")), (" name\n", ("body",))))
    made.text._picture = reader.picture
    made.show([row(1), file, row(3)], follows=True, below=0)
    settle(made)
    assert made.text.image_cget("3.0", "image") == str(picture)
    assert "\ufffc" not in made.text.get("1.0", "end")
    assert made.text.row_at("4.0").key == "m3"
    made.show([row(1), row(3)], follows=True, below=0)
    assert content(made) == "🎉 text 1\n🎉 text 3\n"
    picture.name = ""  # or whichever thread collects it would delete it, and only this one may


def test_text_takes_over_the_dark_theme(shown: tuple[Any, Reader], root: Any, theme: Any) -> None:
    from chatnet_gui.colours import DARK

    made, _ = shown
    theme.apply(dark=True, size=12)
    made.dress(theme)
    settle(made)
    assert made.text.cget("background") == DARK.field
    assert made.text.cget("selectbackground") == DARK.selection
