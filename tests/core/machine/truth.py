"""What should be so: people, places and memberships as plain dicts, for the machine to compare the hub with.

Nothing here is borrowed from the core but the vocabulary. Every method is one thing that happens, and returns the
refusal's code where it must not happen.
"""

from collections import Counter
from dataclasses import dataclass, field

from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.model import Kind, Room, User
from chatnet.requests import Post

LOBBY_ID = 1


@dataclass(eq=False)
class Person:
    """A guest. ``sessions`` are whatever stands for its connections."""

    id: int
    name: str
    display: str
    secret: bytes
    sessions: list[object] = field(default_factory=list)
    away_since: float = 0.0

    @property
    def user(self) -> User:
        return User(self.id, self.name, self.display)


@dataclass(eq=False)
class Place:
    """A room."""

    id: int
    name: str
    owner: int
    archived: bool = False
    private: bool = False
    belongs: dict[int, bool] = field(default_factory=dict)
    """Users who belong to it by what is stored, or (False) are invited only."""
    bans: dict[int, float] = field(default_factory=dict)
    """Until when; 0 is for ever."""
    held: set[int] = field(default_factory=set)
    """Users about whom an act waits for the store."""
    members: dict[int, int] = field(default_factory=dict)
    """Users in the order in which they came, with the number of their sessions here."""
    touched: set[int] = field(default_factory=set)
    """Who came or went in this turn."""
    told: set[int] = field(default_factory=set)
    """Members at the end of the last turn."""
    counted_at: float = 0.0

    @property
    def room(self) -> Room:
        return Room(self.id, self.name, self.owner, self.archived, len(self.members), "", self.private)


@dataclass(eq=False)
class Pair:
    """A personal chat."""

    id: int
    users: frozenset[int]
    ended: bool = False
    stored: bool = False
    """Has the hub heard that it is?"""


