"""The live log: what is said and who comes and goes, as far as an admin may know of it."""

from chatnet.core.live_log import MOST_CHARACTERS
from chatnet.model import (
    Act,
    Happening,
    LogLine,
)
from chatnet.requests import (
    ChangeRoom,
    Join,
    Part,
    Rename,
    TokenLogin,
)
from tests.core.club import change, do, enter, joined
from tests.core.script import LOBBY_ID
from tests.core.watchers import ANNA, BOB, CAROL, GUS, NOW, Play

# -- what is said ---------------------------------------------------------------------------------------------


def test_what_is_said_in_a_public_room_is_in_the_log() -> None:
    play = Play()
    play.chat.said("bob", 1, body="hi all")
    assert play.lines() == [LogLine(NOW, Happening.SAID, BOB, "bob", "lobby", "hi all", 6, LOBBY_ID)]


def test_of_a_personal_chat_the_log_has_only_who_spoke_to_whom_and_how_much() -> None:
    play = Play()
    chat = play.chat.chat("bob", "carol")
    play.lines()
    play.chat.said("carol", 1, conversation=chat, body="a secret")
    play.chat.said("bob", 1, conversation=chat, body="another")
    assert play.lines() == [
        LogLine(NOW + 250, Happening.SAID_PRIVATELY, CAROL, "carol", "bob", "", 8),
        LogLine(NOW + 250, Happening.SAID_PRIVATELY, BOB, "bob", "carol", "", 7),
    ]


def test_a_note_to_oneself_is_private_too() -> None:
    play = Play()
    chat = play.chat.chat("bob", "bob")
    play.chat.said("bob", 1, conversation=chat, body="milk")
    assert play.lines() == [LogLine(NOW, Happening.SAID_PRIVATELY, BOB, "bob", "bob", "", 4)]


def test_the_log_has_neither_text_nor_name_of_a_private_room() -> None:
    play = Play()
    room = play.chat.room("bob", "plans")
    change(play.chat, "bob", room, private=True)
    joined(play.chat, "bob", room="plans")
    play.lines()
    play.chat.said("bob", 1, conversation=room, body="surprise!")
    do(play.chat, "bob", Act.INVITE, "carol", room)
    play.lines()
    joined(play.chat, "carol", room="plans")
    play.chat.ask("carol", Part(5, room))
    play.chat.said("bob", 2, conversation=room, body="surprise!")
    found = [line for line in play.lines() if line.what is not Happening.MODERATED]
    assert [(line.what, line.name, line.target, line.text, line.conversation, line.characters) for line in found] == [
        (Happening.JOINED, "carol", "", "", 0, 0),
        (Happening.SAID_PRIVATELY, "bob", "", "", 0, 9),
        (Happening.PARTED, "carol", "", "", 0, 0),
    ]


def test_a_room_that_is_just_becoming_private_is_private_for_the_log() -> None:
    play = Play()
    room = play.chat.room("bob", "plans")
    play.lines()
    play.chat.said("bob", 1, conversation=room, body="public")
    assert [line.text for line in play.lines()] == ["public"]
    play.chat.say("bob", 2, room, "surprise!")
    play.chat.submit()
    play.chat.ask("bob", ChangeRoom(6, room, private=True))
    play.chat.submit()
    play.chat.store_one()
    assert [(line.what, line.target, line.text) for line in play.lines()] == [(Happening.SAID_PRIVATELY, "", "")]


def test_a_long_text_is_cut_and_its_length_told() -> None:
    play = Play()
    play.chat.said("bob", 1, body="\N{WOMAN}" * 2000)
    (line,) = play.lines()
    assert line.text == "\N{WOMAN}" * MOST_CHARACTERS
    assert line.characters == 2000


# -- who comes and goes ---------------------------------------------------------------------------------------


def test_logins_and_farewells_are_in_the_log() -> None:
    play = Play()
    enter(play.chat, "bob2", "bob")
    play.chat.disconnect("bob2")
    assert play.lines() == [
        LogLine(NOW, Happening.LOGGED_IN, BOB, "bob", "bob2 port"),
        LogLine(NOW, Happening.LEFT, BOB, "bob", "bob2 port"),
    ]


def test_who_is_put_off_is_seen_to_be_and_why() -> None:
    play = Play()
    do(play.chat, "anna", Act.KICK, "carol", reason="spam")
    moderated, left = play.lines()
    assert moderated == LogLine(NOW, Happening.MODERATED, ANNA, "anna", "carol", "spam", act=Act.KICK)
    assert left == LogLine(NOW, Happening.LEFT, CAROL, "carol", "carol port", "anna has put you off this server: spam")


def test_refused_logins_are_in_the_log_without_what_was_shown() -> None:
    play = Play()
    play.chat.login("other", "gus", secret="wrong")
    play.chat.connect("guesser")
    play.chat.ask("guesser", TokenLogin(1, b"t" * 32, b"d" * 16))
    taken, guessed = play.lines()
    assert (taken.what, taken.user, taken.name, taken.target) == (Happening.LOGIN_REFUSED, 0, "gus", "other port")
    assert taken.text.startswith("NAME_IN_USE: ")
    assert (guessed.name, guessed.target) == ("", "guesser port")
    assert guessed.text.startswith("BAD_CREDENTIALS: ")


def test_what_a_stranger_sends_as_a_name_is_cut() -> None:
    play = Play()
    play.chat.login("other", "x" * 3000)
    assert [line.name for line in play.lines()] == ["x" * 64]


def test_what_is_refused_to_those_who_are_in_is_no_refused_login() -> None:
    play = Play()
    play.chat.ask("bob", Join(5, "nowhere"))
    play.chat.connect("stranger")
    play.chat.ask("stranger", Join(5, "lobby"))
    assert play.lines() == []


def test_rooms_and_names_are_in_the_log() -> None:
    play = Play()
    room = play.chat.room("bob", "dev")
    play.chat.join("gus", room="dev")
    play.chat.ask("gus", Part(5, room))
    play.chat.ask("gus", Rename(5, "gustav"))
    play.chat.ask("gus", Rename(5, "gustav", "Gustav"))
    assert play.lines() == [
        LogLine(NOW, Happening.ROOM_MADE, BOB, "bob", "dev", conversation=room),
        LogLine(NOW, Happening.JOINED, GUS, "gus", "dev", conversation=room),
        LogLine(NOW, Happening.PARTED, GUS, "gus", "dev", conversation=room),
        LogLine(NOW, Happening.RENAMED, GUS, "gus", "gustav"),
    ]


def test_a_second_session_neither_joins_nor_leaves_for_its_user() -> None:
    play = Play()
    play.chat.login("gus2", "gus", secret="gus")
    play.lines()
    play.chat.join("gus2")
    play.chat.ask("gus2", Part(5, LOBBY_ID))
    assert play.lines() == []


def test_acts_in_rooms_are_in_the_log() -> None:
    play = Play()
    do(play.chat, "anna", Act.MUTE, "bob", LOBBY_ID, seconds=60, reason="loud")
    assert play.lines() == [
        LogLine(NOW, Happening.MODERATED, ANNA, "anna", "bob", "60 s: loud", conversation=LOBBY_ID, act=Act.MUTE)
    ]


def test_a_store_that_fails_is_in_the_log() -> None:
    play = Play()
    play.chat.say("bob", 1, body="not to be seen")
    play.chat.fail_all()
    (line,) = play.lines()
    assert (line.what, line.target) == (Happening.STORE_FAILED, "STORE_FULL")
    assert "not to be seen" not in repr(line)
