"""What a store must know of files and uploads after it is opened again; and entries to try it with."""

from hypothesis import strategies as st

from chatnet.core.entries import (
    Batch,
    DropChat,
    DropShared,
    DropUpload,
    Entry,
    Outcome,
    PutFile,
    PutMessage,
    PutUpload,
    SavedFile,
    Snapshot,
    UploadId,
)
from chatnet.model import ConversationId, FileId, Message, Seq
from chatnet.testing.store_model import CHATS, DEVICES, ROOMS, USERS, post


def file(id: FileId, conversation: ConversationId = 1, *, fetched: int = 0, digest: bytes = b"d" * 32) -> PutFile:
    """A file with what most tests do not care for."""
    return PutFile(id, conversation, f"picture {id}.jpeg", 1000 + id, digest, 1, "user1", 5000, fetched)


def upload(id: UploadId, conversation: ConversationId = 1, *, since: int = 5000) -> PutUpload:
    """An upload with what most tests do not care for."""
    return PutUpload(id, 1, conversation, f"picture {id}.jpeg", 1000 + id, b"d" * 32, since)


class FilesModel:
    """Files and uploads in a store without any bound."""

    def __init__(self) -> None:
        self._files: dict[FileId, SavedFile] = {}
        self._uploads: dict[UploadId, PutUpload] = {}
        self._next_file, self._next_upload = 1, 1
        self._dropped: set[ConversationId] = set()

    def possible(self, batch: Batch) -> Batch:
        """A batch less what no core puts: a chat that was dropped gets nothing, as its id is never given out again."""
        possible: Batch = []
        for entry in batch:
            if getattr(entry, "conversation", None) not in self._dropped:
                possible.append(entry)
            if isinstance(entry, DropChat):
                self._dropped.add(entry.id)
        return possible

    def apply(self, entry: Entry, outcome: Outcome) -> None:
        """Store an entry; ``outcome`` is what became of it."""
        match entry:
            case PutFile():
                self._files[entry.id] = SavedFile(entry, self._seq(entry.id))
                self._next_file = max(self._next_file, entry.id + 1)
            case PutMessage() if isinstance(outcome, Message):
                self._share(entry, outcome.seq)
            case DropShared():
                self._files.pop(entry.id, None)
            case PutUpload():
                self._uploads[entry.id] = entry
                self._next_upload = max(self._next_upload, entry.id + 1)
            case DropUpload():
                self._uploads.pop(entry.id, None)
            case DropChat():
                self._files = {id: kept for id, kept in self._files.items() if kept.file.conversation != entry.id}
                self._uploads = {id: kept for id, kept in self._uploads.items() if kept.conversation != entry.id}

    def _seq(self, id: FileId) -> Seq:
        kept = self._files.get(id)
        return 0 if kept is None else kept.seq

    def _share(self, entry: PutMessage, seq: Seq) -> None:
        kept = self._files.get(entry.file)
        if kept is not None and kept.file.conversation == entry.conversation:
            self._files[entry.file] = SavedFile(kept.file, seq)

    def compare(self, snapshot: Snapshot) -> None:
        """Has a snapshot all that was kept, and nothing else?

        :raises AssertionError: it has not.
        """
        assert snapshot.files == [kept for _, kept in sorted(self._files.items())]
        assert snapshot.uploads == [kept for _, kept in sorted(self._uploads.items())]
        assert (snapshot.next_file, snapshot.next_upload) == (self._next_file, self._next_upload)


# -- strategies -----------------------------------------------------------------------------------------------

_ids = st.integers(1, 4)
_users = st.sampled_from(USERS)
_conversations = st.sampled_from((1, 3))
_names = st.text(max_size=20)
_sizes = st.integers(0, 2**53)
_digests = st.binary(min_size=32, max_size=32)
_times = st.integers(0, 2**63 - 1)
_few_numbers = st.integers(1, 12)


def file_entries() -> st.SearchStrategy[Entry]:
    """Files, uploads, and messages that share them: few of each, so that they come again, and in the wrong places."""
    assert {1, 3} <= {*ROOMS, *CHATS}
    return st.one_of(
        st.builds(PutFile, _ids, _conversations, _names, _sizes, _digests, _users, _names, _times, _few_numbers),
        st.builds(
            lambda conversation, n, device, file: post(conversation, n, device=device, file=file),
            _conversations,
            _few_numbers,
            st.sampled_from(DEVICES),
            st.integers(0, 4),
        ),
        st.builds(PutUpload, _ids, _users, _conversations, _names, _sizes, _digests, _times),
        st.one_of(
            st.builds(DropShared, _ids),
            st.builds(DropUpload, _ids),
            st.builds(DropChat, st.just(3)),
        ),
    )
