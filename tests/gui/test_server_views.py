"""Parts of the server window on a real screen: the log stays small and still, the table keeps what is chosen."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatnet.client.news import ServerStats
from chatnet.errors import ErrorCode
from chatnet_gui.viewmodels.server_form import FormModel
from chatnet_gui.viewmodels.server_log import SHOWN, LogModel
from chatnet_gui.viewmodels.server_plots import KEPT, Plots
from chatnet_gui.viewmodels.server_settings import ServerSettings
from chatnet_gui.viewmodels.server_watching import WatchModel
from tests.gui.server_making import OWN_SESSION, connection, said, stats
from tests.gui.windows import needs_display

pytestmark = needs_display


@pytest.fixture(scope="module", autouse=True)
def _size(root: Any) -> None:
    root.geometry("900x400")


def show(part: Any, theme: Any) -> Any:
    part.dress(theme)
    part.pack(fill="both", expand=True)
    part.update()
    return part


# -- the log --------------------------------------------------------------------------------------------------


@pytest.fixture
def log(root: Any, theme: Any) -> Iterator[tuple[Any, LogModel]]:
    from chatnet_gui.views.server_log import LogView

    model = LogModel()
    made = show(LogView(root, model), theme)
    yield made, model
    made.destroy()


def lines(view: Any) -> list[str]:
    return [line.rsplit(" ", 1)[-1] for line in view.text.get("1.0", "end-1c").split("\n")]


def test_the_widget_holds_the_newest_lines_and_no_more(log: tuple[Any, LogModel]) -> None:
    view, model = log
    number = 0
    for burst in (1, 2, SHOWN - 3, 1, 50, SHOWN - 1, SHOWN, 3 * SHOWN, 7):
        model.add(said(str(number + i)) for i in range(burst))
        number += burst
        view.refresh()
        assert lines(view) == [str(i) for i in range(max(0, number - SHOWN), number)]


def test_an_emoji_in_front_of_a_tag_moves_nothing(log: tuple[Any, LogModel]) -> None:
    view, model = log
    model.add([said("🎉", name="🎉"), said("two")])
    view.refresh()
    first, last = view.text.tag_nextrange("name", "2.0")
    assert view.text.get(first, last) == "alice"


def test_it_follows_the_end_unless_one_reads_further_up(log: tuple[Any, LogModel]) -> None:
    view, model = log
    model.add(said(str(i)) for i in range(100))
    view.refresh()
    view.update()
    assert view.text.yview()[1] == 1.0
    view.text.yview_moveto(0.2)
    view.update()
    top = view.text.index("@0,0")
    model.add([said("new")])
    view.refresh()
    view.update()
    assert view.text.index("@0,0") == top
    view.text.see("end")
    view.update()
    model.add([said("newer")])
    view.refresh()
    view.update()
    assert view.text.yview()[1] == 1.0


def test_a_smaller_window_still_shows_the_end(root: Any, log: tuple[Any, LogModel]) -> None:
    view, model = log
    model.add(said(str(i)) for i in range(100))
    view.refresh()
    view.update()
    root.geometry("900x200")
    view.update()
    view.update()
    assert view.text.yview()[1] == 1.0
    root.geometry("900x400")


def test_a_burst_of_ten_thousand_lines_is_drawn_in_a_moment(log: tuple[Any, LogModel]) -> None:
    view, model = log
    burst = [said(f"text {i}") for i in range(10_000)]
    model.add(burst)
    start = time.process_time()
    view.refresh()
    view.update()
    assert time.process_time() - start < 0.5  # 600 lines, not 10,000; far from any machine's noise


def test_the_log_can_be_reached_and_left_by_tab(log: tuple[Any, LogModel]) -> None:
    view, _ = log
    view.text.focus_force()
    view.update()
    view.text.event_generate("<Tab>")
    view.update()
    assert view.focus_get() is not view.text
    assert view._clear.tk_focusNext() is view.text


# -- the table ------------------------------------------------------------------------------------------------


@pytest.fixture
def table(root: Any, theme: Any) -> Iterator[tuple[Any, WatchModel, list[str]]]:
    from chatnet_gui.views.server_clients import ClientsView

    model, done = WatchModel(ServerSettings()), []
    acts = (("Message…", "<Return>", lambda user: done.append(f"message {user}")),
            ("Kick…", "<Delete>", lambda user: done.append(f"kick {user}")))  # fmt: skip
    made = show(ClientsView(root, model, acts), theme)
    yield made, model, done
    made.destroy()


def fill(view: Any, model: WatchModel, *names: str) -> None:
    model.table.replace([connection(sum(map(ord, name)), name) for name in names], OWN_SESSION)
    view.refresh()
    view.update()


def order(view: Any) -> list[str]:
    return [view.tree.item(key, "values")[0] for key in view.tree.get_children()]


def test_who_is_chosen_stays_chosen_whoever_comes_and_goes(table: tuple[Any, WatchModel, list[str]]) -> None:
    view, model, done = table
    fill(view, model, "alice", "bob", "carol")
    view.tree.selection_set(view.tree.get_children()[1])
    fill(view, model, "dave", "carol", "bob", "anna")
    assert order(view) == ["anna", "bob", "carol", "dave"]
    view.tree.focus_force()
    view.tree.event_generate("<Delete>")
    view.update()
    assert done == ["kick bob"]
    fill(view, model, "anna", "carol")
    view.tree.event_generate("<Delete>")
    view.update()
    assert done == ["kick bob"]
    view.tree.event_generate("<Down>")
    view.tree.event_generate("<Delete>")
    view.update()
    assert done == ["kick bob", "kick carol"]


def test_rows_out_of_sight_are_right_once_they_come_into_it(table: tuple[Any, WatchModel, list[str]]) -> None:
    view, model, _ = table
    for sent in (0, 5):
        model.table.replace([connection(i, f"u{i:03}", sent=sent) for i in range(1, 301)], OWN_SESSION)
        view.refresh()
        view.update()
    for key in ("1", "150", "300"):
        view.tree.see(key)
        view.update()
        assert view.tree.item(key, "values")[4] == "5 bytes"


def test_a_click_on_a_heading_or_a_number_sorts(table: tuple[Any, WatchModel, list[str]]) -> None:
    view, model, _ = table
    fill(view, model, "alice", "bob")
    view.tree.focus_force()
    view.tree.event_generate("<Key-1>")
    view.update()
    assert order(view) == ["bob", "alice"]
    view.tk.call(view.tree.heading("name", "command"))
    assert order(view) == ["alice", "bob"]
    assert view.tree.heading("name", "text") == "Name ▲"


def test_nothing_can_be_done_about_strangers_and_oneself(table: tuple[Any, WatchModel, list[str]]) -> None:
    view, model, done = table
    model.table.replace([connection(3), connection(OWN_SESSION, "owner")], OWN_SESSION)
    view.refresh()
    for key in view.tree.get_children():
        view.tree.selection_set(key)
        view.update()
        assert all(button.instate(["disabled"]) for button in view._buttons)
        view.tree.focus_force()
        view.tree.event_generate("<Return>")
    assert done == []


# -- plots and fields -----------------------------------------------------------------------------------------


def test_a_plot_is_drawn_within_its_field_in_every_size(root: Any, theme: Any) -> None:
    from chatnet_gui.views.server_plots import PlotsView

    plots = Plots()
    made = show(PlotsView(root, plots), theme)
    for second in range(KEPT):
        plots.add(stats(float(second), messages=second * second, connections=second % 7, lag=second / 10_000))
    for size in ("900x400", "300x160"):
        root.geometry(size)
        root.update()
        made.refresh()
        for plot in made._plots:
            canvas = plot._canvas
            left, top, right, bottom = canvas.bbox("all")
            assert left >= -2
            assert top >= -2
            assert right <= canvas.winfo_width() + 2
            assert bottom <= canvas.winfo_height() + 4
    root.geometry("900x400")
    made.destroy()


def test_an_error_is_shown_beside_its_field_until_something_is_typed(root: Any, theme: Any, tmp_path: Path) -> None:
    from chatnet_gui.views.server_form import ServerForm

    del theme
    model = FormModel(ServerSettings(data=str(tmp_path)))
    form = ServerForm(root, model, lambda: None)
    form.pack(fill="both", expand=True)
    model.failed(ErrorCode.ADDRESS_IN_USE, "x")
    form.refresh()
    form.focus_first(form)
    form.update()
    label = form._errors["port"]
    assert label.winfo_viewable()
    assert label.cget("text").startswith("Another program uses this port.")
    entry = form._entries["port"]
    assert str(form.tk.call("focus", "-lastfor", root)) == str(entry)
    entry.insert("end", "1")
    form.update()
    assert not label.winfo_viewable()
    form.refresh(is_busy=True)
    assert all(part.instate(["disabled"]) for part in form._entries.values())
    form.refresh()
    assert not entry.instate(["disabled"])
    form.destroy()


def test_figures_of_a_server_are_shown_as_words(root: Any, theme: Any) -> None:
    from chatnet_gui.views.server_plots import PlotsView

    model = WatchModel(ServerSettings())
    made = show(PlotsView(root, model.plots), theme)
    model.handle(ServerStats(stats(0.0, connections=3)))
    model.handle(ServerStats(stats(1.0, messages=12, connections=4)))
    made.refresh()
    assert [plot._value.cget("text") for plot in made._plots] == ["12/s", "0/s", "4", "0 ms"]
    made.destroy()
