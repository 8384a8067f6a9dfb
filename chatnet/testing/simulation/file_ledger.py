"""All files and uploads that were ever stored in a simulation, and all contents that anybody has: the truth of files.

As the rest of the ledger it is kept apart from every store, and outlives every process.
"""

from collections import Counter
from enum import Enum

from chatnet.core.entries import DropChat, DropShared, DropUpload, Entry, PutFile, PutUpload, Snapshot, UploadId
from chatnet.model import ConversationId, DeviceId, Digest, FileId, Message, Seq, SharedFile, UserId
from chatnet.testing.simulation.trace import Violation

Key = tuple[UserId, ConversationId, str, Digest, int]
"""By which an upload is found again: whose, where, name, digest, size."""


class FileEvent(Enum):
    """What happens to files, and is worth counting: a run in which it does not happen proves nothing about it."""

    UPLOADED = "the server says that it has a whole file"
    UPLOAD_RESUMED = "an upload goes on behind bytes that are durable"
    TAKEN_OVER = "an upload goes on over another connection, and the first one is told"
    PROOF_PASSED = "somebody has shown that it has a content, and sends no byte of it"
    PROOF_REFUSED = "somebody has not, so the bytes must come"
    FAKE_REFUSED = "somebody has announced a content and sent another one"
    SHARED = "a message with a file is stored"
    DOWNLOADED = "a download has ended, and is what was uploaded"
    DOWNLOAD_RESUMED = "a download goes on behind what an earlier one has left"
    DENIED = "somebody was refused a file that it may not read, or that is not there"
    REMOVED = "a file is removed"
    FILES_EXPIRED = "a file goes with its message, or because nobody has posted it"
    UPLOAD_GIVEN_UP = "the row of an upload goes, and no file has come of it"
    DISK_FAILED = "the file store could not do a job"
    POWER_CUT = "what was not durable is gone, or a part of it"


class StoredFile:
    """A file as the message store has it."""

    def __init__(self, entry: PutFile) -> None:
        self.entry = entry
        self.seq: Seq = 0
        self.is_told = False
        """Has anybody heard of the message that shares it?"""
        self.is_asked_away = False
        """Has anybody asked for its removal?"""


