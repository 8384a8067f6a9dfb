"""Keeping order: what a room is like, who may be in it, and what was done about whom."""

from typing import Annotated

import msgspec

from chatnet.model import Act, ConversationId, Natural
from chatnet.requests.base import Request


class ChangeRoom(Request, frozen=True, tag=9):
    """Change what is not None; owner, moderators (the topic) and admins may. Reply: `Done`; a `RoomChanged` follows."""

    id: Natural
    conversation: ConversationId
    name: str | None = None
    topic: str | None = None
    """One line of at most 250 characters; empty for none."""
    private: bool | None = None
    """Only for those who are members or invited."""
    archived: bool | None = None
    """Closed for posts."""


class Moderate(Request, frozen=True, tag=34):
    """Do something about a user, in a room or (as an admin, with conversation 0) on the whole server. Reply: `Done`."""

    id: Natural
    act: Act
    user: str
    conversation: ConversationId = 0
    seconds: Natural = 0
    """How long a ban or mute lasts; 0 for ever."""
    reason: str = ""
    """One line of at most 250 characters, told to the user and kept in the audit log."""


class ListMembers(Request, frozen=True, tag=35):
    """Who belongs to a room, online or not. Reply: `MemberPage`."""

    id: Natural
    conversation: ConversationId
    cursor: Natural = 0


class ListBans(Request, frozen=True, tag=36):
    """Bans and mutes of a room, for its moderators, or with 0 of the server, for admins. Reply: `BanPage`."""

    id: Natural
    conversation: ConversationId = 0
    cursor: Natural = 0


class ListAudit(Request, frozen=True, tag=37):
    """What was done by those with power over others, the newest first; for admins. Reply: `AuditPage`."""

    id: Natural
    before: Natural = 0
    """Only what came before the record of this id; 0 for the newest."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
