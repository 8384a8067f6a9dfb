"""All that the core must know before it can start, each row of it verified.

What is damaged here is not worked around: with a user, a room or a head that is not what was kept, the server would go
on wrongly and nobody would notice. So it is with all that says who may do what: not one ban, token, invitation or
membership is left out, and a server that cannot read them all does not start. Nor is one file: the content that no row
refers to is removed for good. Messages themselves are not looked at, nor are the lines of the audit log but for the
newest: a damaged one is found when it is read.
"""

import sqlite3
from collections.abc import Callable
from typing import Any

from chatnet.core.entries import PutChat, PutMember, PutRoom, SavedConversation, Snapshot
from chatnet.store.failures import DamagedRow
from chatnet.store.records import (
    NEXT_CONVERSATION,
    NEXT_DEED,
    NEXT_FILE,
    NEXT_TOKEN,
    NEXT_UPLOAD,
    NEXT_USER,
    SECRET,
    SERVER_ID,
    to_ban,
    to_chat,
    to_file,
    to_invitation,
    to_marks,
    to_member,
    to_room,
    to_token,
    to_upload,
    to_user,
)
from chatnet.store.rows import (
    BANS,
    CHATS,
    DEEDS,
    DEVICES,
    FILES,
    HEADS,
    INVITATIONS,
    MARKS,
    MEMBERS,
    META,
    ROOMS,
    TOKENS,
    UPLOADS,
    USERS,
    check_structure,
    sound_rows,
)
from chatnet.store.schema import SEQ_BITS

_SERVER_ID_BYTES = 16
_SECRET_BYTES = 32
_SET_ASIDE = 10_000
"""Numbers that a run may give out without storing anything; there are enough for 200,000 starts."""
_TABLES = (META, USERS, ROOMS, CHATS, HEADS, MARKS, DEVICES, TOKENS, INVITATIONS, MEMBERS, BANS, DEEDS, UPLOADS, FILES)
_NO_NEWEST_MESSAGE = f"""
    SELECT conversation, head FROM heads
    WHERE head >= first AND NOT EXISTS (SELECT * FROM messages WHERE id = (conversation << {SEQ_BITS} | head))
"""
_NEWEST_DEED = "SELECT coalesce(max(id), 0) FROM deeds"


def read_snapshot(database: sqlite3.Connection, entropy: Callable[[int], bytes]) -> Snapshot:
    """Read what was kept; a new database gets its server's id and secret from ``entropy(bytes)``.

    :raises sqlite3.Error, DamagedRow: the database cannot be used.
    """
    for table in _TABLES:
        check_structure(database, table)
    meta = dict(sound_rows(database, META))
    _check_newest(database, meta)
    for key, size in ((SERVER_ID, _SERVER_ID_BYTES), (SECRET, _SECRET_BYTES)):
        if key not in meta:
            meta[key] = entropy(size)
            database.execute(META.put, META.sealed(key, meta[key]))
    return Snapshot(
        [to_user(values) for values in sound_rows(database, USERS)],
        _conversations(database),
        [to_marks(values) for values in sound_rows(database, MARKS)],
        _reserve(database, meta, NEXT_USER),
        _reserve(database, meta, NEXT_CONVERSATION),
        meta[SERVER_ID],
        meta[SECRET],
        [to_token(values) for values in sound_rows(database, TOKENS)],
        [to_invitation(values) for values in sound_rows(database, INVITATIONS)],
        _members(database),
        [to_ban(values) for values in sound_rows(database, BANS)],
        meta.get(NEXT_TOKEN, 1),
        [to_upload(values) for values in sound_rows(database, UPLOADS)],
        [to_file(values) for values in sound_rows(database, FILES)],
        meta.get(NEXT_UPLOAD, 1),
        meta.get(NEXT_FILE, 1),
    )


def _check_newest(database: sqlite3.Connection, meta: dict[str, Any]) -> None:
    """What is gone at the end would be taken for what never was."""
    lost = database.execute(_NO_NEWEST_MESSAGE).fetchall()
    if lost:
        raise DamagedRow("the newest message of conversation {}, {}, is gone".format(*lost[0]))
    (newest,) = database.execute(_NEWEST_DEED).fetchone()
    wanted = meta.get(NEXT_DEED, 1) - 1
    if newest != wanted:
        raise DamagedRow(f"the newest line of the audit log is {newest}, not {wanted}")


def _conversations(database: sqlite3.Connection) -> list[SavedConversation]:
    entries: list[PutRoom | PutChat] = [
        *(to_room(values) for values in sound_rows(database, ROOMS)),
        *(to_chat(values) for values in sound_rows(database, CHATS)),
    ]
    heads = {id: (first, head) for id, first, head in sound_rows(database, HEADS)}
    return [SavedConversation(entry, *heads.get(entry.id, (1, 0))) for entry in entries]


def _members(database: sqlite3.Connection) -> list[PutMember]:
    """In the order in which they came: by the time, and those of one time by their places."""
    rows = sorted(sound_rows(database, MEMBERS), key=lambda values: values[-2:])
    return [to_member(values) for values in rows]


def _reserve(database: sqlite3.Connection, meta: dict[str, Any], key: str) -> int:
    """The next free number; those that this run may give out to what is never stored are set aside.

    A client goes on using the number of a personal chat that it has looked up over a restart of the server. It may be
    told that there is no such chat any more; but what it sends must never be read by two others.
    """
    number: int = meta.get(key, 1)
    database.execute(META.put, META.sealed(key, number + _SET_ASIDE))
    return number
