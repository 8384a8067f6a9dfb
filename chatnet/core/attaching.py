"""Messages leave the core with the files that they share; stores and tails keep them without.

So what is told of a file is always as it is now: how often it was fetched, and that it is gone.
"""

from msgspec.structs import replace

from chatnet.core.entities import ConversationState
from chatnet.model import Kind, Message

FILE_BYTES = 400
"""At least the bytes of an encoded file: numbers, a digest, and two names of at most 255 and 32 bytes."""


def with_files(conversation: ConversationState, messages: list[Message]) -> list[Message]:
    """The messages, with what each shares."""
    if conversation.shelf is None:
        return messages
    return [with_file(conversation, message) if message.kind is Kind.FILE else message for message in messages]


def with_file(conversation: ConversationState, message: Message) -> Message:
    """A message with what it shares, if that is still there."""
    file = conversation.shelf.posted.get(message.seq) if conversation.shelf is not None else None
    return message if file is None else replace(message, file=file.file)
