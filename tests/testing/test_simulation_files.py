"""Files in a simulation: what a kill or a power cut leaves of them, and that mistakes about them are found."""

from hashlib import sha256
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from chatnet.client.downloads import Download
from chatnet.client.partial import PartialFile
from chatnet.client.uploads import Upload as ClientUpload
from chatnet.core.downloads import Downloads
from chatnet.core.effects import FileWork
from chatnet.core.entries import DropShared, PutFile
from chatnet.core.file_entities import Upload
from chatnet.core.file_jobs import ClosePart, DropFile, FileAnswer, FileFailed, FinishPart, OpenPart, WritePart
from chatnet.core.file_quotas import Quotas
from chatnet.core.limits import KIB
from chatnet.core.shelves import Shelves
from chatnet.core.upload_rows import UploadRows
from chatnet.core.uploads import Uploads
from chatnet.files import content
from chatnet.files.parts import Pace
from chatnet.model import CHUNK_BYTES
from chatnet.testing.clock import VirtualClock
from chatnet.testing.memory_disk import _MemoryFile
from chatnet.testing.simulation import Failed, Violation, World, file_behaviour, simulate
from chatnet.testing.simulation.file_disk import FileManners, FileStorage
from chatnet.testing.simulation.file_ledger import FileEvent, FileLedger
from chatnet.testing.simulation.kills import Fate, Killed, ServerStep
from chatnet.testing.simulation.trace import Trace

DATA = bytes(range(256)) * 100
DIGEST = sha256(DATA).digest()
LARGE = (700 * KIB,)
"""Sizes of files that are under way for long enough to be caught at it."""

# -- the disk -------------------------------------------------------------------------------------------------


class Once(Random):
    """Always takes the first of several, and the greatest number."""

    def choice(self, seq: Any) -> Any:
        return seq[0]

    def randint(self, a: int, b: int) -> int:
        return b


class Rig:
    """A file store of one process after the other. ``power_cuts``: the chance that each end is one."""

    def __init__(self, rng: Random, *, power_cuts: float = 0.0, sync: int = 1) -> None:
        self.clock = VirtualClock()
        self.fate: Fate[ServerStep] = Fate(rng)
        self.ledger = FileLedger()
        self.ledger.owns("ann", DATA, DIGEST)
        manners = FileManners(delay=0.0, pace=Pace(mark=1, sync=sync, read=KIB), power_cuts=power_cuts)
        self.storage = FileStorage(manners, self.clock, rng, self.fate, self.ledger, Trace(self.clock))
        self.start()

    def start(self) -> None:
        self.store = self.storage.open()
        self.store.load()

    def ask(self, *jobs: Any) -> list[FileAnswer]:
        for job in jobs:
            self.store.submit(job)
        self.clock.advance(10.0)
        return self.store.completions()

    def upload(self, *pieces: tuple[int, int]) -> list[FileAnswer]:
        writes = [WritePart(part=1, offset=start, data=DATA[start:end]) for start, end in pieces]
        return self.ask(OpenPart(part=1, size=len(DATA), digest=DIGEST), *writes)

    def put(self, file: int) -> None:
        self.ledger.committed(PutFile(file, 1, "a", len(DATA), DIGEST, 1, "ann", 0))


def test_what_is_durable_survives_a_power_cut() -> None:
    rig = Rig(Random(1), power_cuts=1.0)
    rig.upload((0, 5000), (5000, 9000))
    rig.storage.kill()
    rig.start()
    (opened,) = rig.upload()
    assert getattr(opened, "offset", None) == 9000
    assert rig.ledger.events[FileEvent.POWER_CUT] == 1


def test_a_process_that_has_ended_does_nothing_more() -> None:
    rig = Rig(Random(1))
    rig.store.submit(OpenPart(part=1, size=len(DATA), digest=DIGEST))
    rig.storage.kill()
    rig.clock.advance(10.0)
    assert rig.store.completions() == []
    assert rig.storage.disk.contents() == {}


@pytest.mark.parametrize("step", [ServerStep.FILING, ServerStep.TEARING])
def test_a_process_ends_between_two_steps_or_in_one(step: ServerStep) -> None:
    rig = Rig(Once())
    rig.fate.choose(step)
    with pytest.raises(Killed):
        rig.upload((0, 5000))
    assert rig.fate.ends == {step: 1}


def test_a_process_ends_while_a_part_is_made_a_file_and_not_before() -> None:
    rig = Rig(Once())
    rig.fate.choose(ServerStep.FINISHING)
    rig.upload((0, len(DATA)))
    with pytest.raises(Killed):
        rig.ask(FinishPart(part=1))
    assert rig.storage.disk.contents()[content.path_of(DIGEST)] == DATA
    rig.storage.kill()
    rig.start()
    assert [getattr(answer, "offset", None) for answer in rig.upload()] == [len(DATA)]


def test_a_content_that_a_file_needs_and_that_is_gone_is_noticed() -> None:
    rig = Rig(Random(1))
    rig.put(1)
    with pytest.raises(Violation, match="F1: the content of the file 1"):
        rig.storage.kill()


def test_a_content_that_is_dropped_while_a_file_needs_it_is_noticed() -> None:
    rig = Rig(Random(1))
    rig.put(1)
    with pytest.raises(Violation, match="F1"):
        rig.ask(DropFile(digest=DIGEST))