class Truth:
    """All of it."""

    def __init__(self, limits: Limits, *, is_open: bool) -> None:
        self.limits = limits
        self.is_open = is_open
        self.seconds = 0.0
        self.people: dict[int, Person] = {}
        self.rooms: dict[int, Place] = {LOBBY_ID: Place(LOBBY_ID, "lobby", 0)}
        self.chats: dict[int, Pair] = {}
        self.kept: set[int] = set()
        """Users whom the store has been asked to keep."""
        self.renaming: dict[int, str] = {}
        """Login names that wait for the store, by whose they will be."""
        self.making: list[tuple[str, int]] = []
        """Rooms that wait for the store: name and owner."""
        self.heads: dict[int, int] = {}
        """The last seq of which the hub has heard, by conversation."""
        self.under_way: dict[int, int] = {}
        """Messages that wait for the store, by conversation."""
        self.marks: dict[tuple[int, int], tuple[int, int]] = {}
        self.large: set[Place] = set()
        """Rooms that must be told how many are in them."""

    # -- people -----------------------------------------------------------------------------------------------

    def named(self, name: str) -> Person | None:
        """Who has this name?"""
        return next((p for p in self.people.values() if p.name.lower() == name.lower()), None)

    def room_named(self, name: str) -> Place | None:
        """The room of this name."""
        return next((r for r in self.rooms.values() if r.name.lower() == name.lower()), None)

    def refuse_login(self, is_local: bool, name: str, secret: bytes) -> ErrorCode | None:
        """May somebody log in?"""
        if not (is_local or self.is_open):
            return ErrorCode.FORBIDDEN
        if not name[:1].isalnum():
            return ErrorCode.BAD_NAME
        holder = self.named(name)
        if holder is None:
            return ErrorCode.NAME_IN_USE if self.will_be_taken(name) else None
        return ErrorCode.NAME_IN_USE if holder.secret != secret else None

    def refuse_rename(self, person: Person, name: str) -> ErrorCode | None:
        """May somebody be called that?"""
        if person.id in self.renaming:
            return ErrorCode.RETRY_AFTER
        if not name[:1].isalnum():
            return ErrorCode.BAD_NAME
        holder = self.named(name)
        if holder is None:
            return ErrorCode.NAME_IN_USE if self.will_be_taken(name) else None
        return ErrorCode.NAME_IN_USE if holder is not person else None

    def will_be_taken(self, name: str) -> bool:
        """Does somebody wait for the store to have this name?"""
        return name.lower() in (wanted.lower() for wanted in self.renaming.values())

    def forget_guests(self, now: float) -> list[Place]:
        """Guests who were away for too long are gone. Returns the rooms that change hands."""
        changed: list[Place] = []
        hold = self.limits.guest_hold_seconds
        away = sorted((p for p in self.people.values() if not p.sessions), key=lambda p: p.away_since)
        for person in away:
            if now - person.away_since >= hold:
                changed += self._forget(person)
        return changed

    def _forget(self, person: Person) -> list[Place]:
        del self.people[person.id]
        self.marks = {k: v for k, v in self.marks.items() if k[1] != person.id or k[0] in self.chats}
        self.making = [(name, 0 if owner == person.id else owner) for name, owner in self.making]
        for chat in [c for c in self.chats.values() if person.id in c.users]:
            others = chat.users - {person.id}
            if not (others & self.people.keys()) or not (self.heads.get(chat.id) or self.under_way.get(chat.id)):
                del self.chats[chat.id]
            else:
                chat.ended = True
        for room in self.rooms.values():
            room.belongs.pop(person.id, None)
            room.bans.pop(person.id, None)
        changed = [r for r in self.rooms.values() if r.owner == person.id]
        for room in changed:
            room.owner = next(iter(room.members), 0)
        return changed

    def forget_unused(self, being_put: Counter[int]) -> None:
        """The oldest chats in which nothing was said are gone, if there are too many and nothing waits for them."""
        unused = [chat for chat in self.chats.values() if not self.heads.get(chat.id)]
        for chat in unused[: max(0, len(unused) - self.limits.unused_chats)]:
            if not self.under_way.get(chat.id) and (chat.stored or not being_put[chat.id]):
                del self.chats[chat.id]

    # -- rooms ------------------------------------------------------------------------------------------------

    def enter(self, room: Place, user: int) -> None:
        """One more session of a user is in a room."""
        if user not in room.members:
            room.touched.add(user)
        room.members[user] = room.members.get(user, 0) + 1
        if not room.owner and room.id != LOBBY_ID:
            room.owner = user

    def leave(self, room: Place, user: int) -> None:
        """One session fewer."""
        room.members[user] -= 1
        if not room.members[user]:
            room.touched.add(user)
            del room.members[user]

    def refuse_room(self, user: int, name: str) -> ErrorCode | None:
        """May a user make a room of this name?"""
        if not name[:1].isalnum():
            return ErrorCode.BAD_NAME
        if self.room_named(name) or any(n.lower() == name.lower() for n, _ in self.making):
            return ErrorCode.ROOM_EXISTS
        owned = [r for r in self.rooms.values() if r.owner == user] + [m for m in self.making if m[1] == user]
        return ErrorCode.TOO_MANY_ROOMS if len(owned) >= self.limits.rooms_per_guest else None

    def take_changes(self) -> list[tuple[Place, list[User], list[int]]]:
        """The turn ends: which small rooms are told who joined and parted?"""
        told = []
        for room in self.rooms.values():
            now, touched = set(room.members), room.touched
            joined, parted = sorted(now - room.told), sorted(room.told - now)
            room.told, room.touched = now, set()
            if touched and max(len(now), len(touched)) > self.limits.presence_members:
                self.large.add(room)
            elif joined or parted:
                told.append((room, [self.people[id].user for id in joined], parted))
        return told

    def take_counts(self, now: float) -> list[Place]:
        """Which large rooms are told how many are in them?"""
        due = [room for room in self.large if now - room.counted_at >= self.limits.presence_seconds]
        for room in due:
            self.large.discard(room)
            room.counted_at = now
        return due

    # -- conversations ----------------------------------------------------------------------------------------

    def may_read(self, user: int, conversation: int) -> bool:
        """A chat that one is in, or a room: but not if one is banned, and a private one only if one belongs there."""
        room = self.rooms.get(conversation)
        if room is None:
            return conversation in self.chats and user in self.chats[conversation].users
        belongs = user in room.belongs or user == room.owner
        return not self.is_banned(user, room) and (belongs or not room.private)

    def is_banned(self, user: int, room: Place) -> bool:
        """Does a ban hold just now?"""
        return user in room.bans and (not room.bans[user] or self.seconds < room.bans[user])

    def refuse_reading(self, user: int, conversation: int, code: ErrorCode) -> ErrorCode | None:
        """Why may somebody not read this? ``code`` is for what does not exist, or is to look so."""
        if self.may_read(user, conversation):
            return None
        room = self.rooms.get(conversation)
        return ErrorCode.BANNED if room and not room.private and self.is_banned(user, room) else code

    def chat_of(self, one: int, other: int) -> Pair | None:
        """The chat of these two."""
        return next((c for c in self.chats.values() if c.users == {one, other}), None)

    def refuse_content(self, post: Post) -> ErrorCode | None:
        """Could this be said anywhere?"""
        if len(post.body.encode()) > 16 * 1024:
            return ErrorCode.TOO_LONG
        if not post.body or any(ord(c) < 32 and c not in "\n\t" for c in post.body):
            return ErrorCode.BAD_TEXT
        return ErrorCode.FORBIDDEN if post.kind in (Kind.FILE, Kind.SYSTEM) else None

    def refuse_post(self, user: int, post: Post) -> ErrorCode | None:
        """May it be said here and now?"""
        id = post.conversation
        code = self.refuse_reading(user, id, ErrorCode.NO_SUCH_CONVERSATION)
        if code is not None:
            return code
        if id in self.chats and self.chats[id].ended:
            return ErrorCode.NO_SUCH_USER
        if post.reference > self.heads.get(id, 0) or (post.kind is Kind.ANSWER and not post.reference):
            return ErrorCode.BAD_REQUEST
        return ErrorCode.ROOM_ARCHIVED if id in self.rooms and self.rooms[id].archived else None

    def read_own(self, conversation: int, said: list[tuple[int, int]]) -> None:
        """Who says something to another with nothing unread has read that as well."""
        if conversation in self.chats and len(self.chats[conversation].users) == 2:
            for user, seq in said:
                delivered, read = self.marks.get((conversation, user), (0, 0))
                if read == seq - 1:
                    self.marks[conversation, user] = (max(delivered, seq), seq)

    def mark(self, user: int, conversation: int, delivered: int, read: int) -> tuple[int, int] | None:
        """How far the marks of a user would move; None where they would not."""
        if conversation in self.chats and len(self.chats[conversation].users) == 1:
            return None
        before, head = self.marks.get((conversation, user), (0, 0)), self.heads.get(conversation, 0)
        far_read = max(before[1], min(read, head))
        new = (max(before[0], far_read, min(delivered, head)), far_read)
        return None if new == before else new
