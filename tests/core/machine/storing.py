"""The store finishes batches and pages in its own time, and the hub hears of it later still."""

from chatnet.core.effects import Broadcast, Effect, Reply
from chatnet.core.entries import (
    CheckMessage,
    Committed,
    Duplicate,
    Entry,
    Failed,
    Outcome,
    PageRead,
    PutChat,
    PutDeed,
    PutMarks,
    PutMember,
    PutMessage,
    PutRoom,
    PutUser,
    ReadMessages,
    Stale,
)
from chatnet.errors import ErrorCode
from chatnet.events import (
    Ack,
    Deliver,
    Done,
    HistoryPage,
    Invited,
    Marked,
    Nack,
    Opened,
    Refused,
    Renamed,
    RoomChanged,
    Started,
)
from chatnet.model import Act, Conversation, Message
from chatnet.requests import ChangeRoom, CreateRoom, Join, Mark, Moderate, Rename
from tests.core.machine.posting import Answer, Posting
from tests.core.machine.truth import Place
from tests.core.machine.world import Client, News, Question
from tests.core.slow_store import RETRY_AFTER

Told = list[tuple[Client, News]]


class Storing(Posting):
    """A world with a store."""

    acknowledged = 0
    """The last failure of which the store knows that the hub has heard of it."""

    def submit(self) -> None:
        """Hand the turn's batch to the store."""
        if self.batch:
            self.store.submit(self.batch)
            self.batch = []

    def store_batch(self, *, fails: bool) -> None:
        """The store finishes a batch; the hub has yet to hear of it."""
        self.done.append((self.store.store(fails=fails), self.store.failure))

    def hear(self) -> None:
        """The hub hears of the oldest batch that is done; of a failure, all that it has cost."""
        completion, failure = self.done.popleft()
        if isinstance(completion, Committed):
            self._hear_committed(completion)
        elif failure > self.acknowledged:
            self.acknowledged = failure
            waiting = [done.batch for done, _ in self.done] + [batch for batch in self.store.waiting if batch]
            doomed, self.batch = [completion.batch, *waiting, self.batch], []
            self.store.acknowledge_failure()
            for batch in doomed:
                self._hear_failed(Failed(batch, completion.code, completion.reason, completion.retry_after))

    # -- stored -----------------------------------------------------------------------------------------------

    def _hear_committed(self, done: Committed) -> None:
        self.begin()
        answers: list[Answer] = []
        said: dict[int, list[Message]] = {}
        for entry, outcome in zip(done.batch, done.outcomes, strict=True):
            if isinstance(entry, PutMessage):
                self.truth.under_way[entry.conversation] -= 1
                if isinstance(outcome, Message) and (
                    entry.conversation in self.truth.chats or entry.conversation in self.truth.rooms
                ):
                    said.setdefault(entry.conversation, []).append(outcome)
            if isinstance(entry, PutMessage | CheckMessage):
                answers += self._answer(entry, outcome)
        news = [told for id in said if id in self.truth.chats for told in self._start(id)]
        level = [(c, id) for c in self.open_clients() for id in said if c.next.get(id) == self._head(id) + 1]
        for id, messages in said.items():
            self.truth.heads[id] = messages[-1].seq
            self.truth.read_own(id, [(message.sender, message.seq) for message in messages])
        looked_up = self._looked_up(done)
        renamed = [(client, question) for client, question, _ in self._waiting(done) if isinstance(question, Rename)]
        for entry in done.batch:
            news += self._apply(entry)
        # Who was put out by the same batch is not among those who listen any more when a room is told.
        news = [(c, event) for c, event in news if not isinstance(event, RoomChanged) or event.room.id in c.rooms]
        effects = self.hub.completed(done, self.now)
        _check_order(effects)
        self.perform(effects)
        self.check_news(news)
        self.check_answers(answers)
        for client, question, chat in looked_up:
            if client.is_open:
                self._check_opened(client.replies[question.id], chat)
        for client, question in renamed:
            assert not client.is_open or isinstance(client.replies[question.id], Done)
        for client, id in level:
            is_level = id not in client.next or client.next[id] == self._head(id) + 1
            assert is_level or client.queued > client.soft, "a live follower was left out"

    def _looked_up(self, done: Committed) -> list[tuple[Client, Question, int]]:
        """Who has asked for the personal chats that are stored now?"""
        return [(client, question, put.id) for client, question, put in self._waiting(done) if isinstance(put, PutChat)]

    def _waiting(self, done: Committed) -> list[tuple[Client, Question, Entry]]:
        """Who has waited for this batch, with which questions and for which of its entries?"""
        return [self.changes[id(entry)] for entry in done.batch if id(entry) in self.changes]

    def _check_opened(self, reply: object, chat: int) -> None:
        """A new chat is told of, unless one of the two was forgotten while it was being stored."""
        if chat in self.truth.chats:
            assert isinstance(reply, Opened)
            assert (reply.conversation.id, reply.conversation.head) == (chat, self._head(chat))
        else:
            assert isinstance(reply, Refused)
            assert (reply.code, reply.retry_after) == (ErrorCode.NO_SUCH_USER, 0.0)

    def _start(self, chat: int) -> Told:
        """The first message of a chat: all of both users' sessions hear it from here on."""
        if self._head(chat):
            return []
        everybody = [client for user in self.truth.chats[chat].users for client in self.sessions(user)]
        for client in everybody:
            client.next.setdefault(chat, 1)
        return [(client, Started(Conversation(chat, None, None))) for client in everybody]

    def _head(self, conversation: int) -> int:
        return self.truth.heads.get(conversation, 0)

    def _answer(self, entry: PutMessage | CheckMessage, outcome: Outcome) -> list[Answer]:
        """What the sender must be told."""
        device = next(device for device in self.devices if device.id == entry.device)
        client = entry.origin
        assert isinstance(client, Client)
        answer: Ack | Nack
        match outcome:
            case Message(seq=seq, time=time):
                assert isinstance(entry, PutMessage)
                answer = Ack(entry.n, entry.conversation, seq, time)
            case Duplicate(conversation=conversation, seq=seq, time=time):
                answer = Ack(entry.n, conversation, seq, time)
            case Stale():
                assert not device.is_honest or entry.n not in device.posts, "an honest device has lost a message"
                answer = Nack(entry.n, entry.code if isinstance(entry, CheckMessage) else ErrorCode.STALE, "")
            case None:
                assert isinstance(entry, CheckMessage)
                device.posts.pop(entry.n, None)
                answer = Nack(entry.n, entry.code, "")
        if not client.is_open:
            return []
        client.unanswered.remove(entry.n)
        device.outbox.pop(entry.n, None)
        return [(client, answer)]

    def _apply(self, entry: Entry) -> Told:
        """A change that had waited for the store happens. Who is told of it?"""
        if isinstance(entry, PutChat):
            self.flying[entry.id] -= 1
            if entry.id in self.truth.chats:
                self.truth.chats[entry.id].stored = True
        if id(entry) not in self.changes:
            return []
        client, question, _ = self.changes.pop(id(entry))
        match question, entry:
            case CreateRoom(name=name), PutRoom(id=room):
                owner = self._made(name)
                self.truth.rooms[room] = Place(room, name, owner)
            case ChangeRoom(conversation=room), _:
                return self._change(self.truth.rooms[room], question)
            case Moderate(), PutDeed():
                return self._moderate(self.truth.rooms[question.conversation], client, question, entry)
            case Rename(), PutUser():
                return self._rename(client, question)
            case Join(), PutMember(conversation=room, user=user):
                if user in self.truth.people:
                    self.truth.rooms[room].belongs[user] = True
                self.arriving.append((client, question))
            case Mark(conversation=place), PutMarks(user=user, delivered=delivered, read=read):
                return self._mark(place, user, delivered, read)
        return []

    def _rename(self, client: Client, request: Rename) -> Told:
        """Somebody has other names, unless it is gone by now."""
        assert client.person is not None
        person = client.person
        del self.truth.renaming[person.id]
        if person.id not in self.truth.people:
            return []
        person.name, person.display = request.name, request.display
        return [(other, Renamed(person.user)) for other in self.acquainted(person)]

    def _change(self, place: Place, request: ChangeRoom) -> Told:
        """Those who are in a room when it becomes private stay; whoever is just being put out is out."""
        if request.archived is not None:
            place.archived = request.archived
        told: Told = []
        if request.private is not None:
            place.private = request.private
        if request.private:
            for user in self.staying.pop(request.id):
                if user in self.truth.people:
                    place.belongs.setdefault(user, True)
            for user in [user for user in place.members if user not in place.belongs and user != place.owner]:
                if user in place.held:
                    told += self.lose(place, user, ErrorCode.FORBIDDEN)
                else:
                    place.belongs[user] = True
        return told + [(c, RoomChanged(place.room)) for c in self.in_room(place.id)]

    def _moderate(self, place: Place, client: Client, request: Moderate, deed: PutDeed) -> Told:
        user = self._release(place, request)
        if user not in self.truth.people:
            return []
        match request.act:
            case Act.KICK:
                return self.lose(place, user, ErrorCode.KICKED)
            case Act.BAN:
                place.bans[user] = deed.time / 1000 + request.seconds if request.seconds else 0.0
                return self.lose(place, user, ErrorCode.BANNED)
            case Act.UNBAN:
                place.bans.pop(user, None)
            case Act.INVITE:
                place.belongs[user] = False
                by = self.actors.pop(request.id).user
                return [(c, Invited(place.room, by)) for c in self.sessions(user)]
        return []

    def _release(self, place: Place, request: Moderate) -> int:
        user = self.targets.pop(request.id)
        place.held.discard(user)
        return user

    def _made(self, name: str) -> int:
        """A room is no longer being made. Who owns it? Its maker may be gone for good by now."""
        (making,) = [made for made in self.truth.making if made[0].lower() == name.lower()]
        self.truth.making.remove(making)
        return making[1]

    def _mark(self, place: int, user: int, delivered: int, read: int) -> Told:
        truth = self.truth
        old = truth.marks.get((place, user), (0, 0))
        new = (max(old[0], delivered), max(old[1], read))
        if new == old or (user not in truth.people and place not in truth.chats):
            return []
        truth.marks[place, user] = new
        told = truth.chats[place].users if place in truth.chats else {user}
        return [(c, Marked(place, user, *new)) for id in told for c in self.sessions(id)]

    # -- failed -----------------------------------------------------------------------------------------------

    def _hear_failed(self, failed: Failed) -> None:
        self.begin()
        answers: list[Answer] = []
        refused: list[tuple[Client, Question]] = []
        for entry in failed.batch:
            if isinstance(entry, PutChat):
                self.flying[entry.id] -= 1
            if isinstance(entry, PutMessage):
                self.truth.under_way[entry.conversation] -= 1
            if isinstance(entry, PutMessage | CheckMessage):
                answers += self._ask_again(entry)
            elif id(entry) in self.changes:
                client, question, _ = self.changes.pop(id(entry))
                refused.append((client, question))
                if isinstance(question, CreateRoom):
                    self._made(question.name)
                elif isinstance(question, Rename):
                    assert client.person is not None
                    del self.truth.renaming[client.person.id]
                elif isinstance(question, Moderate):
                    self._release(self.truth.rooms[question.conversation], question)
        self.perform(self.hub.completed(failed, self.now))
        self.check_news([])
        self.check_answers(answers)
        for client, question in refused:
            if client.is_open:
                reply = client.replies[question.id]
                assert isinstance(reply, Refused)
                assert (reply.code, reply.retry_after) == (failed.code, RETRY_AFTER)

    def _ask_again(self, entry: PutMessage | CheckMessage) -> list[Answer]:
        """Each session is told where to begin: with the first that failed."""
        client = entry.origin
        assert isinstance(client, Client)
        if not client.is_open:
            return []
        client.unanswered.remove(entry.n)
        if client.hold is not None and client.hold <= entry.n:
            return []
        client.hold = client.again = entry.n
        return [(client, Nack(entry.n, ErrorCode.STORE_FULL, "", RETRY_AFTER))]

    # -- pages ------------------------------------------------------------------------------------------------

    def read(self, query: ReadMessages, *, fails: bool) -> None:
        """The store reads a page; the hub has yet to get it."""
        self.pages.append(self.store.answer(query, fails=fails))

    def get_page(self, index: int) -> None:
        """The hub gets a page."""
        page = self.pages.pop(index)
        self.begin()
        self.perform(self.hub.completed(page, self.now))
        self.check_news([])
        if isinstance(page.query.token, tuple):
            client, id = page.query.token
            if client.is_open:
                self._check_history(client.person.id, client.replies[id], page)

    def _check_history(self, user: int, reply: object, page: object) -> None:
        if not isinstance(page, PageRead) or not self.truth.may_read(user, page.query.conversation):
            assert isinstance(reply, Refused)
            return
        assert isinstance(reply, HistoryPage)
        seqs = [message.seq for message in reply.messages]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) if seqs else True
        assert all(message in page.messages for message in reply.messages)
        assert max(seqs, default=0) <= reply.head == self._head(reply.conversation)


def _check_order(effects: list[Effect]) -> None:
    """Nobody hears that a message is stored before it is on its way to all who follow."""
    kinds = [type(effect.event) for effect in effects if isinstance(effect, Broadcast | Reply)]
    answers = [i for i, kind in enumerate(kinds) if kind in (Ack, Nack)]
    deliveries = [i for i, kind in enumerate(kinds) if kind is Deliver]
    assert not answers or not deliveries or deliveries[-1] < answers[0]
