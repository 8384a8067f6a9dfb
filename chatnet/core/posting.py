"""A message's way through the core: from `Post` to `PutMessage`, and from `Committed` to `Deliver` and `Ack`.

Rules kept here: nothing is told to anybody before it is stored; the ack follows the delivery; whether a message is a
duplicate is for the store to say; and after a passing failure nothing overtakes the message that failed.
"""

from typing import Any, Final

from chatnet.clock import Now
from chatnet.core.attaching import FILE_BYTES, with_files
from chatnet.core.effects import Broadcast, Reply
from chatnet.core.entities import ChatState, ConversationState, RoomState, Session, UserState
from chatnet.core.entries import (
    CheckMessage,
    Committed,
    DropChat,
    DropUser,
    Duplicate,
    Entry,
    Failed,
    Handle,
    Outcome,
    PutChat,
    PutMessage,
    PutRoom,
    PutUser,
)
from chatnet.core.following import MESSAGE_OVERHEAD, pages
from chatnet.core.policy import CONTROLS_SHOWN, Refusal, check_content, check_post
from chatnet.core.rates import Rates
from chatnet.core.saving import save_referred
from chatnet.core.shelves import Shelves
from chatnet.core.state import State
from chatnet.core.tails import Tails
from chatnet.errors import ErrorCode
from chatnet.events import Ack, Deliver, Nack, Started
from chatnet.model import ConversationId, Kind, Message
from chatnet.requests import Post

# A compiler looks up such a name once, and that of an import or of a class's attribute each time.
_TEXT: Final = Kind.TEXT
_PUT: Final = PutMessage
_MESSAGE: Final = Message
_REPLY: Final = Reply
_ACK: Final = Ack
_CONTROLS_SHOWN: Final = CONTROLS_SHOWN
_STALE: Final = "a later message of this device was stored before this one came"


