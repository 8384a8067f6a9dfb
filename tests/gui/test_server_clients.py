"""The table of connected clients."""

from datetime import datetime

import pytest

from chatnet_gui.viewmodels.server_clients import COLUMNS, MOST, ClientTable, span
from tests.gui.server_making import NOON, OWN_SESSION, connection

MOMENT = datetime.fromtimestamp(NOON / 1000)


def shown(table: ClientTable, cell: int = 0) -> list[str]:
    return [row.cells[cell] for row in table.rows(hours24=True, now=MOMENT)]


def table_of(*connections: object, sort: str = "name") -> ClientTable:
    table = ClientTable(sort)
    table.replace(list(connections), OWN_SESSION)  # type: ignore[arg-type]
    return table


def test_a_row_says_all_that_is_asked_for() -> None:
    table = table_of(connection(3, "alice", sent=2048, received=1, queued=300_000, idle=61.0, transport="unix"))
    [row] = table.rows(hours24=True, now=MOMENT)
    since = f"{MOMENT:%H:%M}"
    assert row.cells == ("alice", "192.0.2.3:4000", "unix", since, "2 KiB", "1 byte", "293 KiB", "1 min")
    assert (row.key, row.user, row.is_own, row.can_be_moderated) == ("3", "alice", False, True)


def test_who_has_not_logged_in_and_the_window_itself_cannot_be_put_out() -> None:
    table = table_of(connection(3), connection(OWN_SESSION, "owner"))
    strangers = {row.cells[0]: row.can_be_moderated for row in table.rows(hours24=True)}
    assert strangers == {"(not logged in)": False, "owner (this window)": False}
    assert table.people() == []


def test_the_owner_elsewhere_is_a_person_like_others() -> None:
    table = table_of(
        connection(OWN_SESSION, "owner"), connection(8, "owner"), connection(9, "Bob"), connection(10, "bob")
    )
    assert table.people() == ["bob", "owner"]
    assert table.places_of("owner") == 2


@pytest.mark.parametrize("column", [column.name for column in COLUMNS])
def test_every_column_can_be_sorted_by_in_both_directions(column: str) -> None:
    fields = {"sent": "sent", "received": "received", "queue": "queued", "idle": "idle"}
    numbers = (5, 40, 300)
    rows = [
        connection(number, name, address=f"10.0.0.{number}", transport=f"t{number}", since=NOON + number * 1000)
        for number, name in zip((1, 2, 3), ("alice", "Bob", "carol"), strict=True)
    ]
    if column in fields:
        rows = [
            connection(i, name, **{fields[column]: value})
            for i, (name, value) in enumerate(zip(("alice", "Bob", "carol"), numbers, strict=True), start=1)
        ]
    table = table_of(*reversed(rows), sort="-name" if column == "name" else "name")
    table.sort_by(column)
    assert shown(table) == ["alice", "Bob", "carol"]
    table.sort_by(column)
    assert shown(table) == ["carol", "Bob", "alice"]
    assert table.sort == f"-{column}"
    assert shown(ClientTable(table.sort)) == []


def test_the_order_is_remembered_and_nonsense_is_the_first_column() -> None:
    assert ClientTable("-sent").sort == "-sent"
    assert ClientTable("nonsense").sort == "name"


def test_the_heading_shows_the_order() -> None:
    table = ClientTable()
    assert [table.heading(column) for column in COLUMNS][:2] == ["Name ▲", "Address"]
    table.sort_by("name")
    assert table.heading(COLUMNS[0]) == "Name ▼"


def test_however_many_come_so_many_are_shown() -> None:
    table = table_of(*(connection(number, f"u{number}") for number in range(1, MOST + 100)))
    assert len(table.rows(hours24=True)) == MOST
    assert len(table) == MOST + 99


def test_names_and_addresses_cannot_change_the_window() -> None:
    table = table_of(connection(3, "a\u202eb", address="x\x1b[2J"))
    assert shown(table) == ["a\\u202eb"]
    assert shown(table, 1) == ["x\\x1b[2J"]


def test_who_came_on_another_day_shows_the_day() -> None:
    table = table_of(connection(3, "alice", since=NOON - 3 * 86_400_000))
    assert shown(table, 3) == [f"{datetime.fromtimestamp(NOON / 1000 - 3 * 86_400):%d %b}"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (86_400 * 3, "3 d")],
)
def test_times_are_short(seconds: float, text: str) -> None:
    assert span(seconds) == text
