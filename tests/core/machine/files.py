"""The hub among clients with files and two stores that do as they like, and everything that must hold at any moment.

What the message store has committed is the truth here: the hub hears of it at once, so whoever may read something by
what is stored may have its files, and nobody else.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import count

from msgspec.structs import replace

from chatnet.core.effects import Bulk, Close, Effect, FileWork, Reply
from chatnet.core.entries import PutChat, PutUpload
from chatnet.core.file_entities import Download, Shelf, Step
from chatnet.core.file_jobs import DropFile, DropPart, ReadFile, WritePart
from chatnet.core.limits import Limits
from chatnet.core.retention import Keep
from chatnet.errors import ErrorCode
from chatnet.events import DownloadReady, Event, FileChunk, FilePage, Refused, UploadReady
from chatnet.model import WINDOW_BYTES, Act
from chatnet.requests import GrantCredit, ListFiles, Post, Request, SendChunk, StartDownload, StartUpload, StopTransfer
from tests.core.club import enter
from tests.core.filing import accounts
from tests.core.machine.file_clients import FileClient
from tests.core.script import LOBBY_ID, events
from tests.core.slow_files import sha256

CONTENTS = {sha256(content): content for content in (b"", b"hello", b"y" * 70_000, b"z" * 600_000)}
DIGESTS = list(CONTENTS)
ACCOUNTS = ("ada", "bert", "cleo")
GUEST = "dora"
KEEP = Keep(everywhere=3000.0)
LIMITS = Limits(
    transfers=6,
    transfers_per_session=3,
    files=30,
    file_count_per_user=12,
    files_per_guest=1_000_000,
    upload_seconds=1000.0,
    unposted_seconds=500.0,
    guest_hold_seconds=100.0,
    request_burst=1e9,
    post_burst=1e9,
    text_burst=1e9,
)


class Files:
    """Plays, and checks."""

    def __init__(self) -> None:
        self.ids = count(1000)
        self.sessions = count(1)
        self.clients = [FileClient(user, f"{user}{i}") for user in (*ACCOUNTS, GUEST) for i in range(2)]
        self.has = {user: set(DIGESTS[:2]) for user in (*ACCOUNTS, GUEST)}
        self.has["bert"].update(DIGESTS)
        self.has["ada"].update(DIGESTS)
        self.has["cleo"].add(DIGESTS[2])
        self.durable: dict[int, int] = {}
        """What was told to be durable, by upload."""
        self.chat = accounts(limits=LIMITS, keep=KEEP)
        self.board = self.chat.room("ada", "board")
        self.places = [LOBBY_ID, self.board, self.chat.chat("bert", "cleo"), self.chat.chat("bert", "ada")]
        self.chat.login(GUEST)
        self.places.append(self.chat.chat(GUEST, GUEST))
        for name in (*ACCOUNTS, GUEST):
            self.chat.disconnect(name)
        self.chat.work_all()

    # -- connections ------------------------------------------------------------------------------------------

    def connect(self, client: FileClient) -> None:
        """A client logs in; a guest perhaps as somebody new of the same name."""
        client.session = f"{client.device}#{next(self.sessions)}"
        if client.user in ACCOUNTS:
            self.see(enter(self.chat, client.session, client.user, device=client.device))
        else:
            self.see(self.chat.login(client.session, client.user, secret=client.user, device=client.device))

    def vanish(self, client: FileClient) -> None:
        """A connection breaks."""
        effects = self.chat.disconnect(client.session)
        self.chat.unsent.pop(client.session, None)
        client.lose()
        self.see(effects)

    def kill(self) -> None:
        """The server is killed, and another one starts with what is kept."""
        self.chat = self.chat.killed(limits=LIMITS, keep=KEEP)
        for client in self.clients:
            client.lose()
        self.see(self.chat.first)

    def open_clients(self) -> list[FileClient]:
        """Those who are connected."""
        return [client for client in self.clients if client.session]

    # -- asking -----------------------------------------------------------------------------------------------

    def ask(self, client: FileClient, request: Request) -> None:
        """A client asks for something."""
        if not isinstance(request, Post | SendChunk | GrantCredit):
            request = self._note(client, request)
        self.see(self.chat.ask(client.session, request))
        if isinstance(request, StopTransfer):
            client.sending.pop(request.transfer, None)
            client.fetching.pop(request.transfer, None)

    def go_on(self, client: FileClient) -> bool:
        """A client does the next thing that it has to do, if there is one."""
        request = client.next() if client.session else None
        if request is not None:
            self.ask(client, request)
        return request is not None

    def place(self, client: FileClient, number: int) -> int:
        """A conversation that a client may read, or perhaps not."""
        mine = [place for place in self.places if self.may_read(client.user, place)]
        places = [*mine, *mine, self.places[2]]
        return places[number % len(places)]

    def announce(self, client: FileClient, digest: bytes, place: int, name: str) -> None:
        """A client announces a content, that its user has or not."""
        self.ask(client, StartUpload(0, place, name, len(CONTENTS[digest]), digest))

    def fetch(self, client: FileClient, file: int, offset: int) -> None:
        """A client asks for a file; it gets it if, and only if, it may."""
        may = self.may_fetch(client.user, file)
        heard: list[Event] = []
        self.ask_and_keep(client, StartDownload(0, file, offset, offset + WINDOW_BYTES), heard)
        for event in heard:
            assert not isinstance(event, DownloadReady) or may
            is_refused = isinstance(event, Refused) and event.code in (ErrorCode.NO_SUCH_FILE, ErrorCode.BANNED)
            assert not is_refused or not may

    def list_files(self, client: FileClient, place: int) -> None:
        """A client is shown what it may read, and no more."""
        heard: list[Event] = []
        self.ask_and_keep(client, ListFiles(0, place), heard)
        for event in heard:
            if isinstance(event, FilePage):
                rows = [row for row in self.chat.store.files.values() if not place or row.file.conversation == place]
                ids = [row.file.id for row in rows if self.may_fetch(client.user, row.file.id)]
                assert [file.id for file in event.files] == sorted(ids, reverse=True)

    def ask_and_keep(self, client: FileClient, request: Request, heard: list[Event]) -> None:
        """A client asks; ``heard`` gets what it is told."""
        effects = self.chat.ask(client.session, self._note(client, request))
        heard += events(effects, client.session)
        self.see(effects)

    def _note(self, client: FileClient, request: Request) -> Request:
        """The request with a number that none has had, and that waits for its reply."""
        id = next(self.ids)
        client.asked[id] = request = replace(request, id=id)
        return request

    # -- the truth --------------------------------------------------------------------------------------------

    def may_fetch(self, user: str, file: int) -> bool:
        """Is there such a file, shared where this user may read?"""
        row = self.chat.store.files.get(file)
        if row is None or row.seq < self.chat.store.first.get(row.file.conversation, 1):
            return False
        return self.may_read(user, row.file.conversation)

    def may_read(self, user: str, place: int) -> bool:
        """May this user read a conversation, by what is stored?"""
        store = self.chat.store
        id = next((kept.id for kept in store.users.values() if kept.name == user), 0)
        entry = store.conversations.get(place)
        if entry is None:
            return place == LOBBY_ID
        if isinstance(entry, PutChat):
            return id in (entry.low, entry.high)
        if (place, id, Act.BAN) in store.bans:
            return False
        return not entry.private or (place, id) in store.members

    # -- what happens -----------------------------------------------------------------------------------------

    def see(self, effects: Iterable[Effect]) -> None:
        """Everybody hears what was told, and everything that was asked for is checked."""
        for effect in effects:
            match effect:
                case FileWork(job=DropPart(part=part)):
                    assert part not in self.chat.store.uploads, "a part is dropped before its row"
                case FileWork(job=DropFile(digest=digest)):
                    rows = self.chat.store.files.values()
                    assert digest not in [row.file.digest for row in rows], "a content is dropped before its row"
                case Bulk(session=session, event=FileChunk() as chunk):
                    self._check_reader(str(session), chunk)
                case Close(session=session):
                    raise AssertionError(f"{session} was closed: {effect}")
                case PutUpload(id=id) if id not in self.chat.store.uploads:
                    self.durable.pop(id, None)
                case _:
                    pass
            for client in self.open_clients():
                self._tell(client, effect)

    def _tell(self, client: FileClient, effect: Effect) -> None:
        if isinstance(effect, Reply) and effect.session == client.session and isinstance(effect.event, UploadReady):
            self._check_durable(client, effect.event)
        if isinstance(effect, Bulk) and effect.session == client.session:
            client.hear(effect.event, CONTENTS, self.has[client.user])
        for event in events([effect], client.session):
            client.hear(event, CONTENTS, self.has[client.user])

    def _check_reader(self, session: str, chunk: FileChunk) -> None:
        """Nobody gets a byte of what he may not read at that moment."""
        lane = self.chat.hub._state.sessions[session].lane
        assert lane is not None
        (client,) = [client for client in self.open_clients() if client.session == session]
        fetching = client.fetching[chunk.download]
        mine = [row.file for row in self.chat.store.files.values() if row.file.digest == fetching.digest]
        assert any(self.may_fetch(client.user, file.id) for file in mine), "bytes for somebody who may not read them"

    def _check_durable(self, client: FileClient, ready: UploadReady) -> None:
        """No byte before one that was told to be durable is wanted again."""
        lane = self.chat.hub._state.sessions[client.session].lane
        assert lane is not None
        upload = lane.open[ready.upload]
        assert not isinstance(upload, Download)
        assert ready.offset >= self.durable.get(upload.row.id, 0)  # type: ignore[attr-defined]
        self.durable[upload.row.id] = ready.offset  # type: ignore[attr-defined]

    def end_turn(self) -> None:
        """A turn ends: the store gets its batch."""
        self.see(self.chat.end_turn())

    def store(self, *, fails: bool = False) -> None:
        """The store does the oldest batch; or it, and all that were asked for, fail."""
        self.end_turn()
        if self.chat.store.has_batch:
            self.see(self.chat.fail_all() if fails else self.chat.store_one())

    def work(self, *, fails: bool = False) -> None:
        """The file store does its oldest job, or cannot."""
        if self.chat.files.waiting:
            self.see(self.chat.work(fails=fails))

    def send(self, session: str) -> None:
        """The network has sent what it had for a session."""
        self.see(self.chat.sent(session))

    def tick(self, seconds: float) -> None:
        """Time passes."""
        self.see(self.chat.tick(seconds))

    def run(self, turns: str) -> None:
        """Each takes a step in its turn: c a client, s the store, f the file store, n the network."""
        for number, turn in enumerate(turns):
            clients, sessions = self.open_clients(), sorted(self.chat.unsent)
            if turn == "c":
                for i in range(len(clients)):
                    if self.go_on(clients[(number + i) % len(clients)]):
                        break
            elif turn == "s":
                self.store()
            elif turn == "f":
                self.work()
            elif sessions:
                self.send(sessions[number % len(sessions)])

    # -- what must hold ---------------------------------------------------------------------------------------

    def check(self) -> None:
        """At any moment."""
        self._check_holds()
        self._check_quotas()
        self._check_shelves()
        self._check_lanes()
        contents = self.chat.files.files
        assert all(contents[row.file.digest] == CONTENTS[row.file.digest] for row in self.chat.store.files.values())

    def _check_holds(self) -> None:
        transfers, shelves = self.chat.hub._transfers, self.chat.hub._shelves
        rows = Counter(f.content.digest for f in (*shelves.files.values(), *shelves._dropping.values()))
        uploads = [*transfers._rows.all.values(), *transfers._rows._dropping.values()]
        holds = rows + Counter(upload.content.digest for upload in uploads if upload is not None)
        holds += Counter(d.file.content.digest for d in transfers._lanes.active if isinstance(d, Download))
        assert holds == {content.digest: content.holds for content in shelves.contents.values()}
        assert +rows == {c.digest: c.rows for c in shelves.contents.values() if c.rows}

    def _check_quotas(self) -> None:
        transfers, shelves = self.chat.hub._transfers, self.chat.hub._shelves
        taken: dict[int, tuple[int, int]] = {}
        files = [file.file for file in (*shelves.files.values(), *shelves._dropping.values())]
        uploads = [*transfers._rows.all.values(), *transfers._rows._dropping.values()]
        pairs = [(file.sender, file.size) for file in files]
        pairs += [(upload.row.user, upload.row.size) for upload in uploads if upload is not None]
        for user, size in pairs:
            number, total = taken.get(user, (0, 0))
            taken[user] = number + 1, total + size
        assert taken == shelves.quotas._taken
        assert len(shelves.files) + len(transfers._rows.all) <= LIMITS.files

    def _check_shelves(self) -> None:
        state, shelves, rows = self.chat.hub._state, self.chat.hub._shelves, self.chat.hub._transfers._rows
        assert shelves.ids == sorted(shelves.files)
        kept: list[Shelf] = [c.shelf for c in state.conversations.values() if c.shelf is not None]
        assert not any(shelf.is_empty for shelf in kept)
        files = [file for shelf in kept for file in (*shelf.posted.values(), *shelf.unposted.values())]
        assert {file.file.id for file in files} == shelves.files.keys()
        assert all(file.file.seq == seq for shelf in kept for seq, file in shelf.posted.items())
        assert {id for shelf in kept for id in shelf.unposted} == shelves._unposted.keys()
        assert {id for shelf in kept for id in shelf.uploads} == rows.all.keys()
        assert {upload.key: upload for upload in rows.all.values()} == rows.by_key

    def _check_lanes(self) -> None:
        lanes, waiting = self.chat.hub._transfers._lanes, self.chat.files.waiting
        assert len(lanes.active) <= LIMITS.transfers
        attached = 0
        for handle, session in self.chat.hub._state.sessions.items():
            if session.lane is None:
                continue
            assert session.lane.ahead <= 2
            assert len(session.lane.open) <= LIMITS.transfers_per_session
            assert all(t.session == handle and t in lanes.active for t in session.lane.open.values())
            attached += len(session.lane.open)
        assert attached == sum(transfer.session is not None for transfer in lanes.active)
        for part, size in _sizes(job for job in waiting if isinstance(job, WritePart)).items():
            assert size <= WINDOW_BYTES, f"part {part} has too much under way"
        assert sum(isinstance(job, ReadFile) for job in waiting) <= 2 * len(self.clients) + LIMITS.transfers * 2

    # -- quiet ------------------------------------------------------------------------------------------------

    def calm(self) -> None:
        """Everything that is under way comes to its end, and nothing fails."""
        for _ in range(3000):
            is_busy = False
            while self.chat.batch or self.chat.store.has_batch or self.chat.files.waiting or self.chat.unsent:
                is_busy = True
                self.store()
                self.work()
                for session in list(self.chat.unsent):
                    self.send(session)
            for client in self.clients:
                is_busy = self.go_on(client) or is_busy
            if not is_busy:
                return
        raise AssertionError("it never becomes quiet")

    def settle(self) -> None:
        """Everybody comes and goes on until nothing is left to do; then all is as it should be."""
        self.calm()
        for client in self.open_clients():
            assert not client.asked, "somebody waits for a reply for ever"
            assert client.post is None
            assert not client.sending
            assert not client.fetching
            self.vanish(client)
        self.calm()
        transfers, shelves = self.chat.hub._transfers, self.chat.hub._shelves
        assert all(upload.step is Step.PAUSED for upload in transfers._rows.all.values())
        self.tick(2 * LIMITS.upload_seconds)
        self.calm()
        self.tick(1.0)
        self.calm()
        assert not transfers._lanes.active
        assert not transfers._rows.all
        assert not transfers._rows._dropping
        assert not transfers._steps._saving
        assert not shelves._dropping
        assert not shelves._unposted
        # What the file store could not drop is collected at the next start.
        self.kill()
        self.tick(0.0)
        self.calm()
        self._check_stores()

    def _check_stores(self) -> None:
        """What the file store has is what the rows say, and nothing else."""
        store, files = self.chat.store, self.chat.files
        assert files.parts.keys() | files.sealed.keys() == store.uploads.keys() == set()
        assert files.files.keys() == {row.file.digest for row in store.files.values()}
        assert store.files.keys() == self.chat.hub._shelves.files.keys()
        for row in store.files.values():
            assert self.chat.hub._shelves.files[row.file.id].file.seq == row.seq > 0
        self.check()


def _sizes(jobs: Iterable[WritePart]) -> Counter[int]:
    sizes: Counter[int] = Counter()
    for job in jobs:
        sizes[job.part] += len(job.data)
    return sizes
