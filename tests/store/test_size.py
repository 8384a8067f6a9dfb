"""How much of the disk a store takes."""

from pathlib import Path

from chatnet.store.opening import FILE_NAME
from chatnet.store.search import FILE_NAME as INDEX_NAME
from chatnet.store.size import stored_bytes
from chatnet.store.sqlite import SqliteStore


def test_database_index_and_their_logs_are_added_up_and_nothing_else(tmp_path: Path) -> None:
    assert stored_bytes(tmp_path) == 0
    for i, name in enumerate((FILE_NAME, f"{FILE_NAME}-wal", INDEX_NAME, f"{INDEX_NAME}-wal", "key.pem", "files")):
        (tmp_path / name).write_bytes(bytes(10**i))
    assert stored_bytes(tmp_path) == 1111


def test_an_open_store_takes_what_its_files_do(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    store = SqliteStore(tmp_path)
    store.load()
    try:
        files = [path for path in tmp_path.iterdir() if path.suffix == ".db" or path.name.endswith("-wal")]
        assert stored_bytes(tmp_path) == sum(path.stat().st_size for path in files) > 0
    finally:
        store.close()
