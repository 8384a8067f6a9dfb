"""What arrives is applied exactly once and in order, over any number of connections."""

from msgspec.structs import replace

from chatnet.client.news import (
    ChatStarted,
    HistoryLost,
    Incoming,
    Invitation,
    Missed,
    News,
    Online,
    RoomLost,
    RoomUpdated,
)
from chatnet.client.session import Phase
from chatnet.errors import ErrorCode, Refused
from chatnet.events import (
    ConversationPage,
    Deliver,
    Done,
    Following,
    Invited,
    Joined,
    Removed,
    RoomChanged,
    Started,
    Truncated,
    Welcome,
)
from chatnet.events import Refused as RefusedEvent
from chatnet.model import Conversation, Room, User
from chatnet.requests import Follow, Join, ListConversations, Login, Part, Request
from tests.client.script import BOB, CHAT, LOBBY, ME, Script, deliver, message


def texts(news: list[News]) -> list[str]:
    return [item.text for item in news if isinstance(item, Incoming)]


def lost(news: list[News]) -> list[Conversation | None]:
    return [item.conversation for item in news if isinstance(item, HistoryLost)]


def in_lobby(script: Script, *, head: int = 10, after: int | None = None) -> Script:
    script.log_in()
    script.session.join("lobby", after)
    join = script.hears_one(Join)
    script.says(Joined(join.id, LOBBY, 1, head))
    script.news()
    return script


def live_with_chat(live: Script, *, head: int = 3) -> Script:
    live.log_in_live(Conversation(5, None, BOB, 1, head))
    return live


def come_back(script: Script, *, session: int = 2) -> list[Request]:
    script.drop()
    script.log_in(session=session)
    return script.hears()


# -- one connection -------------------------------------------------------------------------------------------


def test_a_joined_room_is_heard_from_its_head_on(script: Script) -> None:
    in_lobby(script, head=10)
    script.says(deliver(1, 11, 12))
    first, second = script.news()
    assert isinstance(first, Incoming)
    assert (first.text, first.sender, first.room, first.own) == ("11", "bob", "lobby", False)
    assert texts([first, second]) == ["11", "12"]


def test_a_room_can_be_heard_from_an_earlier_message_on(script: Script) -> None:
    in_lobby(script, head=10, after=8)
    script.says(deliver(1, 9, 10), deliver(1, 11))
    assert texts(script.news()) == ["9", "10", "11"]


def test_leaving_a_room_ends_a_join_that_is_unanswered(script: Script) -> None:
    in_lobby(script, head=10)
    script.session.join("lobby")
    join = script.hears_one(Join)
    script.session.part(1)
    part = script.hears_one(Part)
    script.says(Joined(join.id, LOBBY, 1, 10), deliver(1, 11), Done(part.id))
    assert texts(script.news()) == []
    assert script.hears() == []
    assert script.session.applied(1) is None


def test_a_room_can_be_joined_again_before_leaving_it_is_answered(script: Script) -> None:
    in_lobby(script, head=10)
    script.session.part(1)
    part = script.hears_one(Part)
    script.session.join("lobby")
    join = script.hears_one(Join)
    script.says(Done(part.id), Joined(join.id, LOBBY, 1, 12), deliver(1, 13))
    assert texts(script.news()) == ["13"]


def test_own_messages_are_marked(script: Script) -> None:
    in_lobby(script)
    script.says(Deliver(1, [message(11, sender=ME)]))
    (news,) = script.news()
    assert isinstance(news, Incoming)
    assert news.own


def test_duplicates_are_dropped(script: Script) -> None:
    in_lobby(script)
    script.says(deliver(1, 11, 12), deliver(1, 11), deliver(1, 10, 11, 12, 13), deliver(1, 13))
    assert texts(script.news()) == ["11", "12", "13"]


def test_a_gap_is_not_applied_but_asked_for(script: Script) -> None:
    in_lobby(script)
    script.says(deliver(1, 11), deliver(1, 13), deliver(1, 14))
    assert texts(script.news()) == ["11"]
    again = script.hears_one(Join)
    assert again == Join(again.id, "lobby", 11)
    script.says(deliver(1, 15), Joined(again.id, LOBBY, 1, 15), deliver(1, 12, 13), deliver(1, 14, 15))
    assert texts(script.news()) == ["12", "13", "14", "15"]
    assert script.hears() == []


