"""What the core knows from its start, as rows and back: one record, one row."""

from typing import Any

from chatnet.core.entries import (
    DropBan,
    DropInvitation,
    DropMember,
    DropShared,
    DropToken,
    DropUpload,
    Entry,
    PutBan,
    PutChat,
    PutFile,
    PutInvitation,
    PutMarks,
    PutMember,
    PutRoom,
    PutToken,
    PutUpload,
    PutUser,
    SavedFile,
)
from chatnet.model import Act, Deed, Rank, Role, Scope, Seq, Verifier
from chatnet.store.rows import BANS, CHATS, FILES, INVITATIONS, MEMBERS, ROOMS, TOKENS, UPLOADS, USERS, Table

Values = tuple[Any, ...]
"""The columns of a row, without its digest."""
SERVER_ID, SECRET = "server", "secret"
NEXT_USER, NEXT_CONVERSATION, NEXT_TOKEN, NEXT_DEED = "next_user", "next_conversation", "next_token", "next_deed"
NEXT_UPLOAD, NEXT_FILE = "next_upload", "next_file"
"""Keys of the table ``meta``."""
NUMBERED = {
    USERS: NEXT_USER,
    ROOMS: NEXT_CONVERSATION,
    CHATS: NEXT_CONVERSATION,
    TOKENS: NEXT_TOKEN,
    UPLOADS: NEXT_UPLOAD,
    FILES: NEXT_FILE,
}
"""The tables whose ids are never given out twice, and where the next one is kept."""
_NO_VERIFIER: Values = (b"", 0, b"", b"")


def to_values(entry: Entry) -> tuple[Table, Values]:
    """The table and the row in which an entry is kept.

    :raises TypeError: it is none that is kept in a row of its own.
    """
    about: Values
    match entry:
        case PutUser():
            about = (entry.id, entry.name, entry.display, int(entry.role), entry.secret_hash)
            return USERS, (*about, *_of_verifier(entry.verifier), entry.uid)
        case PutRoom():
            about = (entry.id, entry.name, entry.owner, int(entry.archived))
            return ROOMS, (*about, entry.topic, int(entry.private))
        case PutChat():
            return CHATS, (entry.id, entry.low, entry.high)
        case PutToken():
            about = (entry.id, entry.user, entry.hash, entry.label)
            return TOKENS, (*about, int(entry.scope), entry.made, entry.expires)
        case PutInvitation():
            about = (entry.name, *_of_verifier(entry.verifier))
            return INVITATIONS, (*about, entry.uses, entry.expires, int(entry.role), entry.maker)
        case PutBan():
            about = (entry.user, entry.conversation, int(entry.act))
            return BANS, (*about, entry.until, entry.by, entry.reason, entry.time)
        case PutUpload():
            about = (entry.id, entry.conversation, entry.user)
            return UPLOADS, (*about, entry.name, entry.size, entry.digest, entry.since)
        case _:
            raise TypeError(f"no store knows {entry!r}")


def of_file(entry: PutFile, seq: Seq) -> Values:
    """The row of a file that the message ``seq`` shares, 0 for none."""
    about = (entry.id, entry.conversation, seq, entry.name, entry.size, entry.digest)
    return (*about, entry.sender, entry.sender_name, entry.time, entry.fetched)


Drop = DropToken | DropInvitation | DropMember | DropBan | DropUpload | DropShared


def to_key(entry: Drop) -> tuple[Table, Values]:
    """The table and the key of the row that an entry drops."""
    match entry:
        case DropToken():
            return TOKENS, (entry.id,)
        case DropInvitation():
            return INVITATIONS, (entry.name,)
        case DropMember():
            return MEMBERS, (entry.user, entry.conversation)
        case DropBan():
            return BANS, (entry.user, entry.conversation, int(entry.act))
        case DropUpload():
            return UPLOADS, (entry.id,)
        case DropShared():
            return FILES, (entry.id,)


def to_user(values: Values) -> PutUser:
    id, name, display, role, secret_hash, *verifier, uid = values
    return PutUser(id, name, display, Role(role), secret_hash, _to_verifier(verifier) if verifier[0] else None, uid)


def to_room(values: Values) -> PutRoom:
    id, name, owner, archived, topic, private = values
    return PutRoom(id, name, owner, bool(archived), topic, bool(private))


def to_chat(values: Values) -> PutChat:
    return PutChat(*values)


def to_marks(values: Values) -> PutMarks:
    user, conversation, delivered, read = values
    return PutMarks(conversation, user, delivered, read)


def to_token(values: Values) -> PutToken:
    id, user, hash, label, scope, made, expires = values
    return PutToken(id, user, hash, label, Scope(scope), made, expires)


def to_invitation(values: Values) -> PutInvitation:
    name, *verifier, uses, expires, role, maker = values
    return PutInvitation(name, _to_verifier(verifier), uses, expires, Role(role), maker)


def to_member(values: Values) -> PutMember:
    user, conversation, rank, since, _ = values
    return PutMember(conversation, user, Rank(rank), since)


def to_ban(values: Values) -> PutBan:
    user, conversation, act, until, maker, reason, time = values
    return PutBan(conversation, user, Act(act), until, maker, reason, time)


def to_upload(values: Values) -> PutUpload:
    id, conversation, user, *about = values
    return PutUpload(id, user, conversation, *about)


def to_file(values: Values) -> SavedFile:
    id, conversation, seq, *about = values
    return SavedFile(PutFile(id, conversation, *about), seq)


def to_deed(values: Values) -> Deed:
    id, time, actor, actor_name, act, subject, conversation, detail = values
    return Deed(id, time, actor, actor_name, Act(act), subject, conversation, detail)


def _of_verifier(verifier: Verifier | None) -> Values:
    if verifier is None:
        return _NO_VERIFIER
    return verifier.salt, verifier.iterations, verifier.stored_key, verifier.server_key


def _to_verifier(values: list[Any]) -> Verifier:
    return Verifier(*values)
