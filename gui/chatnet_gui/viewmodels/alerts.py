"""What calls for attention while no window has the focus: personal messages, and those that name oneself."""

from dataclasses import dataclass

from chatnet.client.news import Incoming
from chatnet.model import ConversationId, Kind
from chatnet_gui.viewmodels.segments import line

_CHARACTERS = 160
_MOST = 3
"""One after the other; of more, only how many there are is said."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One notification. Harmless to show, but for markup, which depends on who shows it."""

    conversation: ConversationId
    title: str
    text: str


def alert_of(news: Incoming) -> Alert:
    """What to say about a message."""
    message = news.message
    name = line(message.display or message.name)
    where = f" in {line(news.room)}" if news.room else ""
    text = line(message.body)
    if message.kind == Kind.FILE:
        file = f"sent a file: {line(message.file.name)}" if message.file is not None else "sent a file"
        text = f"{file} {text}"
    elif message.kind == Kind.ACTION:
        text = f"* {name} {text}"
    return Alert(news.conversation.id, f"{name}{where}", _shortened(text.strip()))


def joined(alerts: list[Alert]) -> list[Alert]:
    """The same, but never very many: what was missed in a lost connection comes all at once."""
    if len(alerts) <= _MOST:
        return alerts
    names = list(dict.fromkeys(alert.title for alert in alerts))
    who = ", ".join(names[:_MOST]) + (" and others" if len(names) > _MOST else "")
    return [Alert(alerts[-1].conversation, f"{len(alerts)} new messages", _shortened(who))]


def _shortened(text: str) -> str:
    return text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 1]}…"