def test_a_gap_that_the_server_insists_on_is_told(script: Script) -> None:
    in_lobby(script)
    script.says(deliver(1, 13))
    again = script.hears_one(Join)
    script.says(Joined(again.id, LOBBY, 1, 13), deliver(1, 13))
    missed, came = script.news()
    assert isinstance(missed, Missed)
    assert (missed.first, missed.last) == (11, 12)
    assert texts([came]) == ["13"]


def test_messages_that_are_no_longer_kept_are_told_and_passed_over(script: Script) -> None:
    in_lobby(script, head=10, after=0)
    script.says(Truncated(1, 8), deliver(1, 8, 9), Truncated(1, 8))
    missed, *rest = script.news()
    assert isinstance(missed, Missed)
    assert (missed.first, missed.last) == (1, 7)
    assert texts(rest) == ["8", "9"]
    assert len(rest) == 2


def test_joining_again_neither_repeats_nor_skips(script: Script) -> None:
    in_lobby(script)
    script.says(deliver(1, 11))
    script.session.join("lobby")
    again = script.hears_one(Join)
    script.says(Joined(again.id, LOBBY, 1, 13))
    onward = script.hears_one(Join)
    assert onward == Join(onward.id, "lobby", 11)
    script.says(Joined(onward.id, LOBBY, 1, 13), deliver(1, 12, 13))
    assert texts(script.news()) == ["11", "12", "13"]


def test_nothing_is_heard_of_a_room_that_one_leaves(live: Script) -> None:
    live.log_in_live()
    live.session.join("lobby")
    join = live.hears_one(Join)
    live.says(Joined(join.id, LOBBY, 1, 10))
    live.session.part(1)
    part = live.hears_one(Part)
    assert part == Part(part.id, 1)
    live.says(deliver(1, 11), Done(part.id), deliver(1, 12))
    assert texts(live.news()) == []
    assert live.session.applied(1) is None
    assert not any(isinstance(request, Join) for request in come_back(live))


# -- personal chats -------------------------------------------------------------------------------------------


def test_who_is_put_out_of_a_room_hears_nothing_more_and_does_not_come_back_by_itself(script: Script) -> None:
    in_lobby(script, head=10)
    script.says(Removed(1, "KICKED", "anna has put you out"), deliver(1, 11))
    assert script.news() == [RoomLost("lobby", "KICKED", "anna has put you out")]
    assert script.session.applied(1) is None
    assert not any(isinstance(request, Join) for request in come_back(script))
    script.says(Removed(1, "KICKED", "once more"))
    assert not any(isinstance(item, RoomLost) for item in script.news())


def test_an_invitation_and_what_changes_about_a_room_are_told(script: Script) -> None:
    in_lobby(script)
    board = Room(7, "board", private=True)
    script.says(Invited(board, BOB), RoomChanged(replace(LOBBY, topic="tea")), RoomChanged(board))
    assert script.news() == [
        Invitation(board, BOB),
        RoomUpdated(replace(LOBBY, topic="tea"), LOBBY),
        RoomUpdated(board, None),
    ]


def test_a_live_session_that_may_hear_nothing_ends_with_the_reason(live: Script) -> None:
    live.log_in()
    listing = live.hears_one(ListConversations)
    live.says(RefusedEvent(listing.id, "FORBIDDEN", "this token is good for sending only"))
    assert live.session.wants_close
    live.drop()
    assert live.session.phase is Phase.STOPPED
    assert isinstance(live.session.failure, Refused)
    assert live.session.failure.message == "this token is good for sending only"


def test_a_live_session_hears_its_chats_from_their_heads_on(live: Script) -> None:
    live_with_chat(live, head=3)
    live.says(deliver(5, 4))
    assert texts(live.news()) == ["4"]
    assert live.hears() == []


def test_a_chat_that_begins_is_heard_from_its_first_message(live: Script) -> None:
    live.log_in_live()
    live.says(Started(CHAT), deliver(5, 1), deliver(5, 2))
    started, *rest = live.news()
    assert isinstance(started, ChatStarted)
    assert started.conversation.peer == BOB
    assert texts(rest) == ["1", "2"]


