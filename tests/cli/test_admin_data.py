"""What is looked at in a data folder while a server goes on with it."""

from contextlib import closing
from pathlib import Path

from chatnet.core.entries import DropShared, PutFile, PutRoom
from chatnet.store.database import Database
from chatnet.store.file_list import files_of
from chatnet.store.opening import FILE_NAME
from chatnet_cli.admin_data import _faults


def test_a_file_that_is_removed_while_contents_are_looked_at_is_no_damage(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    with closing(Database(tmp_path)) as database:
        both = [PutFile(id, 1, f"picture {id}.jpeg", 1000, b"d" * 32, 1, "alice", 1000) for id in (1, 2)]
        database.write([[PutRoom(1, "lobby", 0, archived=False), *both]])
        files = files_of(tmp_path / FILE_NAME)
        database.write([[DropShared(1)]])
        faults = [str(damage) for damage in _faults(tmp_path / FILE_NAME, files, deep=False)]
    assert faults == ["file 2 (picture 2.jpeg): its content is gone"]
