"""Shared files as lines for people and as objects for programs: what ``chatnet files`` prints."""

from datetime import date

from chatnet.model import Conversation, SharedFile
from chatnet.quantities import show_size
from chatnet_cli.render import file_object, place_object, shown_name, shown_place, shown_time, times_object
from chatnet_cli.safe_text import safe_name


def file_line(file: SharedFile, place: Conversation | None, today: date) -> str:
    """``55  video.mkv  1.4 GiB  alice  12:18  fetched 3 times  9f86...``, behind the place if that is not clear."""
    where = f"{shown_place(place)}  " if place is not None else ""
    who, when = shown_name(file.sender_name), shown_time(file.time, today)
    often = "once" if file.fetched == 1 else f"{file.fetched} times" if file.fetched else "never"
    name, size = safe_name(file.name), show_size(file.size)
    return f"{where}{file.id}  {name}  {size}  {who}  {when}  fetched {often}  {file.digest.hex()}"


def listed_object(file: SharedFile, place: Conversation | None) -> dict[str, object]:
    """One file with all that is known of it; ``seq`` is the message that shares it."""
    return {
        **file_object(file),
        "sender": {"id": file.sender, "name": file.sender_name},
        **times_object(file.time),
        "conversation": file.conversation,
        **({} if place is None else place_object(place)),
        "seq": file.seq or None,
    }
