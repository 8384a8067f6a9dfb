"""What a client knows of its server: itself, conversations, people, and who is in which room.

All of it is copied from what the server said, in the order in which it said it, so it is never newer than the news
that the application got. What is looked up by *name* is forgotten with every connection: while nobody listened,
somebody else may have taken the name, and must not get what was meant for another.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from chatnet.auth.names import fold
from chatnet.client.outbox import Target, ToRoom, ToUser
from chatnet.events import (
    ConversationPage,
    Deliver,
    Done,
    Event,
    Following,
    Joined,
    Marked,
    Opened,
    Presence,
    Removed,
    Renamed,
    RoomChanged,
    Started,
    Truncated,
    UserPage,
)
from chatnet.model import Conversation, ConversationId, Seq, User, UserId
from chatnet.requests import ListUsers, Part, Rename, Request


class Cache:
    """Filled by `learn`; read by everybody else."""

    def __init__(self, me: User) -> None:
        self.me = me
        """Oneself; with the id 0 until a server has said which."""
        self.conversations: dict[ConversationId, Conversation] = {}
        self.people: dict[UserId, User] = {}
        self.present: dict[ConversationId, dict[UserId, None]] = {}
        """Who is in a room, as far as this client was told; whole once all pages of a `ListUsers` have come."""
        self._fresh: set[ConversationId] = set()
        """Conversations that were told of over this connection."""
        self._names: dict[Target, ConversationId] = {}
        self._chats: dict[UserId, ConversationId] = {}

    # -- questions --------------------------------------------------------------------------------------------

    def find(self, target: Target) -> ConversationId | None:
        """The conversation of this name, if it was seen over this connection."""
        return self._names.get(_key(target))

    def is_fresh(self, conversation: ConversationId) -> bool:
        """Was everything about this conversation told over this connection?"""
        return conversation in self._fresh

    def users_in(self, room: ConversationId) -> list[User]:
        """The users who are known to be in a room."""
        return [self.people[id] for id in self.present.get(room, {})]

    # -- forgetting -------------------------------------------------------------------------------------------

    def connection_lost(self) -> None:
        """From here on names and places change without being heard of."""
        self._names.clear()
        self._fresh.clear()
        self.present.clear()

    def forget(self) -> None:
        """It is another server: ids mean nothing there."""
        self.connection_lost()
        self.me = replace(self.me, id=0)
        self.conversations.clear()
        self.people.clear()
        self._chats.clear()

    def forget_name(self, target: Target) -> None:
        """The server says that this name does not lead anywhere any more."""
        self._names.pop(_key(target), None)

    # -- learning ---------------------------------------------------------------------------------------------

    def log_in(self, me: User) -> None:
        """Be this user."""
        self.me = me
        self._meet(me)

    def learn(self, event: Event) -> None:
        """Take over what an event tells. A personal chat's messages are no news about its names."""
        match event:
            case Deliver(id, messages):
                self._extend(id, messages[-1].seq if messages else 0)
            case Presence():
                self._presence(event)
            case Opened(conversation=conversation) | Started(conversation):
                self._put(conversation)
            case Joined(room=room, first=first, head=head):
                known = self.conversations.get(room.id, Conversation(room.id, room, None))
                self._put(replace(known, room=room, first=first, head=head))
            case ConversationPage(conversations=conversations):
                for conversation in conversations:
                    self._put(conversation)
            case Following(conversation=id, first=first, head=head) if id in self.conversations:
                self._put(replace(self.conversations[id], first=first, head=head))
            case Truncated(id, first) if id in self.conversations:
                self._put(replace(self.conversations[id], first=first))
            case Marked(conversation=id) if id in self.conversations:
                self._move_marks(self.conversations[id], event)
            case RoomChanged(room) if room.id in self.conversations:
                self._put(replace(self.conversations[room.id], room=room))
            case Renamed(user):
                self._rename(user)
            case Removed(conversation=id):
                self.present.pop(id, None)

    def learn_answer(self, request: Request, reply: Event) -> None:
        """Take over what a reply tells only together with its request."""
        match request, reply:
            case ListUsers(room=room), UserPage(users=users):
                for user in users:
                    self._meet(user)
                if room:
                    self._enter(room, (user.id for user in users))
            case Rename(name=name, display=display), Done():
                self._rename(replace(self.me, name=name, display=display))
            case Part(conversation=id), Done():
                self.present.pop(id, None)

    def _put(self, conversation: Conversation) -> None:
        id, room, peer = conversation.id, conversation.room, conversation.peer
        self.conversations[id] = conversation
        self._fresh.add(id)
        if room is not None:
            self._names[_key(ToRoom(room.name))] = id
        elif peer is not None:
            self._chats[peer.id] = id
            if peer.name:
                self._meet(peer)
                self._names[_key(ToUser(peer.name))] = id

    def _extend(self, id: ConversationId, head: Seq) -> None:
        conversation = self.conversations.get(id)
        if conversation is not None and head > conversation.head:
            self.conversations[id] = replace(conversation, head=head)

    def _move_marks(self, known: Conversation, marked: Marked) -> None:
        """In a chat with oneself both positions are one's own."""
        if marked.user == self.me.id:
            known = replace(known, delivered=max(known.delivered, marked.delivered), read=max(known.read, marked.read))
        if known.peer is not None and marked.user == known.peer.id:
            delivered, read = max(known.peer_delivered, marked.delivered), max(known.peer_read, marked.read)
            known = replace(known, peer_delivered=delivered, peer_read=read)
        self.conversations[known.id] = known

    def _presence(self, event: Presence) -> None:
        for user in event.joined:
            self._meet(user)
        self._enter(event.conversation, (user.id for user in event.joined))
        present = self.present[event.conversation]
        for id in event.parted:
            present.pop(id, None)
        conversation = self.conversations.get(event.conversation)
        if conversation is not None and conversation.room is not None:
            room = replace(conversation.room, members=event.members)
            self.conversations[conversation.id] = replace(conversation, room=room)

    def _enter(self, room: ConversationId, users: Iterable[UserId]) -> None:
        self.present.setdefault(room, {}).update(dict.fromkeys(users))

    def _meet(self, user: User) -> None:
        """Note a user, and that nobody else has this name now."""
        self.people[user.id] = user
        holder = self._names.get(_key(ToUser(user.name)))
        if holder is not None and holder != self._chats.get(user.id):
            self.forget_name(ToUser(user.name))

    def _rename(self, user: User) -> None:
        before = self.people.get(user.id)
        if before is not None:
            self.forget_name(ToUser(before.name))
        if self.me.id == user.id:
            self.me = user
        self._meet(user)
        chat = self.conversations.get(self._chats.get(user.id, 0))
        if chat is not None:
            self._put(replace(chat, peer=user))


def _key(target: Target) -> Target:
    match target:
        case ToUser(name):
            return ToUser(fold(name))
        case ToRoom(name):
            return ToRoom(fold(name))
        case _:
            return target
