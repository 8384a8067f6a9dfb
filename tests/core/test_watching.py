"""Watching: figures for admins, when and how much of the live log they are told, and watchers who do not read."""

import pytest

from chatnet.core.effects import Effect, Wake
from chatnet.core.live_log import MOST_CHARACTERS, MOST_LINES
from chatnet.core.watching import LOG_SECONDS
from chatnet.errors import ErrorCode
from chatnet.events import ConnectionPage, Deliver, Done, LogLines, Stats, WatchEnded
from chatnet.model import (
    Act,
    ConnectionInfo,
    Happening,
    LogLine,
    Role,
    User,
)
from chatnet.requests import (
    Enter,
    FinishUpload,
    GetStats,
    ListConnections,
    Ping,
    Post,
    Rename,
    Request,
    SetRole,
    Unwatch,
    Watch,
)
from chatnet.wire.codec import encode
from tests.core.club import do, enter, whoever
from tests.core.filing import SMALL, FileScript
from tests.core.script import LOBBY_ID, START, events, on_socket, refusal, the, user
from tests.core.watchers import ANNA, BOB, CAROL, GUS, INFO, LIMITS, NOW, Play

# -- who may --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [Watch(5), Unwatch(5), GetStats(5), ListConnections(5)])
def test_only_admins_may_watch(request_: Request) -> None:
    chat = Play(watching=False).chat
    for who in ("bob", "gus"):
        assert refusal(chat.ask(who, request_)) == ErrorCode.FORBIDDEN
    chat.connect("stranger")
    assert refusal(chat.ask("stranger", request_)) == ErrorCode.NOT_LOGGED_IN


def test_who_is_no_admin_any_more_is_told_so_and_then_nothing() -> None:
    play = Play()
    enter(play.chat, "anna2", "anna")
    do(play.chat, "anna", Act.KICK, "gus")
    play.chat.hub._state.users[BOB].user = whoever(BOB, "bob", Role.ADMIN)
    play.chat.hub._state.registry.note(play.chat.hub._state.users[BOB])
    play.chat.ask("bob", SetRole(5, "anna", Role.MEMBER))
    play.chat.store_all()
    assert the(WatchEnded, play.chat.tick(), "anna").code == ErrorCode.FORBIDDEN
    play.chat.said("bob", 1)
    assert events(play.chat.tick() + play.chat.end_turn(), "anna") == []


def test_whoever_comes_over_the_same_handle_does_not_watch_for_it() -> None:
    play = Play()
    play.chat.disconnect("anna")
    enter(play.chat, "anna")
    play.chat.said("bob", 1)
    assert events(play.chat.tick(), "anna") == []
    assert play.told() == []


def test_who_is_gone_is_forgotten() -> None:
    play = Play()
    play.chat.disconnect("anna")
    play.chat.tick()
    assert play.chat.hub._watching._watchers == {}
    assert not play.chat.hub._state.log.is_on


# -- figures --------------------------------------------------------------------------------------------------


def stats(id: int, time: int, **changed: int) -> Stats:
    figures = {"users": 4, "rooms": 1, "messages": 0, "deliveries": 0} | changed
    return Stats(
        id=id,
        time=time,
        server=INFO,
        connections=9,
        sessions=4,
        received=3000,
        sent=4000,
        queued=50,
        lag=0.25,
        batches=1,
        stored=8192,
        transfers=0,
        cpu=2.5,
        memory=65536,
        **figures,
    )


def test_figures_come_when_they_are_asked_for() -> None:
    play = Play(watching=False)
    assert events(play.chat.ask("anna", GetStats(7)), "anna") == [stats(7, NOW)]
    assert events(play.chat.tick(), "anna") == []


def test_who_watches_has_figures_at_once_and_then_every_second_until_that_ends() -> None:
    play = Play(watching=False)
    assert events(play.chat.ask("anna", Watch(5, log=False)), "anna") == [Done(5), stats(0, NOW)]
    assert events(play.chat.tick(), "anna") == [stats(0, NOW + 1000)]
    assert events(play.chat.tick(), "anna") == [stats(0, NOW + 2000)]
    assert events(play.chat.tick(), "bob") == []
    assert events(play.chat.ask("anna", Unwatch(6)), "anna") == [Done(6)]
    assert events(play.chat.tick(), "anna") == []
    assert events(play.chat.ask("anna", Unwatch(7)), "anna") == [Done(7)], "once more does no harm"


def test_messages_and_deliveries_are_counted_from_the_start() -> None:
    play = Play(watching=False)
    play.chat.said("bob", 1, 2)
    chat = play.chat.chat("bob", "carol")
    play.chat.said("bob", 3, conversation=chat)
    found = the(Stats, play.chat.ask("anna", GetStats(7)), "anna")
    assert (found.messages, found.deliveries) == (3, 2 * 3 + 2)


def test_a_message_that_waits_for_a_slow_reader_is_counted_once_it_is_handed_out() -> None:
    play = Play(watching=False)
    told = the(Deliver, play.burst(1), "carol")
    play.chat.take(play.chat.hub.fell_behind("carol", told, play.chat.now))
    assert play.chat.hub._state.deliveries == 2
    play.chat.take(play.chat.hub.drained("carol", play.chat.now))
    assert play.chat.hub._state.deliveries == 3


