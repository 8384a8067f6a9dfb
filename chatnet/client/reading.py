"""What was said before, page by page: backward from the newest, onward from any message, and from a moment on."""

from collections.abc import Iterator
from functools import partial

from chatnet.client.asking import request
from chatnet.client.driver import Driver
from chatnet.events import HistoryPage
from chatnet.model import Conversation, ConversationId, Message, Seq
from chatnet.requests import GetHistory

MOST = 1000
"""Messages that a server gives at once."""


def newest(driver: Driver, conversation: ConversationId, limit: int, before: Seq) -> list[Message]:
    """The last ``limit`` messages before ``before`` (0: of all), oldest first; fewer where the server keeps no more."""
    messages: list[Message] = []
    while len(messages) < limit:
        count = min(limit - len(messages), MOST)
        make = partial(GetHistory, conversation=conversation, before=before, limit=count)
        page = request(driver, HistoryPage, make)
        messages = page.messages + messages
        if not page.messages or page.messages[0].seq <= page.first:
            break
        before = page.messages[0].seq
    return messages


def onward(driver: Driver, conversation: ConversationId, after: Seq, at_once: int = MOST) -> Iterator[Message]:
    """All messages after ``after``, oldest first; asks for at most ``at_once`` in one request."""
    while True:
        make = partial(GetHistory, conversation=conversation, after=after, limit=min(at_once, MOST))
        page = request(driver, HistoryPage, make)
        yield from page.messages
        if not page.messages or page.messages[-1].seq >= page.head:
            return
        after = page.messages[-1].seq


def seq_before(driver: Driver, conversation: Conversation, time: int) -> Seq:
    """The last message that the server got before ``time`` (milliseconds since 1970 UTC); found by halving."""
    low, high = conversation.first - 1, conversation.head
    while low < high:
        middle = (low + high + 1) // 2
        make = partial(GetHistory, conversation=conversation.id, after=middle - 1, limit=1)
        messages = request(driver, HistoryPage, make).messages
        if messages and messages[0].time < time:
            low = middle
        else:
            high = middle - 1
    return low