def test_what_is_said_while_the_chats_are_listed_is_not_lost(live: Script) -> None:
    live.log_in()
    listing = live.hears_one(ListConversations)
    live.says(deliver(5, 4), ConversationPage(listing.id, [Conversation(5, None, BOB, 1, 4)]))
    follow = live.hears_one(Follow)
    assert follow == Follow(follow.id, 5, 3)
    live.says(Following(follow.id, 5, 1, 4), deliver(5, 4), deliver(5, 5))
    assert texts(live.news()) == ["4", "5"]


def test_a_chat_that_nobody_told_of_is_found_and_heard_from_its_beginning(live: Script) -> None:
    live.log_in_live()
    live.says(deliver(6, 2))
    listing = live.hears_one(ListConversations)
    live.says(ConversationPage(listing.id, [Conversation(6, None, BOB, 1, 2)]))
    follow = live.hears_one(Follow)
    assert follow == Follow(follow.id, 6, 0)
    live.says(Following(follow.id, 6, 1, 2), deliver(6, 1, 2))
    assert texts(live.news()) == ["1", "2"]


def test_a_session_that_is_not_live_hears_no_chats(script: Script) -> None:
    script.log_in()
    script.news()
    script.says(Started(CHAT), deliver(5, 1))
    assert script.news() == []
    assert script.hears() == []


# -- after a lost connection ----------------------------------------------------------------------------------


def test_coming_back_replaces_the_old_session_and_goes_on_from_every_cursor(live: Script) -> None:
    live_with_chat(live, head=3)
    live.session.join("lobby")
    join = live.hears_one(Join)
    live.says(Joined(join.id, LOBBY, 1, 10), deliver(1, 11), deliver(5, 4))
    live.news()
    live.drop()
    login = live.greet()
    assert (login.replaces, login.live) == (1, False)
    live.says(Welcome(login.id, ME, 2, "none", 0))
    follow, rejoin, listing = live.hears()
    assert isinstance(follow, Follow)
    assert isinstance(rejoin, Join)
    assert isinstance(listing, ListConversations)
    assert (follow.conversation, follow.after, rejoin.room, rejoin.after) == (5, 4, "lobby", 11)
    live.says(
        Following(follow.id, 5, 1, 6),
        Joined(rejoin.id, LOBBY, 1, 12),
        ConversationPage(listing.id, [Conversation(5, None, BOB, 1, 6), Conversation(6, None, User(9, "carol"), 1, 1)]),
    )
    new = live.hears_one(Follow)
    assert new == Follow(new.id, 6, 0)
    live.says(deliver(5, 5, 6), deliver(1, 12), Following(new.id, 6, 1, 1), deliver(6, 1))
    assert texts(live.news()) == ["5", "6", "12", "1"]


def test_what_the_old_position_still_delivers_is_dropped(live: Script) -> None:
    live_with_chat(live, head=3)
    follow, _ = come_back(live)
    assert isinstance(follow, Follow)
    live.says(deliver(5, 5), Following(follow.id, 5, 1, 5), deliver(5, 4, 5))
    assert texts(live.news()) == ["4", "5"]


def test_a_connection_that_breaks_while_coming_back_loses_nothing(live: Script) -> None:
    live_with_chat(live, head=3)
    first = come_back(live)
    second = come_back(live, session=3)
    assert [type(request) for request in first] == [type(request) for request in second] == [Follow, ListConversations]
    follow, listing = second
    assert isinstance(follow, Follow)
    assert isinstance(listing, ListConversations)
    live.says(Following(follow.id, 5, 1, 4), deliver(5, 4), ConversationPage(listing.id, []))
    assert texts(live.news()) == ["4"]


def test_a_chat_without_a_name_that_is_truncated_goes_on_once_it_has_one(live: Script) -> None:
    live.log_in()
    listing = live.hears_one(ListConversations)
    live.says(deliver(5, 7), Truncated(5, 13), deliver(5, 13))
    assert live.news() == []
    live.says(ConversationPage(listing.id, [Conversation(5, None, BOB, 13, 13)]))
    follow = live.hears_one(Follow)
    assert follow.after == 6
    live.says(Following(follow.id, 5, 13, 13), Truncated(5, 13), deliver(5, 13))
    assert [type(news) for news in live.news()] == [Online, Missed, Incoming]


