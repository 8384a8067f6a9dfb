"""Files that are to be sent."""

import hashlib
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.auth.possession import answer
from chatnet.client.files import LocalFileError, Source, hash_source, open_source, spool, whole
from chatnet.errors import ErrorCode, ProtocolError
from chatnet.testing.file_driver import some_bytes

CONTENT = some_bytes(5000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(CONTENT)
    return path


def test_a_source_knows_name_size_and_digest(path: Path) -> None:
    done: list[int] = []
    with open_source(path, done.append) as source:
        assert (source.name, source.size) == ("photo.jpg", 5000)
        assert source.digest == hashlib.sha256(CONTENT).digest()
    assert done == [5000]


@given(offset=st.integers(0, 6000), length=st.integers(0, 6000))
def test_any_piece_of_it_can_be_read(tmp_path_factory: pytest.TempPathFactory, offset: int, length: int) -> None:
    path = tmp_path_factory.getbasetemp() / "piece"
    if not path.exists():
        path.write_bytes(CONTENT)
    with open_source(path) as source:
        assert source.read(offset, length) == CONTENT[offset : offset + length]


@pytest.mark.parametrize("change", [CONTENT + b"more", CONTENT[:-1], CONTENT[::-1]])
def test_a_file_that_changes_while_it_is_sent_is_noticed(path: Path, change: bytes) -> None:
    with open_source(path) as source:
        source.read(0, 100)
        path.write_bytes(change)
        os.utime(path, ns=(1, 1))  # two writes may come within one tick of the file system's clock
        with pytest.raises(LocalFileError, match="was changed") as caught:
            source.read(100, 100)
    assert caught.value.code == ErrorCode.FILE_CHANGED


def test_a_file_that_is_cut_short_in_the_last_moment_is_noticed_too(path: Path) -> None:
    with Source(path.open("rb"), "x", 5001, b"") as source:
        source.read(0, 5000)
        with pytest.raises(LocalFileError, match="was changed"):
            source.read(4000, 1001)


def test_a_file_that_is_replaced_is_still_sent_as_it_was(path: Path, tmp_path: Path) -> None:
    with open_source(path) as source:
        other = tmp_path / "other"
        other.write_bytes(b"another")
        other.replace(path)
        assert source.read(0, 5000) == CONTENT


def test_what_cannot_be_read_is_told_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(LocalFileError, match="no such file") as caught:
        open_source(tmp_path / "missing")
    assert caught.value.code == ErrorCode.CANNOT_READ
    with pytest.raises(LocalFileError, match="is a folder\nPack it:  tar c "):
        open_source(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_what_is_not_a_plain_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LocalFileError, match="not a plain file\nIf it ends:  chatnet send --file - ") as caught:
        open_source(tmp_path / "pipe")
    assert caught.value.code == ErrorCode.CANNOT_READ


def test_hashing_that_is_given_up_closes_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatnet.client.files.PIECE_BYTES", 1000)
    opened: list[io.IOBase] = []
    real = Path.open

    def note(self: Path, *how: object, **more: object) -> io.IOBase:
        opened.append(real(self, *how, **more))  # type: ignore[call-overload]
        return opened[-1]

    monkeypatch.setattr(Path, "open", note)
    hashing = hash_source(path)
    assert [next(hashing), next(hashing)] == [1000, 2000]
    hashing.close()
    assert opened[0].closed


def test_a_file_can_be_proved_to_be_there(path: Path) -> None:
    nonce = b"n" * 32
    with open_source(path) as source:
        assert whole(source.prove(nonce, ((0, 5000),))) == answer(nonce, ((0, 5000),), [CONTENT])
        pieces = ((10, 20), (4000, 1000))
        assert whole(source.prove(nonce, pieces)) == answer(nonce, pieces, [CONTENT[10:30], CONTENT[4000:]])


@pytest.mark.parametrize("ranges", [((0, 5001),), ((-1, 5),), ((0, -1),), ((0, 1),) * 257, ((4999, 2),)])
def test_a_server_cannot_ask_for_more_than_there_is(path: Path, ranges: tuple[tuple[int, int], ...]) -> None:
    with open_source(path) as source, pytest.raises(ProtocolError):
        whole(source.prove(b"n" * 32, ranges))


# -- input of unknown size ------------------------------------------------------------------------------------


class Dripping(io.RawIOBase):
    """A pipe: gives little at a time."""

    def __init__(self, content: bytes) -> None:
        self._left = content

    def read(self, size: int = -1) -> bytes:
        piece, self._left = self._left[:700], self._left[700:]
        return piece


@pytest.mark.parametrize("size", [0, 1, 5000])
def test_a_stream_is_spooled_and_read_from_anywhere(tmp_path: Path, size: int) -> None:
    stream = Dripping(CONTENT[:size])
    with spool(stream, "project.tar", tmp_path / "spool", 5000) as source:  # type: ignore[arg-type]
        assert (source.name, source.size) == ("project.tar", size)
        assert source.digest == hashlib.sha256(CONTENT[:size]).digest()
        assert source.read(0, 10_000) == CONTENT[:size]
        assert source.read(1000, 100) == CONTENT[:size][1000:1100]
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_stream_that_is_too_long_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(LocalFileError, match=r"more than 4\.9 KiB, which is the limit") as caught:
        spool(Dripping(CONTENT), "x", tmp_path / "spool", 4999)  # type: ignore[arg-type]
    assert caught.value.code == ErrorCode.QUOTA
    assert list((tmp_path / "spool").iterdir()) == []


def test_what_is_spooled_is_for_nobody_else(tmp_path: Path) -> None:
    spool(io.BytesIO(CONTENT), "x", tmp_path / "spool", 5000).close()
    assert (tmp_path / "spool").stat().st_mode & 0o077 == 0
