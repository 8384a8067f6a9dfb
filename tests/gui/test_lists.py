"""The lists at both sides change only what differs."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gui.windows import needs_display

pytestmark = needs_display

Row = tuple[str, str]
some_rows = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("xyz")), unique_by=lambda row: row[0], max_size=8
)


@pytest.fixture(scope="module")
def tree(root: Any, theme: Any) -> Any:
    from chatnet_gui.views.lists import _Tree

    root.geometry("200x150")
    made = _Tree(root, "unread", width=100)
    made.dress(theme)
    made.pack(fill="both", expand=True)
    root.update()
    return made


def fill(tree: Any, rows: list[Row]) -> None:
    from chatnet_gui.views.lists import _Entry

    tree.fill([_Entry(key, text, value=text, presence="online") for key, text in rows])


def shown(tree: Any) -> list[Row]:
    return [(item, str(tree.item(item, "text")).strip()) for item in tree.get_children()]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(some_rows, max_size=4))
def test_whatever_follows_the_list_shows_it_in_order(tree: Any, pictures: list[list[Row]]) -> None:
    for rows in pictures:
        fill(tree, rows)
        assert shown(tree) == rows


def test_who_has_scrolled_stays_where_he_is_and_what_is_selected_stays_selected(tree: Any) -> None:
    rows = [(f"k{number}", "before") for number in range(100)]
    fill(tree, rows)
    tree.update()
    tree.selection_set("k60")
    tree.yview_moveto(0.5)
    before = tree.yview()
    fill(tree, [("k0", "after"), *rows[1:]])
    assert tree.yview() == before
    assert tree.selection() == ("k60",)
