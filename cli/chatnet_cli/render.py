"""Messages, people and rooms as lines for people, and as objects for programs.

Lines are neutralised here (see `safe_text`) and only here; objects carry what was said as it was said.
"""

from datetime import UTC, date, datetime, tzinfo

from chatnet.client.receipts import Receipt
from chatnet.model import Conversation, Kind, Message, Role, Room, SharedFile, User
from chatnet.quantities import show_size
from chatnet_cli.output import Style
from chatnet_cli.safe_text import safe_body, safe_name

_UNKNOWN_TIME = "??:??"


def shown_name(name: str, display: str = "") -> str:
    """``Alice Smith (alice)``: never a display name alone, since anybody may take any."""
    return f"{safe_name(display)} ({safe_name(name)})" if display else safe_name(name)


def shown_user(user: User) -> str:
    return shown_name(user.name, user.display)


def shown_place(conversation: Conversation) -> str:
    """Where something is said: a room's name, or the other user's."""
    if conversation.room is not None:
        return safe_name(conversation.room.name)
    return "" if conversation.peer is None else shown_user(conversation.peer)


def message_line(message: Message, conversation: Conversation, me: User, today: date, style: Style) -> str:
    """One message as people read it: ``[12:18] lobby <alice> hi``, ``[12:18] alice -> bob: hi``."""
    stamp = style.dim(f"[{shown_time(message.time, today)}]")
    who = shown_name(message.name, message.display)
    body = safe_body(message.body)
    said = style.bold(who)
    if conversation.room is None:
        other = me if message.sender != me.id or conversation.peer is None else conversation.peer
        place, line = f"{said} -> {shown_user(other)}", f": {body}"
    else:
        place, line = shown_place(conversation), f" <{said}> {body}"
    if message.kind is Kind.ACTION:
        line = f" * {who} {body}"
    elif message.kind is Kind.FILE:
        line = f" * {who} {shared(message.file)}" + (f': "{body}"' if body else "")
    elif message.kind is Kind.SYSTEM:
        line = f" -- {body}"
    return f"{stamp} {place}{line}"


def shared(file: SharedFile | None) -> str:
    """What a message of the kind FILE is about: ``shared video.mkv (1.4 GiB), file 55``."""
    if file is None:
        return "shared a file that is gone"
    return f"shared {safe_name(file.name)} ({show_size(file.size)}), file {file.id}"


def message_object(message: Message, conversation: Conversation, me: User) -> dict[str, object]:
    """One message as programs read it."""
    return {
        "conversation": conversation.id,
        **place_object(conversation),
        "seq": message.seq,
        **times_object(message.time),
        "sender": {"id": message.sender, "name": message.name, "display": message.display},
        "own": message.sender == me.id,
        "kind": Kind(message.kind).name.lower(),
        "text": message.body,
        "reference": message.reference or None,
        "file": None if message.file is None else file_object(message.file),
    }


def file_object(file: SharedFile) -> dict[str, object]:
    """The file of a message as programs read it; who shared it and when stands with the message."""
    return {
        "id": file.id,
        "name": file.name,
        "size": file.size,
        "sha256": file.digest.hex(),
        "fetched": file.fetched,
    }


def room_line(room: Room) -> str:
    """One room as people read it: ``ops  3 online  archived  all about web1``."""
    marks = ("  private" if room.private else "") + ("  archived" if room.archived else "")
    topic = f"  {safe_name(room.topic)}" if room.topic else ""
    return f"{safe_name(room.name)}  {room.members} online{marks}{topic}"


def user_object(user: User) -> dict[str, object]:
    return {"id": user.id, "name": user.name, "display": user.display, "guest": user.role == Role.GUEST}


def room_object(room: Room) -> dict[str, object]:
    return {
        "conversation": room.id,
        "room": room.name,
        "members": room.members,
        "owner": room.owner or None,
        "archived": room.archived,
        "private": room.private,
        "topic": room.topic,
    }


def receipt_object(receipt: Receipt) -> dict[str, object]:
    """Where and when a sent message was stored, and how far it has got: stored, delivered or read."""
    return {
        "conversation": receipt.conversation,
        "seq": receipt.seq,
        **times_object(receipt.time),
        "reached": receipt.reached,
    }


def place_object(conversation: Conversation) -> dict[str, object]:
    """Where something is said: ``room``, or ``with``."""
    if conversation.room is not None:
        return {"room": conversation.room.name}
    return {"with": None if conversation.peer is None else conversation.peer.name}


def times_object(milliseconds: int) -> dict[str, object]:
    """The same moment twice: ISO 8601 in UTC (null where no calendar has it), and milliseconds since 1970."""
    moment = moment_of(milliseconds, UTC)
    iso = None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"time": iso, "time_ms": milliseconds}


def shown_time(milliseconds: int, today: date) -> str:
    """``12:18`` today, ``2026-05-03 12:18`` on other days."""
    moment = moment_of(milliseconds, None)
    if moment is None:
        return _UNKNOWN_TIME
    return f"{moment:%H:%M}" if moment.date() == today else f"{moment:%Y-%m-%d %H:%M}"


def moment_of(milliseconds: int, zone: tzinfo | None) -> datetime | None:
    """The calendar's name for a moment, in a zone or (None) where this machine is; None if it has none."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, zone)
    except (OverflowError, ValueError, OSError):
        return None
