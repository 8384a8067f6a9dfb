"""The core's front door: each call takes one thing that happened and returns what is to be done about it.

The hub only hands on; the rules are in the parts that it owns. It does no I/O and knows neither clock nor chance, so
a test reads like a script: this came in, that must go out.
"""

from collections.abc import Callable
from typing import Any

from chatnet.clock import Now
from chatnet.core.effects import Close, Effect, Pause, Reply
from chatnet.core.entries import (
    Committed,
    Completion,
    Failed,
    Found,
    Handle,
    PageRead,
    PutMessage,
    ReadFailed,
    Snapshot,
)
from chatnet.core.following import Following
from chatnet.core.limits import Bucket, Limits
from chatnet.core.lists import Lists
from chatnet.core.marks import Marks
from chatnet.core.pending import Pending
from chatnet.core.policy import text_bytes
from chatnet.core.posting import Posting
from chatnet.core.presence import Presences
from chatnet.core.retention import KEEP_ALL, Keep, Retention
from chatnet.core.rooms import Rooms
from chatnet.core.searching import Searching
from chatnet.core.sessions import Sessions
from chatnet.core.state import ChatState, Session, State
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Deliver, Hello, Pong
from chatnet.events import Following as FollowingEvent
from chatnet.events import Refused as RefusedEvent
from chatnet.requests import (
    Alive,
    ArchiveRoom,
    CreateRoom,
    Follow,
    GetHistory,
    Join,
    ListConversations,
    ListRooms,
    ListUsers,
    Login,
    Mark,
    Open,
    Part,
    Ping,
    Post,
    Rename,
    Request,
    Search,
)

_HEARD_BY_OTHERS = (Rename, ArchiveRoom)
"""Requests that reach as many people as a message does, so that they share its rate."""


