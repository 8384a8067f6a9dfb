"""What the window learns from the server as its admin, and what it asks of it."""

from chatnet.client.news import Offline, ServerStats, WatchLost
from chatnet.errors import ErrorCode, Refused
from chatnet_gui.viewmodels.server_settings import ServerSettings
from chatnet_gui.viewmodels.server_watching import LOG, PLOTS, POLL_SECONDS, TABLE, WatchModel
from tests.gui.server_making import OWN_SESSION, FakeChat, FakeLink, connection, log_of, stats


def watching() -> tuple[WatchModel, FakeLink, FakeChat]:
    chat = FakeChat()
    link = FakeLink(chat)
    model = WatchModel(ServerSettings())
    model.begin(link, lambda: OWN_SESSION)
    link.run(model.handle)
    chat.admin.calls.clear()
    model.changes.clear()
    return model, link, chat


def test_figures_and_lines_are_shown_as_they_come() -> None:
    model, link, _ = watching()
    model.handle(ServerStats(stats(0.0)))
    model.handle(ServerStats(stats(1.0, messages=5)))
    model.handle(log_of("hi"))
    link.run(model.handle)
    assert {PLOTS, LOG} <= model.changes
    assert model.plots.messages.shown == "5/s"
    assert model.log.take_update() is not None


def test_who_is_connected_is_asked_every_two_seconds_and_never_twice_at_once() -> None:
    model, link, chat = watching()
    chat.admin.connected = [connection(OWN_SESSION, "owner"), connection(9, "alice")]
    model.tick(1.0)
    model.tick(50.0)
    link.run(model.handle)
    assert chat.admin.calls == [("connections",)]
    assert model.table.people() == ["alice"]
    assert TABLE in model.changes
    model.tick(1.0 + POLL_SECONDS - 0.1)
    link.run(model.handle)
    assert len(chat.admin.calls) == 1
    model.tick(1.0 + POLL_SECONDS)
    link.run(model.handle)
    assert len(chat.admin.calls) == 2


def test_a_failed_look_is_said_and_tried_again() -> None:
    model, link, chat = watching()
    chat.admin.refuses = Refused(ErrorCode.FORBIDDEN, "only admins may")
    model.tick(1.0)
    link.run(model.handle)
    assert model.notice == "Only admins may."
    model.tick(4.0)
    link.run(model.handle)
    assert len(chat.admin.calls) == 2


def test_without_a_connection_nobody_is_asked() -> None:
    model, link, chat = watching()
    model.handle(Offline(ErrorCode.UNREACHABLE, "gone", 1.0))
    model.tick(1.0)
    link.run(model.handle)
    assert chat.admin.calls == []
    model.end()
    model.kick("alice", "")
    model.tick(9.0)
    assert model.notice == "There is no connection to the server now."


def test_kick_and_ban_are_done_and_said_and_the_table_is_looked_at_again() -> None:
    model, link, chat = watching()
    model.tick(1.0)
    link.run(model.handle)
    model.kick("alice", "enough")
    model.ban("bob", 3600, "spam")
    link.run(model.handle)
    assert chat.admin.calls[1:] == [("KICK", "alice", 0, "enough"), ("BAN", "bob", 3600, "spam")]
    assert model.notice == "bob is banned."
    model.tick(1.1)
    link.run(model.handle)
    assert chat.admin.calls[-1] == ("connections",)


def test_what_the_server_refuses_is_said() -> None:
    model, link, chat = watching()
    chat.admin.refuses = Refused(ErrorCode.NO_SUCH_USER, "there is no user 'alice'")
    model.kick("alice", "")
    link.run(model.handle)
    assert model.notice == "There is no user 'alice'."


def test_a_message_goes_to_one_person() -> None:
    model, link, chat = watching()
    model.message("alice", "please come to the office")
    link.run(model.handle)
    assert chat.sent == [("alice", "please come to the office")]
    assert model.notice == "Sent to alice."


def test_before_a_kick_it_says_from_how_many_places_somebody_is_there() -> None:
    model, link, chat = watching()
    chat.admin.connected = [connection(8, "alice"), connection(9, "alice"), connection(10, "bob")]
    model.tick(1.0)
    link.run(model.handle)
    assert "alice is connected, from 2 places." in model.kick_question("alice")
    assert "bob is connected." in model.kick_question("bob")


def test_a_join_code_is_made_for_so_many_people_and_so_long() -> None:
    model, link, chat = watching()
    model.invite(" 30 ", "1 hour")
    link.run(model.handle)
    [(name, uses, expires)] = chat.admin.calls
    assert (name, uses) == ("invite", 30)
    assert expires > 0
    assert model.invitation is not None
    assert model.invitation.code == "7KQM-4XDP-9TBC"
    assert "7KQM" not in repr(model.invitation)


def test_a_join_code_for_nobody_is_not_made() -> None:
    model, link, chat = watching()
    for uses in ("0", "", "many", "10001", "-1", "1.5"):
        model.invite(uses, "1 hour")
        link.run(model.handle)
        assert model.notice == "A join code is for 1 to 10,000 people."
    assert chat.admin.calls == []


def test_who_is_no_admin_any_more_is_told() -> None:
    model, _, _ = watching()
    model.handle(WatchLost(ErrorCode.FORBIDDEN, "you are no admin any more"))
    assert model.notice == "The server tells no more of itself: you are no admin any more"
