"""Plays with files: one hub, a slow store, and a file store that works when it is told to."""

from collections.abc import Iterable

from chatnet.core.effects import Bulk, Effect, FileWork
from chatnet.core.entries import PutMessage, PutToken, SavedConversation, Snapshot
from chatnet.core.file_jobs import FileJob
from chatnet.core.limits import Limits
from chatnet.core.retention import KEEP_ALL, Keep
from chatnet.events import (
    Ack,
    FileChunk,
    FilePage,
    Nack,
    ProofWanted,
    Uploaded,
    UploadReady,
)
from chatnet.model import CHUNK_BYTES, Kind, SharedFile
from chatnet.requests import (
    FinishUpload,
    ListFiles,
    Post,
    ProveUpload,
    SendChunk,
    StartDownload,
    StartUpload,
)
from tests.core.club import club, enter
from tests.core.script import LOBBY_ID, START, Script, entries, events, the
from tests.core.slow_files import SlowFiles, prove, sha256

SMALL = b"some bytes that nobody else has"


class FileScript(Script):
    """A script with files. ``work_all`` has both stores do all that they were asked, until nothing is left."""

    def __init__(
        self,
        *guests: str,
        limits: Limits | None = None,
        snapshot: Snapshot | None = None,
        files: SlowFiles | None = None,
        seconds: float = START,
        keep: Keep = KEEP_ALL,
    ) -> None:
        self.unsent: dict[str, Bulk] = {}
        """What the network has not sent yet, by session."""
        files = SlowFiles() if files is None else files
        super().__init__(limits=limits, snapshot=snapshot, open_to_guests=True, files=files, keep=keep)
        self.seconds = seconds
        self.first = self.tick(0.0)
        """What the hub asks for first."""
        if snapshot is None:
            self.work_all()
        for guest in guests:
            self.login(guest)

    def take(self, effects: Iterable[Effect]) -> list[Effect]:
        """As in every script; and no session has more than one piece with the network."""
        taken = super().take(effects)
        for effect in taken:
            if isinstance(effect, Bulk):
                assert self.unsent.setdefault(str(effect.session), effect) is effect
        return taken

    def work(self, *, fails: bool = False) -> list[Effect]:
        """The file store does its oldest job, or cannot."""
        return self.take(self.hub.filed(self.files.next(fails=fails), self.now))

    def work_files(self) -> list[Effect]:
        """The file store does all that it was asked."""
        effects: list[Effect] = []
        while self.files.waiting:
            effects += self.work()
        return effects

    def work_all(self) -> list[Effect]:
        """Both stores do all that they were asked."""
        effects: list[Effect] = []
        while self.batch or self.store.has_batch or self.files.waiting:
            effects += self.store_all() + self.work_files()
        return effects

    def sent(self, session: str) -> list[Effect]:
        """The network has sent a session's `Bulk`."""
        del self.unsent[session]
        return self.take(self.hub.bulk_sent(session, self.now))

    # -- uploads ----------------------------------------------------------------------------------------------

    def start(
        self, session: str, content: bytes = SMALL, name: str = "trip.mkv", place: int = LOBBY_ID
    ) -> list[Effect]:
        """A session announces a file; nothing else happens yet."""
        return self.ask(session, announce(content, name, place))

    def begin(self, session: str, content: bytes = SMALL, name: str = "trip.mkv", place: int = LOBBY_ID) -> UploadReady:
        """A session announces a file, and may send it."""
        return the(UploadReady, self.start(session, content, name, place) + self.work_all(), session)

    def send(self, session: str, ready: UploadReady, content: bytes, until: int | None = None) -> list[Effect]:
        """A session sends a content from where it was told, as far as it may if nothing is said."""
        effects: list[Effect] = []
        end = min(ready.until if until is None else until, len(content))
        for at in range(ready.offset, end, CHUNK_BYTES):
            chunk = SendChunk(ready.upload, at, content[at : min(at + CHUNK_BYTES, end)])
            effects += self.ask(session, chunk)
        return effects

    def upload(self, session: str, content: bytes = SMALL, name: str = "trip.mkv", place: int = LOBBY_ID) -> SharedFile:
        """A session uploads a content of at most one window, or proves that it has it."""
        effects = self.start(session, content, name, place) + self.work_all()
        (reply,) = [e for e in events(effects, session) if isinstance(e, UploadReady | ProofWanted)]
        if isinstance(reply, ProofWanted):
            effects = self.ask(session, ProveUpload(8, reply.upload, right_proof(reply, content)))
        else:
            effects = self.send(session, reply, content) + self.work_all()
            effects += self.ask(session, FinishUpload(9, reply.upload))
        return the(Uploaded, effects + self.work_all(), session).file

    def share(
        self, session: str, n: int, content: bytes = SMALL, name: str = "trip.mkv", place: int = LOBBY_ID
    ) -> SharedFile:
        """A session uploads a file and posts it."""
        file = self.upload(session, content, name, place)
        self.post(session, n, file)
        ack = the(Ack, self.work_all(), session)
        return self.list_files(session, place, ack.seq)

    def post(self, session: str, n: int, file: SharedFile, body: str = "") -> list[Effect]:
        """A session posts a file."""
        return self.ask(session, Post(n, file.conversation, body, Kind.FILE, file=file.id))

    def list_files(self, session: str, place: int, seq: int) -> SharedFile:
        """The file that a message shares, as a session sees it in the list."""
        page = the(FilePage, self.ask(session, ListFiles(77, place)), session)
        (file,) = [file for file in page.files if file.seq == seq]
        return file

    # -- downloads --------------------------------------------------------------------------------------------

    def fetch(self, session: str, file: int, offset: int = 0) -> list[Effect]:
        """A session asks for a file."""
        return self.ask(session, StartDownload(8, file, offset, offset + 256 * 1024))

    def drain(self, session: str) -> list[Effect]:
        """The file store reads and the network sends, until nothing more comes."""
        effects = self.work_files()
        while session in self.unsent:
            effects += self.sent(session) + self.work_files()
        return effects

    # -- restarts ---------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """What the store has kept."""
        store = self.store
        heads = {id: len(messages) for id, messages in store.log.items()}
        kept = [
            SavedConversation(entry, store.first.get(id, 1), heads.get(id, 0))
            for id, entry in sorted(store.conversations.items())
        ]
        return Snapshot(
            list(store.users.values()),
            kept,
            [],
            max(store.users, default=0) + 1,
            max(store.conversations, default=0) + 1,
            uploads=list(store.uploads.values()),
            files=[store.files[id] for id in sorted(store.files)],
            tokens=list(store.tokens.values()),
            members=sorted(store.members.values(), key=lambda row: row.since),
            bans=list(store.bans.values()),
            next_token=max(store.tokens, default=0) + 1,
            next_upload=store.last_upload + 1,
            next_file=store.last_file + 1,
        )

    def killed(self, *, limits: Limits | None = None, keep: Keep = KEEP_ALL) -> "FileScript":
        """The server is killed, and another one starts with what is kept; neither store has done anything yet."""
        files = self.files.restarted()
        other = FileScript(snapshot=self.snapshot(), limits=limits, files=files, seconds=self.seconds, keep=keep)
        other.store.go_on(self.store)
        return other

    def again(self, *guests: str, limits: Limits | None = None) -> "FileScript":
        """The server is killed, another one has started with what is kept, and these guests are back."""
        other = self.killed(limits=limits)
        other.work_all()
        for guest in guests:
            other.login(guest)
        return other


