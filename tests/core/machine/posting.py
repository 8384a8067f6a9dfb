"""Posts: clients number them, send them in order, and send them again; the hub takes, refuses or ignores them."""

from chatnet.core.entries import CheckMessage, PutMessage
from chatnet.errors import ErrorCode
from chatnet.events import Ack, Nack
from chatnet.model import Kind
from chatnet.requests import Post
from tests.core.machine.world import Client, World

Answer = tuple[Client, Ack | Nack]


class Posting(World):
    """A world in which clients post."""

    def post(self, client: Client, n: int, conversation: int, body: str, kind: Kind, reference: int) -> None:
        """A client says something new, after what it has not sent over this connection yet."""
        post = Post(n, conversation, body, kind, reference)
        client.device.last = n
        client.device.posts[n] = client.device.outbox[n] = post
        self.pump(client)

    def repeat(self, client: Client, post: Post) -> None:
        """A client sends a number again, or one that it had passed over: it is not sure that it has not been lost."""
        client.device.is_honest = False
        client.device.outbox[post.n] = client.device.posts.setdefault(post.n, post)
        self.send(client, client.device.posts[post.n])

    def pump(self, client: Client) -> None:
        """A client sends what it has not sent over this connection, while it may wait for more answers."""
        for n, post in sorted(client.device.outbox.items()):
            if n > client.sent:
                if not client.is_open or len(client.unanswered) >= self.truth.limits.unanswered:
                    return
                self.send(client, post)

    def send_again(self, client: Client) -> None:
        """A client has heard a passing nack, and waited."""
        if client.again is not None:
            client.sent, client.again = client.again - 1, None
            self.pump(client)

    def send(self, client: Client, post: Post) -> None:
        """One post reaches the hub."""
        client.sent = max(client.sent, post.n)
        self.begin()
        self.perform(self.hub.handle(client, post, self.now))
        self.check_news([])
        if client.person is None:
            self._check_closed(client, ErrorCode.NOT_LOGGED_IN)
            return
        is_ignored = client.hold is not None and post.n > client.hold
        if client.hold == post.n:
            client.hold = None
        content = self.truth.refuse_content(post)
        if is_ignored:
            assert (self.appended, self.answers, self.closed) == ([], [], [])
        elif content is not None:
            assert not self.appended
            self.check_answers([(client, Nack(post.n, content, ""))])
            client.device.outbox.pop(post.n, None)
        elif len(client.unanswered) >= self.truth.limits.unanswered:
            assert not self.appended
            self._check_closed(client, ErrorCode.TOO_MANY_UNANSWERED)
        else:
            assert (self.answers, self.closed) == ([], [])
            client.unanswered.append(post.n)
            self._check_entry(client, post)

    def _check_closed(self, client: Client, code: ErrorCode) -> None:
        assert self.closed == [(client, code)]
        self.leave(client)

    def _check_entry(self, client: Client, post: Post) -> None:
        assert client.person is not None
        entry, user = self.appended[-1], client.person.user
        code = self.truth.refuse_post(user.id, post)
        if code is not None:
            assert isinstance(entry, CheckMessage)
            assert (entry.device, entry.n, entry.code, entry.origin) == (client.device.id, post.n, code, client)
            return
        self.truth.under_way[post.conversation] = self.truth.under_way.get(post.conversation, 0) + 1
        said = (user.id, user.name, user.display, post.kind, post.body, post.reference, self.now.wall)
        is_of_two = post.conversation in self.truth.chats and len(self.truth.chats[post.conversation].users) == 2
        assert entry == PutMessage(post.conversation, *said, client.device.id, post.n, client, is_of_two)

    def check_answers(self, expected: list[Answer]) -> None:
        """Exactly these, in this order; the reason is for people."""
        told = [(c, Nack(a.n, a.code, "", a.retry_after) if isinstance(a, Nack) else a) for c, a in self.answers]
        assert told == expected