class Hub:
    """The chat itself. Call it from one thread, and carry out what it returns before the next call."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        limits: Limits,
        server: bytes,
        version: str,
        history: str,
        open_to_guests: bool,
        keep: Keep = KEEP_ALL,
    ) -> None:
        self._hello = Hello(server, version)
        self._limits = limits
        self._state = state = State(snapshot, limits)
        self._following = Following(state)
        self._presences = Presences(state)
        self._pending = Pending(state)
        self._rooms = Rooms(state, self._following, self._presences, self._pending)
        self._marks = Marks(state, self._pending)
        self._sessions = Sessions(state, self._following, self._rooms, history=history, open_to_guests=open_to_guests)
        self._posting = Posting(state)
        self._retention = Retention(state, keep)
        self._searching = Searching(state)
        self._lists = Lists(state, self._rooms)
        self._handlers: dict[type[Request], Callable[[Session, Any, Now], None]] = {
            Join: lambda s, r, _: self._rooms.join(s, r),
            Part: lambda s, r, _: self._rooms.part(s, r),
            CreateRoom: lambda s, r, _: self._rooms.create(s, r),
            ArchiveRoom: lambda s, r, _: self._rooms.archive(s, r),
            Rename: lambda s, r, _: self._sessions.rename(s, r),
            Open: lambda s, r, _: self._lists.open(s, r),
            Follow: lambda s, r, _: self._follow(s, r),
            ListConversations: lambda s, r, _: self._lists.conversations(s, r),
            ListUsers: lambda s, r, _: self._lists.users(s, r),
            ListRooms: lambda s, r, _: self._lists.rooms(s, r),
            GetHistory: lambda s, r, _: self._lists.history(s, r),
            Mark: lambda s, r, _: self._marks.mark(s, r),
            Search: lambda s, r, _: self._searching.search(s, r),
            Login: self._sessions.login,
        }

    # -- connections ------------------------------------------------------------------------------------------

    def connected(self, session: Handle, is_local: bool, now: Now) -> list[Effect]:
        """Somebody who speaks the protocol is there. ``is_local``: certainly on this machine."""
        del now
        self._state.sessions[session] = Session(session, is_local=is_local)
        self._state.out.append(Reply(session, self._hello))
        return self._take()

    def disconnected(self, session: Handle, now: Now) -> list[Effect]:
        """A connection is gone. Nothing happens if the hub has closed it itself."""
        known = self._state.sessions.get(session)
        if known is not None:
            self._sessions.end(known, now)
        return self._take()

    def handle(self, session: Handle, request: Request, now: Now) -> list[Effect]:
        """A session asks for something."""
        known = self._state.sessions.get(session)
        if known is None:
            return []
        if type(request) is Post:
            self._post(known, request, now)
        elif type(request) is Ping or type(request) is Alive:
            self._ration(known, now)
            if type(request) is Ping:
                self._state.out.append(Reply(session, Pong(request.id)))
        else:
            self._request(known, request, now)
        return self._take()

    def _post(self, session: Session, post: Post, now: Now) -> None:
        if session.user is None:
            self._close(session, ErrorCode.NOT_LOGGED_IN, "log in before you post", now)
            return
        size = text_bytes(post.body)
        self._ration_post(session, size, now)
        if not self._posting.post(session, post, size, now):
            limit = self._limits.unanswered
            self._close(session, ErrorCode.TOO_MANY_UNANSWERED, f"more than {limit} posts without an answer", now)

    def _request(self, session: Session, request: Request, now: Now) -> None:
        self._ration(session, now)
        if type(request) in _HEARD_BY_OTHERS:
            self._ration_post(session, 0, now)
        try:
            if session.user is None and type(request) is not Login:
                raise Refused(ErrorCode.NOT_LOGGED_IN, "log in first")
            self._handlers[type(request)](session, request, now)
        except Refused as no:
            id = getattr(request, "id", 0)
            self._state.out.append(Reply(session.handle, RefusedEvent(id, no.code, no.message, no.retry_after)))

    def _follow(self, session: Session, request: Follow) -> None:
        chat = self._state.conversations.get(request.conversation)
        assert session.user is not None
        if not isinstance(chat, ChatState) or session.user.user.id not in (chat.low, chat.high):
            raise Refused(ErrorCode.NO_SUCH_CONVERSATION, "there is no such personal chat, or not for you")
        reply = FollowingEvent(request.id, chat.id, chat.first, chat.head)
        self._state.out.append(Reply(session.handle, reply))
        self._following.start(session, chat, request.after)

    def _close(self, session: Session, code: ErrorCode, reason: str, now: Now) -> None:
        self._sessions.end(session, now)
        self._state.out.append(Close(session.handle, code, reason))

    # -- rates ------------------------------------------------------------------------------------------------

    def _ration(self, session: Session, now: Now) -> None:
        limits = self._limits
        if session.request_bucket is None:
            session.request_bucket = Bucket(limits.request_burst, limits.requests_per_second, now.monotonic)
        self._pause(session, session.request_bucket.take(1.0, now.monotonic), now)

    def _ration_post(self, session: Session, size: int, now: Now) -> None:
        limits = self._limits
        if session.post_bucket is None or session.text_bucket is None:
            session.post_bucket = Bucket(limits.post_burst, limits.posts_per_second, now.monotonic)
            session.text_bucket = Bucket(limits.text_burst, limits.text_per_second, now.monotonic)
        wait = max(session.post_bucket.take(1.0, now.monotonic), session.text_bucket.take(size, now.monotonic))
        self._pause(session, wait, now)

    def _pause(self, session: Session, wait: float, now: Now) -> None:
        if wait > 0:
            self._state.out.append(Pause(session.handle, now.monotonic + wait))

    # -- the store --------------------------------------------------------------------------------------------

    def completed(self, completion: Completion, now: Now) -> list[Effect]:
        """The store has answered. Answers to batches come in the order in which those were submitted.

        When one has failed, so has all that was asked for until then; the hub is told of all of it before anything
        else, since whatever a session posted in between would overtake what it has to send again.
        """
        if isinstance(completion, Committed):
            self._posting.committed(completion, now)
            self._retention.committed(completion)
            for entry in completion.batch:
                if type(entry) is not PutMessage:
                    self._pending.committed(entry)
        elif isinstance(completion, Failed):
            self._posting.failed(completion)
            for entry in completion.batch:
                self._pending.failed(entry, completion)
        else:
            self._read(completion)
        return self._take()

    def _read(self, answer: PageRead | Found | ReadFailed) -> None:
        """A page for a session that catches up has its handle as token; what was asked for, (handle, request id)."""
        token = answer.query.token
        handle, request = token if isinstance(token, tuple) else (token, None)
        session = self._state.sessions.get(handle)
        if session is None:
            return
        if request is not None:
            self._answer(session, request, answer)
        elif isinstance(answer, PageRead):
            self._following.page_read(session, answer)
        elif isinstance(answer, ReadFailed):
            self._following.read_failed(session, answer)

    def _answer(self, session: Session, request: int, answer: PageRead | Found | ReadFailed) -> None:
        match answer:
            case PageRead():
                self._lists.history_read(session, request, answer)
            case Found():
                self._searching.found(session, request, answer)
            case ReadFailed():
                wait = 0.0 if answer.code == ErrorCode.UNSUPPORTED else 1.0
                refused = RefusedEvent(request, answer.code, answer.reason, wait)
                self._state.out.append(Reply(session.handle, refused))

    # -- slow readers -----------------------------------------------------------------------------------------

    def fell_behind(self, session: Handle, missed: Deliver, now: Now) -> list[Effect]:
        """These messages were not queued for a session: too much waits for it already."""
        del now
        known = self._state.sessions.get(session)
        conversation = self._state.conversations.get(missed.conversation)
        if known is not None and conversation is not None:
            self._following.fell_behind(known, conversation, missed)
        return self._take()

    def drained(self, session: Handle, now: Now) -> list[Effect]:
        """A session's queue is short again, as asked for by `AwaitDrain`."""
        del now
        known = self._state.sessions.get(session)
        if known is not None:
            self._following.drained(known)
        return self._take()

    # -- time -------------------------------------------------------------------------------------------------

    def end_turn(self, now: Now) -> list[Effect]:
        """All that was ready has been handled."""
        del now
        self._presences.end_turn()
        return self._take()

    def tick(self, now: Now) -> list[Effect]:
        """About a second has passed."""
        # First who moves from behind to live: those are the audiences of what the others tell.
        self._following.tick(now)
        self._presences.tick(now)
        self._sessions.tick(now)
        self._retention.tick(now)
        return self._take()

    def _take(self) -> list[Effect]:
        effects, self._state.out = self._state.out, []
        return effects
