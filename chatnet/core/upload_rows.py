"""Which uploads there are, whether anybody sends them or not.

Rules kept here: an upload has a row before its first byte is asked for, so that quota and bytes survive a restart; it
holds its content from the first moment on, since a part that was just made a file is that content, and no row says so
yet; and both are given back once the row is gone for good. Its part is dropped then, not before.
"""

from msgspec.structs import replace

from chatnet.clock import Now
from chatnet.core.effects import FileWork
from chatnet.core.entities import ChatState, ConversationState, RoomState, UserState
from chatnet.core.entries import DropUpload, PutUpload, Snapshot, UploadId
from chatnet.core.file_entities import Key, Step, Upload
from chatnet.core.file_jobs import DropPart
from chatnet.core.lanes import Lanes
from chatnet.core.saving import save_referred
from chatnet.core.shelves import Shelves, close_shelf, open_shelf
from chatnet.core.state import State
from chatnet.errors import ErrorCode, Refused
from chatnet.model import UserId
from chatnet.requests import StartUpload

REFRESH_SECONDS = 3600
"""How often the store is told at most that somebody goes on with an upload."""


class UploadRows:
    """All uploads of the server."""

    def __init__(self, state: State, shelves: Shelves, lanes: Lanes, snapshot: Snapshot) -> None:
        self._state = state
        self._shelves = shelves
        self._lanes = lanes
        self.all: dict[UploadId, Upload] = {}
        self.by_key: dict[Key, Upload] = {}
        self._dropping: dict[UploadId, Upload | None] = {}
        """Uploads that are over, while their rows are not gone yet; None for those that had nobody left at start."""
        self._next: UploadId = snapshot.next_upload
        for row in sorted(snapshot.uploads, key=lambda row: row.id):
            self._load(row)

    def _load(self, row: PutUpload) -> None:
        conversation = self._state.conversations.get(row.conversation)
        if conversation is None or row.user not in self._state.users:
            self._dropping[row.id] = None
            self._state.overdue.append(DropUpload(row.id))
            return
        self._shelves.quotas.count(row.user, row.size)
        upload = Upload(row, self._shelves.hold(row.digest, row.size), Step.PAUSED)
        if upload.key in self.by_key:
            # It was given up, and begun anew; the server ended before its row was dropped.
            self.drop(self.by_key[upload.key])
        self._add(conversation, upload)

    # -- coming -----------------------------------------------------------------------------------------------

    def create(self, user: UserState, conversation: RoomState | ChatState, request: StartUpload, now: Now) -> Upload:
        """Begin an upload, once the store has its row.

        :raises Refused: QUOTA.
        """
        most = self._state.limits.files
        if len(self._shelves.files) + len(self.all) >= most:
            raise Refused(ErrorCode.QUOTA, f"this server keeps at most {most:,} files, and has as many")
        self._shelves.quotas.take(user.user.id, request.size, is_guest=user.is_guest)
        id, self._next = self._next, self._next + 1
        where = conversation.id
        row = PutUpload(id, user.user.id, where, request.name, request.size, request.digest, now.wall)
        save_referred(self._state, user, conversation)
        self._state.out.append(row)
        upload = Upload(row, self._shelves.hold(row.digest, row.size), Step.STORING)
        self._add(conversation, upload)
        return upload

    def _add(self, conversation: ConversationState, upload: Upload) -> None:
        self.all[upload.row.id] = self.by_key[upload.key] = upload
        open_shelf(conversation).uploads[upload.row.id] = upload

    def go_on(self, upload: Upload, now: Now) -> None:
        """Somebody goes on with an upload: it is kept for longer."""
        is_due = now.wall - upload.row.since >= REFRESH_SECONDS * 1000 and upload.step is not Step.SAVING
        self.touch(upload, now)
        if is_due:
            self._state.out.append(upload.row)

    def touch(self, upload: Upload, now: Now) -> None:
        """Somebody was busy with an upload until now."""
        upload.row = replace(upload.row, since=now.wall)

    # -- going ------------------------------------------------------------------------------------------------

    def drop(self, upload: Upload) -> None:
        """An upload is given up. Nobody waits for a reply any more."""
        if upload.step is Step.SAVING:
            upload.is_forgotten = True  # the row is being dropped already
            self.take_away(upload)
        else:
            self.take_away(upload)
            self._state.out.append(DropUpload(upload.row.id))

    def take_away(self, upload: Upload) -> None:
        """An upload is over; its row is being dropped."""
        self._forget(upload)
        self._dropping[upload.row.id] = upload

    def _forget(self, upload: Upload) -> None:
        del self.all[upload.row.id]
        del self.by_key[upload.key]
        self._lanes.active.discard(upload)
        conversation = self._state.conversations[upload.row.conversation]
        del open_shelf(conversation).uploads[upload.row.id]
        close_shelf(conversation)

    def row_dropped(self, entry: DropUpload) -> None:
        """The store has no such row any more."""
        upload = self._dropping.pop(entry.id, None)
        if upload is not None:
            self._give_back(upload)
        self._state.out.append(FileWork(DropPart(entry.id)))

    def row_not_dropped(self, entry: DropUpload) -> None:
        """The store could not: it will be asked again, unless the upload goes on."""
        if entry.id in self._dropping:
            self._state.overdue.append(entry)

    def row_not_stored(self, upload: Upload) -> None:
        """An upload could not begin. Nobody waits for a reply any more."""
        self._forget(upload)
        self._give_back(upload)

    def _give_back(self, upload: Upload) -> None:
        self._shelves.quotas.give_back(upload.row.user, upload.row.size)
        self._shelves.release(upload.content)

    # -- time -------------------------------------------------------------------------------------------------

    def look_at(self, now: Now) -> None:
        """Drop what nobody goes on with."""
        oldest = now.wall - int(self._state.limits.upload_seconds * 1000)
        for upload in list(self.all.values()):
            if upload.step is Step.PAUSED and upload.row.since <= oldest:
                self.drop(upload)

    def of_user(self, user: UserId) -> list[Upload]:
        """A user's uploads."""
        return [upload for upload in self.all.values() if upload.row.user == user]
