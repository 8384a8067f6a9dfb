"""A whole conversation as JSON lines, or as one page of HTML that needs nothing else.

All text on the page was written by others, so every piece of it goes through `html.escape`; the page has no script,
refers to nothing outside itself, and tells the browser to load nothing. What a terminal would act upon, or not show, is
written as a character reference: the same to a browser, and harmless where the page's source is looked at.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from html import escape

from chatnet.model import Conversation, Kind, Message, User
from chatnet_cli.output import as_json
from chatnet_cli.render import message_object, moment_of, shared, shown_name
from chatnet_cli.safe_text import safe_name

_STYLE = """\
:root { color-scheme: light dark; --ink: #1c1e21; --paper: #fff; --faint: #666; --line: #ddd; --name: #0b57a4 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --paper: #16181a; --faint: #999; --line: #333; --name: #7db7f0 }
}
body { color: var(--ink); background: var(--paper); font: 16px/1.45 system-ui, sans-serif; margin: 0 }
main { max-width: 46rem; margin: 0 auto; padding: 1rem }
h2 { font-size: 1rem; color: var(--faint); border-bottom: 1px solid var(--line); margin: 2rem 0 .5rem }
p { margin: .35rem 0; white-space: pre-wrap; overflow-wrap: anywhere }
time, .none { color: var(--faint); font-size: .85rem }
b { color: var(--name) }
"""
_HEAD = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
"""
_FOOT = "</main>\n</body>\n</html>\n"


def json_lines(messages: Iterable[Message], conversation: Conversation, me: User) -> Iterator[str]:
    """One object a line, the same as ``history --json`` prints."""
    for message in messages:
        yield as_json(message_object(message, conversation, me)) + "\n"


def html_page(messages: Iterable[Message], conversation: Conversation, me: User) -> Iterator[str]:
    """The page, piece by piece; days and times are those of this machine's time zone."""
    yield _HEAD.format(title=_text(_title(conversation, me)), style=_STYLE)
    day: str | None = None
    for message in messages:
        moment = moment_of(message.time, None)
        today = "an unknown day" if moment is None else f"{moment:%A, %d %B %Y}"
        if today != day:
            day = today
            yield f"<h2>{escape(today)}</h2>\n"
        yield _paragraph(message, moment)
    if day is None:
        yield '<p class="none">Nothing was said here.</p>\n'
    yield _FOOT


def _title(conversation: Conversation, me: User) -> str:
    if conversation.room is not None:
        return f"The room {safe_name(conversation.room.name)}"
    other = me if conversation.peer is None else conversation.peer
    return f"{shown_name(me.name)} and {shown_name(other.name)}"


def _paragraph(message: Message, moment: datetime | None) -> str:
    clock = "??:??" if moment is None else f"{moment:%H:%M}"
    utc = "" if moment is None else f' datetime="{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"'
    who, body = _text(shown_name(message.name, message.display)), _text(message.body)
    if message.kind is Kind.ACTION:
        said = f"<i>* <b>{who}</b> {body}</i>"
    elif message.kind is Kind.FILE:
        said = f"<i>* <b>{who}</b> {_text(shared(message.file))}</i>" + (f": {body}" if body else "")
    elif message.kind is Kind.SYSTEM:
        said = f"<i>-- {body}</i>"
    else:
        said = f"<b>{who}</b> {body}"
    return f'<p id="m{message.seq}"><time{utc}>{clock}</time> <bdi>{said}</bdi></p>\n'


_NOT_ASCII = re.compile("[^\n\t -~]")


def _text(text: str) -> str:
    return _NOT_ASCII.sub(lambda match: _character(match[0]), escape(text))


@lru_cache(maxsize=4096)
def _character(char: str) -> str:
    """As it is, as a reference, or written out: HTML has no references to control characters (section 13.5)."""
    shown = safe_name(char)
    return shown if shown == char or unicodedata.category(char) in ("Cc", "Cs") else f"&#x{ord(char):x};"
