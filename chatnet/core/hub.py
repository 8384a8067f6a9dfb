"""The core's front door: each call takes one thing that happened and returns what is to be done about it.

The hub only hands on; the rules are in the parts that it owns. It does no I/O and knows neither clock nor chance, so
a test reads like a script: this came in, that must go out.
"""

from collections.abc import Callable
from typing import Any, Final

from chatnet.clock import Now
from chatnet.core.accounts import Accounts
from chatnet.core.attempts import Attempts
from chatnet.core.audit import Audit
from chatnet.core.callers import Caller
from chatnet.core.changing import Changing
from chatnet.core.effects import Effect, Reply
from chatnet.core.enrolling import Enrolling
from chatnet.core.entering import Entering
from chatnet.core.entities import ChatState, Session
from chatnet.core.entries import (
    Committed,
    Completion,
    DeedsRead,
    Failed,
    Found,
    Handle,
    PageRead,
    PutDeed,
    PutInvitation,
    ReadFailed,
    Snapshot,
)
from chatnet.core.file_jobs import FileAnswer
from chatnet.core.following import Following
from chatnet.core.gauges import Gauges, NoGauges
from chatnet.core.invitations import Invitations
from chatnet.core.issuing import Issuing
from chatnet.core.limits import Limits
from chatnet.core.lists import Lists
from chatnet.core.marks import Marks
from chatnet.core.membership import Membership
from chatnet.core.moderation import Moderation
from chatnet.core.pending import Pending
from chatnet.core.posting import Posting
from chatnet.core.presence import Presences
from chatnet.core.rates import Rates
from chatnet.core.renaming import Renaming
from chatnet.core.restraints import Restraints
from chatnet.core.retention import KEEP_ALL, Keep, Retention
from chatnet.core.rights import check_right
from chatnet.core.room_changes import RoomChanges
from chatnet.core.rooms import Rooms
from chatnet.core.rosters import Rosters
from chatnet.core.searching import Searching
from chatnet.core.sessions import Sessions
from chatnet.core.shelves import Shelves
from chatnet.core.state import State
from chatnet.core.tails import Tails
from chatnet.core.tokens import Tokens
from chatnet.core.transfers import Transfers
from chatnet.core.watching import Watching
from chatnet.errors import ErrorCode, ProtocolError, Refused
from chatnet.events import Deliver, Hello, Pong
from chatnet.events import Following as FollowingEvent
from chatnet.events import Refused as RefusedEvent
from chatnet.model import SECRET_BYTES
from chatnet.requests import (
    Alive,
    ChangeRoom,
    CreateAccount,
    CreateInvitation,
    CreateRoom,
    CreateToken,
    DropAccount,
    Enter,
    FinishScram,
    Follow,
    GetHistory,
    GrantCredit,
    Join,
    ListAccounts,
    ListAudit,
    ListBans,
    ListConversations,
    ListInvitations,
    ListMembers,
    ListRooms,
    ListTokens,
    ListUsers,
    Login,
    Mark,
    Moderate,
    Open,
    Part,
    Ping,
    Post,
    Register,
    RemoveFile,
    Rename,
    Request,
    RevokeInvitation,
    RevokeToken,
    Search,
    SendChunk,
    SetPassword,
    SetRole,
    StartScram,
    TokenLogin,
)

