"""Files between sessions and the real hub, over connections that break anywhere: whole, and nothing sent twice."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from chatnet.auth.possession import answer
from chatnet.client.downloads import Download
from chatnet.client.outbox import ToConversation, ToUser
from chatnet.client.uploads import Upload
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Credit, Event, FileChunk, UploadReady
from chatnet.model import CHUNK_BYTES, Kind
from chatnet.requests import Request, SendChunk
from chatnet.testing.file_driver import some_bytes
from tests.client.contents import BIG, SMALL, Held, Kept
from tests.client.world import Line, Person, World

CONTENTS = (BIG, SMALL, b"", some_bytes(300_000))


class Huge(Held):
    """More than a server takes."""

    @property
    def size(self) -> int:
        return 3 << 30


class Watched(World):
    """Counts what bytes of files come and go, and asserts that none comes to the server that it has for good."""

    def __init__(self, *names: str) -> None:
        super().__init__(*names, with_files=True)
        self.sent = self.fetched = 0

    def handle(self, line: Line, request: Request) -> None:
        if isinstance(request, SendChunk):
            self.sent += len(request.data)
            durable = line.durable.get(request.upload, 0)
            assert request.offset >= durable, f"byte {request.offset} is sent again, and {durable} are durable"
        super().handle(line, request)

    def tell(self, line: Line, event: Event) -> None:
        match event:
            case UploadReady(upload=id, offset=durable) | Credit(upload=id, durable=durable):
                line.durable[id] = max(line.durable.get(id, 0), durable)
            case FileChunk(data=data):
                self.fetched += len(data)
        super().tell(line, event)


def online(*names: str) -> Watched:
    world = Watched(*names)
    world.settle()
    return world


def send(person: Person, content: bytes, name: str = "trip.mkv", to: str = "bob") -> Upload:
    return person.session.transfers.upload(Held(content), ToUser(to), name)


def prove(upload: Upload, content: bytes) -> None:
    """Answer what the server asks, if it asks."""
    question = upload.question
    if question is not None:
        pieces = [content[offset : offset + length] for offset, length in question.ranges]
        upload.prove(question, answer(question.nonce, question.ranges, pieces))


def finish(world: World, upload: Upload, content: bytes) -> None:
    """Let an upload come to its end."""
    for _ in range(10):
        world.settle()
        prove(upload, content)
    assert upload.is_complete, upload.failure


def fetch(world: World, person: Person, file: int, kept: Kept) -> Download:
    """Fetch a file to the end."""
    download = person.session.transfers.download(file)
    world.settle()
    download.receive_into(kept)
    world.settle()
    return download


def shared(world: World, person: Person, upload: Upload) -> int:
    """Share what was uploaded; the file's id."""
    assert upload.file is not None
    person.session.post(ToConversation(upload.file.conversation), "here", Kind.FILE, 0, upload.file.id)
    world.settle()
    return upload.file.id


def test_a_file_gets_from_one_to_the_other() -> None:
    world = online("alice", "bob")
    alice, bob = world.people
    upload = send(alice, BIG)
    finish(world, upload, BIG)
    file = shared(world, alice, upload)
    assert bob.heard() == {2: ["here"]}
    kept = Kept()
    assert fetch(world, bob, file, kept).is_complete
    assert kept.content == BIG
    assert (world.sent, world.fetched) == (len(BIG), len(BIG))


def test_what_the_server_has_already_is_not_sent_again() -> None:
    world = online("alice", "bob")
    alice, bob = world.people
    upload = send(alice, BIG)
    finish(world, upload, BIG)
    shared(world, alice, upload)
    finish(world, send(bob, BIG, to="alice"), BIG)
    assert world.sent == len(BIG)


def test_the_same_upload_from_elsewhere_takes_over_and_says_so() -> None:
    world = online("alice", "bob")
    alice, _ = world.people
    elsewhere = Person("alice", 1)
    world.people.append(elsewhere)
    world.settle()
    first = send(alice, BIG)
    for _ in range(4):
        world.carry(alice)
    assert first.sent
    second = send(elsewhere, BIG)
    finish(world, second, BIG)
    assert isinstance(first.failure, Refused)
    assert first.failure.code == ErrorCode.REPLACED
    assert world.sent <= len(BIG) + 4 * CHUNK_BYTES


def test_a_file_that_is_too_big_is_refused_with_the_limit_before_the_first_byte() -> None:
    world = online("alice", "bob")
    upload = world.people[0].session.transfers.upload(Huge(), ToUser("bob"), "huge")
    world.settle()
    assert isinstance(upload.failure, Refused)
    assert upload.failure.code == ErrorCode.QUOTA
    assert "2 GiB" in upload.failure.message
    assert world.sent == 0


class Moving(RuleBasedStateMachine):
    """Two people send and fetch files, while connections break and the store fails for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.world = online("alice", "bob")
        self.alice, self.bob = self.world.people
        self.uploads: list[tuple[Upload, bytes]] = []
        self.downloads: list[tuple[Download, Kept, bytes]] = []
        upload = send(self.alice, BIG, "there")
        finish(self.world, upload, BIG)
        self.there = shared(self.world, self.alice, upload)

    @rule(content=st.sampled_from(CONTENTS))
    def send(self, content: bytes) -> None:
        if len(self.uploads) < 3:
            self.uploads.append((send(self.alice, content, f"{len(self.uploads)}"), content))

    @rule(left=st.integers(0, len(BIG)))
    def fetch(self, left: int) -> None:
        if len(self.downloads) < 3:
            download = self.bob.session.transfers.download(self.there)
            self.downloads.append((download, Kept(BIG[:left]), BIG))

    @rule()
    def receive(self) -> None:
        for download, kept, _ in self.downloads:
            if download.file is not None and not download.is_over:
                download.receive_into(kept)

    @rule()
    def prove(self) -> None:
        for upload, content in self.uploads:
            prove(upload, content)

    @rule(
        who=st.integers(0, 1),
        times=st.integers(1, 6),
        up=st.sampled_from([1, 1000, 1 << 20]),
        down=st.sampled_from([1, 1000, 1 << 20]),
    )
    def carry(self, who: int, times: int, up: int, down: int) -> None:
        for _ in range(times):
            self.world.carry(self.world.people[who], up=up, down=down)

    @rule(who=st.integers(0, 1), noticed=st.booleans())
    def cut(self, who: int, noticed: bool) -> None:
        self.world.cut(self.world.people[who], server_notices=noticed)

    @rule(who=st.integers(0, 1))
    def connect(self, who: int) -> None:
        self.world.connect(self.world.people[who])

    @rule()
    def fail(self) -> None:
        self.world.fails = True

    @rule(seconds=st.sampled_from([0.1, 3.0, 40.0]))
    def wait(self, seconds: float) -> None:
        self.world.fails = False
        self.world.wait(seconds)

    def teardown(self) -> None:
        for _ in range(12):
            self.world.settle()
            if all(upload.is_over for upload, _ in self.uploads) and all(d.is_over for d, _, _ in self.downloads):
                break
            self.receive()
            self.prove()
            self.world.wait(10.0)
        for upload, content in self.uploads:
            assert upload.is_complete or _is_told(upload), f"an upload of {len(content)} bytes is {upload.stage}"
        for download, kept, content in self.downloads:
            assert download.is_complete
            assert kept.content == content


def _is_told(upload: Upload) -> bool:
    """A store that is full before the first byte is no reason to wait."""
    return isinstance(upload.failure, Refused) and upload.failure.code == ErrorCode.STORE_FULL


TestMoving = Moving.TestCase
TestMoving.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
