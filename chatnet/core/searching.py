"""Finding messages by their words. The store looks; what a user may read is for the core to say."""

from collections.abc import Iterable

from chatnet.core.attaching import FILE_BYTES, with_file
from chatnet.core.effects import Read, Reply
from chatnet.core.entities import RoomState, Session, UserState
from chatnet.core.entries import Found, SearchMessages
from chatnet.core.following import MESSAGE_OVERHEAD
from chatnet.core.policy import check_readable, may_read, text_bytes
from chatnet.core.state import State
from chatnet.errors import ErrorCode, Refused
from chatnet.events import SearchPage
from chatnet.model import Hit, Kind
from chatnet.requests import Search

WORDS_BYTES = 1024
_HIT_BYTES = 512
"""At least the bytes of an encoded hit beside its text: a message and a conversation with its names."""
_MOST_HITS = 100


class Searching:
    """Asks the store, and answers with what the asker may read."""

    def __init__(self, state: State) -> None:
        self._state = state

    def search(self, session: Session, request: Search) -> None:
        """Ask the store.

        :raises Refused: BAD_REQUEST, NO_SUCH_CONVERSATION.
        """
        user = session.user
        assert user is not None
        if text_bytes(request.words) > WORDS_BYTES:
            raise Refused(ErrorCode.BAD_REQUEST, f"a search has at most {WORDS_BYTES} bytes")
        if request.conversation:
            check_readable(user.user.id, self._state.conversations.get(request.conversation))
        closed = [chat.id for chat in user.chats.values()]
        closed += [room.id for room in self._private_rooms(user)]
        token = (session.handle, request.id)
        limit = min(request.limit, _MOST_HITS)
        query = SearchMessages(request.words, closed, request.conversation, request.cursor, limit, token)
        self._state.out.append(Read(query))

    def _private_rooms(self, user: UserState) -> Iterable[RoomState]:
        """Those that the user may read: it has a rank in them, or owns them."""
        rooms = {**user.rooms, **user.owned}.values()
        return (room for room in rooms if room.private and may_read(user.user.id, room))

    def found(self, session: Session, request: int, found: Found) -> None:
        """The store has looked. A page that is too long ends early, and the cursor with it.

        What the user may read is asked again: the store looks through every public room, those that one is banned from
        too, and much may have changed since it was asked.
        """
        assert session.user is not None
        me = session.user.user.id
        hits: list[Hit] = []
        size = 0
        following = found.next
        for id, message, cursor in found.hits:
            conversation = self._state.conversations.get(id)
            size += text_bytes(message.body) + MESSAGE_OVERHEAD + _HIT_BYTES
            if message.kind is Kind.FILE:
                size += FILE_BYTES
            if size > self._state.limits.page and hits:
                break
            following = cursor
            if conversation is not None and message.seq <= conversation.head and may_read(me, conversation):
                told = with_file(conversation, message)
                hits.append(Hit(self._state.conversation_of(session, conversation), told))
        else:
            following = found.next
        self._state.out.append(Reply(session.handle, SearchPage(request, hits, following)))
