"""The file by which a server's owner gets in without unix sockets."""

import json
import os
from pathlib import Path

import pytest

from chatnet.address import parse
from chatnet.errors import ConfigError, ErrorCode
from chatnet.net.local_access import FILE_NAME, LocalAccess, load_local_access, write

GOOD = json.dumps({"address": "chatnet://127.0.0.1:5555", "pin": "01" * 32, "token": "02" * 32})


def test_the_file_has_address_key_and_token(tmp_path: Path) -> None:
    (tmp_path / "local-access").write_text(GOOD)
    found = load_local_access(tmp_path)
    assert found == LocalAccess(parse("chatnet://127.0.0.1:5555"), b"\x01" * 32, b"\x02" * 32)
    assert "\\x02" not in repr(found)


def test_without_the_file_there_is_no_such_way(tmp_path: Path) -> None:
    assert load_local_access(tmp_path) is None
    assert load_local_access(tmp_path / "none") is None


@pytest.mark.parametrize("content", ["", "{}", GOOD.replace("01", "0x"), GOOD.replace("chatnet://", "http://"), "\xff"])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "local-access").write_text(content, encoding="latin-1")
    with pytest.raises(ConfigError, match="local-access is damaged") as refused:
        load_local_access(tmp_path)
    assert "02" * 32 not in refused.value.message


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "[::]"])
def test_what_a_server_writes_is_read_again_and_removed_at_the_end(tmp_path: Path, host: str) -> None:
    (tmp_path / f"{FILE_NAME}.new").write_text("of a server that was killed")
    remove = write(tmp_path, parse(f"chatnet://{host}:7777"), b"p" * 32, b"t" * 32)
    assert load_local_access(tmp_path) == LocalAccess(parse("chatnet://127.0.0.1:7777"), b"p" * 32, b"t" * 32)
    assert [file.name for file in tmp_path.iterdir()] == [FILE_NAME]
    if os.name == "posix":
        assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    remove()
    assert list(tmp_path.iterdir()) == []
    remove()


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot write") as caught:
        write(tmp_path / "nowhere", parse("chatnet://127.0.0.1"), b"p" * 32, b"t" * 32)
    assert caught.value.code == ErrorCode.DATA_UNUSABLE
