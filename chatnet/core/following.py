"""How a session gets level with a conversation, and stays so however slowly it reads.

A session that follows a conversation is *live* (it has everything up to the head queued, and each new message is
queued as it comes) or *behind* (it has a cursor, the last seq that was queued for it). It falls behind when it asks
for older messages, or when its output queue passes the soft limit; from then on the server holds nothing for it but
the cursor. Pages from the tail in memory, or else from the store, move the cursor on, one page each time the queue is
short again; and exactly when the cursor equals the head, the session is live. So a reader that stops costs nothing,
and when it reads again it misses nothing.

Source: the soft limits of Redis' client output buffers, but with a refill in place of a disconnect.
"""

from chatnet.core.attaching import FILE_BYTES, with_files
from chatnet.core.effects import AwaitDrain, Broadcast, Effect, Read, Reply
from chatnet.core.entities import ConversationState, Session
from chatnet.core.entries import Handle, PageRead, ReadFailed, ReadMessages
from chatnet.core.mappings import added, without
from chatnet.core.policy import text_bytes
from chatnet.core.state import State
from chatnet.events import Deliver, Event, Truncated
from chatnet.model import Message, Seq

MESSAGE_OVERHEAD = 256
"""At least the bytes of an encoded message beside its text: numbers, and two names of at most 32 and 160 bytes."""
PAGE_MESSAGES = 400
"""Read from the store at once, so that with the longest names, too, they stay far below the soft limit."""


class Following:
    """Moves sessions between live and behind."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._stuck: dict[Session, None] = {}
        """Sessions whose page the store could not read."""

    def start(self, session: Session, conversation: ConversationState, after: Seq | None) -> None:
        """Follow from ``after`` on, or from now. Asking again moves the cursor."""
        conversation.live.pop(session.handle, None)
        conversation.behind.pop(session.handle, None)
        session.behind = without(session.behind, conversation.id)
        if after is None or after >= conversation.head:
            conversation.live[session.handle] = session
        else:
            self._fall_behind(session, conversation, after)
            self.advance(session)

    def stop(self, session: Session, conversation: ConversationState) -> None:
        """Follow no more."""
        conversation.live.pop(session.handle, None)
        conversation.behind.pop(session.handle, None)
        session.behind = without(session.behind, conversation.id)

    def fell_behind(self, session: Session, conversation: ConversationState, missed: Deliver) -> None:
        """The queue of a live session was too long for these messages."""
        if conversation.live.pop(session.handle, None) is None:
            return
        self._fall_behind(session, conversation, missed.messages[0].seq - 1)
        self._await_drain(session)

    def drained(self, session: Session) -> None:
        """The queue is short again."""
        session.draining = False
        self.advance(session)

    def advance(self, session: Session) -> None:
        """Queue or fetch the next page, if one is due. Only one is ever under way."""
        while session.behind and not session.draining and not session.reading:
            id, after = next(iter(session.behind.items()))
            conversation = self._state.conversations[id]
            if conversation.tail and conversation.tail[0].seq <= after + 1:
                tail = conversation.tail[after + 1 - conversation.tail[0].seq :]
                self._queue(session, conversation, with_files(conversation, tail))
            else:
                self._fetch(session, conversation, after)

    def page_read(self, session: Session, page: PageRead) -> None:
        """The store has read the page that `advance` asked for."""
        session.reading = False
        conversation = self._state.conversations.get(page.query.conversation)
        after = session.behind.get(page.query.conversation)
        if conversation is None or after is None or after != page.query.after:
            return self.advance(session)
        messages = [m for m in page.messages if m.seq <= conversation.head]
        # A store may have dropped messages already that are yet to be told of: those will come to whoever is live.
        first = min(page.first, conversation.head + 1)
        if first > after + 1:
            self._state.out.append(Reply(session.handle, Truncated(conversation.id, first)))
            after = first - 1
        if messages:
            for part in pages(with_files(conversation, messages), self._state.limits.page):
                self._queue(session, conversation, part)
        else:
            self._move(session, conversation, after)
        return self.advance(session)

    def read_failed(self, session: Session, failure: ReadFailed) -> None:
        """The store cannot read just now; the next tick tries again."""
        del failure
        session.reading = False
        self._stuck[session] = None

    def tick(self) -> None:
        """Try again what the store could not read."""
        stuck, self._stuck = self._stuck, {}
        for session in stuck:
            if self._state.sessions.get(session.handle) is session:
                self.advance(session)

    # -- steps ------------------------------------------------------------------------------------------------

    def _fall_behind(self, session: Session, conversation: ConversationState, after: Seq) -> None:
        session.behind = added(session.behind, conversation.id, after)
        conversation.behind[session.handle] = session

    def _go_live(self, session: Session, conversation: ConversationState) -> None:
        session.behind = without(session.behind, conversation.id)
        del conversation.behind[session.handle]
        conversation.live[session.handle] = session

    def _move(self, session: Session, conversation: ConversationState, cursor: Seq) -> None:
        """Set the cursor, and let the other conversations have their turn first."""
        session.behind = added(without(session.behind, conversation.id), conversation.id, cursor)
        if cursor >= conversation.head:
            self._go_live(session, conversation)

    def _queue(self, session: Session, conversation: ConversationState, messages: list[Message]) -> None:
        page = first_page(messages, self._state.limits.page)
        self._state.deliveries += len(page)
        self._state.out.append(Reply(session.handle, Deliver(conversation.id, page)))
        self._move(session, conversation, page[-1].seq)
        # Also where it is level now: it may join many rooms at once, and each would queue a page.
        self._await_drain(session)

    def _fetch(self, session: Session, conversation: ConversationState, after: Seq) -> None:
        session.reading = True
        query = ReadMessages(conversation.id, PAGE_MESSAGES, self._state.limits.page, after=after, token=session.handle)
        self._state.out.append(Read(query))

    def _await_drain(self, session: Session) -> None:
        if not session.draining:
            session.draining = True
            self._state.out.append(AwaitDrain(session.handle))


def first_page(messages: list[Message], limit: int) -> list[Message]:
    """As many messages from the start as fit into ``limit`` bytes; at least one."""
    size = 0
    for i, message in enumerate(messages):
        size += text_bytes(message.body) + MESSAGE_OVERHEAD
        if message.file is not None:
            size += FILE_BYTES
        if size > limit and i:
            return messages[:i]
    return messages


def last_page(messages: list[Message], limit: int) -> list[Message]:
    """As many messages from the end as fit into ``limit`` bytes; at least one."""
    return first_page(messages[::-1], limit)[::-1]


def pages(messages: list[Message], limit: int) -> list[list[Message]]:
    """All messages, cut into pages of at most ``limit`` bytes."""
    result = []
    while messages:
        page = first_page(messages, limit)
        result.append(page)
        messages = messages[len(page) :]
    return result


def tell(conversation: ConversationState, event: Event) -> list[Effect]:
    """Tell everybody who follows a conversation, those who are behind too."""
    audiences: list[dict[Handle, Session]] = [conversation.live, conversation.behind]
    return [Broadcast(audience, event) for audience in audiences if audience]
