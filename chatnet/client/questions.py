"""What a client asks and waits for: who is there, what rooms there are, what was said."""

import time
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import TypeVar

from chatnet.client.asking import pages, request
from chatnet.client.connection import Make
from chatnet.client.driver import Driver
from chatnet.client.outbox import Target, ToRoom, ToUser
from chatnet.client.reading import newest, onward, seq_before
from chatnet.client.sender import open_request
from chatnet.errors import ErrorCode, Unreachable
from chatnet.events import ConversationPage, Event, HistoryPage, Opened, Pong, RoomPage, SearchPage, UserPage
from chatnet.model import Conversation, ConversationId, Hit, Message, Room, Seq, User
from chatnet.requests import GetHistory, ListConversations, ListRooms, ListUsers, Ping, Search

E = TypeVar("E", bound=Event)


class Questions:
    """The half of `chatnet.client.client.Client` that changes nothing. Its methods raise what the others do."""

    _driver: Driver | None = None

    # -- asking -----------------------------------------------------------------------------------------------

    def who(self, room: str | None = None) -> list[User]:
        """Who is online, or in one room."""
        id = 0 if room is None else self._open(ToRoom(room)).id
        return pages(self._connected, UserPage, lambda n, cursor: ListUsers(n, id, cursor), lambda page: page.users)

    def rooms(self, archived: bool = False) -> list[Room]:
        """All rooms; the archived ones too if asked for."""
        make = partial(ListRooms, archived=archived)
        return pages(self._connected, RoomPage, make, lambda page: page.rooms)

    def conversations(self) -> list[Conversation]:
        """The rooms that this client is in, and the user's personal chats."""
        return pages(self._connected, ConversationPage, ListConversations, lambda page: page.conversations)

    def conversation(self, *, room: str | None = None, with_: str | None = None) -> Conversation:
        """The conversation in a room or with a user, found by name; no room is joined.

        :raises Refused: NO_SUCH_ROOM, NO_SUCH_USER.
        """
        return self._open(target_of(with_, room))

    def history(
        self,
        *,
        room: str | None = None,
        with_: str | None = None,
        limit: int = 100,
        before: Seq = 0,
        after: Seq | None = None,
    ) -> list[Message]:
        """The last ``limit`` messages of a room or of the personal chat with a user, oldest first.

        ``before``: only those with a smaller seq. ``after``: instead, the first ``limit`` with a greater seq.
        There are fewer where the server keeps no more.
        """
        conversation = self._open(target_of(with_, room)).id
        if after is None:
            return newest(self._connected, conversation, limit, before)
        if before:
            raise ValueError("history goes either before or after a message")
        return list(islice(onward(self._connected, conversation, after, limit), limit))

    def read_all(self, *, room: str | None = None, with_: str | None = None) -> Iterator[Message]:
        """All that was said in a room or with a user up to now, oldest first, as far as the server keeps it."""
        conversation = self._open(target_of(with_, room))
        for message in onward(self._connected, conversation.id, conversation.first - 1):
            if message.seq > conversation.head:
                return
            yield message

    def seq_before(self, conversation: Conversation, time: int) -> Seq:
        """The last message that the server got before ``time``, in milliseconds since 1970 UTC."""
        return seq_before(self._connected, conversation, time)

    def search(self, words: str, *, room: str | None = None, with_: str | None = None, limit: int = 20) -> list[Hit]:
        """The newest ``limit`` messages with all these words, in one conversation or in all that one may read.

        ``"a phrase"``, ``pre*`` and ``from:name`` narrow it down. What was just said is found within two seconds.
        :raises Refused: UNSUPPORTED, if the server keeps no history.
        """
        id = 0 if room is None and with_ is None else self._open(target_of(with_, room)).id
        hits: list[Hit] = []
        cursor = 0
        while len(hits) < limit:
            make = partial(Search, words=words, conversation=id, cursor=cursor, limit=min(limit - len(hits), 100))
            page = self._request(SearchPage, make)
            hits += page.hits
            cursor = page.next
            if not cursor:
                break
        return hits

    def around(self, conversation: ConversationId, seq: Seq, count: int) -> list[Message]:
        """A message with up to ``count`` that were said before it and ``count`` after it."""
        first = max(1, seq - count)
        make = partial(GetHistory, conversation=conversation, after=first - 1, limit=seq + count - first + 1)
        return self._request(HistoryPage, make).messages

    def ping(self) -> float:
        """How long the server takes to answer, in seconds."""
        started = time.monotonic()
        self._request(Pong, Ping)
        return time.monotonic() - started

    # -- parts ------------------------------------------------------------------------------------------------

    @property
    def _connected(self) -> Driver:
        if self._driver is None:
            raise Unreachable(ErrorCode.UNREACHABLE, "this client is not connected: use `with`, or call connect()")
        return self._driver

    def _request(self, expected: type[E], make: Make) -> E:
        return request(self._connected, expected, make)

    def _open(self, target: Target) -> Conversation:
        return self._request(Opened, lambda id: open_request(id, target)).conversation


def target_of(to: str | None, room: str | None) -> ToUser | ToRoom:
    """A user or a room, by name; exactly one is given."""
    if (to is None) == (room is None):
        raise TypeError("name either a user or a room")
    return ToRoom(room) if room is not None else ToUser(to or "")
