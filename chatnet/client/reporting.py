"""What an application is told of events for which it is enough to know people and conversations."""

from chatnet.client.cache import Cache
from chatnet.client.news import (
    FileGone,
    Invitation,
    MarksMoved,
    News,
    PresenceChanged,
    RoomUpdated,
    UserRenamed,
)
from chatnet.events import Event, FileRemoved, Invited, Marked, Presence, Renamed, RoomChanged
from chatnet.model import User


def learn(event: Event, cache: Cache) -> News | None:
    """Take over what an event tells; the news that it is by itself, if it is any."""
    if isinstance(event, Renamed):
        user = cache.people.get(event.user.id)
        cache.learn(event)
        return UserRenamed(user, event.user)
    if isinstance(event, RoomChanged):
        known = cache.conversations.get(event.room.id)
        cache.learn(event)
        return RoomUpdated(event.room, None if known is None else known.room)
    cache.learn(event)
    return _of_conversation(event, cache)


def _of_conversation(event: Event, cache: Cache) -> News | None:
    """What has happened in a conversation that is known, or concerns none yet."""
    if isinstance(event, Invited):
        return Invitation(event.room, event.by)
    if not isinstance(event, Presence | Marked | FileRemoved):
        return None
    conversation = cache.conversations.get(event.conversation)
    if conversation is None:
        return None
    match event:
        case Presence(joined=joined, members=members):
            parted = [cache.people.get(id, User(id, "")) for id in event.parted]
            return PresenceChanged(conversation, joined, parted, members)
        case Marked(user=user, delivered=delivered, read=read):
            return MarksMoved(conversation, user, delivered, read)
        case FileRemoved(file=file, seq=seq):
            return FileGone(conversation, file, seq)
