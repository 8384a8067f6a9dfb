"""The checker names what is damaged, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnet.core.entries import DropChat, Expire, PutRoom
from chatnet.store.check import check
from chatnet.store.failures import DatabaseTooNew, StoreUnusable
from chatnet.store.opening import FILE_NAME
from chatnet.store.rows import DEVICES as DEVICE_ROWS
from chatnet.store.rows import HEADS
from chatnet.store.schema import row_id
from chatnet.testing.store_accounts_model import EVERYTHING
from chatnet.testing.store_model import DEVICES, PREPARATION, deed, post
from tests.store.places import by_hand, opened, scratch_folder

SECOND = 1000


@pytest.fixture
def folder() -> Iterator[Path]:
    """A closed database: twenty messages of two devices in room1, one in the chat of user1 and user2."""
    with scratch_folder() as folder:
        with opened(folder) as driver:
            driver.put(*PREPARATION, *EVERYTHING, *(deed(n) for n in range(1, 10)))
            driver.put(*(post(1, n, device=DEVICES[n % 2], time=n * SECOND) for n in range(1, 21)))
            driver.put(post(3, 1, device=DEVICES[2]))
        yield folder


def named(folder: Path) -> list[str]:
    return [str(damage) for damage in check(folder / FILE_NAME, alone=True)]


def change(folder: Path, statement: str, *values: object) -> None:
    with by_hand(folder) as database:
        assert database.execute(statement, values).rowcount > 0


def test_a_sound_database_has_no_damage(folder: Path) -> None:
    assert named(folder) == []


def test_nor_has_one_in_use_with_messages_that_were_dropped_or_have_expired(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(DropChat(3), Expire(1, 11 * SECOND))
        assert list(check(folder / FILE_NAME)) == []
        driver.put(post(1, 21, time=30 * 24 * 3600 * SECOND))
        driver.put(Expire(1, 30 * 24 * 3600 * SECOND))
        assert list(check(folder / FILE_NAME)) == [], "what is left of expired messages goes with time"
        driver.put(post(1, 22, device=DEVICES[1], time=60 * 24 * 3600 * SECOND))
        driver.put(Expire(1, 61 * 24 * 3600 * SECOND))
        assert list(check(folder / FILE_NAME)) == []
    assert named(folder) == []


def test_a_damaged_message_is_named_by_its_room(folder: Path) -> None:
    change(folder, "UPDATE messages SET body = 'never said' WHERE id = ?", row_id(1, 17))
    assert named(folder)[0] == "room1#17: damaged or gone"


def test_a_damaged_message_of_a_personal_chat_is_named_by_its_people(folder: Path) -> None:
    change(folder, "UPDATE messages SET sender = 2 WHERE id = ?", row_id(3, 1))
    assert "user1 & user2#1: damaged or gone" in named(folder)


def test_messages_that_are_gone_are_one_run(folder: Path) -> None:
    change(folder, "DELETE FROM messages WHERE id BETWEEN ? AND ?", row_id(1, 4), row_id(1, 9))
    assert "room1#4 to #9: damaged or gone" in named(folder)


def test_the_newest_messages_are_missed_too(folder: Path) -> None:
    change(folder, "DELETE FROM messages WHERE id > ? AND id < ?", row_id(1, 18), row_id(2, 0))
    assert "room1#19 to #20: damaged or gone" in named(folder)


def test_a_message_too_many_is_named(folder: Path) -> None:
    change(folder, "UPDATE messages SET id = ? WHERE id = ?", row_id(1, 99), row_id(1, 20))
    damages = named(folder)
    assert "room1#20: damaged or gone" in damages
    assert "room1#99: it is not one of the messages that its conversation has" in damages


def test_messages_without_a_room_are_named(folder: Path) -> None:
    change(folder, "DELETE FROM rooms WHERE id = 1")
    assert "conversation 1: there are messages, but no such room or personal chat" in named(folder)


def test_a_head_that_is_gone_is_named_by_its_messages(folder: Path) -> None:
    change(folder, "DELETE FROM heads WHERE conversation = 3")
    assert "user1 & user2#1: it is not one of the messages that its conversation has" in named(folder)


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("UPDATE users SET name = 'mallory' WHERE id = 2", "user 2"),
        ("UPDATE rooms SET owner = 2 WHERE id = 1", "room 1"),
        ("UPDATE chats SET high = 3 WHERE id = 4", "personal chat 4"),
        ("UPDATE heads SET first = 2 WHERE conversation = 1", "the extent of conversation 1"),
        ("UPDATE meta SET value = 99 WHERE key = 'next_user'", "the server's own note next_user"),
        ("UPDATE meta SET value = zeroblob(32) WHERE key = 'secret'", "the server's own note secret"),
        ("UPDATE users SET role = 2 WHERE id = 2", "user 2"),
        ("UPDATE tokens SET scope = 0 WHERE id = 2", "token 2"),
        ("UPDATE invitations SET expires = 0", "invitation 7KQM"),
        ("UPDATE members SET rank = 3 WHERE user = 2", "the membership of user and room 2, 1"),
        ("UPDATE bans SET until = 1 WHERE act = 3", "the ban or mute of user, room and act 2, 1, 3"),
        ("UPDATE deeds SET detail = '' WHERE id = 4", "line of the audit log 4"),
        ("UPDATE devices SET n = n + 1 WHERE device = x'01010101010101010101010101010101'", f"device {'01' * 16}"),
    ],
)
def test_a_damaged_row_of_any_table_is_named(folder: Path, statement: str, where: str) -> None:
    change(folder, statement)
    assert f"{where}: it is not what was stored" in named(folder)


def test_ids_that_could_be_given_out_again_are_named(folder: Path) -> None:
    change(folder, "DELETE FROM meta WHERE key = 'next_conversation'")
    assert "the server's own note next_conversation: it is gone, or older than what was stored" in named(folder)


def test_a_token_whose_id_could_be_given_out_again_is_named(folder: Path) -> None:
    change(folder, "DELETE FROM meta WHERE key = 'next_token'")
    assert named(folder) == ["the server's own note next_token: it is gone, or older than what was stored"]


def test_a_secret_that_is_gone_is_named(folder: Path) -> None:
    change(folder, "DELETE FROM meta WHERE key = 'secret'")
    assert named(folder) == ["the server's own note secret: it is gone"]


def test_lines_of_the_audit_log_that_are_gone_are_named(folder: Path) -> None:
    change(folder, "DELETE FROM deeds WHERE id IN (1, 4, 5, 9)")
    assert named(folder) == [
        "the audit log, line 1: gone",
        "the audit log, line 4 to 5: gone",
        "the audit log, line 9: gone",
    ]


def test_a_line_of_the_audit_log_too_many_is_named(folder: Path) -> None:
    change(folder, "DELETE FROM meta WHERE key = 'next_deed'")
    assert named(folder) == ["the server's own note next_deed: it is gone, or older than what was stored"]


def test_a_device_that_has_lost_its_way_back_is_named(folder: Path) -> None:
    with by_hand(folder) as database:
        id, n = database.execute("SELECT id, n FROM devices WHERE device = ?", (DEVICES[0],)).fetchone()
        database.execute(DEVICE_ROWS.put, DEVICE_ROWS.sealed(DEVICES[0], id, n, row_id(1, 19)))
    (damage,) = named(folder)
    assert damage.startswith(f"device {'01' * 16}: its last 64 messages cannot be followed: room1#19")


def test_a_message_that_is_stored_twice_is_named(folder: Path) -> None:
    with by_hand(folder) as database:
        row = database.execute("SELECT * FROM messages WHERE id = ?", (row_id(1, 20),)).fetchone()
        database.execute(f"INSERT INTO messages VALUES ({', '.join('?' * len(row))})", (row_id(1, 21), *row[1:]))
        database.execute(HEADS.put, HEADS.sealed(1, 1, 21))
    assert any(damage.startswith("room1#21: it is the same message as room1#20") for damage in named(folder))


def test_what_is_found_in_the_structure_of_the_file_is_told_in_one_line(folder: Path) -> None:
    with by_hand(folder) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'marks'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with (folder / FILE_NAME).open("r+b") as file:
        file.seek((page - 1) * size + 4)
        file.write(b"\1")
    damages = named(folder)
    assert damages
    assert all(damage.startswith("the file: ") and "\n" not in damage for damage in damages)


def test_a_file_that_is_no_database_any_more_is_named(folder: Path) -> None:
    with (folder / FILE_NAME).open("r+b") as file:
        file.write(b"\0" * 100)
    assert any("cannot be read as a database" in damage for damage in named(folder))


def test_a_table_that_is_gone_is_named(folder: Path) -> None:
    change_layout = "DROP TABLE gone"
    with by_hand(folder) as database:
        database.execute(change_layout)
    assert named(folder) == ["the file: its table 'gone' is not what chatnet made"]


def test_it_looks_at_nothing_that_is_not_there_or_too_new(folder: Path) -> None:
    with pytest.raises(StoreUnusable, match="no such file"):
        list(check(folder / "nowhere.db"))
    with by_hand(folder) as database:
        database.execute("INSERT INTO migrations VALUES ('9999-telepathy')")
    with pytest.raises(DatabaseTooNew, match=f"{FILE_NAME}: .*9999-telepathy"):
        named(folder)


def test_a_database_in_use_is_looked_at_as_it_is_at_one_moment(folder: Path) -> None:
    with opened(folder) as driver:
        damages = check(folder / FILE_NAME)
        driver.put(PutRoom(9, "new", owner=1, archived=False), *(post(9, n) for n in range(100, 140)))
        assert list(damages) == []
