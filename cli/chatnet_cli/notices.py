"""What happens besides messages, in words: the talk of ``listen`` and ``chat``."""

from chatnet.client.news import (
    FileGone,
    HistoryLost,
    Invitation,
    Missed,
    News,
    Offline,
    Online,
    PresenceChanged,
    RoomLost,
    RoomUpdated,
    UserRenamed,
)
from chatnet.model import Role, Room, User
from chatnet_cli.render import shown_place, shown_user
from chatnet_cli.safe_text import safe_name


class ConnectionNotices:
    """What the person must know to trust the listing: losses of the connection and of messages."""

    def __init__(self) -> None:
        self._is_offline = False

    def of(self, news: News) -> str | None:
        """The notice for this news, if it is one of those; a loss is told once, and not with every new attempt."""
        match news:
            case Offline(reason=reason, retry_in=wait):
                was_offline, self._is_offline = self._is_offline, True
                hope = "" if wait is None else "; trying again until it works"
                return None if was_offline else f"not connected: {safe_name(reason)}{hope}"
            case Online():
                was_offline, self._is_offline = self._is_offline, False
                return "connected again" if was_offline else None
            case HistoryLost(conversation=None):
                return "the server has started anew: what was said before it did, and not heard, is lost"
            case HistoryLost(conversation=conversation) if conversation is not None:
                return f"what was said meanwhile in {shown_place(conversation)} is lost"
            case Missed(conversation, first, last):
                count = "1 message" if first == last else f"{last - first + 1} messages"
                return f"{count} of {shown_place(conversation)} missed: the server no longer keeps them"
            case Invitation(room, by):
                name = safe_name(room.name)
                return f"{shown_user(by)} invites you to the room {name}:  chatnet listen --room {name}"
            case RoomLost(room, _, reason):
                return f"no longer in {safe_name(room)}: {safe_name(reason)}"
        return None


def social_notice(news: News, me: User) -> str | None:
    """Who else comes, goes and changes name; else None."""
    match news:
        case PresenceChanged(conversation, joined, parted):
            came = [f"{shown_user(user)} has joined" for user in joined if user.id != me.id]
            went = [f"{shown_user(user)} has left" for user in parted]
            return f"{shown_place(conversation)}: {', '.join(came + went)}" if came or went else None
        case UserRenamed(before=before, user=user) if before is not None and user.id != me.id:
            if shown_user(before) != shown_user(user):
                return f"{shown_user(before)} is now {shown_user(user)}"
            if before.role != user.role:
                return f"{shown_user(user)} is now {'an admin' if user.role is Role.ADMIN else 'a member'}"
        case RoomUpdated(room=room, before=before) if before is not None:
            return _room_notice(before, room)
        case FileGone(conversation, file):
            return f"{shown_place(conversation)}: file {file} is gone"
    return None


def _room_notice(before: Room, room: Room) -> str | None:
    """What has changed about a room."""
    name, said = safe_name(room.name), []
    if before.name != room.name:
        said.append(f"the room {safe_name(before.name)} is now called {name}")
    if before.topic != room.topic:
        topic = safe_name(room.topic)
        said.append(f"the topic of {name} is now: {topic}" if topic else f"{name} has no topic now")
    if before.private != room.private:
        said.append(f"{name} is now private" if room.private else f"{name} is now open to everybody")
    if before.archived != room.archived:
        said.append(f"{name} is archived" if room.archived else f"{name} is no longer archived")
    return "; ".join(said) or None
