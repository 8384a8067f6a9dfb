"""Whatever moment the process ends, or the power: uploads go on from what was durable, and files are whole."""

import hashlib
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.core.file_jobs import (
    ClosePart,
    Collect,
    Collected,
    DropPart,
    FinishPart,
    OpenPart,
    PartClosed,
    PartFinished,
    PartOpened,
    PartWritten,
    WritePart,
)
from chatnet.files.parts import Pace
from chatnet.testing.file_driver import FileDriver, digest, some_bytes
from chatnet.testing.file_stores import SteppedFileStore
from chatnet.testing.memory_disk import MemoryDisk, Stopped

PACE = Pace(mark=700, sync=2000, free=900, read=300)
CONTENT = some_bytes(5000)
NAME = digest(CONTENT)


@dataclass
class Upload:
    """One upload of CONTENT over the lives of many servers, with all that its client was told."""

    disk: MemoryDisk = field(default_factory=MemoryDisk)
    first: int = 0
    """With which byte the last server went on."""
    durable: int = 0
    written: int = 0
    """Bytes that the server of this life has taken."""
    is_finished: bool = False
    interruptions: tuple[int, ...] = ()
    """Offsets at which the client is away for a moment."""

    def live(self) -> None:
        """One server's life, until it ends in whatever way: upload what is missing, and finish.

        :raises Stopped: it ended.
        """
        driver = FileDriver(SteppedFileStore(self.disk, pace=PACE))
        if self.is_finished:
            driver.answers(DropPart(1))
            return
        self.open(driver)
        self.first = self.written
        while self.written < len(CONTENT):
            data = CONTENT[self.written : self.written + 500]
            self.durable = max(self.durable, driver.ask(PartWritten, WritePart(1, self.written, data)).durable)
            self.written += len(data)
            if self.written in self.interruptions:
                self.durable = driver.ask(PartClosed, ClosePart(1)).offset
                self.open(driver)
        driver.ask(PartFinished, FinishPart(1))
        self.is_finished = True
        driver.answers(DropPart(1))
        driver.store.close()

    def open(self, driver: FileDriver) -> None:
        self.written = driver.ask(PartOpened, OpenPart(1, len(CONTENT), NAME)).offset
        assert self.written >= self.durable, "what was durable is there for good"
        self.durable = self.written

    def live_until(self, operation: int, torn: float = 0.5) -> bool:
        """One life that ends at an operation; False if it got to its end before."""
        self.disk.stop_at, self.disk.torn = operation, torn
        try:
            self.live()
        except Stopped:
            return True
        self.disk.stop_at = None
        return False

    def check_files(self) -> None:
        """Is everything that has a file's name that file?"""
        files = {path: content for path, content in self.disk.contents().items() if path.startswith("content/")}
        for path, content in files.items():
            assert hashlib.sha256(content).hexdigest() == path.rpartition("/")[2]
        if self.is_finished:
            assert list(files.values()) == [CONTENT]

    def check_end(self) -> None:
        """All is done: the file is there, and nothing else but what an orphan collection removes."""
        self.check_files()
        driver = FileDriver(SteppedFileStore(self.disk, pace=PACE))
        assert driver.read(NAME) == CONTENT
        driver.ask(Collected, Collect(frozenset(), {NAME: len(CONTENT)}))
        assert list(self.disk.contents().values()) == [CONTENT]
        driver.store.close()
        assert self.disk.open_files == 0


def operations_of_a_whole_life() -> int:
    upload = Upload(interruptions=(2500,))
    upload.live()
    upload.check_end()
    return upload.disk.operations


OPERATIONS = operations_of_a_whole_life()


@pytest.mark.parametrize("torn", [0.0, 0.5, 1.0])
def test_killed_at_any_step_the_upload_goes_on(torn: float) -> None:
    for operation in range(OPERATIONS):
        upload = Upload(interruptions=(2500,))
        upload.live_until(operation, torn)
        before = upload.written
        upload.disk = upload.disk.after_kill()
        upload.check_files()
        was_finished = upload.is_finished
        upload.live()
        assert was_finished or upload.first > before - PACE.mark - 500
        upload.check_end()


@pytest.mark.parametrize("seed", range(8))
def test_when_the_power_is_cut_at_any_step_the_upload_goes_on(seed: int) -> None:
    rng = Random(seed)
    for operation in range(OPERATIONS):
        upload = Upload(interruptions=(2500,))
        upload.live_until(operation, rng.random())
        upload.disk = upload.disk.after_power_cut(rng)
        upload.check_files()
        upload.live()
        upload.check_end()


@given(st.data())
def test_many_ends_in_any_order_lead_to_the_same_file(data: st.DataObject) -> None:
    rng = data.draw(st.randoms(use_true_random=False))
    upload = Upload(interruptions=(1000, 3500))
    for _ in range(data.draw(st.integers(1, 8))):
        ended = upload.live_until(data.draw(st.integers(0, OPERATIONS)), data.draw(st.floats(0, 1)))
        is_power_cut = data.draw(st.booleans())
        upload.disk = upload.disk.after_power_cut(rng) if is_power_cut else upload.disk.after_kill()
        upload.check_files()
        if not ended:
            break
    upload.disk.stop_at = None
    upload.live()
    upload.check_end()


def test_a_kill_between_the_file_and_its_reference_costs_no_byte() -> None:
    upload = Upload()
    driver = FileDriver(SteppedFileStore(upload.disk, pace=PACE))
    driver.write(1, CONTENT, driver.open(1, CONTENT))
    driver.finish(1)
    again = FileDriver(SteppedFileStore(upload.disk.after_power_cut(Random(1)), pace=PACE))
    assert again.open(1, CONTENT) == len(CONTENT)
    again.finish(1)
    assert again.read(NAME) == CONTENT


def test_a_damaged_part_goes_on_before_the_damage() -> None:
    disk = MemoryDisk()
    driver = FileDriver(SteppedFileStore(disk, pace=PACE))
    driver.open(1, CONTENT)
    driver.write(1, CONTENT, 0, 4000, chunk=500)
    driver.close(1)
    disk.damage(next(path for path in disk.contents() if path.endswith(".part")), 2500)
    assert 0 < driver.open(1, CONTENT) <= 2500
    driver.upload(1, CONTENT)
    assert driver.read(NAME) == CONTENT
    driver.store.close()


def test_damaged_marks_cost_what_they_stood_for_and_no_more() -> None:
    disk = MemoryDisk()
    driver = FileDriver(SteppedFileStore(disk, pace=PACE))
    driver.open(1, CONTENT)
    driver.write(1, CONTENT, 0, 4000, chunk=500)
    driver.close(1)
    disk.damage(next(path for path in disk.contents() if path.endswith(".marks")), 2 * 40 + 20)
    assert driver.open(1, CONTENT) == 2000
    driver.upload(1, CONTENT)
    assert driver.read(NAME) == CONTENT
    driver.store.close()
