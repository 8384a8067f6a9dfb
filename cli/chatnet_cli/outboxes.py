"""What waits to be sent: outboxes on disk, one set for each account or guest."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from chatnet.client.news import PostRefused, Stored
from chatnet_cli.output import talk
from chatnet_cli.safe_text import safe_name

if TYPE_CHECKING:
    from chatnet import Client
    from chatnet.client.outbox import Draft
    from chatnet.client.spool import DiskOutbox, Spool

_SHOWN = 60
"""Characters of a message, where it is only to be recognised."""


def spool_of(folder: Path) -> "Spool":
    """The outboxes in a folder. Imported only here: most commands need no database."""
    from chatnet.client.spool import Spool

    return Spool(folder)


def drain(spool: "Spool", connect: "Callable[[DiskOutbox], Client]") -> list[PostRefused]:
    """Send all that waits and that no other process is about to send; returns what will never be sent, and says so.

    :raises ChatnetError: it could not be sent now; it still waits.
    """
    refused: list[PostRefused] = []
    for outbox in spool.waiting():
        with outbox:
            refused += [answer for answer in drain_one(outbox, connect(outbox)) if isinstance(answer, PostRefused)]
    return refused


def drain_one(outbox: "DiskOutbox", chat: "Client", but: int = 0) -> list[Stored | PostRefused]:
    """Connect ``chat``, and wait until the server has answered for all that is in its outbox.

    Says what will never be sent, ``but`` one message of which the caller does.
    """
    drafts = {draft.n: draft for draft in outbox}
    with chat:
        chat.flush()
        answers = [news for news in chat.events(0) if isinstance(news, Stored | PostRefused)]
    for answer in answers:
        if isinstance(answer, PostRefused) and answer.n in drafts and answer.n != but:
            talk(f"chatnet: not sent, and given up: {draft_line(drafts[answer.n])}\n  {safe_name(answer.reason)}")
    return answers


def draft_line(draft: "Draft") -> str:
    """One waiting message as people read it: ``to bob: hi``."""
    text = draft.body if len(draft.body) <= _SHOWN else draft.body[: _SHOWN - 3] + "..."
    place, name = where(draft)
    file = f"file {draft.file}" + (", " if text else "") if draft.file else ""
    return f"{'to' if place == 'to' else 'in'} {safe_name(name)}: {file}{safe_name(text)}"


def draft_object(draft: "Draft") -> dict[str, object]:
    """One waiting message as programs read it."""
    place, name = where(draft)
    return {place: name, "kind": draft.kind.name.lower(), "text": draft.body, "file": draft.file or None}


def where(draft: "Draft") -> tuple[str, str]:
    """Where a message goes, as the options of ``send`` name it."""
    from chatnet.client.outbox import ToRoom, ToUser

    match draft.target:
        case ToUser(name):
            return "to", name
        case ToRoom(name):
            return "room", name
        case target:
            return "conversation", str(target.id)