# -- connections ----------------------------------------------------------------------------------------------


def test_connections_are_listed_in_the_order_in_which_they_came() -> None:
    play = Play(watching=False)
    play.chat.seconds += 2
    play.chat.connect("stranger")
    play.chat.said("carol", 1)
    play.chat.seconds += 3
    page = the(ConnectionPage, play.chat.ask("anna", ListConnections(7)), "anna")
    assert page.next == 0
    assert [(c.number, c.user, c.since, c.idle) for c in page.connections] == [
        (1, whoever(BOB, "bob"), NOW, 5.0),
        (2, whoever(CAROL, "carol"), NOW, 3.0),
        (3, whoever(ANNA, "anna", Role.ADMIN), NOW, 5.0),
        (4, user(GUS, "gus"), NOW, 5.0),
        (5, None, NOW + 2000, 3.0),
    ]
    (stranger,) = [c for c in page.connections if c.user is None]
    assert stranger == ConnectionInfo(5, 0, None, "stranger port", "tls", NOW + 2000, 300, 400, 0, 3.0, 0.5)
    assert all(c.session for c in page.connections if c.user is not None)


def test_a_list_of_connections_goes_on_where_the_last_page_ended_though_some_have_gone() -> None:
    play = Play(watching=False)
    for n in range(250):
        play.chat.connect(f"s{n}")
    first = the(ConnectionPage, play.chat.ask("anna", ListConnections(7)), "anna")
    play.chat.disconnect(f"s{len(first.connections) - 5}")
    found, page = list(first.connections), first
    while page.next:
        page = the(ConnectionPage, play.chat.ask("anna", ListConnections(7, page.next)), "anna")
        found += page.connections
    assert [c.number for c in found] == [*range(1, 255)]
    play.chat.connect("late")
    late = the(ConnectionPage, play.chat.ask("anna", ListConnections(7, 254)), "anna")
    assert [c.number for c in late.connections] == [255]


def test_the_longest_page_of_connections_fits_a_frame() -> None:
    play = Play(watching=False)
    worst = ConnectionInfo(
        2**62,
        2**62,
        User(2**62, "n" * 32, "\N{PILE OF POO}" * 40, Role.ADMIN),
        "[2001:db8:1234:5678:1234:5678:1234:5678%interface0]:65535",
        "unix",
        2**62,
        2**62,
        2**62,
        2**62,
        1e9,
        1e9,
    )
    encode(ConnectionPage(2**62, [worst] * play.chat.hub._watching._connections, 2**62))


# -- when, and how much ---------------------------------------------------------------------------------------


def test_the_log_comes_at_once_and_then_at_most_four_times_a_second() -> None:
    play = Play()
    chat = play.chat
    chat.said("bob", 1)
    assert len(the(LogLines, chat.end_turn(), "anna").lines) == 1
    chat.seconds += 0.1
    chat.said("bob", 2)
    assert chat.end_turn() == [Wake(START + LOG_SECONDS)]
    chat.said("bob", 3)
    assert chat.end_turn() == [], "one wake is enough"
    chat.seconds = START + LOG_SECONDS
    assert len(the(LogLines, chat.end_turn(), "anna").lines) == 2
    assert chat.end_turn() == []
    chat.said("bob", 4)
    assert chat.end_turn() == [Wake(START + 2 * LOG_SECONDS)], "and so it goes on"


def test_without_a_watcher_of_the_log_nothing_is_written() -> None:
    play = Play()
    play.chat.ask("anna", Watch(6, log=False))
    play.burst(3)
    assert play.told() == []
    assert play.chat.hub._state.log._lines == []
    play.chat.ask("anna", Watch(7, log=True))
    assert play.told() == [], "nor told later"


def test_of_a_burst_the_beginning_is_shown_and_the_rest_counted() -> None:
    play = Play()
    play.burst(3_000)
    (first,) = play.told()
    assert [line.text for line in first.lines] == [f"m{n}" for n in range(1, MOST_LINES + 1)]
    assert first.dropped == 0
    (second,) = play.told()
    assert second == LogLines([], 3_000 - MOST_LINES)
    assert play.told() == []


def test_nothing_is_shown_behind_a_gap_before_that_is_told() -> None:
    play = Play()
    play.burst(MOST_LINES + 5)
    play.chat.said("carol", 1, body="after it")
    (first,) = play.told()
    assert len(first.lines) == MOST_LINES
    play.chat.said("carol", 2, body="later")
    (second,) = play.told()
    assert second.dropped == 6
    assert [line.text for line in second.lines] == ["later"]


def test_nothing_is_shown_behind_a_line_that_was_too_long() -> None:
    play = Play()
    text = "\N{PILE OF POO}" * MOST_CHARACTERS
    for n in range(1, 31):
        play.chat.said("bob", n, body=text)
    play.chat.said("carol", 1, body="short")
    play.chat.ask("gus", Rename(5, "gustav"))
    (first,) = play.told()
    assert {line.text for line in first.lines} == {text}
    (second,) = play.told()
    assert len(first.lines) + second.dropped == 32


