"""The files of conversations, as lists for whoever may read those, and how one is removed.

A removal is stored with its line of the audit log, unless one removes one's own; downloads end with it.
"""

from bisect import bisect_left
from heapq import nlargest

from chatnet.clock import Now
from chatnet.core.attaching import FILE_BYTES
from chatnet.core.audit import Audit
from chatnet.core.effects import Reply
from chatnet.core.entities import RoomState, Session
from chatnet.core.entries import DropShared
from chatnet.core.file_entities import FileState
from chatnet.core.following import tell
from chatnet.core.membership import rank_of
from chatnet.core.pending import Change, Pending
from chatnet.core.policy import check_readable, may_read
from chatnet.core.saving import save_user
from chatnet.core.shelves import Shelves
from chatnet.core.state import State
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Done, Event, FilePage, FileRemoved
from chatnet.model import Act, FileId, Rank, UserId
from chatnet.requests import ListFiles, RemoveFile

_LOOKED_AT = 1000
"""Files of all conversations that are looked at for one page, whether the user may read of them or not."""
_RETRY_SECONDS = 1.0
Ids = list[FileId]


class Sharing:
    """Lists and removes files."""

    def __init__(self, state: State, shelves: Shelves, pending: Pending, audit: Audit) -> None:
        self._state = state
        self._shelves = shelves
        self._pending = pending
        self._audit = audit
        self._page_items = max(1, state.limits.page // FILE_BYTES)

    # -- lists ------------------------------------------------------------------------------------------------

    def list(self, session: Session, request: ListFiles) -> None:
        """Some files that were shared where the user may read.

        :raises Refused: NO_SUCH_CONVERSATION, BANNED.
        """
        assert session.user is not None
        me = session.user.user.id
        if request.conversation:
            conversation = check_readable(me, self._state.conversations.get(request.conversation))
            shelf = conversation.shelf
            files = (file.file.id for file in (shelf.posted.values() if shelf is not None else ()))
            ids = nlargest(self._page_items, (id for id in files if not request.cursor or id < request.cursor))
            following = ids[-1] if len(ids) == self._page_items else 0
        else:
            ids, following = self._of_all(me, request.cursor)
        page = FilePage(request.id, [self._shelves.files[id].file for id in ids], following)
        self._state.out.append(Reply(session.handle, page))

    def _of_all(self, user: UserId, cursor: FileId) -> tuple[Ids, FileId]:
        """The ids of a page, and where the next one begins. Pages may be short, or empty, before the last."""
        ids = self._shelves.ids
        at = end = bisect_left(ids, cursor) if cursor else len(ids)
        found: Ids = []
        while at and end - at < _LOOKED_AT and len(found) < self._page_items:
            at -= 1
            if self._is_shown(user, self._shelves.files[ids[at]]):
                found.append(ids[at])
        return found, ids[at] if at else 0

    def _is_shown(self, user: UserId, file: FileState) -> bool:
        return file.file.seq > 0 and may_read(user, self._state.conversations[file.file.conversation])

    # -- removal ----------------------------------------------------------------------------------------------

    def remove(self, session: Session, request: RemoveFile, now: Now) -> None:
        """Remove a file.

        :raises Refused: NO_SUCH_FILE, BANNED, FORBIDDEN; RETRY_AFTER while somebody else removes it.
        """
        user = session.user
        assert user is not None
        file = self._find(session, request.file)
        if file.is_going:
            raise Refused(ErrorCode.RETRY_AFTER, "the file is being removed just now", _RETRY_SECONDS)
        file.is_going = True
        save_user(self._state, user)
        if file.file.sender != user.user.id:
            self._record(session, file, now)

        def apply() -> Event:
            if not file.is_gone:
                self._shelves.take_away(file)
                self._tell(file)
            return Done(request.id)

        def undo() -> None:
            file.is_going = False

        self._pending.submit(DropShared(file.file.id), Change(session.handle, request.id, apply, undo))

    def _find(self, session: Session, id: FileId) -> FileState:
        """A file that this session may remove: an own one, from wherever; for admins, any."""
        assert session.user is not None
        me = session.user.user.id
        file = self._shelves.files.get(id)
        if file is not None and (file.file.sender == me or session.is_admin):
            return file
        file = self._shelves.find(me, id)
        place = self._state.conversations[file.file.conversation]
        rank = rank_of(place, me) if isinstance(place, RoomState) else None
        if rank is None or rank < Rank.MODERATOR:
            raise Refused(
                ErrorCode.FORBIDDEN, "only its sender, those who keep order in the room, and admins can do that"
            )
        return file

    def _record(self, session: Session, file: FileState, now: Now) -> None:
        assert session.user is not None
        place = self._state.conversations[file.file.conversation]
        where = place.id if isinstance(place, RoomState) else 0
        detail = f"file {file.file.id}: {file.file.name}"
        self._audit.record(session.user.user, Act.REMOVE_FILE, file.file.sender_name, where, detail, now)

    def _tell(self, file: FileState) -> None:
        """Whoever follows the conversation has heard of a file that was posted, and of no other."""
        f = file.file
        if f.seq:
            place = self._state.conversations[f.conversation]
            self._state.out += tell(place, FileRemoved(f.conversation, f.id, f.seq))