class FileLedger:
    """Takes what the message store says of batches, and raises `Violation` where it breaks a rule."""

    def __init__(self) -> None:
        self.events: Counter[FileEvent] = Counter()
        self.contents: dict[Digest, bytes] = {}
        """All that anybody has, whether it was uploaded or not."""
        self.people: dict[DeviceId, str] = {}
        """Whose each device is."""
        self.owners: dict[Digest, set[str]] = {}
        """Who has it."""
        self.uploads: dict[UploadId, PutUpload] = {}
        self.latest: dict[Key, UploadId] = {}
        """The last upload of each key, over or not."""
        self.durable: dict[UploadId, int] = {}
        """What clients were told that they need not send again."""
        self.fakes: set[str] = set()
        """The names of all uploads that are not what they say."""
        self.refuted: set[UploadId] = set()
        """Those of which all bytes were sent, and are the wrong ones: what is durable of them goes once that shows."""
        self.files: dict[FileId, StoredFile] = {}
        self.gone: dict[FileId, StoredFile] = {}
        self.of_message: dict[tuple[ConversationId, Seq], FileId] = {}

    def owns(self, name: str, content: bytes, digest: Digest) -> None:
        """Somebody has this content."""
        self.contents[digest] = content
        self.owners.setdefault(digest, set()).add(name)

    def ever(self, id: FileId) -> StoredFile | None:
        """A file that is or was there."""
        return self.files.get(id) or self.gone.get(id)

    def is_fake(self, id: UploadId) -> bool:
        """Is there such an upload, and is it not what it says?"""
        row = self.uploads.get(id)
        return row is not None and row.name in self.fakes

    def digests(self) -> set[Digest]:
        """Of all files that are there."""
        return {file.entry.digest for file in self.files.values()}

    # -- entries ----------------------------------------------------------------------------------------------

    def committed(self, entry: Entry) -> None:
        """An entry is stored."""
        match entry:
            case PutUpload():
                self._put_upload(entry)
            case DropUpload(id):
                row = self.uploads.pop(id, None)
                if row is not None and not self._is_made(row):
                    self.events[FileEvent.UPLOAD_GIVEN_UP] += 1
            case PutFile():
                self._put_file(entry)
            case DropShared(id):
                self._drop(id)
            case DropChat(chat):
                for file in [id for id, file in self.files.items() if file.entry.conversation == chat]:
                    self._drop(file)
                for upload in [id for id, row in self.uploads.items() if row.conversation == chat]:
                    del self.uploads[upload]

    def _put_upload(self, row: PutUpload) -> None:
        key = (row.user, row.conversation, row.name, row.digest, row.size)
        latest = self.latest.get(key, 0)
        if row.id < latest or (row.id == latest and row.id not in self.uploads):
            raise Violation("store", f"the upload {row.id} is stored after {latest}, or again after it was dropped")
        self.uploads[row.id] = row
        self.latest[key] = row.id

    def _is_made(self, row: PutUpload) -> bool:
        """Has a file come of this upload? Then that is the last one that was stored."""
        made = self.files.get(max(self.files, default=0))
        return made is not None and (made.entry.digest, made.entry.name) == (row.digest, row.name)

    def _put_file(self, entry: PutFile) -> None:
        if entry.id in self.gone:
            raise Violation("F4", f"the file {entry.id} is stored again after it was dropped")
        known = self.files.setdefault(entry.id, StoredFile(entry))
        if _identity(known.entry) != _identity(entry) or entry.fetched < known.entry.fetched:
            raise Violation("store", f"the file {entry.id} has become another one")
        known.entry = entry

    def _drop(self, id: FileId) -> None:
        file = self.files.pop(id, None)
        if file is not None:
            self.gone[id] = file
            self.events[FileEvent.REMOVED if file.is_asked_away else FileEvent.FILES_EXPIRED] += 1

    def shared(self, message: Message, conversation: ConversationId, id: FileId) -> None:
        """A message with a file is stored."""
        self.of_message[conversation, message.seq] = id
        self.events[FileEvent.SHARED] += 1
        file = self.files.get(id)
        if file is None:
            return
        if file.seq or file.entry.conversation != conversation or file.entry.sender != message.sender:
            raise Violation("F1", f"the file {id} is shared again, elsewhere or by somebody else")
        file.seq = message.seq

    # -- messages ---------------------------------------------------------------------------------------------

    def check_message(self, who: str, conversation: ConversationId, message: Message, first: Seq) -> None:
        """Somebody was told of a message. Is its file what was stored? ``first``: what is still kept."""
        id = self.of_message.get((conversation, message.seq), 0)
        told, file = message.file, self.ever(id)
        if told is not None:
            if file is None or not is_told_right(told, file) or told.seq != message.seq:
                raise Violation("F1", f"{who} was told of {told}, which is not the file of that message")
            file.is_told = True
        elif id in self.files and self.files[id].seq == message.seq >= first:
            raise Violation("F1", f"{who} was told of {conversation}#{message.seq} without its file {id}")

    # -- after a restart --------------------------------------------------------------------------------------

    def compare(self, found: Snapshot) -> None:
        """Are these all files and uploads that are stored, and nothing else?"""
        if {row.id: row for row in found.uploads} != self.uploads:
            raise Violation("I1", f"the uploads {found.uploads} are kept, not {self.uploads}")
        files = {saved.file.id: (saved.file, saved.seq) for saved in found.files}
        if files != {id: (file.entry, file.seq) for id, file in self.files.items()}:
            raise Violation("I1", f"the files {sorted(files)} are kept, not {sorted(self.files)}, or not as stored")
        if found.next_upload <= max(self.latest.values(), default=0):
            raise Violation("store", f"the number of an upload, {found.next_upload}, is given out again")
        if found.next_file <= max((*self.files, *self.gone), default=0):
            raise Violation("store", f"the number of a file, {found.next_file}, is given out again")


def is_told_right(told: SharedFile, file: StoredFile) -> bool:
    """Is this what was stored, but for what changes?"""
    entry = file.entry
    same = (told.id, told.conversation, told.name, told.size, told.digest, told.sender, told.sender_name, told.time)
    return same == _identity(entry) and told.seq in (0, file.seq)


def _identity(entry: PutFile) -> tuple[object, ...]:
    place = (entry.id, entry.conversation, entry.name, entry.size, entry.digest)
    return (*place, entry.sender, entry.sender_name, entry.time)
