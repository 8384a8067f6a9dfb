"""Files that go a piece at a time."""

from random import Random

import pytest

from chatnet.core.file_jobs import (
    Collect,
    DropFile,
    DropPart,
    Dropped,
    FileAnswer,
    FinishPart,
    OpenPart,
    PartOpened,
    WritePart,
)
from chatnet.files import content, parts
from chatnet.files.parts import Pace
from chatnet.files.removing import all_gone, free, take_away
from chatnet.files.vault import Vault
from chatnet.files.workshop import Workshop
from chatnet.testing.file_driver import FileDriver, digest, some_bytes
from chatnet.testing.file_stores import SteppedFileStore
from chatnet.testing.memory_disk import MemoryDisk

PACE = Pace(free=1000)
CONTENT = some_bytes(5500)
NAME = digest(CONTENT)


def disk_with(*pieces: bytes) -> MemoryDisk:
    """The first is a file, the others are parts 1, 2 and so on, with nearly all of what is to come."""
    disk = MemoryDisk()
    driver = FileDriver(SteppedFileStore(disk))
    driver.upload(7, pieces[0])
    for id, data in enumerate(pieces[1:], 1):
        driver.open(id, data + b"!")
        driver.write(id, data + b"!", 0, len(data))
    driver.store.close()
    return disk


def workshop(disk: MemoryDisk) -> tuple[Workshop, list[FileAnswer]]:
    answers: list[FileAnswer] = []
    return Workshop(Vault(disk, reserve=0, pace=PACE), answers.append), answers


def test_a_large_file_is_freed_in_pieces_and_synced_after_each() -> None:
    disk = disk_with(CONTENT)
    done: list[str] = []
    disk.fails = lambda operation, _: done.append(operation)
    gone = take_away(disk, content.path_of(NAME), parts.FOLDER, 1000)
    assert done == ["rename"]
    assert gone == all_gone(disk, parts.FOLDER) == [f"parts/{NAME.hex()}.gone"]
    sizes = [disk.size(gone[0]) for _ in free(disk, gone, 1000)]
    assert sizes == [4500, 3500, 2500, 1500, 500]
    assert done == ["rename", "open", *["truncate", "sync"] * 5, "remove"]
    assert all_gone(disk, parts.FOLDER) == []
    assert disk.open_files == 0


def test_a_small_file_is_removed_at_once() -> None:
    disk = disk_with(CONTENT)
    assert take_away(disk, content.path_of(NAME), parts.FOLDER, 5500) == []
    assert disk.size(content.path_of(NAME)) is None


def test_what_is_not_there_needs_no_removing() -> None:
    disk = MemoryDisk()
    assert take_away(disk, "parts/nothing", parts.FOLDER, 1000) == []
    assert list(free(disk, ["parts/nothing.gone"], 1000)) == []


def test_others_have_their_turn_while_a_file_or_a_part_is_freed() -> None:
    disk = disk_with(CONTENT, some_bytes(5500, 2))
    shop, answers = workshop(disk)
    shop.take(DropFile(NAME))
    shop.take(DropPart(1))
    shop.take(OpenPart(9, 10, NAME))
    assert [type(answer) for answer in answers] == [PartOpened]
    shop.finish()
    assert [type(answer) for answer in answers] == [PartOpened, Dropped, Dropped]
    assert sorted(disk.contents()) == [parts.path_of(9).replace(".part", ".marks"), parts.path_of(9)]


def test_the_same_content_may_come_again_while_it_is_being_freed() -> None:
    disk = disk_with(CONTENT)
    shop, _ = workshop(disk)
    for number in (1, 2):
        shop.take(DropFile(NAME))
        shop.take(OpenPart(number, len(CONTENT), NAME))
        shop.take(WritePart(number, 0, CONTENT))
        shop.take(FinishPart(number))
    shop.finish()
    assert disk.contents()[content.path_of(NAME)] == CONTENT
    assert all_gone(disk, parts.FOLDER) == []


@pytest.mark.parametrize("cut", [False, True], ids=["killed", "power cut"])
def test_what_was_not_freed_when_the_process_ended_goes_with_the_next_collection(cut: bool) -> None:
    for seed in range(30):
        disk = disk_with(CONTENT, some_bytes(5500, 2))
        shop, _ = workshop(disk)
        shop.take(DropFile(NAME))
        shop.take(DropPart(1))
        for _ in range(seed % 8):
            shop.go_on()
        disk = disk.after_power_cut(Random(seed)) if cut else disk.after_kill()
        shop, _ = workshop(disk)
        shop.take(Collect(frozenset(), {}))
        shop.finish()
        assert disk.contents() == {}


def test_what_comes_during_a_collection_is_not_collected() -> None:
    disk = disk_with(CONTENT, some_bytes(5500, 2))
    shop, _ = workshop(disk)
    shop.take(Collect(frozenset(), {}))
    shop.take(OpenPart(1, len(CONTENT), NAME))
    shop.take(WritePart(1, 0, CONTENT))
    shop.take(FinishPart(1))
    shop.finish()
    assert disk.contents()[content.path_of(NAME)] == CONTENT
