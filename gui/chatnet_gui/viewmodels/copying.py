"""What was said as plain text, for the clipboard: from the history, so that it matters not what the window shows."""

from collections.abc import Callable, Iterable
from datetime import datetime

from chatnet.errors import ChatnetError
from chatnet.model import Kind, Message, Seq
from chatnet_gui.viewmodels.conversation import ConversationModel
from chatnet_gui.viewmodels.fetching import fetch
from chatnet_gui.viewmodels.questions import Questions
from chatnet_gui.viewmodels.segments import line, plain

MOST_MESSAGES = 100_000
_PAGE = 1000

Done = Callable[[str, int], None]
"""The text, and how many messages it has."""


class Copier:
    """``failed`` is called with why it could not be had."""

    def __init__(self, questions: Questions, failed: Callable[[ChatnetError], None]) -> None:
        self._questions, self._failed = questions, failed

    def copy(self, model: ConversationModel, low: Seq, high: Seq, done: Done) -> None:
        """Get the text of these messages, the newest `MOST_MESSAGES` of them, a page at a time."""
        self._copy(model, max(low, model.first, high - MOST_MESSAGES + 1), high, [], done)

    def _copy(self, model: ConversationModel, low: Seq, high: Seq, parts: list[Message], done: Done) -> None:
        last = min(high, low + _PAGE - 1)

        def got(page: object) -> None:
            assert isinstance(page, list)
            parts.extend(page)
            if last < high:
                self._copy(model, last + 1, high, parts, done)
            else:
                done(as_text(parts), len(parts))

        id = model.info.id
        if model.has(low) and model.has(last):
            got([message for message in model.messages if low <= message.seq <= last])
        else:
            self._questions.ask(lambda chat: fetch(chat, id, low, last), got, self._failed)


def as_text(messages: Iterable[Message]) -> str:
    """One message after the other, each with its time and its sender."""
    return "".join(f"{message_text(message)}\n" for message in messages)


def message_text(message: Message) -> str:
    """One message."""
    when = f"{datetime.fromtimestamp(message.time / 1000):%Y-%m-%d %H:%M}"
    name, body = line(message.name), plain(message.body.rstrip("\n"))
    if message.kind == Kind.ACTION:
        return f"[{when}] * {name} {body}"
    if message.kind == Kind.FILE:
        file = line(message.file.name) if message.file is not None else "a file that is gone"
        return f"[{when}] {name}: <{file}> {body}".rstrip()
    return f"[{when}] {name}: {body}"