def test_a_first_listing_that_was_cut_off_is_made_again_and_what_was_heard_goes_on(live: Script) -> None:
    live.log_in()
    listing = live.hears_one(ListConversations)
    live.says(ConversationPage(listing.id, [Conversation(5, None, BOB, 1, 3)], next=5), deliver(5, 4))
    live.drop()
    login = live.greet()
    assert login.live
    live.says(Welcome(login.id, ME, 2, "none", 0))
    follow, again = live.hears()
    assert isinstance(follow, Follow)
    assert isinstance(again, ListConversations)
    page = ConversationPage(again.id, [Conversation(5, None, BOB, 1, 6), Conversation(6, None, ME, 1, 2)])
    live.says(Following(follow.id, 5, 1, 6), page, deliver(5, 5, 6), deliver(6, 3))
    assert texts(live.news()) == ["4", "5", "6", "3"]


def test_a_room_that_does_not_take_one_back_is_told(script: Script) -> None:
    in_lobby(script)
    (join,) = come_back(script)
    assert isinstance(join, Join)
    script.says(RefusedEvent(join.id, ErrorCode.NO_SUCH_ROOM, "gone"))
    assert RoomLost("lobby", ErrorCode.NO_SUCH_ROOM, "gone") in script.news()
    assert come_back(script, session=3) == []


def test_another_user_under_the_old_name_has_other_chats_but_the_same_rooms(live: Script) -> None:
    live_with_chat(live)
    live.session.join("lobby")
    join = live.hears_one(Join)
    live.says(Joined(join.id, LOBBY, 1, 10))
    live.drop()
    live.log_in(session=2, user=User(70, "alice"))
    requests = live.hears()
    assert [type(request) for request in requests] == [Join, ListConversations]
    assert [chat.id for chat in lost(live.news()) if chat is not None] == [5]


# -- a server that lost its memory ----------------------------------------------------------------------------


def test_another_server_makes_all_cursors_void_and_says_so(live: Script) -> None:
    live_with_chat(live, head=3)
    live.session.join("lobby")
    join = live.hears_one(Join)
    live.says(Joined(join.id, LOBBY, 1, 10))
    live.news()
    live.drop()
    login = live.log_in(server=b"t" * 16, session=1, user=User(1, "alice"))
    assert (login.live, login.replaces) == (True, 0)
    rejoin, listing = live.hears()
    assert isinstance(rejoin, Join)
    assert isinstance(listing, ListConversations)
    assert rejoin.after is None
    live.says(
        Joined(rejoin.id, Room(2, "lobby"), 1, 40), ConversationPage(listing.id, [Conversation(1, None, BOB, 1, 2)])
    )
    live.says(deliver(2, 41), deliver(1, 3))
    news = live.news()
    assert lost(news) == [None]
    assert texts(news) == ["41", "3"]
    assert Online(User(1, "alice"), resumed=False) in news
    assert set(live.session.cache.conversations) == {1, 2}


def test_a_connection_that_breaks_before_the_rooms_of_a_new_server_are_joined_forgets_none(script: Script) -> None:
    in_lobby(script)
    script.drop()
    script.log_in(server=b"t" * 16)
    script.hears_one(Join)
    script.drop()
    script.log_in(server=b"t" * 16)
    join = script.hears_one(Join)
    script.says(Joined(join.id, LOBBY, 1, 4), deliver(1, 5))
    assert texts(script.news()) == ["5"]


def test_a_head_below_what_was_heard_starts_anew_from_that_head(script: Script) -> None:
    in_lobby(script, head=10)
    (join,) = come_back(script)
    assert isinstance(join, Join)
    script.says(Joined(join.id, LOBBY, 1, 4))
    again = script.hears_one(Join)
    assert again == Join(again.id, "lobby", 4)
    script.says(Joined(again.id, LOBBY, 1, 5), deliver(1, 5))
    news = script.news()
    assert [chat.id for chat in lost(news) if chat is not None] == [1]
    assert texts(news) == ["5"]


def test_a_chat_that_the_server_forgot_is_told(live: Script) -> None:
    live_with_chat(live)
    follow, _ = come_back(live)
    assert isinstance(follow, Follow)
    live.says(RefusedEvent(follow.id, ErrorCode.NO_SUCH_CONVERSATION, "gone"))
    assert [chat.id for chat in lost(live.news()) if chat is not None] == [5]
    assert [type(request) for request in come_back(live, session=3)] == [ListConversations]


def test_logins_are_the_only_requests_before_the_welcome(script: Script) -> None:
    in_lobby(script)
    script.drop()
    assert isinstance(script.greet(), Login)
