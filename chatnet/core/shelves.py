"""Which files there are, who needs their contents, and when a file or a content has to go.

Rules kept here: a file is there once its row is durable, and gone once it is durable that the row is; a content is
dropped when nobody holds it any more, so never before the last row of it; and every byte of a quota that was taken is
given back when the row that it was taken for is gone for good.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable

from msgspec.structs import replace

from chatnet.clock import Now
from chatnet.core.effects import FileWork
from chatnet.core.entities import ConversationState, Session, UserState
from chatnet.core.entries import DropShared, Outcome, PutFile, SavedFile, Snapshot
from chatnet.core.file_entities import Content, FileState, Key, Shelf
from chatnet.core.file_jobs import DropFile
from chatnet.core.file_quotas import Quotas
from chatnet.core.policy import Refusal, may_read, no_access
from chatnet.core.state import State
from chatnet.errors import ErrorCode, Refused
from chatnet.model import Digest, FileId, Kind, Message, Seq, SharedFile, UserId
from chatnet.requests import Post

NO_FILES = "this server keeps no files (--history none)"
LOST = "the server has lost this file"


class Shelves:
    """All files of the server."""

    def __init__(self, state: State, snapshot: Snapshot, *, with_files: bool) -> None:
        """``with_files``: is there a file store?"""
        self._state = state
        self.with_files = with_files
        self.quotas = Quotas(state.limits)
        self.files: dict[FileId, FileState] = {}
        self.ids: list[FileId] = []
        """Sorted, so that lists can be paged by the last id seen."""
        self.contents: dict[Digest, Content] = {}
        self._unposted: dict[FileId, FileState] = {}
        self._dropping: dict[FileId, FileState] = {}
        """Files that are gone, while their rows are not yet."""
        self._fetched: dict[FileId, FileState] = {}
        """Files that were fetched since the store was told how often."""
        self._next_file: FileId = snapshot.next_file
        for saved in snapshot.files:
            self._load(saved)

    def _load(self, saved: SavedFile) -> None:
        conversation = self._state.conversations.get(saved.file.conversation)
        if conversation is None:
            return  # goes with the chat, which nobody is left in
        file = self._make(saved.file, saved.seq)
        self._place(conversation, file)
        if 0 < saved.seq < conversation.first:
            self.drop(file)

    # -- contents ---------------------------------------------------------------------------------------------

    def hold(self, digest: Digest, size: int) -> Content:
        """Somebody needs this content, or is about to bring it."""
        content = self.contents.get(digest)
        if content is None:
            content = self.contents[digest] = Content(digest, size)
        content.holds += 1
        return content

    def release(self, content: Content) -> None:
        """Somebody needs it no more."""
        content.holds -= 1
        if not content.holds:
            del self.contents[content.digest]
            self._state.out.append(FileWork(DropFile(content.digest)))

    def lose(self, digests: Iterable[Digest]) -> None:
        """The file store does not have these."""
        for digest in digests:
            content = self.contents.get(digest)
            if content is not None and content.rows:
                content.is_lost = True

    # -- files ------------------------------------------------------------------------------------------------

    def next_file(self) -> FileId:
        """A number that no file ever had."""
        self._next_file += 1
        return self._next_file - 1

    def add(self, entry: PutFile) -> FileState:
        """The store has this file now. Its conversation is there."""
        file = self._make(entry, 0)
        self._place(self._state.conversations[entry.conversation], file)
        return file

    def _make(self, entry: PutFile, seq: Seq) -> FileState:
        e = entry
        content = self.hold(e.digest, e.size)
        content.rows += 1
        content.size = e.size
        self.quotas.count(e.sender, e.size)
        shared = SharedFile(
            e.id, e.conversation, seq, e.name, e.size, e.digest, e.sender, e.sender_name, e.time, e.fetched
        )
        return FileState(shared, content)

    def _place(self, conversation: ConversationState, file: FileState) -> None:
        shelf = open_shelf(conversation)
        self.files[file.file.id] = file
        insort(self.ids, file.file.id)
        if file.file.seq:
            shelf.posted[file.file.seq] = file
        else:
            shelf.unposted[file.file.id] = self._unposted[file.file.id] = file

    # -- gone -------------------------------------------------------------------------------------------------

    def drop(self, file: FileState) -> None:
        """A file is gone; so is its row, as soon as the store can."""
        self.take_away(file)
        self._state.out.append(DropShared(file.file.id))

    def discard(self, entry: PutFile) -> None:
        """The store has this file now, but nobody wants it any more."""
        self._dropping[entry.id] = self._make(entry, 0)
        self._state.out.append(DropShared(entry.id))

    def take_away(self, file: FileState) -> None:
        """A file is gone; its row is being dropped, or was just now."""
        id, seq = file.file.id, file.file.seq
        file.is_gone = True
        self._dropping[id] = file
        del self.files[id]
        del self.ids[bisect_left(self.ids, id)]
        self._unposted.pop(id, None)
        self._fetched.pop(id, None)
        conversation = self._state.conversations[file.file.conversation]
        shelf = open_shelf(conversation)
        if seq:
            del shelf.posted[seq]
        else:
            del shelf.unposted[id]
        close_shelf(conversation)

    def row_dropped(self, entry: DropShared) -> None:
        """The store has no such row any more."""
        file = self._dropping.pop(entry.id, None)
        if file is not None:
            self.quotas.give_back(file.file.sender, file.file.size)
            file.content.rows -= 1
            self.release(file.content)

    def row_not_dropped(self, entry: DropShared) -> None:
        """The store could not: it will be asked again."""
        if entry.id in self._dropping:
            self._state.overdue.append(entry)

    def expire(self, conversation: ConversationState) -> None:
        """Older messages of a conversation are forgotten: so are the files that they shared."""
        if conversation.shelf is not None:
            for seq in [seq for seq in conversation.shelf.posted if seq < conversation.first]:
                self.drop(conversation.shelf.posted[seq])

    def drop_conversation(self, conversation: ConversationState) -> None:
        """A conversation is gone for good."""
        if conversation.shelf is not None:
            for file in (*conversation.shelf.posted.values(), *conversation.shelf.unposted.values()):
                self.drop(file)

    def forget(self, user: UserId) -> None:
        """A user is gone for good: nobody will post what it has not."""
        for file in list(self._unposted.values()):
            if file.file.sender == user and not file.is_posting:
                self.drop(file)

    # -- time -------------------------------------------------------------------------------------------------

    def look_at(self, now: Now) -> None:
        """Drop what nobody has posted in time; tell the store how often files were fetched."""
        oldest = now.wall - int(self._state.limits.unposted_seconds * 1000)
        for file in list(self._unposted.values()):
            if file.file.time <= oldest and not file.is_posting:
                self.drop(file)
        told, self._fetched = self._fetched, {}
        for file in told.values():
            if file.is_going:  # the row must not come back behind its removal
                self._fetched[file.file.id] = file
            else:
                self._state.out.append(file.entry())

    def fetched(self, file: FileState) -> None:
        """A file was downloaded to its end."""
        if not file.is_gone:
            file.file = replace(file.file, fetched=file.file.fetched + 1)
            self._fetched[file.file.id] = file

    # -- access -----------------------------------------------------------------------------------------------

    def find(self, user: UserId, id: FileId) -> FileState:
        """A file that was shared where the user may read.

        :raises Refused: NO_SUCH_FILE, BANNED.
        """
        file = self.files.get(id)
        if file is not None and file.file.seq:
            refusal = self.refuse(user, file)
            if refusal is None:
                return file
            if refusal[0] is not ErrorCode.NO_SUCH_CONVERSATION:
                raise Refused(*refusal)
        raise Refused(ErrorCode.NO_SUCH_FILE, "there is no such file, or not for you")

    def refuse(self, user: UserId, file: FileState) -> Refusal | None:
        """Why may this user not have the bytes of a file just now?"""
        if file.is_gone:
            return ErrorCode.NO_SUCH_FILE, "the file was removed"
        conversation = self._state.conversations.get(file.file.conversation)
        if conversation is None or not may_read(user, conversation):
            return no_access(user, conversation)
        return (ErrorCode.NO_SUCH_FILE, LOST) if file.content.is_lost else None

    def find_unposted(self, key: Key) -> FileState | None:
        """A file that came of such an upload, and that nobody has posted yet."""
        shelf = self._state.conversations[key[1]].shelf
        for file in shelf.unposted.values() if shelf is not None else ():
            f = file.file
            is_free = not (file.is_posting or file.is_going or file.content.is_lost)
            if is_free and key == (f.sender, f.conversation, f.name, f.digest, f.size):
                return file
        return None

    # -- posts ------------------------------------------------------------------------------------------------

    def claim(self, session: Session, post: Post) -> Refusal | None:
        """May this session's user share that file by this post? Then none else may until the store has answered."""
        assert session.user is not None
        if post.kind is not Kind.FILE:
            return ErrorCode.BAD_REQUEST, "only a message of the kind file shares one"
        if not self.with_files:
            return ErrorCode.UNSUPPORTED, NO_FILES
        file = self.files.get(post.file)
        if file is None or file.is_going or not _is_own(file.file, session.user, post):
            return ErrorCode.NO_SUCH_FILE, "there is no such file of yours in this conversation"
        if file.file.seq or file.is_posting:
            return ErrorCode.BAD_REQUEST, "this file was shared already; to share it again, upload it again"
        file.is_posting = True
        return None

    def end_post(self, id: FileId, outcome: Outcome) -> None:
        """The store has answered; a file that was posted is listed from now on, where its message is."""
        file = self.files.get(id)
        if file is None:
            return
        file.is_posting = False
        if type(outcome) is Message and not file.file.seq:
            file.file = replace(file.file, seq=outcome.seq)
            shelf = open_shelf(self._state.conversations[file.file.conversation])
            del shelf.unposted[id], self._unposted[id]
            shelf.posted[outcome.seq] = file


def _is_own(file: SharedFile, user: UserState, post: Post) -> bool:
    return file.sender == user.user.id and file.conversation == post.conversation


def open_shelf(conversation: ConversationState) -> Shelf:
    """The conversation's shelf, a new one where it had none."""
    if conversation.shelf is None:
        conversation.shelf = Shelf()
    return conversation.shelf


def close_shelf(conversation: ConversationState) -> None:
    """Something was taken off a conversation's shelf; an empty one goes, so that messages need not look at it."""
    if conversation.shelf is not None and conversation.shelf.is_empty:
        conversation.shelf = None