def accounts(*more: PutToken, limits: Limits | None = None, keep: Keep = KEEP_ALL) -> FileScript:
    """Ada, an admin, Bert and Cleo, all connected; ``more`` tokens are known."""
    store = club("bert", "cleo", admins=["ada"]).store
    users, tokens = list(store.users.values()), [*store.tokens.values(), *more]
    snapshot = Snapshot(users, tokens=tokens, next_user=4, next_token=10)
    chat = FileScript(snapshot=snapshot, limits=limits, keep=keep)
    chat.work_all()
    for name in ("ada", "bert", "cleo"):
        enter(chat, name)
    return chat


def announce(content: bytes, name: str = "trip.mkv", place: int = LOBBY_ID, id: int = 7) -> StartUpload:
    """An honest announcement."""
    return StartUpload(id, place, name, len(content), sha256(content))


def right_proof(wanted: ProofWanted, content: bytes) -> bytes:
    """What somebody says who has the content."""
    return prove(wanted.nonce, tuple((piece.offset, piece.length) for piece in wanted.pieces), content)


def work_of(effects: list[Effect]) -> list[FileJob]:
    """All that the file store is asked."""
    return [effect.job for effect in effects if isinstance(effect, FileWork)]


def chunks(effects: list[Effect], session: str) -> list[FileChunk]:
    """All bytes of files that a session is sent."""
    bulk = [effect for effect in effects if isinstance(effect, Bulk) and effect.session == session]
    return [effect.event for effect in bulk if isinstance(effect.event, FileChunk)]


def only(chat: FileScript) -> int:
    """The number of the one upload that the store knows."""
    (row,) = chat.store.uploads.values()
    return row.id


def asked(chat: FileScript, session: str, content: bytes = SMALL, name: str = "trip.mkv") -> ProofWanted:
    """The question that a session gets."""
    return the(ProofWanted, chat.start(session, content, name) + chat.work_all(), session)


def listed(chat: FileScript, session: str, place: int = 0) -> list[str]:
    """The names of the files that a session is shown."""
    return [file.name for file in the(FilePage, chat.ask(session, ListFiles(7, place)), session).files]


def nack(chat: FileScript, session: str, post: Post) -> str:
    """Why a post is refused, once the store was asked whether it knows it."""
    effects = chat.ask(session, post)
    assert not any(isinstance(entry, PutMessage) for entry in entries(effects))
    return the(Nack, effects + chat.store_all(), session).code
