"""What may be said and read, and by whom: pure questions, answered with None or with the refusal.

Refusals come in two sorts. What is wrong with a message itself (`check_content`) was wrong before as well, so it can
be said at once. What depends on the state of the server (`check_post`) may have been right when the same message came
for the first time; the store must be asked whether it did.

Whether somebody may read a conversation is decided in `may_read` and nowhere else: history, search, lists and files ask
it, and ask it again when the store has answered. Bans and mutes that have run out are gone before anything is asked
(`chatnet.core.restraints`), so whatever is there holds.
"""

import re
from datetime import UTC, datetime

from chatnet.clock import Now
from chatnet.core.entities import ChatState, ConversationState, RoomState, Session, UserState
from chatnet.core.entries import PutBan
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode, Refused
from chatnet.model import Kind, UserId
from chatnet.requests import Post

Refusal = tuple[ErrorCode, str]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""C0 and C1 controls other than tab and newline."""
CONTROLS_SHOWN = bytes(0x3F if _CONTROL.match(chr(byte)) and byte < 0x80 else byte for byte in range(256))
"""A table for `bytes.translate` that changes every ASCII control which must not be in a text, and nothing else."""
_TEXTS = (Kind.TEXT, Kind.ACTION, Kind.ASK, Kind.ANSWER)


def text_bytes(text: str) -> int:
    """The UTF-8 length of a text, without encoding it where that can be known."""
    return len(text) if text.isascii() else len(text.encode())


def check_content(post: Post, size: int, limits: Limits) -> Refusal | None:
    """Is this message one that could be said anywhere? ``size`` is its text's, in bytes."""
    if size > limits.text:
        return ErrorCode.TOO_LONG, f"the text is {size} bytes of UTF-8; the limit is {limits.text}"
    if not size and post.kind is not Kind.FILE:
        return ErrorCode.BAD_TEXT, "the text is empty"
    # isprintable() is much cheaper than the search and true for nearly everything that people say.
    if not post.body.isprintable() and _CONTROL.search(post.body):
        return ErrorCode.BAD_TEXT, "the text has control characters; only newline and tab may be in it"
    if post.kind not in _TEXTS:
        return _check_kind(post)
    return None


def _check_kind(post: Post) -> Refusal | None:
    if post.kind is not Kind.FILE:
        return ErrorCode.FORBIDDEN, f"clients cannot send a message of the kind {post.kind.name.lower()}"
    return None if post.file else (ErrorCode.BAD_REQUEST, "a message of the kind file says which file it shares")


def check_post(session: Session, conversation: RoomState | ChatState | None, post: Post) -> Refusal | None:
    """May this session say this here and now?"""
    user = session.user
    assert user is not None
    if conversation is None or not may_read(user.user.id, conversation):
        return no_access(user.user.id, conversation)
    if user.mute is not None or conversation.restricted:
        refusal = _check_mute(user, conversation)
        if refusal is not None:
            return refusal
    if type(conversation) is ChatState and conversation.ended:
        return ErrorCode.NO_SUCH_USER, "the other one has been away for too long: nobody would read it"
    if post.reference > conversation.head:
        return ErrorCode.BAD_REQUEST, "the message that this one refers to does not exist"
    if post.kind is Kind.ANSWER and not post.reference:
        return ErrorCode.BAD_REQUEST, "an answer refers to the message that asked"
    if type(conversation) is RoomState and conversation.archived:
        return ErrorCode.ROOM_ARCHIVED, f"the room {conversation.name} is archived: nothing more can be said in it"
    return None


def _check_mute(user: UserState, conversation: RoomState | ChatState) -> Refusal | None:
    if user.mute is not None:
        return ErrorCode.MUTED, f"you may say nothing on this server {_until(user.mute)}"
    mute = conversation.mutes.get(user.user.id) if isinstance(conversation, RoomState) else None
    return None if mute is None else (ErrorCode.MUTED, f"you may say nothing in this room {_until(mute)}")


# -- reading --------------------------------------------------------------------------------------------------


def may_read(user: UserId, conversation: ConversationState) -> bool:
    """May this user read a conversation? The two of a personal chat may; in a room all who are not banned from it,
    but in a private one only those who belong to it or are invited.
    """
    if isinstance(conversation, ChatState):
        return user in (conversation.low, conversation.high)
    return not conversation.restricted or _is_admitted(user, conversation)


def _is_admitted(user: UserId, room: ConversationState) -> bool:
    assert isinstance(room, RoomState)
    return user not in room.bans and (not room.private or user in room.belongs or user == room.owner)


def no_access(user: UserId, conversation: ConversationState | None) -> Refusal:
    """Why a user who may not read a conversation is refused; of a private room, as if it did not exist."""
    if isinstance(conversation, RoomState) and not conversation.private and user in conversation.bans:
        return ErrorCode.BANNED, f"you are banned from the room {conversation.name} {_until(conversation.bans[user])}"
    return ErrorCode.NO_SUCH_CONVERSATION, "there is no such conversation, or not for you"


def check_readable(user: UserId, conversation: RoomState | ChatState | None) -> RoomState | ChatState:
    """The conversation, if there is one that the user may read.

    :raises Refused: NO_SUCH_CONVERSATION, BANNED.
    """
    if conversation is None or not may_read(user, conversation):
        raise Refused(*no_access(user, conversation))
    return conversation


def check_room(user: UserId, room: RoomState | ChatState | None, called: str) -> RoomState:
    """The room, if there is one that the user may read. ``called`` is how the user called it, in a word or two.

    :raises Refused: NO_SUCH_ROOM, BANNED.
    """
    if isinstance(room, RoomState):
        if may_read(user, room):
            return room
        code, reason = no_access(user, room)
        if code is ErrorCode.BANNED:
            raise Refused(code, reason)
    raise Refused(ErrorCode.NO_SUCH_ROOM, f"there is no {called}")


# -- the whole server -----------------------------------------------------------------------------------------


def check_ban(user: UserState, now: Now) -> None:
    """May this user log in? To be asked at every login, once it is certain who it is.

    :raises Refused: BANNED.
    """
    ban = user.ban
    if ban is not None and (not ban.until or now.wall < ban.until):
        raise Refused(ErrorCode.BANNED, f"you are banned from this server {_until(ban)}")


def _until(restraint: PutBan) -> str:
    """How long a ban or mute holds, and why."""
    return until(restraint.until) + (f": {restraint.reason}" if restraint.reason else "")


def until(wall: int) -> str:
    """Up to when, in words; 0 is for ever."""
    if not wall:
        return "for good"
    return f"until {datetime.fromtimestamp(wall / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
