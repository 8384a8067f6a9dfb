"""Whose turn it is."""

from chatnet.core.file_jobs import (
    FileAnswer,
    FileFailed,
    FileRead,
    OpenPart,
    PartOpened,
    PartWritten,
    ProveFile,
    ReadFile,
    WritePart,
)
from chatnet.files.parts import Pace
from chatnet.files.vault import Vault
from chatnet.files.workshop import Workshop
from chatnet.testing.file_driver import FileDriver, digest, some_bytes
from chatnet.testing.file_stores import SteppedFileStore
from chatnet.testing.memory_disk import MemoryDisk

CONTENT = some_bytes(10_000)
NAME = digest(CONTENT)


def workshop() -> tuple[Workshop, list[FileAnswer]]:
    """One over a disk on which part 1 has nearly all of a content, which is also a file."""
    disk = MemoryDisk()
    driver = FileDriver(SteppedFileStore(disk))
    driver.upload(7, CONTENT)
    for part in (1, 2):
        driver.open(part, CONTENT)
        driver.write(part, CONTENT, 0, 9000)
    driver.store.close()
    answers: list[FileAnswer] = []
    return Workshop(Vault(disk, reserve=0, pace=Pace(read=100)), answers.append), answers


def test_a_short_job_does_not_wait_for_a_long_one() -> None:
    shop, answers = workshop()
    shop.take(OpenPart(1, 10_000, NAME))
    shop.take(ReadFile(NAME, 0, 10))
    assert [type(answer) for answer in answers] == [FileRead]
    assert shop.is_busy
    shop.finish()
    assert [type(answer) for answer in answers] == [FileRead, PartOpened]


def test_a_job_for_a_part_waits_until_that_is_open_and_no_other_does() -> None:
    shop, answers = workshop()
    shop.take(OpenPart(1, 10_000, NAME))
    shop.take(WritePart(1, 9000, CONTENT[9000:9500]))
    shop.take(WritePart(1, 9500, CONTENT[9500:]))
    shop.take(WritePart(3, 0, b"x"))
    assert [type(answer) for answer in answers] == [FileFailed]
    shop.finish()
    assert [type(answer) for answer in answers] == [FileFailed, PartOpened, PartWritten, PartWritten]


def test_long_jobs_take_turns() -> None:
    shop, answers = workshop()
    shop.take(OpenPart(1, 10_000, NAME))
    for _ in range(80):
        shop.go_on()
    shop.take(OpenPart(2, 10_000, NAME))
    shop.take(ProveFile(NAME, b"n" * 32, ((0, 200),)))
    shop.finish()
    parts = [answer.job.part for answer in answers if isinstance(answer, PartOpened)]
    assert parts == [1, 2]
    assert not isinstance(answers[0], PartOpened), "the shortest of them is done first"