class Posting:
    """Takes posts, and carries out what the store says of them."""

    def __init__(self, state: State, rates: Rates, tails: Tails, shelves: Shelves) -> None:
        self._state = state
        self._rates = rates
        self._most = state.limits.text
        self._most_unanswered = state.limits.unanswered
        self._tails = tails
        self._shelves = shelves

    # -- before the store -------------------------------------------------------------------------------------

    def post(self, session: Session, post: Post, now: Now) -> Refusal | None:
        """Take one post; if the session must not go on, why."""
        user, state = session.user, self._state
        if user is None:
            return ErrorCode.NOT_LOGGED_IN, "log in before you post"
        said: Any = post  # numbers that are only handed on are not unpacked and packed again where this is compiled
        n, body, id = said.n, post.body, said.conversation
        text = body.encode()
        size = len(text)
        self._rates.post(session, size, now)
        if session.resend_from is not None and self._awaits_another(session, n):
            return None
        # All that is asked of what people mostly say; the rest is asked the long way.
        kind, reference, file = post.kind, said.reference, said.file
        is_text = kind is _TEXT
        # Control characters are looked for in bytes, which is cheapest, where each character is one.
        is_plain = text.translate(_CONTROLS_SHOWN) == text if size == len(body) else body.isprintable()
        if not (is_text and is_plain and 0 < size <= self._most):
            refusal = check_content(post, size, state.limits)
            if refusal is not None:
                state.out.append(Reply(session.handle, Nack(n, refusal[0], refusal[1])))
                return None
        if session.unanswered >= self._most_unanswered:
            return ErrorCode.TOO_MANY_UNANSWERED, f"more than {self._most_unanswered} posts without an answer"
        session.unanswered += 1
        conversation = state.conversations.get(id)
        if (
            type(conversation) is not RoomState
            or conversation.restricted
            or conversation.archived
            or user.mute is not None
            or not is_text
            or reference
            or file
        ):
            refusal = check_post(session, conversation, post)
            if file and refusal is None:
                refusal = self._shelves.claim(session, post)
            if refusal is not None or conversation is None:
                assert refusal is not None
                check = CheckMessage(session.device, n, refusal[0], refusal[1], session.handle)
                state.out.append(check)
                return None
        either: ConversationState = conversation  # what both kinds have is read at once where this is compiled
        if not (user.saved and either.saved):
            save_referred(state, user, conversation)
        either.pending += 1
        known: Any = user.user
        state.out.append(
            _PUT(
                id,
                known.id,
                known.name,
                known.display,
                kind,
                body,
                reference,
                now.wall,
                session.device,
                n,
                session.handle,
                type(conversation) is ChatState and conversation.low != conversation.high,
                file,
            )
        )
        return None

    def _awaits_another(self, session: Session, n: int) -> bool:
        """After a failure: does an earlier message have to come again first?"""
        assert session.resend_from is not None
        if n > session.resend_from:
            return True
        if n == session.resend_from:
            session.resend_from = None
        return False

    # -- after the store --------------------------------------------------------------------------------------

    def committed(self, done: Committed, now: Now) -> list[Entry]:
        """Tell a batch's messages to all who follow, then the senders how theirs fared. Returns all other entries."""
        conversations, sessions = self._state.conversations, self._state.sessions
        said: dict[ConversationId, list[Message]] = {}
        answers: list[Reply] = []
        others: list[Entry] = []
        for entry, outcome in zip(done.batch, done.outcomes, strict=True):
            if type(entry) is _PUT:
                put: Any = entry  # for the sake of its numbers, as in `post`
                id, origin = put.conversation, put.origin
                message: Any = outcome if type(outcome) is _MESSAGE else None
                conversation: ConversationState | None = conversations.get(id)
                if put.file:
                    self._shelves.end_post(put.file, outcome)
                if conversation is not None:
                    conversation.pending -= 1
                    if message is not None:
                        messages = said.get(id)
                        if messages is None:
                            said[id] = [message]
                        else:
                            messages.append(message)
                session = sessions.get(origin)
                if session is not None:
                    session.unanswered -= 1
                    if message is not None:
                        answers.append(_REPLY(origin, _ACK(put.n, id, message.seq, message.time)))
                    else:
                        answers.append(Reply(origin, _answer(entry, outcome)))
            else:
                others.append(entry)
                if type(entry) is CheckMessage:
                    self._answer_check(entry, outcome, answers)
                elif type(entry) is PutChat:
                    self._stored(entry)
        for id, first in done.firsts.items():
            if id in conversations:
                conversations[id].first = first
        for id, messages in said.items():
            self._deliver(conversations[id], messages, now)
        self._state.out += answers
        return others

    def _stored(self, entry: PutChat) -> None:
        chat = self._state.conversations.get(entry.id)
        if isinstance(chat, ChatState):
            chat.stored = True

    def _answer_check(self, entry: CheckMessage, outcome: Outcome, answers: list[Reply]) -> None:
        session = self._state.sessions.get(entry.origin)
        if session is None:
            return
        session.unanswered -= 1
        if type(outcome) is Duplicate:
            answers.append(Reply(entry.origin, Ack(entry.n, outcome.conversation, outcome.seq, outcome.time)))
        else:
            # Stale or new, it is refused; that it is stale would tell nobody what to do about it.
            answers.append(Reply(entry.origin, Nack(entry.n, entry.code, entry.reason)))

    def _deliver(self, conversation: ConversationState, messages: list[Message], now: Now) -> None:
        if isinstance(conversation, ChatState):
            if conversation.head == 0:
                self._start_chat(conversation)
            self._read_own(conversation, messages)
        state = self._state
        told = messages if conversation.shelf is None else with_files(conversation, messages)
        count = len(messages)
        state.messages += count
        state.deliveries += count * len(conversation.live)
        if state.log.is_on:
            state.log.said(conversation, told)
        conversation.head = messages[-1].seq
        size = self._tails.extend(conversation, messages, now)
        if conversation.live:
            limit = state.limits.page
            # Mostly they fit into one page, and need not be measured again.
            fit = size + count * (MESSAGE_OVERHEAD + FILE_BYTES) <= limit
            for page in [told] if fit else pages(told, limit):
                state.out.append(Broadcast(conversation.live, Deliver(conversation.id, page)))

    def _start_chat(self, chat: ChatState) -> None:
        """The first message of a chat: every session of both is told, and hears it from here on."""
        self._state.unused.pop(chat.id, None)
        for id in dict.fromkeys((chat.low, chat.high)):
            user = self._state.users.get(id)
            for session in user.sessions if user is not None else ():
                if session.only_sends:
                    continue
                chat.live[session.handle] = session
                view = self._state.conversation_of(session, chat)
                self._state.out.append(Reply(session.handle, Started(view)))

    def _read_own(self, chat: ChatState, messages: list[Message]) -> None:
        """Who answers with nothing unread has read the own answer too; its count would show it as unread otherwise.

        The store does the same with ``PutMessage.marks_own``.
        """
        for message in messages:
            delivered, read = chat.marks.get(message.sender, (0, 0))
            if read == message.seq - 1 and chat.low != chat.high:
                chat.marks[message.sender] = (max(delivered, message.seq), message.seq)

    # -- failures ---------------------------------------------------------------------------------------------

    def failed(self, failure: Failed) -> None:
        """Ask each device to send again, from its first message that was not stored."""
        for entry in failure.batch:
            if isinstance(entry, PutMessage):
                conversation = self._state.conversations.get(entry.conversation)
                if conversation is not None:
                    conversation.pending -= 1
                if entry.file:
                    self._shelves.end_post(entry.file, None)
                self._ask_again(entry.origin, entry.n, failure)
            elif isinstance(entry, CheckMessage):
                self._ask_again(entry.origin, entry.n, failure)
            else:
                self._unsave(entry)

    def _ask_again(self, origin: Handle, n: int, failure: Failed) -> None:
        session = self._state.sessions.get(origin)
        if session is None:
            return
        session.unanswered -= 1
        if session.resend_from is None or n < session.resend_from:
            session.resend_from = n
            nack = Nack(n, failure.code, failure.reason, failure.retry_after)
            self._state.out.append(Reply(session.handle, nack))

    def _unsave(self, entry: Entry) -> None:
        """What was not put will be with the next message that refers to it; what was not dropped, soon."""
        target: UserState | ConversationState | None = None
        if isinstance(entry, PutUser):
            target = self._state.users.get(entry.id)
        elif isinstance(entry, PutRoom | PutChat):
            target = self._state.conversations.get(entry.id)
        elif isinstance(entry, DropChat) or (isinstance(entry, DropUser) and entry.id not in self._state.users):
            # An account is still there if it could not be dropped: that request is refused.
            self._state.overdue.append(entry)
        if target is not None:
            target.saved = False


def _answer(entry: PutMessage, outcome: Outcome) -> Ack | Nack:
    """To one that was not stored, for it was before or came too late."""
    if type(outcome) is Duplicate:
        return Ack(entry.n, outcome.conversation, outcome.seq, outcome.time)
    return Nack(entry.n, ErrorCode.STALE, _STALE)
