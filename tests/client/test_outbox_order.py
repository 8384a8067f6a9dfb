"""Whatever a server answers and however often the connection breaks, no post is reordered and none is lost."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatnet.client.news import PostRefused, Stored
from chatnet.client.outbox import ToConversation, ToUser
from chatnet.client.sender import WINDOW
from chatnet.errors import ErrorCode
from chatnet.events import Ack, Nack, Opened
from chatnet.events import Refused as RefusedEvent
from chatnet.model import Conversation, User
from chatnet.requests import Open, Post
from tests.client.script import Script


class Posting(RuleBasedStateMachine):
    """One client and a server that keeps the rules: it stores numbers in order, and after a passing nack waits."""

    def __init__(self) -> None:
        super().__init__()
        self.script = Script()
        self.connections = 0
        self.posted: list[int] = []
        self.stored: list[int] = []
        self.heard: list[Post] = []
        """Posts of this connection that the server has not looked at."""
        self.lookups: list[Open] = []
        self.told: list[int] = []
        self.resend_from: int | None = None
        self.sent: list[int] = []
        """The numbers that came over this connection, since the last passing nack."""
        self.connect()

    # -- the client -------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(["", "", "bob", "carol", "nobody"]), count=st.integers(1, 40))
    def post(self, name: str, count: int) -> None:
        for _ in range(count):
            target = ToUser(name) if name else ToConversation(5)
            self.posted.append(self.script.session.post(target, "x"))
        self.listen()

    @rule(seconds=st.sampled_from([0.5, 3.0]))
    def wait(self, seconds: float) -> None:
        self.script.wait(seconds)
        self.listen()

    # -- the connection ---------------------------------------------------------------------------------------

    @rule()
    def break_connection(self) -> None:
        self.script.drop()
        self.connect()

    def connect(self) -> None:
        self.connections += 1
        self.script.log_in(session=self.connections)
        self.heard, self.lookups, self.sent, self.resend_from = [], [], [], None
        self.listen()

    def listen(self) -> None:
        for request in self.script.hears():
            if isinstance(request, Post):
                assert not self.sent or request.n > self.sent[-1], "sent in another order"
                self.sent.append(request.n)
                self.heard.append(request)
            elif isinstance(request, Open):
                self.lookups.append(request)
        for news in self.script.news():
            if isinstance(news, Stored | PostRefused):
                self.told.append(news.n)

    # -- the server -------------------------------------------------------------------------------------------

    @precondition(lambda self: self.heard)
    @rule(count=st.integers(1, 40), loses_answer=st.booleans())
    def store(self, count: int, loses_answer: bool) -> None:
        for post in self.take(count):
            if post.n not in self.stored:
                assert not self.stored or post.n > self.stored[-1], "stored in another order"
                self.stored.append(post.n)
            if not loses_answer:
                self.script.says(Ack(post.n, post.conversation, 1 + self.stored.index(post.n), 0))
        if loses_answer:
            self.break_connection()
        self.listen()

    @precondition(lambda self: self.heard)
    @rule(loses_answer=st.booleans())
    def refuse(self, loses_answer: bool) -> None:
        for post in self.take(1):
            if post.n in self.stored:
                self.script.says(Ack(post.n, post.conversation, 1, 0))
            else:
                self.script.says(Nack(post.n, ErrorCode.FORBIDDEN, "no"))
        if loses_answer:
            self.break_connection()
        self.listen()

    @precondition(lambda self: self.heard)
    @rule(seconds=st.sampled_from([0.1, 2.0]))
    def fail_for_now(self, seconds: float) -> None:
        first, *_ = self.heard
        if first.n in self.stored:
            return
        self.heard, self.sent = [], []
        self.resend_from = first.n
        self.script.says(Nack(first.n, ErrorCode.STORE_FULL, "full", seconds))
        self.listen()

    @precondition(lambda self: self.lookups)
    @rule()
    def look_up(self) -> None:
        opening = self.lookups.pop(0)
        if opening.user == "nobody":
            self.script.says(RefusedEvent(opening.id, ErrorCode.NO_SUCH_USER, "nobody"))
        else:
            id = {"bob": 8, "carol": 9}[opening.user]
            self.script.says(Opened(opening.id, Conversation(id, None, User(id, opening.user))))
        self.listen()

    def take(self, count: int) -> list[Post]:
        """What the server looks at now; after a passing nack, only from the number on that it waits for."""
        taken, self.heard = self.heard[:count], self.heard[count:]
        if self.resend_from is not None and taken:
            assert taken[0].n == self.resend_from, "went on without the one that was asked for"
            self.resend_from = None
        return taken

    # -- what always holds ------------------------------------------------------------------------------------

    @invariant()
    def at_most_a_window_is_unanswered(self) -> None:
        assert len(self.heard) <= WINDOW

    @invariant()
    def each_post_is_told_once_or_still_there(self) -> None:
        assert len(set(self.told)) == len(self.told)
        assert len(self.told) + self.script.session.unanswered == len(self.posted)

    @invariant()
    def what_is_stored_is_in_the_order_in_which_it_was_posted(self) -> None:
        assert self.stored == sorted(self.stored)

    def teardown(self) -> None:
        """A server that works again gets everything."""
        for _ in range(2 * len(self.posted) + 2):
            self.script.wait(5)
            self.listen()
            if self.lookups:
                self.look_up()
            if self.heard:
                self.store(len(self.heard), loses_answer=False)
        assert sorted(self.told) == self.posted
        assert set(self.told) >= set(self.stored)


TestPosting = Posting.TestCase
TestPosting.settings = settings(max_examples=60, stateful_step_count=40)
