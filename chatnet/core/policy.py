"""What may be said, and by whom: pure questions, answered with None or with the refusal.

Refusals come in two sorts. What is wrong with a message itself (`check_content`) was wrong before as well, so it can
be said at once. What depends on the state of the server (`check_post`) may have been right when the same message came
for the first time; the store must be asked whether it did.
"""

import re

from chatnet.core.limits import Limits
from chatnet.core.state import ChatState, ConversationState, RoomState, Session
from chatnet.errors import ErrorCode
from chatnet.model import Kind, UserId
from chatnet.requests import Post

Refusal = tuple[ErrorCode, str]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""C0 and C1 controls other than tab and newline."""
_SAYABLE = (Kind.TEXT, Kind.ACTION, Kind.ASK, Kind.ANSWER)


def text_bytes(text: str) -> int:
    """The UTF-8 length of a text, without encoding it where that can be known."""
    return len(text) if text.isascii() else len(text.encode())


def check_content(post: Post, size: int, limits: Limits) -> Refusal | None:
    """Is this message one that could be said anywhere? ``size`` is its text's, in bytes."""
    if size > limits.text:
        return ErrorCode.TOO_LONG, f"the text is {size} bytes of UTF-8; the limit is {limits.text}"
    if not size:
        return ErrorCode.BAD_TEXT, "the text is empty"
    # isprintable() is much cheaper than the search and true for nearly everything that people say.
    if not post.body.isprintable() and _CONTROL.search(post.body):
        return ErrorCode.BAD_TEXT, "the text has control characters; only newline and tab may be in it"
    if post.kind not in _SAYABLE:
        return ErrorCode.FORBIDDEN, f"clients cannot send a message of the kind {post.kind.name.lower()}"
    return None


def check_post(session: Session, conversation: RoomState | ChatState | None, post: Post) -> Refusal | None:
    """May this session say this here and now?"""
    assert session.user is not None
    if conversation is None or not may_read(session.user.user.id, conversation):
        return ErrorCode.NO_SUCH_CONVERSATION, "there is no such conversation, or not for you"
    if type(conversation) is ChatState and conversation.ended:
        return ErrorCode.NO_SUCH_USER, "the other one has been away for too long: nobody would read it"
    if post.reference > conversation.head:
        return ErrorCode.BAD_REQUEST, "the message that this one refers to does not exist"
    if post.kind is Kind.ANSWER and not post.reference:
        return ErrorCode.BAD_REQUEST, "an answer refers to the message that asked"
    if type(conversation) is RoomState and conversation.archived:
        return ErrorCode.ROOM_ARCHIVED, f"the room {conversation.name} is archived: nothing more can be said in it"
    return None


def may_read(user: UserId, conversation: ConversationState) -> bool:
    """May this user read the conversation's history? Whoever may join a room may, and the two of a personal chat."""
    return not isinstance(conversation, ChatState) or user in (conversation.low, conversation.high)