_POST: Final = Post  # a compiler looks up such a name once, and that of an import each time
_HEARD_BY_OTHERS = (Rename, ChangeRoom, Moderate, RemoveFile)
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
        entropy: Callable[[int], bytes],
        keep: Keep = KEEP_ALL,
        with_files: bool = False,
        gauges: Gauges | None = None,
    ) -> None:
        """``entropy(n)`` gives n random bytes; ``with_files``: is there a file store? ``gauges``: the network, as one
        that can be asked how it fares; None where there is none.
        """
        self._came = 0
        """Connections since the start."""
        self._hello = Hello(server, version, ["files"] if with_files else [])
        gauges = NoGauges() if gauges is None else gauges
        self._state = state = State(snapshot, limits, gauges)
        self._following = Following(state)
        self._presences = Presences(state)
        self._rates = Rates(state)
        self._pending = Pending(state)
        self._audit = Audit(state)
        changing = Changing()
        membership = Membership(state, self._following, self._presences, snapshot.members)
        self._restraints = Restraints(state, membership, snapshot.bans)
        self._rooms = Rooms(state, self._following, membership, self._restraints, self._pending)
        self._room_changes = RoomChanges(state, self._rooms, membership, self._pending, self._audit)
        self._rosters = Rosters(state, self._restraints)
        self._marks = Marks(state, self._pending)
        self._renaming = Renaming(state, self._pending, changing)
        self._shelves = Shelves(state, snapshot, with_files=with_files)
        self._transfers = Transfers(state, self._shelves, self._pending, self._audit, snapshot, entropy)
        self._watching = Watching(
            state, gauges, self._transfers, version=version, history=history, guests=open_to_guests
        )
        self._sessions = Sessions(
            state,
            self._following,
            self._rooms,
            self._renaming,
            self._transfers,
            history=history,
            open_to_guests=open_to_guests,
        )
        self._moderation = Moderation(state, self._pending, membership, self._restraints, self._sessions, self._audit)
        self._tails = Tails(state)
        self._posting = Posting(state, self._rates, self._tails, self._shelves)
        self._retention = Retention(state, keep)
        self._searching = Searching(state)
        self._lists = Lists(state, self._rooms, self._pending)
        self._tokens = Tokens(state, self._sessions, snapshot)
        self._accounts = Accounts(state, self._pending, changing, self._sessions, self._tokens, self._audit)
        self._issuing = Issuing(state, self._pending, changing, self._accounts, self._tokens, self._audit)
        self._invitations = Invitations(state, self._pending, self._audit, snapshot)
        attempts = Attempts(limits)
        self._entering = Entering(
            state, self._pending, self._sessions, self._accounts, self._tokens, attempts, self._audit
        )
        self._enrolling = Enrolling(
            state,
            self._pending,
            self._sessions,
            self._accounts,
            self._tokens,
            self._invitations,
            attempts,
            self._audit,
            secret=snapshot.secret or entropy(SECRET_BYTES),
            entropy=entropy,
        )
        self._handlers: dict[type[Request], Callable[[Session, Any, Now], None]] = {
            Join: self._rooms.join,
            Part: lambda s, r, _: self._rooms.part(s, r),
            CreateRoom: self._rooms.create,
            ChangeRoom: self._room_changes.change,
            Moderate: self._moderation.moderate,
            ListMembers: lambda s, r, _: self._rosters.members(s, r),
            ListBans: lambda s, r, _: self._rosters.bans(s, r),
            Rename: lambda s, r, _: self._renaming.rename(s, r),
            Open: lambda s, r, _: self._lists.open(s, r),
            Follow: lambda s, r, _: self._follow(s, r),
            ListConversations: lambda s, r, _: self._lists.conversations(s, r),
            ListUsers: lambda s, r, _: self._lists.users(s, r),
            ListRooms: lambda s, r, _: self._lists.rooms(s, r),
            GetHistory: lambda s, r, _: self._lists.history(s, r),
            Mark: lambda s, r, _: self._marks.mark(s, r),
            Search: lambda s, r, _: self._searching.search(s, r),
            Login: self._sessions.login,
            TokenLogin: self._entering.token_login,
            Enter: self._entering.enter,
            StartScram: self._enrolling.start,
            FinishScram: self._enrolling.finish,
            Register: self._enrolling.register,
            SetPassword: self._accounts.set_password,
            CreateAccount: self._accounts.create,
            SetRole: self._accounts.set_role,
            DropAccount: self._accounts.drop,
            ListAccounts: lambda s, r, _: self._accounts.list(s, r),
            CreateToken: self._issuing.create,
            ListTokens: lambda s, r, _: self._issuing.list(s, r),
            RevokeToken: self._issuing.revoke,
            CreateInvitation: self._invitations.create,
            ListInvitations: self._invitations.list,
            RevokeInvitation: self._invitations.revoke,
            ListAudit: lambda s, r, _: self._audit.list(s, r),
            **self._transfers.handlers(),
            **self._watching.handlers,
        }

    # -- the first admin --------------------------------------------------------------------------------------

    @property
    def has_accounts(self) -> bool:
        """Is there an account that does not depend on local access alone: from a join code or an admin?"""
        return bool(self._state.registry.registered)

    def bootstrap(self, invitation: PutInvitation) -> None:
        """Let in who has this join code, which is stored nowhere, until there is an admin who came by other ways than
        local access. Its ``maker`` is 0."""
        self._invitations.bootstrap(invitation)

    def let_in_owner(self, token: bytes, caller: Caller) -> None:
        """Whoever logs in with this token is this caller, on the server's own machine, and may `Enter`."""
        self._entering.let_in_owner(token, caller)

    # -- connections ------------------------------------------------------------------------------------------

    def connected(self, session: Handle, caller: Caller, now: Now) -> list[Effect]:
        """Somebody who speaks the protocol is there."""
        self._came += 1
        self._state.sessions[session] = Session(session, caller, self._came, now.wall)
        self._state.out.append(Reply(session, self._hello))
        return self._take()

    def disconnected(self, session: Handle, now: Now) -> list[Effect]:
        """A connection is gone. Nothing happens if the hub has closed it itself."""
        self._state.log.time = now.wall
        known = self._state.sessions.get(session)
        if known is not None:
            self._sessions.end(known, now)
        return self._take()

    def handle(self, session: Handle, request: Request, now: Now) -> list[Effect]:
        """A session asks for something."""
        known = self._state.sessions.get(session)
        if known is None:
            return []
        if now.wall >= self._restraints.next_end:
            self._restraints.look_at(now)
        if type(request) is _POST:
            fault = self._posting.post(known, request, now)
            if fault is not None:
                self._close(known, *fault, now)
            effects, self._state.out = self._state.out, []  # `_take`, for the sake of messages without the call
            return effects
        if type(request) is SendChunk or type(request) is GrantCredit:
            self._move(known, request, now)
        elif type(request) is Ping or type(request) is Alive:
            self._rates.request(known, now)
            if type(request) is Ping:
                self._state.out.append(Reply(session, Pong(request.id)))
        else:
            self._request(known, request, now)
        return self._take()

    def _move(self, session: Session, request: SendChunk | GrantCredit, now: Now) -> None:
        """Bytes and credit are bounded by what they move; only those that move next to nothing are rationed."""
        try:
            if not self._transfers.move(session, request):
                self._rates.request(session, now)
        except ProtocolError as error:
            self._close(session, ErrorCode(error.code), error.message, now)

    def _request(self, session: Session, request: Request, now: Now) -> None:
        self._state.log.time = now.wall
        self._rates.request(session, now)
        if type(request) in _HEARD_BY_OTHERS:
            self._rates.post(session, 0, now)
        try:
            check_right(session, request)
            self._handlers[type(request)](session, request, now)
        except Refused as no:
            id = getattr(request, "id", 0)
            if self._state.log.is_on and session.user is None and no.code != ErrorCode.NOT_LOGGED_IN:
                self._state.log.refused(session, request, no)
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
        self._state.log.time = now.wall
        self._sessions.close(session, code, reason, now)

    # -- the store --------------------------------------------------------------------------------------------

    def completed(self, completion: Completion, now: Now) -> list[Effect]:
        """The store has answered. Answers to batches come in the order in which those were submitted.

        When one has failed, so has all that was asked for until then; the hub is told of all of it before anything
        else, since whatever a session posted in between would overtake what it has to send again.
        """
        self._state.log.time = now.wall
        self._restraints.look_at(now)
        if isinstance(completion, Committed):
            others = self._posting.committed(completion, now)
            if completion.firsts:
                self._retention.committed(completion)
                self._transfers.expired(completion.firsts)
            for entry in others:
                if type(entry) is PutDeed and self._state.log.is_on:
                    self._state.log.done(entry, self._state.conversations.get(entry.conversation))
                self._pending.committed(entry)
                self._transfers.committed(entry, now)
            # One that is stored late may be over by now.
            self._restraints.look_at(now)
        elif isinstance(completion, Failed):
            if self._state.log.is_on:
                self._state.log.failed(completion)
            self._posting.failed(completion)
            for entry in completion.batch:
                self._pending.failed(entry, completion)
                self._transfers.failed(entry, completion)
        else:
            self._read(completion)
        return self._take()

    def _read(self, answer: PageRead | Found | DeedsRead | ReadFailed) -> None:
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

    def _answer(self, session: Session, request: int, answer: PageRead | Found | DeedsRead | ReadFailed) -> None:
        match answer:
            case PageRead():
                self._lists.history_read(session, request, answer)
            case Found():
                self._searching.found(session, request, answer)
            case DeedsRead():
                self._audit.deeds_read(session, request, answer)
            case ReadFailed():
                wait = 0.0 if answer.code == ErrorCode.UNSUPPORTED else 1.0
                refused = RefusedEvent(request, answer.code, answer.reason, wait)
                self._state.out.append(Reply(session.handle, refused))

    # -- the file store ---------------------------------------------------------------------------------------

    def filed(self, answer: FileAnswer, now: Now) -> list[Effect]:
        """The file store has done a job that a `FileWork` asked for, or could not."""
        if now.wall >= self._restraints.next_end:
            self._restraints.look_at(now)
        self._transfers.filed(answer, now)
        return self._take()

    def bulk_sent(self, session: Handle, now: Now) -> list[Effect]:
        """A session's `Bulk` is completely handed to the transport. Each is told, in their order."""
        if now.wall >= self._restraints.next_end:
            self._restraints.look_at(now)
        known = self._state.sessions.get(session)
        if known is not None:
            self._transfers.sent(known)
        return self._take()

    # -- slow readers -----------------------------------------------------------------------------------------

    def fell_behind(self, session: Handle, missed: Deliver, now: Now) -> list[Effect]:
        """These messages were not queued for a session: too much waits for it already."""
        del now
        self._state.deliveries -= len(missed.messages)
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
        self._state.log.time = now.wall
        self._rooms.end_turn()
        self._presences.end_turn()
        if self._state.log.is_on:
            self._watching.end_turn(now)
        return self._take()

    def tick(self, now: Now) -> list[Effect]:
        """About a second has passed."""
        self._restraints.look_at(now)
        # First who moves from behind to live: those are the audiences of what the others tell.
        self._following.tick()
        self._tails.tick(now)
        self._presences.tick(now)
        self._sessions.tick(now)
        self._tokens.tick(now)
        self._invitations.tick(now)
        self._retention.tick(now)
        self._transfers.tick(now)
        self._watching.tick(now)
        return self._take()

    def _take(self) -> list[Effect]:
        effects, self._state.out = self._state.out, []
        return effects
