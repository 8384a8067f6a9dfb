"""What happens besides messages, in words."""

import pytest
from msgspec.structs import replace

from chatnet.client.news import FileGone, Invitation, RoomLost, RoomUpdated, UserRenamed
from chatnet.model import Conversation, Role, Room, User
from chatnet_cli.notices import ConnectionNotices, social_notice

ANNA = User(1, "anna", "", Role.ADMIN)
BERT = User(2, "bert", "", Role.MEMBER)
BOARD = Room(7, "board", owner=1)


def test_an_invitation_says_how_to_take_it() -> None:
    told = ConnectionNotices().of(Invitation(BOARD, ANNA))
    assert told == "anna invites you to the room board:  chatnet listen --room board"


def test_who_is_put_out_is_told_why() -> None:
    assert ConnectionNotices().of(RoomLost("board", "KICKED", "\x1b[2J")) == r"no longer in board: \x1b[2J"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": "desk"}, "the room board is now called desk"),
        ({"topic": "tea"}, "the topic of board is now: tea"),
        ({"private": True}, "board is now private"),
        ({"archived": True}, "board is archived"),
        ({"topic": "tea", "private": True}, "the topic of board is now: tea; board is now private"),
        ({"owner": 2}, None),
    ],
)
def test_what_changes_about_a_room_is_told(changed: dict[str, object], told: str | None) -> None:
    assert social_notice(RoomUpdated(replace(BOARD, **changed), BOARD), ANNA) == told


def test_and_so_is_what_changes_back() -> None:
    before = replace(BOARD, topic="tea", private=True, archived=True)
    told = social_notice(RoomUpdated(BOARD, before), ANNA)
    assert told == "board has no topic now; board is now open to everybody; board is no longer archived"
    assert social_notice(RoomUpdated(BOARD), ANNA) is None


def test_other_names_and_other_roles_are_told() -> None:
    assert social_notice(UserRenamed(BERT, replace(BERT, name="bob")), ANNA) == "bert is now bob"
    assert social_notice(UserRenamed(BERT, replace(BERT, role=Role.ADMIN)), ANNA) == "bert is now an admin"
    assert social_notice(UserRenamed(ANNA, replace(ANNA, role=Role.MEMBER)), BERT) == "anna is now a member"
    assert social_notice(UserRenamed(BERT, BERT), ANNA) is None


def test_a_file_that_goes_is_told() -> None:
    assert social_notice(FileGone(Conversation(7, BOARD, None), 55, 3), ANNA) == "board: file 55 is gone"
