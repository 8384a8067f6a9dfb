"""The server window: what it starts, what it attaches to, and what it says when something goes wrong."""

from dataclasses import replace
from pathlib import Path

import pytest

from chatnet.address import parse
from chatnet.client.news import Offline, Online, ServerStats
from chatnet.client.thread import Ended
from chatnet.errors import ErrorCode, Refused, TrustError
from chatnet_gui.hosting import Exited, Listening, NotServing, Printed, ServeOrder
from chatnet_gui.viewmodels.server import PATIENCE, ServerModel, State
from chatnet_gui.viewmodels.server_watching import LOG, STATE
from tests.gui.server_making import GONE, OWN_SESSION, FakeMachine, connected, connection, log_of, made, stats

LISTENING = Listening((parse("chatnet://127.0.0.1:5555"),))
SOCKET_IN_USE = NotServing(ErrorCode.ADDRESS_IN_USE, "chatnet+unix:///run/chatnet/chatnet.sock is in use: a server")


def hosting(tmp_path: Path) -> tuple[ServerModel, FakeMachine]:
    """A window that has started a server, and is connected to it."""
    model, machine = made(tmp_path)
    model.start()
    model.host_says(LISTENING)
    model.handle(connected())
    machine.link.run(model.handle)
    machine.take()
    return model, machine


def with_people(model: ServerModel, machine: FakeMachine, *names: str, at: float = 10.0) -> None:
    machine.chat.admin.connected = [
        connection(number, name) for number, name in enumerate(("owner", *names), start=OWN_SESSION)
    ]
    model.tick(at)
    machine.link.run(model.handle)


def log_text(model: ServerModel) -> str:
    update = model.watch.log.take_update()
    return "" if update is None else "\n".join(row.text for row in update.added)


# -- starting -------------------------------------------------------------------------------------------------


def test_at_first_it_looks_whether_a_server_runs_already(tmp_path: Path) -> None:
    machine = FakeMachine()
    model = ServerModel(machine, made(tmp_path)[0].settings)
    assert machine.take() == [tmp_path / "data"]
    assert (model.state, model.headline) == (State.LOOKING, "Stopped")
    model.handle(Ended(GONE))
    assert model.state is State.STOPPED
    assert model.form.errors == {}
    assert model.can_start
    assert not model.can_stop


def test_start_starts_what_the_fields_say(tmp_path: Path) -> None:
    model, machine = made(tmp_path, port=6000, is_open=True)
    model.start()
    assert machine.take() == [ServeOrder("127.0.0.1", 6000, tmp_path / "data", is_open=True)]
    assert (model.headline, model.can_start, model.can_stop) == ("Starting…", False, True)
    model.start()
    assert machine.take() == []


def test_once_it_listens_the_window_connects_and_watches(tmp_path: Path) -> None:
    model, machine = made(tmp_path)
    model.start()
    machine.take()
    model.host_says(LISTENING)
    assert machine.take() == [tmp_path / "data"]
    assert (model.headline, model.is_running) == ("Running", True)
    model.handle(connected())
    machine.link.run(model.handle)
    assert machine.chat.admin.calls == [("watch", True)]
    assert "listens at chatnet://127.0.0.1:5555" in log_text(model)


def test_fields_that_make_no_sense_start_nothing(tmp_path: Path) -> None:
    model, machine = made(tmp_path)
    model.form.set("port", "many")
    model.start()
    assert machine.take() == []
    assert model.state is State.STOPPED
    assert list(model.form.errors) == ["port"]


def test_without_room_for_another_process_it_says_so(tmp_path: Path) -> None:
    model, machine = made(tmp_path)
    machine.refuses = OSError(11, "Resource temporarily unavailable")
    model.start()
    assert model.state is State.STOPPED
    assert model.form.errors == {"": "The server cannot be started: Resource temporarily unavailable."}


def test_the_local_socket_of_another_server_is_done_without(tmp_path: Path) -> None:
    model, machine = made(tmp_path)
    model.start()
    [first] = machine.take()
    model.host_says(SOCKET_IN_USE)
    model.host_says(Printed("chatnet: stop what listens there"))
    model.host_says(Exited(73, 0))
    assert isinstance(first, ServeOrder)
    assert machine.take() == [replace(first, has_socket=False)]
    assert (model.state, model.form.errors) == (State.STARTING, {})
    model.host_says(Printed("chatnet: a warning"))
    model.host_says(LISTENING)
    assert [line.split("  ")[1] for line in log_text(model).split("\n")] == [
        "Another server of this machine has the local socket; this one does without it.",
        "The server listens at chatnet://127.0.0.1:5555",
        "chatnet: a warning",
    ]


