"""A post that an earlier process may have sent, to a name that is not found any more: was it stored or not?

Only the server's store can say. So the post goes out to no conversation at all: either the server knows it again by its
number, or it is refused for good.
"""

from chatnet.client.news import PostRefused, Stored
from chatnet.client.outbox import Draft, MemoryOutbox, ToUser
from chatnet.client.sender import NOWHERE
from chatnet.client.session import ClientSession
from chatnet.errors import ErrorCode
from chatnet.events import Ack, Nack
from chatnet.events import Refused as RefusedEvent
from chatnet.requests import Open, Post
from tests.client.script import IDENTITY, Script


def come_back(*drafts: Draft) -> Script:
    """A process whose outbox has these drafts of the one before; the name of the first is not found."""
    outbox = MemoryOutbox()
    for draft in drafts:
        outbox.put(draft)
    script = Script()
    script.session = ClientSession("alice", IDENTITY, random=lambda: 0.5, live=False, outbox=outbox)
    script.log_in()
    script.news()
    question = script.hears_one(Open)
    script.says(RefusedEvent(question.id, ErrorCode.NO_SUCH_USER, "there is no bob"))
    return script


def test_a_post_that_was_stored_before_its_name_vanished_is_known_again() -> None:
    script = come_back(Draft(5, ToUser("bob"), "hi"))
    assert script.hears() == [Post(5, NOWHERE, "hi")]
    script.says(Ack(5, 9, 17, 1234))
    assert script.news() == [Stored(5, 9, 17, 1234)]
    assert script.session.unanswered == 0


def test_a_post_that_was_not_stored_is_refused_for_the_reason_of_its_look_up() -> None:
    script = come_back(Draft(5, ToUser("bob"), "hi"))
    script.hears()
    script.says(Nack(5, ErrorCode.NO_SUCH_CONVERSATION, "there is no such conversation"))
    assert script.news() == [PostRefused(5, ErrorCode.NO_SUCH_USER, "there is no bob")]
    assert script.session.unanswered == 0


def test_it_goes_out_again_to_nowhere_after_a_lost_connection() -> None:
    script = come_back(Draft(5, ToUser("bob"), "hi"))
    script.hears()
    script.drop()
    script.log_in()
    assert script.hears() == [Post(5, NOWHERE, "hi")]


def test_a_post_of_this_process_is_refused_at_once() -> None:
    script = Script()
    script.log_in()
    script.news()
    script.session.post(ToUser("bob"), "hi")
    question = script.hears_one(Open)
    script.says(RefusedEvent(question.id, ErrorCode.NO_SUCH_USER, "there is no bob"))
    assert script.hears() == []
    assert script.news() == [PostRefused(1, ErrorCode.NO_SUCH_USER, "there is no bob")]
