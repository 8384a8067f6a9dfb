"""What is damaged is shown as damaged, in its place, and never in the way of anything else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnet.core.entries import ReadMessages
from chatnet.model import Message
from chatnet.store.opening import FILE_NAME
from chatnet.store.rows import DAMAGED
from chatnet.store.schema import row_id
from chatnet.testing.store_driver import Driver
from chatnet.testing.store_model import PREPARATION, deed, post
from tests.store.places import by_hand, opened, scratch_folder

MESSAGES = 300


@pytest.fixture
def folder() -> Iterator[Path]:
    """A store with some messages, closed."""
    with scratch_folder() as folder:
        with opened(folder) as driver:
            driver.put(*PREPARATION, *(post(1, n, body=f"message {n}") for n in range(1, MESSAGES + 1)))
        yield folder


def damage(folder: Path, statement: str, seq: int) -> None:
    with by_hand(folder) as database:
        assert database.execute(statement, (row_id(1, seq),)).rowcount == 1


def shown(messages: list[Message]) -> list[tuple[int, str]]:
    return [(message.seq, message.body) for message in messages]


def expected(seqs: range, *bad: int) -> list[tuple[int, str]]:
    return [(seq, DAMAGED if seq in bad else f"message {seq}") for seq in seqs]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM messages WHERE id = ?",
        "UPDATE messages SET body = 'something else' WHERE id = ?",
        "UPDATE messages SET body = CAST(x'fffe' AS TEXT) WHERE id = ?",
        "UPDATE messages SET body = x'00ff' WHERE id = ?",
        "UPDATE messages SET name = CAST(x'ff' AS TEXT) WHERE id = ?",
        "UPDATE messages SET sender = 1.5 WHERE id = ?",
        "UPDATE messages SET sender = 'alice' WHERE id = ?",
        "UPDATE messages SET kind = 99 WHERE id = ?",
        "UPDATE messages SET time = time + 1 WHERE id = ?",
        "UPDATE messages SET digest = digest + 1 WHERE id = ?",
        "UPDATE messages SET (sender, body, digest) = (SELECT sender, body, digest FROM messages LIMIT 1) WHERE id = ?",
    ],
)
@pytest.mark.parametrize("seq", [2, 150])
def test_one_damaged_message_has_its_place_and_the_others_theirs(folder: Path, statement: str, seq: int) -> None:
    damage(folder, statement, seq)
    with opened(folder) as driver:
        assert shown(driver.after(1, 0)) == expected(range(1, MESSAGES + 1), seq)
        assert shown(driver.before(1, seq + 2, limit=3)) == expected(range(seq - 1, seq + 2), seq)
        assert shown(driver.after(1, seq - 1, limit=1)) == expected(range(seq, seq + 1), seq)
        assert shown(driver.before(1, seq + 1, limit=1)) == expected(range(seq, seq + 1), seq)


def test_messages_that_are_gone_at_the_end_of_a_page_are_in_it(folder: Path) -> None:
    for seq in (1, 298, 299):
        damage(folder, "DELETE FROM messages WHERE id = ?", seq)
    with opened(folder) as driver:
        assert shown(driver.after(1, 290, limit=9)) == expected(range(291, 300), 298, 299)
        assert shown(driver.after(1, 0, limit=2)) == expected(range(1, 3), 1)
        assert shown(driver.before(1, 3)) == expected(range(1, 3), 1)


def test_a_damaged_message_is_not_followed_by_another_ones_page(folder: Path) -> None:
    damage(folder, "UPDATE messages SET body = 'x' WHERE id = ?", 5)
    with opened(folder) as driver:
        small = driver.read(ReadMessages(1, 100, 9, after=4)).messages
        assert shown(small) == expected(range(5, 6), 5), "a page has one message at least"
        assert shown(driver.read(ReadMessages(1, 100, 9, after=5)).messages) == expected(range(6, 7))


def pages_of_messages(folder: Path) -> list[int]:
    """The places in the file of the pages with messages, but that at the top."""
    with by_hand(folder) as database:
        (root,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'messages'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    data = (folder / FILE_NAME).read_bytes()
    places = [place for place in range(0, len(data), size) if b"message 1" in data[place : place + size]]
    return [place for place in places if place != (root - 1) * size]


def everything(driver: Driver) -> list[tuple[int, str]]:
    """All pages, one after the other, as a client that catches up reads them."""
    messages: list[tuple[int, str]] = []
    while len(messages) < MESSAGES:
        page = shown(driver.after(1, len(messages), limit=7))
        assert page, "a reader never gets stuck"
        messages += page
    return messages


@pytest.mark.parametrize("offset", [0, 1, 3, 5, 8, 9])
@pytest.mark.parametrize("byte", [0x00, 0xFF])
def test_a_damaged_page_of_the_file_hides_no_others(folder: Path, offset: int, byte: int) -> None:
    places = pages_of_messages(folder)
    assert len(places) >= 3
    with (folder / FILE_NAME).open("r+b") as file:
        file.seek(places[1] + offset)
        file.write(bytes([byte]))
    whole = expected(range(1, MESSAGES + 1))
    with opened(folder) as driver:
        found = everything(driver)
        assert [seq for seq, _ in found] == [seq for seq, _ in whole]
        assert all(text in (DAMAGED, right) for (_, text), (_, right) in zip(found, whole, strict=True))
        assert 0 <= sum(text == DAMAGED for _, text in found) < MESSAGES / 2


# -- the audit log --------------------------------------------------------------------------------------------


def test_a_damaged_line_of_the_audit_log_is_a_gap_and_named(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with opened(folder) as driver:
        driver.put(*(deed(n) for n in range(1, 10)))
    with by_hand(folder) as database:
        database.execute("UPDATE deeds SET actor_name = 'mallory' WHERE id = 6")
        database.execute("UPDATE deeds SET subject = CAST(x'ff' AS TEXT) WHERE id = 5")
    with opened(folder) as driver:
        assert [line.id for line in driver.deeds(before=8, limit=3)] == [7, 4, 3], "a page is as long as it can be"
        assert [line.id for line in driver.deeds()] == [9, 8, 7, 4, 3, 2, 1]
        driver.put(deed(10))
        assert driver.deeds(limit=1)[0].id == 10
    assert "line of the audit log 6 is damaged" in caplog.text
