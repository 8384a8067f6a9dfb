"""The live log: what happens on the server, in lines for the admins who watch it.

Rules kept here: who reads it reads nothing that is private. Of personal chats and private rooms a line has neither the
text nor the room's name, only who spoke to whom, and how much. There is never a secret in one. And it is bounded: what
does not fit until the lines are handed out is only counted, which costs next to nothing; while nobody watches, all of
it costs one test for each batch of messages.
"""

from collections.abc import Sequence

from chatnet.core.entities import ChatState, ConversationState, RoomState, Session, UserState
from chatnet.core.entries import Failed, PutDeed
from chatnet.core.gauges import Gauges
from chatnet.core.policy import text_bytes
from chatnet.errors import Refused
from chatnet.model import ConversationId, Happening, Kind, LogLine, Message, Time, UserId
from chatnet.requests import Request

MOST_LINES = 200
"""Until they are handed out, four times a second."""
MOST_CHARACTERS = 500
_MOST_OF_NAME = 64
"""Of a name that somebody wanted to have: what has not logged in may have sent anything."""
_NOT_SHOWN = ("", 0)
_LINE_BYTES = 96
"""At least the bytes of an encoded line beside its texts."""


class LiveLog:
    """Lines that wait to be handed out. Each method but `take` is for something that has happened."""

    def __init__(self, gauges: Gauges, users: dict[UserId, UserState], most_bytes: int) -> None:
        """``most_bytes``: of all lines that are handed out at once."""
        self._gauges = gauges
        self._users = users
        self._most_bytes = most_bytes
        self.is_on = False
        """Does anybody read it? Whoever calls the methods below asks that first."""
        self.time: Time = 0
        """Of what happens now."""
        self._lines: list[LogLine] = []
        self._bytes = 0
        self._dropped = self._dropped_before = 0

    # -- handing out ------------------------------------------------------------------------------------------

    @property
    def is_waiting(self) -> bool:
        """Is there anything to tell?"""
        return bool(self._lines or self._dropped_before)

    def take(self) -> tuple[list[LogLine], int]:
        """The lines that wait, and how many are missing before them."""
        lines, before = self._lines, self._dropped_before
        self._dropped_before, self._dropped = self._dropped, 0
        self._lines, self._bytes = [], 0
        return lines, before

    def turn(self, *, on: bool) -> None:
        """Somebody reads it from now on, or nobody any more."""
        if not on:
            self.take()
            self._dropped_before = 0
        self.is_on = on

    def _add(self, line: LogLine) -> None:
        # Nothing goes in behind a gap: the count is told with what follows it.
        if not self._dropped and len(self._lines) < MOST_LINES:
            size = _LINE_BYTES + text_bytes(line.name) + text_bytes(line.target) + text_bytes(line.text)
            if self._bytes + size <= self._most_bytes:
                self._lines.append(line)
                self._bytes += size
                return
        self._dropped += 1

    # -- what is said -----------------------------------------------------------------------------------------

    def said(self, conversation: ConversationState, messages: Sequence[Message]) -> None:
        """Messages of one conversation are stored."""
        space = 0 if self._dropped else MOST_LINES - len(self._lines)
        for message in messages[:space]:
            self._add(self._line(conversation, message))
        self._dropped += max(0, len(messages) - space)

    def _line(self, conversation: ConversationState, message: Message) -> LogLine:
        is_file = message.kind is Kind.FILE
        what = Happening.FILE_SHARED if is_file else Happening.SAID_PRIVATELY
        target = text = ""
        id = 0
        if isinstance(conversation, ChatState):
            other = self._users.get(conversation.other(message.sender))
            target = "" if other is None else other.user.name
        elif (called := _called(conversation)) != _NOT_SHOWN:
            what = what if is_file else Happening.SAID
            target, id = called
            text = message.file.name if message.file is not None else message.body[:MOST_CHARACTERS]
        size = len(message.body)
        return LogLine(message.time, what, message.sender, message.name, target, text, size, id)

    # -- who comes and goes -----------------------------------------------------------------------------------

    def logged_in(self, session: Session) -> None:
        """A session has a user."""
        self._add(self._of(session, Happening.LOGGED_IN, self._address(session)))

    def refused(self, session: Session, request: Request, refusal: Refused) -> None:
        """Somebody could not log in."""
        name = getattr(request, "name", "") or (session.proofs.tried if session.proofs is not None else "")
        text = f"{refusal.code}: {refusal.message}"[:MOST_CHARACTERS]
        self._add(LogLine(self.time, Happening.LOGIN_REFUSED, 0, name[:_MOST_OF_NAME], self._address(session), text))

    def left(self, session: Session, why: str) -> None:
        """A session has ended; ``why`` is empty where the server did not end it."""
        self._add(self._of(session, Happening.LEFT, self._address(session), why[:MOST_CHARACTERS]))

    def renamed(self, user: UserState, name: str) -> None:
        """A user is about to get another login name."""
        self._add(LogLine(self.time, Happening.RENAMED, user.user.id, user.user.name, name))

    def _address(self, session: Session) -> str:
        return self._gauges.link(session.handle).address

    # -- rooms ------------------------------------------------------------------------------------------------

    def moved(self, session: Session, what: Happening, room: RoomState) -> None:
        """The session's user has joined, left or made a room."""
        name, id = _called(room)
        self._add(self._of(session, what, name, id=id))

    def _of(self, session: Session, what: Happening, target: str, text: str = "", id: int = 0) -> LogLine:
        assert session.user is not None
        user = session.user.user
        return LogLine(self.time, what, user.id, user.name, target, text, 0, id)

    # -- the server -------------------------------------------------------------------------------------------

    def done(self, deed: PutDeed, room: ConversationState | None) -> None:
        """A line of the audit log is stored; ``room`` is where it was done."""
        self._add(
            LogLine(
                deed.time,
                Happening.MODERATED,
                deed.actor,
                deed.actor_name,
                deed.subject,
                deed.detail[:MOST_CHARACTERS],
                0,
                _called(room)[1],
                deed.act,
            )
        )

    def failed(self, failure: Failed) -> None:
        """The store could not keep a batch."""
        self._add(
            LogLine(self.time, Happening.STORE_FAILED, 0, "", str(failure.code), failure.reason[:MOST_CHARACTERS])
        )


def _called(room: ConversationState | None) -> tuple[str, ConversationId]:
    """Name and id of a public room. One that is just becoming private counts as private."""
    if not isinstance(room, RoomState) or room.private or (room.asked is not None and room.asked.private):
        return _NOT_SHOWN
    return room.name, room.id