def test_whatever_is_said_the_lines_of_one_event_fit_a_frame() -> None:
    play = Play()
    text = "\N{PILE OF POO}" * 1000
    for n in range(1, MOST_LINES):
        play.chat.say("bob", n, body=text)
    play.chat.store_all()
    (told,) = play.told()
    assert len(encode(told)) < 64 * 1024
    assert 0 < len(told.lines) < MOST_LINES
    (rest,) = play.told()
    assert len(told.lines) + rest.dropped == MOST_LINES - 1


def test_the_longest_lines_fit_a_frame_whatever_they_tell() -> None:
    play = Play()
    for _ in range(MOST_LINES):
        play.chat.login("other", "\N{PILE OF POO}" * 3000)
        play.chat.disconnect("other")
    (told,) = play.told()
    assert len(encode(told)) < 64 * 1024


# -- watchers who do not read ---------------------------------------------------------------------------------


def test_who_does_not_read_is_told_nothing_and_later_how_much_that_was() -> None:
    play = Play()
    play.meters.queued["anna"] = LIMITS.output_soft + 1
    told: list[Effect] = []
    for n in range(1, 51):
        play.chat.said("bob", n)
        play.chat.seconds += LOG_SECONDS
        told += play.chat.end_turn() + play.chat.tick()
    assert events(told, "anna") == []
    play.meters.queued["anna"] = 0
    told = play.chat.tick()
    assert the(LogLines, told, "anna") == LogLines([], 50)
    assert the(Stats, told, "anna").messages == 50
    play.told()
    play.chat.said("bob", 51)
    assert [line.text for line in play.lines()] == ["hi"]


def test_a_watcher_who_does_not_read_keeps_nothing_from_another() -> None:
    play = Play()
    enter(play.chat, "anna2", "anna")
    play.chat.ask("anna2", Watch(5))
    play.lines()
    play.meters.queued["anna"] = LIMITS.output_soft + 1
    play.chat.said("bob", 1, body="one")
    assert [line.text for line in play.lines("anna2")] == ["one"]
    play.meters.queued["anna"] = 0
    play.chat.said("bob", 2, body="two")
    play.chat.seconds += LOG_SECONDS
    told = play.chat.end_turn()
    assert the(LogLines, told, "anna").dropped == 1
    assert the(LogLines, told, "anna2").dropped == 0
    assert [line.text for line in the(LogLines, told, "anna").lines] == ["two"]


def test_every_line_is_shown_or_counted() -> None:
    play = Play()
    shown = dropped = said = 0
    for step in range(1, 40):
        count = step * step % 450
        said += count
        play.burst(count)
        play.meters.queued["anna"] = (LIMITS.output_soft + 1) * (step % 3 == 0)
        for event in play.told():
            shown += len(event.lines)
            dropped += event.dropped
    play.meters.queued["anna"] = 0
    for event in play.told() + play.told():
        shown += len(event.lines)
        dropped += event.dropped
    dropped += sum(event.dropped for event in events(play.chat.tick(), "anna") if isinstance(event, LogLines))
    assert shown + dropped == said
    assert shown < said


def test_what_is_not_stored_yet_makes_no_line() -> None:
    play = Play()
    play.chat.ask("bob", Ping(1))
    play.chat.ask("bob", Post(1, LOBBY_ID, "soon"))
    assert play.told() == []
    play.chat.store_all()
    assert [line.text for line in play.lines()] == ["soon"]


# -- files ----------------------------------------------------------------------------------------------------


def with_files() -> FileScript:
    """Two guests, and who runs the server."""
    chat = FileScript("bob", "carol")
    chat.connect("root", on_socket(0, "root", is_owner=True))
    chat.ask("root", Enter(1, b"d" * 16))
    chat.work_all()
    return chat


def test_transfers_are_counted_while_they_are_under_way() -> None:
    chat = with_files()
    ready = chat.begin("bob")
    assert the(Stats, chat.ask("root", GetStats(7)), "root").transfers == 1
    chat.send("bob", ready, SMALL)
    chat.ask("bob", FinishUpload(9, ready.upload))
    chat.work_all()
    assert the(Stats, chat.ask("root", GetStats(7)), "root").transfers == 0


def test_a_file_is_told_by_its_name_only_where_all_may_see_it() -> None:
    chat = with_files()
    chat.ask("root", Watch(5))
    open_, closed = chat.upload("bob"), chat.upload("bob", place=chat.chat("bob", "carol"))
    seen: list[LogLine] = []
    for n, file in enumerate((open_, closed), 1):
        chat.post("bob", n, file, "look!")
        chat.work_all()
        chat.seconds += LOG_SECONDS
        seen += the(LogLines, chat.end_turn(), "root").lines
    now = NOW + 250
    assert seen == [
        LogLine(NOW, Happening.FILE_SHARED, 1, "bob", "lobby", "trip.mkv", 5, LOBBY_ID),
        LogLine(now, Happening.FILE_SHARED, 1, "bob", "carol", "", 5),
    ]
