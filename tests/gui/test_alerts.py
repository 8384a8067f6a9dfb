"""What rings, and what is said of it."""

from chatnet.model import Kind
from chatnet_gui.viewmodels.alerts import Alert, alert_of, joined
from tests.gui.making import CAROL, CHAT, LOBBY, chat, file_message, incoming, lobby, message, shared


def test_it_says_who_and_where_and_what() -> None:
    assert alert_of(incoming(chat(), message(1, "hi\nthere"))) == Alert(CHAT, "bob", "hi there")
    assert alert_of(incoming(lobby(), message(1, "alice?", CAROL))) == Alert(LOBBY, "Carol Ann in lobby", "alice?")


def test_actions_and_files_are_told_as_such() -> None:
    assert alert_of(incoming(chat(), message(1, "waves", kind=Kind.ACTION))).text == "* bob waves"
    assert alert_of(incoming(chat(), file_message(1, shared("a\u202eb.txt"), "look"))).text == (
        "sent a file: a\\u202eb.txt look"
    )
    assert alert_of(incoming(chat(), file_message(1, None))).text == "sent a file"


def test_long_texts_are_shortened() -> None:
    assert len(alert_of(incoming(chat(), message(1, "x" * 10_000))).text) == 160


def test_many_at_once_are_one() -> None:
    few = [Alert(1, "bob", "a"), Alert(2, "carol", "b")]
    assert joined(few) == few
    assert joined([Alert(n % 5, f"user{n % 5}", "x") for n in range(50)]) == [
        Alert(4, "50 new messages", "user0, user1, user2 and others")
    ]
