"""Where the hearing of personal chats of before begins, when the application says where: no gap, nothing twice."""

from collections.abc import Callable

from msgspec.structs import replace

from chatnet.client.news import Incoming
from chatnet.client.session import ClientSession
from chatnet.events import ConversationPage, Following
from chatnet.model import Conversation, Seq
from chatnet.requests import Follow, ListConversations
from tests.client.script import CHAT, IDENTITY, Script, deliver

EARLIER = replace(CHAT, head=9, read=4, delivered=6)


def listening(start: Callable[[Conversation], Seq]) -> Script:
    """A session that is logged in and has asked for its chats."""
    script = Script()
    script.session = ClientSession("alice", IDENTITY, random=lambda: 0.0, chat_start=start)
    script.log_in()
    return script


def heard(script: Script) -> list[Seq]:
    return [news.message.seq for news in script.news() if isinstance(news, Incoming)]


def test_it_is_heard_from_there_on() -> None:
    script = listening(lambda chat: chat.delivered)
    script.says(ConversationPage(script.hears_one(ListConversations).id, [EARLIER]))
    follow = script.hears_one(Follow)
    assert (follow.conversation, follow.after) == (5, 6)
    script.says(Following(follow.id, 5, 1, 9), deliver(5, 7, 8, 9))
    script.says(deliver(5, 10))
    assert heard(script) == [7, 8, 9, 10]


def test_what_is_said_before_the_list_comes_waits_for_what_was_said_before() -> None:
    script = listening(lambda chat: chat.delivered)
    listing = script.hears_one(ListConversations)
    script.says(deliver(5, 10))
    assert heard(script) == []
    script.says(ConversationPage(listing.id, [replace(EARLIER, head=10)]))
    follow = script.hears_one(Follow)
    script.says(Following(follow.id, 5, 1, 10), deliver(5, 7, 8, 9, 10))
    assert heard(script) == [7, 8, 9, 10]


def test_a_start_beyond_the_head_is_the_head() -> None:
    script = listening(lambda _: 99)
    script.says(ConversationPage(script.hears_one(ListConversations).id, [EARLIER]))
    assert script.hears() == []
    script.says(deliver(5, 10))
    assert heard(script) == [10]


def test_after_a_lost_connection_the_start_does_not_count_any_more() -> None:
    script = listening(lambda _: 0)
    script.says(ConversationPage(script.hears_one(ListConversations).id, [replace(CHAT, head=0)]))
    script.says(deliver(5, 1, 2))
    script.drop()
    script.log_in(session=2)
    follow, *_ = [request for request in script.hears() if isinstance(request, Follow)]
    assert follow.after == 2
    assert heard(script) == [1, 2]
