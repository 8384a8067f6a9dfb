"""The live log: its words, its filter, its pause, and its bounds."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatnet.model import Act, Happening, LogLine
from chatnet_gui.viewmodels.server_log import EVERYTHING, KEPT, MESSAGES, PEOPLE, PROBLEMS, SHOWN, LogModel
from tests.gui.server_making import NOON, said

CLOCK = f"{datetime.fromtimestamp(NOON / 1000):%H:%M:%S}"


class Screen:
    """Does what a view does with the updates."""

    def __init__(self, log: LogModel) -> None:
        self._log = log
        self.lines: list[str] = []

    def refresh(self) -> list[str]:
        update = self._log.take_update()
        if update is not None:
            self.lines = [] if update.anew else self.lines[update.removed :]
            self.lines += [row.text for row in update.added]
        return self.lines


def told(happened: LogLine) -> str:
    log = LogModel()
    log.add([happened])
    [line] = Screen(log).refresh()
    time, text = line.split("  ", 1)
    assert time == CLOCK
    return text


# -- words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("happened", "text"),
    [
        (said("hi 🎉"), "alice in lobby: hi 🎉"),
        (LogLine(NOON, Happening.SAID, 5, "alice", "lobby", "x" * 500, 16_000, 3), f"alice in lobby: {'x' * 500}…"),
        (LogLine(NOON, Happening.SAID_PRIVATELY, 5, "alice", "bob", "", 12), "alice -> bob, 12 characters"),
        (LogLine(NOON, Happening.SAID_PRIVATELY, 5, "alice", "bob", "", 1), "alice -> bob, 1 character"),
        (LogLine(NOON, Happening.SAID_PRIVATELY, 5, "al", "", "", 1200), "al -> a private room, 1,200 characters"),
        (LogLine(NOON, Happening.FILE_SHARED, 5, "alice", "lobby", "a.pdf", 5, 3), "alice in lobby: file a.pdf"),
        (LogLine(NOON, Happening.FILE_SHARED, 5, "alice", "bob", "", 5), "alice -> bob, a file"),
        (LogLine(NOON, Happening.LOGGED_IN, 5, "alice", "192.0.2.1:9"), "alice logged in from 192.0.2.1:9"),
        (LogLine(NOON, Happening.LOGIN_REFUSED, 0, "", "192.0.2.1", "x"), "somebody at 192.0.2.1 was not let in: x"),
        (LogLine(NOON, Happening.LEFT, 5, "alice", "192.0.2.1:9"), "alice left"),
        (LogLine(NOON, Happening.LEFT, 5, "alice", "192.0.2.1:9", "put out"), "alice left: put out"),
        (LogLine(NOON, Happening.JOINED, 5, "alice", "lobby", "", 0, 3), "alice joined lobby"),
        (LogLine(NOON, Happening.JOINED, 5, "alice"), "alice joined a private room"),
        (LogLine(NOON, Happening.PARTED, 5, "alice", "lobby", "", 0, 3), "alice left lobby"),
        (LogLine(NOON, Happening.ROOM_MADE, 5, "alice", "ops", "", 0, 3), "alice made the room ops"),
        (LogLine(NOON, Happening.ROOM_MADE, 5, "alice"), "alice made a private room"),
        (LogLine(NOON, Happening.RENAMED, 5, "alice", "al"), "alice is called al now"),
        (LogLine(NOON, Happening.MODERATED, 1, "owner", "bob", "spam", 0, 0, Act.BAN), "owner: ban bob (spam)"),
        (LogLine(NOON, Happening.STORE_FAILED, 0, "", "STORE_FULL", "disk full"), "The store failed: disk full"),
    ],
)  # fmt: skip
def test_everything_is_told_in_words(happened: LogLine, text: str) -> None:
    assert told(happened) == text


def test_nothing_that_can_happen_is_without_words() -> None:
    for what in Happening:
        assert told(LogLine(NOON, what, 5, "alice", "x", "y", 1, 3, Act.KICK))


def test_of_a_personal_chat_nothing_is_shown_but_how_long_it_was() -> None:
    assert "secret" not in told(LogLine(NOON, Happening.SAID_PRIVATELY, 5, "alice", "bob", "secret", 6))


@given(st.text())
def test_what_others_write_stays_on_one_harmless_line(text: str) -> None:
    for what in (Happening.SAID, Happening.LEFT, Happening.RENAMED, Happening.MODERATED):
        shown = told(LogLine(NOON, what, 5, "alice", text, text, len(text), 3, Act.KICK))
        assert not any(c in shown for c in "\n\x1b\u202e\u2066")


def test_the_clock_may_have_twelve_hours() -> None:
    log = LogModel(hours24=False)
    log.say("hello", time=NOON)
    [line] = Screen(log).refresh()
    assert line.split("  ")[0].endswith(("AM", "PM"))


# -- what is shown --------------------------------------------------------------------------------------------


def test_lines_come_at_the_end_and_only_once() -> None:
    log = LogModel()
    screen = Screen(log)
    log.add([said("one")])
    assert len(screen.refresh()) == 1
    log.add([said("two")])
    update = log.take_update()
    assert update is not None
    assert (update.anew, update.removed, len(update.added)) == (False, 0, 1)
    assert log.take_update() is None


@settings(max_examples=25)
@given(st.lists(st.integers(1, 2 * SHOWN), max_size=5))
def test_however_much_comes_between_two_looks_the_screen_has_the_newest(bursts: list[int]) -> None:
    log = LogModel()
    screen = Screen(log)
    number = 0
    for burst in bursts:
        log.add(said(str(number + i)) for i in range(burst))
        number += burst
        shown = [line.rsplit(" ", 1)[1] for line in screen.refresh()]
        assert shown == [str(i) for i in range(max(0, number - SHOWN), number)]


def test_what_was_left_out_is_counted_and_stands_where_it_is_missing() -> None:
    log = LogModel()
    screen = Screen(log)
    log.add([said("before")])
    log.add([said("after")], dropped=1234)
    log.add([], dropped=1)
    assert [line.split("  ")[-1] for line in screen.refresh()] == [
        "alice in lobby: before",
        "… 1,234 lines left out",
        "alice in lobby: after",
        "… 1 line left out",
    ]
    assert log.summary == "1,235 left out"


def test_the_filter_wants_all_words_whatever_their_case() -> None:
    log = LogModel()
    screen = Screen(log)
    log.add([said("the disk is FULL"), said("the disk is fine"), said("full of joy", name="bob")])
    log.filter("disk full", EVERYTHING)
    assert [line.split(": ")[1] for line in screen.refresh()] == ["the disk is FULL"]
    log.add([said("disks are full"), said("nothing")])
    assert len(screen.refresh()) == 2
    log.filter("BOB", EVERYTHING)
    assert len(screen.refresh()) == 1
    log.filter("", EVERYTHING)
    assert len(screen.refresh()) == 5


def test_one_kind_can_be_chosen() -> None:
    log = LogModel()
    screen = Screen(log)
    log.add([said("hi"), LogLine(NOON, Happening.JOINED, 5, "alice", "lobby"), LogLine(NOON, Happening.STORE_FAILED)])
    counts = []
    for choice in (MESSAGES, PEOPLE, PROBLEMS, EVERYTHING):
        log.filter("", choice)
        counts.append(len(screen.refresh()))
    assert counts == [1, 1, 1, 3]


def test_while_it_is_paused_it_stands_still_and_counts() -> None:
    log = LogModel()
    screen = Screen(log)
    log.add([said("before")])
    screen.refresh()
    log.pause(True)
    log.add([said("meanwhile"), said("and more")])
    assert len(screen.refresh()) == 1
    assert log.summary == "paused, 2 new"
    log.filter("m", EVERYTHING)
    assert [line.split(": ")[1] for line in screen.refresh()] == []
    log.filter("", EVERYTHING)
    assert len(screen.refresh()) == 1
    log.pause(False)
    assert [line.split(": ")[1] for line in screen.refresh()] == ["before", "meanwhile", "and more"]
    assert log.summary == ""


def test_a_long_pause_keeps_no_more_than_the_newest() -> None:
    log = LogModel()
    log.pause(True)
    log.add(said(str(number)) for number in range(KEPT + 100))
    log.filter("lobby", EVERYTHING)
    assert Screen(log).refresh() == []
    log.pause(False)
    lines = Screen(log).refresh()
    assert len(lines) == SHOWN
    assert lines[-1].endswith(f" {KEPT + 99}")


def test_clear_forgets() -> None:
    log = LogModel()
    screen = Screen(log)
    log.add([said("one")], dropped=3)
    screen.refresh()
    log.clear()
    assert screen.refresh() == []
    assert log.summary == ""