def test_a_server_that_cannot_even_begin_leaves_all_that_it_has_printed(tmp_path: Path) -> None:
    model, _ = made(tmp_path)
    model.start()
    for text in ("Traceback", "  where it was", "ImportError: no such thing", ""):
        model.host_says(Printed(text))
    model.host_says(Exited(1, 0))
    assert model.form.errors == {"": "The server has ended by itself (code 1): ImportError: no such thing."}
    assert "  where it was" in log_text(model)


@pytest.mark.parametrize(
    ("failure", "field"),
    [
        (NotServing(ErrorCode.ADDRESS_IN_USE, "chatnet://127.0.0.1:5555 is in use"), "port"),
        (NotServing(ErrorCode.CANNOT_LISTEN, "cannot listen at x: 10.9.9.9 is no address of this machine"), "host"),
        (NotServing(ErrorCode.DATA_UNUSABLE, "cannot use the folder /x: others may enter it"), "data"),
        (NotServing(ErrorCode.DATA_TOO_NEW, "too new"), "data"),
        (NotServing(ErrorCode.BAD_OPTION, "whatever else"), ""),
    ],
)
def test_why_it_could_not_start_stands_beside_the_field(tmp_path: Path, failure: NotServing, field: str) -> None:
    model, machine = made(tmp_path)
    model.start()
    model.host_says(failure)
    model.host_says(Exited(73, 0))
    assert list(model.form.errors) == [field]
    assert model.form.errors[field].endswith(".")
    assert model.can_start
    machine.take()
    model.start()
    assert len(machine.take()) == 1


def test_a_server_that_ends_by_itself_leaves_its_last_words(tmp_path: Path) -> None:
    model, _ = hosting(tmp_path)
    for text in ("chatnet: the disk failed", "  Look after the disk.", ""):
        model.host_says(Printed(text))
    model.host_says(Exited(74, 0))
    assert model.state is State.STOPPED
    assert model.form.errors == {"": "The server has ended by itself (code 74): the disk failed."}
    assert "chatnet: the disk failed" in log_text(model)
    assert model.watch.outside.place == ""


def test_a_server_that_was_killed_has_no_last_words(tmp_path: Path) -> None:
    model, _ = hosting(tmp_path)
    model.host_says(Printed("chatnet: something else, long ago"))
    model.host_says(Exited(-9, 0))
    assert model.form.errors == {"": "The server has ended by itself (code -9)."}


# -- stopping -------------------------------------------------------------------------------------------------


def test_stop_asks_only_if_somebody_is_there(tmp_path: Path) -> None:
    model, machine = hosting(tmp_path)
    with_people(model, machine)
    assert model.stop_question() == ""
    with_people(model, machine, "alice", at=20.0)
    assert model.stop_question().startswith("One person is connected, and will be told.")
    with_people(model, machine, "alice", "bob", "bob", at=30.0)
    assert model.stop_question().startswith("2 people are connected, and will be told.")


def test_stop_lets_the_server_end_by_itself_and_start_works_again(tmp_path: Path) -> None:
    model, machine = hosting(tmp_path)
    model.stop()
    assert machine.take() == ["stop"]
    assert (model.headline, model.is_hosting) == ("Stopping…", True)
    model.stop()
    assert machine.take() == []
    model.handle(Offline(ErrorCode.SHUTTING_DOWN, "the server is stopping", 2.0))
    model.host_says(Exited(0, 0))
    assert (model.headline, model.form.errors, model.is_hosting) == ("Stopped", {}, False)
    model.tick(1000.0)
    assert machine.take() == []
    model.start()
    assert len(machine.take()) == 1


def test_a_server_that_does_not_stop_is_ended(tmp_path: Path) -> None:
    model, machine = hosting(tmp_path)
    model.tick(50.0)
    model.stop()
    model.tick(50.0 + PATIENCE - 0.1)
    assert "kill" not in machine.take()
    model.tick(50.0 + PATIENCE)
    assert "kill" in machine.take()
    assert "did not stop in time" in log_text(model)
    model.host_says(Exited(-9, 0))
    assert (model.state, model.form.errors) == (State.STOPPED, {})


