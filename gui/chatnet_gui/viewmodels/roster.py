"""Who is online, and who is in which room, as far as the server has told."""

from collections.abc import Iterable, Mapping

from chatnet.client.news import PresenceChanged
from chatnet.model import ConversationId, User, UserId


class Roster:
    """Asked for now and then; in between, news of the rooms that one is in keep it up to date."""

    def __init__(self) -> None:
        self._rooms: dict[ConversationId, dict[UserId, User]] = {}
        self._online: dict[UserId, User] = {}

    def is_online(self, user: UserId) -> bool:
        return user in self._online

    def inside(self, room: ConversationId) -> list[User]:
        """Who is in a room."""
        return list(self._rooms.get(room, {}).values())

    def online(self) -> list[User]:
        """Everybody who is online."""
        return list(self._online.values())

    def replace(self, rooms: Mapping[ConversationId, Iterable[User]], online: Iterable[User]) -> None:
        """It is like this now."""
        self._rooms = {id: {user.id: user for user in users} for id, users in rooms.items()}
        self._online = {user.id: user for user in online}

    def enter(self, room: ConversationId, users: Iterable[User]) -> None:
        """One is in this room now, with these people."""
        self._rooms[room] = {user.id: user for user in users}

    def leave(self, room: ConversationId) -> None:
        """One is not in this room any more."""
        self._rooms.pop(room, None)

    def change(self, news: PresenceChanged) -> None:
        """Some have come to a room, some have left it. Who is in none of one's own rooms counts as gone."""
        here = self._rooms.setdefault(news.conversation.id, {})
        here.update((user.id, user) for user in news.joined)
        self._online.update((user.id, user) for user in news.joined)
        for user in news.parted:
            here.pop(user.id, None)
            if not any(user.id in others for others in self._rooms.values()):
                self._online.pop(user.id, None)

    def rename(self, user: User) -> None:
        """A user has other names now."""
        for users in (self._online, *self._rooms.values()):
            if user.id in users:
                users[user.id] = user
