"""Messages as rows: days, runs, times, marks, folding."""

from dataclasses import replace
from datetime import UTC, date, datetime

from chatnet.model import Kind, Message
from chatnet_gui.viewmodels.rows import FOLD_CHARACTERS, Look, Pending, Row, RowCache, clock, day_name, rows
from tests.gui.making import ALICE, BOB, CAROL, NOON, message

LOOK = Look(ALICE, NOON.date(), zone=UTC)


def texts(messages: list[Message], look: Look = LOOK, pending: tuple[Pending, ...] = ()) -> list[str]:
    return [row.text for row in rows(messages, pending, look)]


def find(all_rows: list[Row], key: str) -> Row:
    return next(row for row in all_rows if row.key == key)


def test_messages_of_one_sender_run_under_one_header() -> None:
    shown = texts([message(1, minute=0), message(2, minute=1), message(3, sender=ALICE, minute=2)])
    assert shown == ["Today\n", "bob  12:00\ntext 1\n", "text 2\n", "alice  12:02\ntext 3\n"]


def test_a_pause_starts_a_new_run() -> None:
    assert texts([message(1), message(2, minute=6)])[2] == "bob  12:06\ntext 2\n"


def test_each_day_has_a_line() -> None:
    shown = rows([message(1), message(2, minute=24 * 60)], (), LOOK)
    assert [row.key for row in shown] == ["d2026-05-04", "m1", "d2026-05-05", "m2"]


def test_days_are_named_as_people_say_them() -> None:
    today = date(2026, 5, 4)
    assert day_name(today, today) == "Today"
    assert day_name(date(2026, 5, 3), today) == "Yesterday"
    assert day_name(date(2026, 5, 1), today) == "Friday, 1 May"
    assert day_name(date(2025, 5, 1), today) == "Thursday, 1 May 2025"


def test_the_clock_has_12_or_24_hours() -> None:
    hours = [datetime(2026, 1, 1, hour, 5) for hour in (0, 9, 12, 23)]
    assert [clock(hour, hours24=True) for hour in hours] == ["00:05", "09:05", "12:05", "23:05"]
    assert [clock(hour, hours24=False) for hour in hours] == ["12:05 AM", "9:05 AM", "12:05 PM", "11:05 PM"]


def test_new_messages_stand_below_a_line_of_their_own() -> None:
    shown = rows([message(1), message(2)], (), replace(LOOK, new_from=2))
    assert [row.key for row in shown] == ["d2026-05-04", "m1", "new", "m2"]
    assert shown[-1].text.startswith("bob  12:00\n")


def test_a_display_name_is_shown_with_the_login_name() -> None:
    assert texts([message(1, sender=CAROL)])[1] == "Carol Ann  carol  12:00\ntext 1\n"


def test_actions_and_words_of_the_server_stand_for_themselves() -> None:
    shown = texts([message(1, "waves", kind=Kind.ACTION), message(2, "bob was here", kind=Kind.SYSTEM), message(3)])
    assert shown[1:] == ["* bob waves  12:00\n", "bob was here  12:00\n", "bob  12:00\ntext 3\n"]


def test_marks_stand_on_the_newest_of_ones_own_that_they_cover() -> None:
    said = [message(seq, sender=ALICE) for seq in range(1, 5)]
    shown = rows(said, (), replace(LOOK, read=2, delivered=3))
    assert find(shown, "m1").text.endswith("text 1\n")
    assert find(shown, "m2").text == "text 2  ✓✓ read\n"
    assert find(shown, "m3").text == "text 3  ✓ delivered\n"
    assert find(shown, "m4").text == "text 4\n"


def test_what_is_not_sent_yet_stands_below_and_says_so() -> None:
    shown = texts([message(1)], pending=(Pending(7, "soon"), Pending(8, "never", refused="too long")))
    assert shown[2:] == ["soon  waiting…\n", "never\nNot sent: too long\nEdit it    Dismiss it\n"]


def test_a_long_message_is_folded_until_it_is_opened() -> None:
    long = message(1, "🙂" * (FOLD_CHARACTERS + 1))
    folded = rows([long], (), LOOK)[1]
    assert "Show all 1,501 characters" in folded.text
    assert len(folded.text) < 700
    opened = rows([long], (), replace(LOOK, unfolded=frozenset({1})))[1]
    assert long.body in opened.text
    assert opened.text.endswith("Show less\n")


def test_every_row_ends_its_line() -> None:
    odd = [message(1, "a\n\n"), message(2, "\n"), message(3, "x\ny", kind=Kind.ACTION), message(4, "q", kind=Kind.ASK)]
    assert all(text.endswith("\n") for text in texts([*odd, message(5, "z" * 9000)], pending=(Pending(1, "p\n"),)))


def test_a_row_that_was_made_before_is_used_again_as_long_as_nothing_about_it_changes() -> None:
    said, cache = [message(1), message(2), message(3, sender=ALICE)], RowCache(10)
    first = rows(said, (), LOOK, cache)
    again = rows([*said, message(4)], (), replace(LOOK, read=3), cache)
    assert [one is other for one, other in zip(first[1:], again[1:], strict=False)] == [True, True, False]
    assert again == rows([*said, message(4)], (), replace(LOOK, read=3))


def test_a_cache_of_rows_is_bounded() -> None:
    cache = RowCache(2)
    for seq in range(1, 6):
        assert rows([message(seq)], (), LOOK, cache)[1].text == f"bob  12:00\ntext {seq}\n"
    assert len(cache) <= 2


def test_a_sender_has_the_same_colour_everywhere() -> None:
    one, other = rows([message(1)], (), LOOK)[1], rows([message(9, sender=BOB, minute=60)], (), LOOK)[1]
    assert one.segments[0][1] == other.segments[0][1] == ("header", "sender", "sender2")
