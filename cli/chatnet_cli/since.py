"""Where ``listen --since`` begins in each conversation."""

import time
from dataclasses import dataclass

import click

from chatnet import Client
from chatnet.model import Conversation, ConversationId, Seq
from chatnet.quantities import parse_duration
from chatnet_cli.options import Account

START = "start"
UNREAD = "unread"
_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Ago:
    """A moment, in milliseconds since 1970 UTC."""

    moment: int


Point = int | Ago | str
"""After a message's number; from a moment on; or one of the words above."""


class Since(click.ParamType[Point]):
    """An option that says where to begin."""

    name = "when"

    def convert(self, value: Point, param: click.Parameter | None, ctx: click.Context | None) -> Point:
        """Take what was typed; what is converted already stays as it is."""
        if not isinstance(value, str) or value in (START, UNREAD):
            return value
        if value.isascii() and value.isdecimal() and int(value) <= _MOST:
            return int(value)
        seconds = parse_duration(value)
        if seconds is None:
            self.fail(f"{value!r} is neither a time such as 2h, nor a number, nor 'start' or 'unread'", param, ctx)
        return Ago(round((time.time() - seconds) * 1000))


@dataclass(frozen=True, slots=True)
class Beginnings:
    """The last message of each conversation that is not to be heard."""

    point: Point | None
    chats: dict[ConversationId, Seq]
    """Of the personal chats, where it takes questions to find out."""

    @classmethod
    def find(cls, account: Account, point: Point | None, *, chats: bool) -> "Beginnings":
        """Ask what must be known before anything is heard. A chat that begins after this is heard from its start."""
        if not isinstance(point, Ago) or not chats:
            return cls(point, {})
        with account.connect() as chat:
            own = [each for each in chat.conversations() if each.room is None]
            return cls(point, {each.id: chat.seq_before(each, point.moment) for each in own})

    def of_chat(self, chat: Conversation) -> Seq:
        """After which message a personal chat is heard."""
        if self.point is None:
            return chat.head
        if self.point == UNREAD:
            return max(chat.read, chat.delivered)
        return self.chats.get(chat.id, 0)

    def of_room(self, client: Client, name: str) -> Seq | None:
        """After which message a room is heard; None for those to come."""
        if self.point is None:
            return None
        if isinstance(self.point, int):
            return self.point
        if self.point == START:
            return 0
        room = client.conversation(room=name)
        return client.seq_before(room, self.point.moment) if isinstance(self.point, Ago) else room.read
