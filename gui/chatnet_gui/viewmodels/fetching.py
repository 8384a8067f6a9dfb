"""What is asked of the server for the windows. These functions run in the client's thread and share nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from chatnet import Client
from chatnet.errors import Refused
from chatnet.model import Conversation, ConversationId, Message, Seq, User


@dataclass(frozen=True, slots=True)
class Entered:
    """Where one is, and who else."""

    conversations: list[Conversation] = field(default_factory=list)
    people: dict[ConversationId, list[User]] = field(default_factory=dict)
    """By room."""
    online: list[User] = field(default_factory=list)
    refused: str = ""
    """Why one is not in a room."""


def enter(chat: Client, rooms: Iterable[str]) -> Entered:
    """Be in these rooms, and look around."""
    refused = ""
    for room in rooms:
        try:
            chat.join(room)
        except Refused as error:
            refused = error.message
    conversations = chat.conversations()
    people: dict[ConversationId, list[User]] = {}
    for conversation in conversations:
        if conversation.room is not None:
            try:
                people[conversation.id] = chat.who(conversation.room.name)
            except Refused:
                continue  # the room has gone since
    return Entered(conversations, people, chat.who(), refused)


def fetch(chat: Client, conversation: ConversationId, low: Seq, high: Seq) -> list[Message]:
    """The messages of a range, without a gap; fewer only where the server keeps no more.

    A reply holds as many as fit into a frame, so long messages take several.
    """
    found: list[Message] = []
    while low <= high:
        half = (high - low + 1) // 2
        page = [message for message in chat.around(conversation, low + half, half) if low <= message.seq <= high]
        if not page:
            break
        found += page
        low = page[-1].seq + 1
    return found