def test_lines_that_nobody_took_are_counted(tmp_path: Path) -> None:
    model, _ = hosting(tmp_path)
    model.stop()
    model.host_says(Exited(0, 12))
    assert model.watch.log.left_out == 12


# -- attaching ------------------------------------------------------------------------------------------------


def attached(tmp_path: Path) -> tuple[ServerModel, FakeMachine]:
    machine = FakeMachine()
    model = ServerModel(machine, made(tmp_path)[0].settings, lambda: 0)
    model.handle(connected())
    machine.link.run(model.handle)
    machine.take()
    return model, machine


def test_a_server_that_runs_already_is_watched_and_not_stopped(tmp_path: Path) -> None:
    model, machine = attached(tmp_path)
    assert model.state is State.ATTACHED
    assert "started elsewhere" in model.headline
    assert (model.is_running, model.can_start, model.can_stop, model.is_hosting) == (True, False, False, False)
    model.stop()
    assert machine.take() == []
    assert machine.chat.admin.calls == [("watch", True)]


def test_a_folder_in_use_leads_to_the_server_that_uses_it(tmp_path: Path) -> None:
    model, machine = made(tmp_path)
    model.start()
    machine.take()
    model.host_says(NotServing(ErrorCode.DATA_IN_USE, "another server (process 5) uses the data folder"))
    model.host_says(Exited(73, 0))
    assert machine.take() == [tmp_path / "data"]
    assert list(model.form.errors) == ["data"]
    model.handle(connected())
    assert (model.state, model.form.errors) == (State.ATTACHED, {})


def test_a_folder_in_use_by_a_server_that_cannot_be_reached_is_said(tmp_path: Path) -> None:
    model, _ = made(tmp_path)
    model.start()
    model.host_says(NotServing(ErrorCode.DATA_IN_USE, "x"))
    model.host_says(Exited(73, 0))
    model.handle(Ended(GONE))
    assert model.state is State.STOPPED
    assert model.form.errors == {"data": "Another server uses this folder. Stop it, or choose another folder."}


def test_a_server_that_goes_away_may_be_started_here_and_is_found_again(tmp_path: Path) -> None:
    model, machine = attached(tmp_path)
    model.handle(Offline(ErrorCode.SHUTTING_DOWN, "bye", 2.0))
    assert (model.is_running, model.can_start) == (False, True)
    model.handle(Online(connected().user, True))
    assert (model.is_running, model.can_start) == (True, False)
    # Started anew it knows the old token no more: look for the new one.
    model.handle(Ended(Refused(ErrorCode.BAD_CREDENTIALS, "no such token")))
    assert machine.take() == [tmp_path / "data"]
    assert model.state is State.LOOKING
    model.handle(connected())
    assert model.is_running


def test_what_is_wrong_with_the_server_that_was_found_is_said(tmp_path: Path) -> None:
    model, _ = made(tmp_path)
    model.state = State.LOOKING
    model.handle(Ended(TrustError(ErrorCode.UNTRUSTED, "another key than before")))
    assert model.form.errors == {"": "Another key than before."}
    assert model.can_start


def test_a_lost_connection_to_the_own_server_is_made_again(tmp_path: Path) -> None:
    model, machine = hosting(tmp_path)
    model.tick(10.0)
    model.handle(Ended(Refused(ErrorCode.FORBIDDEN, "not you")))
    assert model.state is State.HOSTING
    assert model.watch.notice == "The window cannot watch its server: not you."
    model.tick(11.0)
    assert machine.take() == []
    model.tick(12.0)
    assert machine.take() == [tmp_path / "data"]


# -- for the views --------------------------------------------------------------------------------------------


def test_a_burst_is_drawn_once(tmp_path: Path) -> None:
    model, _ = hosting(tmp_path)
    model.take_changes()
    for number in range(1000):
        model.handle(log_of(f"text {number}"))
    assert model.take_changes() == {LOG}
    assert model.take_changes() == set()


def test_where_it_is_stands_in_the_headline(tmp_path: Path) -> None:
    model, machine = hosting(tmp_path)
    model.take_changes()
    model.handle(ServerStats(stats()))
    machine.link.run(model.handle)
    assert STATE in model.take_changes()
    assert model.headline == "Running"  # by the local socket alone
    assert str(tmp_path / "data") in model.kept