def test_a_part_and_a_content_that_nobody_needs_are_noticed() -> None:
    rig = Rig(Random(1))
    rig.storage.check_exact()
    rig.upload((0, len(DATA)))
    with pytest.raises(Violation, match="F4: there are parts"):
        rig.storage.check_exact()
    rig = Rig(Random(1))
    rig.upload((0, len(DATA)))
    rig.ask(FinishPart(part=1))
    rig.storage.disk.remove(f"parts/{1:016x}.marks")
    with pytest.raises(Violation, match="F4: there are the contents"):
        rig.storage.check_exact()
    rig.put(1)
    rig.storage.check_exact()


def test_a_disk_without_room_fails_uploads_until_it_is_healed() -> None:
    rig = Rig(Once())
    rig.storage.disk.room = 100
    assert [type(answer) for answer in rig.upload()] == [FileFailed]
    assert rig.storage.has_failed
    rig.storage.heal()
    assert not isinstance(rig.upload()[0], FileFailed)


def test_a_file_that_comes_back_after_it_was_dropped_is_noticed() -> None:
    rig = Rig(Random(1))
    rig.put(1)
    rig.ledger.committed(DropShared(1))
    with pytest.raises(Violation, match="F4"):
        rig.put(1)


# -- worlds ---------------------------------------------------------------------------------------------------


def test_some_servers_keep_files_and_others_do_not() -> None:
    worlds = [World(seed) for seed in range(8)]
    for world in worlds:
        world.run(0)
    assert {world._files is None for world in worlds} == {True, False}


# -- planted mistakes -----------------------------------------------------------------------------------------


def first_violation(first: int = 0) -> str | None:
    """The rule that the first of many seeds finds broken; ``first`` is not far from the one that does."""
    for seed in range(first, first + 100):
        try:
            simulate(seed)
        except Failed as failure:
            return getattr(failure.__cause__, "rule", repr(failure.__cause__))
    return None


def test_a_proof_that_nobody_looks_at_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    prove = Uploads.prove

    def trusting(self: Uploads, session: Any, request: Any, now: Any) -> None:
        upload = self._lanes.find(session, request.upload)
        if isinstance(upload, Upload):
            upload.proof = request.proof
        prove(self, session, request, now)

    monkeypatch.setattr(Uploads, "prove", trusting)
    assert first_violation(20) == "possession"


def test_a_quota_that_is_not_given_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Quotas, "give_back", lambda *_: None)
    assert first_violation() == "F6"


def test_a_download_that_holds_its_file_for_ever_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Downloads.stop

    def clinging(self: Downloads, download: Any) -> None:
        self._shelves.hold(download.file.content.digest, download.file.file.size)
        stop(self, download)

    monkeypatch.setattr(Downloads, "stop", clinging)
    assert first_violation() == "F5"


def test_a_content_that_goes_with_the_first_of_its_files_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    release = Shelves.release

    def hasty(self: Shelves, content: Any) -> None:
        release(self, content)
        if content.holds:
            self._state.out.append(FileWork(DropFile(content.digest)))

    monkeypatch.setattr(Shelves, "release", hasty)
    assert first_violation() == "F1"


def test_bytes_that_are_called_durable_before_they_are_synced_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_MemoryFile, "sync", lambda _: None)
    assert first_violation(16) in ("F1", "F3")


def test_a_removed_file_that_is_sent_to_its_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = Shelves.refuse

    def stubborn(self: Shelves, user: Any, file: Any) -> Any:
        was_gone, file.is_gone = file.is_gone, False
        try:
            return refuse(self, user, file)
        finally:
            file.is_gone = was_gone

    monkeypatch.setattr(Shelves, "refuse", stubborn)
    assert first_violation(2) == "F7"


def test_a_client_that_sends_again_what_is_durable_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = ClientUpload._ready

    def forgetful(self: ClientUpload, event: Any) -> None:
        ready(self, replace(event, offset=max(0, event.offset - CHUNK_BYTES)))

    monkeypatch.setattr(ClientUpload, "_ready", forgetful)
    assert first_violation(2) == "F3"


def test_a_file_that_everybody_may_read_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatnet.core.shelves.may_read", lambda *_: True)
    assert first_violation(41) == "F7"


def test_parts_that_stay_behind_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatnet.core.upload_rows.DropPart", ClosePart)
    assert first_violation(2) == "F4"


def test_a_download_that_begins_anew_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Download._begin

    def forgetful(self: Download) -> None:
        if isinstance(self._sink, PartialFile) and self.received < self._sink._size:
            self._sink._file.seek(0)
            self._sink._file.truncate(0)
            self._sink.offset, self._sink._hash = 0, sha256()
        begin(self)

    monkeypatch.setattr(Download, "_begin", forgetful)
    monkeypatch.setattr(file_behaviour, "_SIZES", LARGE)
    assert first_violation(4) == "F3"


def test_an_upload_that_goes_on_with_the_row_of_another_user_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Careless(dict[Any, Any]):
        def get(self, key: Any, default: Any = None) -> Any:
            return super().get(key) or next((row for other, row in self.items() if other[1:] == key[1:]), default)

    make = UploadRows.__init__

    def careless(self: UploadRows, *values: Any) -> None:
        make(self, *values)
        self.by_key = Careless(self.by_key)

    monkeypatch.setattr(UploadRows, "__init__", careless)
    assert first_violation(16) in ("F4", "possession")
