"""Small pictures: what is fetched for them, what is decoded, and what never is."""

import struct
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest

from chatnet.client.thread import Answered, Failed
from chatnet.errors import ErrorCode, Refused
from chatnet.model import SharedFile
from chatnet_gui.decoding import MOST_PIXELS, Decoder, Picture, decode, may_be_image
from chatnet_gui.viewmodels.previews import MOST_BYTES, Previews
from chatnet_gui.viewmodels.settings import Settings
from tests.e2e.processes import DEADLINE
from tests.gui.making import FakeNetwork, FakeServer, shared

PIL = pytest.importorskip("PIL.Image")
BOX = (100, 100)


def png(path: Path, width: int, height: int, *, colour: object = "red", mode: str = "RGB") -> Path:
    PIL.new(mode, (width, height), colour).save(path, "png")
    return path


def claim(path: Path, width: int, height: int) -> Path:
    """A small file that says it is a large image."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for kind, part in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")):
        data += struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part))
    path.write_bytes(data)
    return path


# -- decoding -------------------------------------------------------------------------------------------------


def test_an_image_is_made_to_fit_and_keeps_its_shape(tmp_path: Path) -> None:
    made = decode(png(tmp_path / "a.png", 400, 200), BOX, "#ffffff")
    assert made is not None
    assert (made.width, made.height) == (100, 50)
    assert made.ppm.startswith(b"P6 100 50 255\n\xff\x00\x00")
    assert len(made.ppm) == len(b"P6 100 50 255\n") + 3 * 100 * 50


def test_a_small_one_is_not_made_larger(tmp_path: Path) -> None:
    made = decode(png(tmp_path / "a.png", 10, 20), BOX, "#ffffff")
    assert made is not None
    assert (made.width, made.height) == (10, 20)


def test_what_can_be_seen_through_shows_the_ground(tmp_path: Path) -> None:
    made = decode(png(tmp_path / "a.png", 2, 2, colour=(0, 0, 0, 0), mode="RGBA"), BOX, "#102030")
    assert made is not None
    assert made.ppm.endswith(b"\x10\x20\x30" * 4)


def test_a_file_that_claims_too_many_pixels_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    def load(self: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(Image.Image, "load", load)
    assert decode(claim(tmp_path / "bomb.png", 50_000, 50_000), BOX, "#ffffff") is None
    assert decode(claim(tmp_path / "wide.png", MOST_PIXELS + 1, 1), BOX, "#ffffff") is None


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a" + bytes(50), b"\xff\xd8\xff" + bytes(500)])
def test_what_is_damaged_or_no_image_gives_no_picture(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(content)
    assert decode(path, BOX, "#ffffff") is None
    assert decode(tmp_path / "not there", BOX, "#ffffff") is None


def test_formats_that_run_other_programs_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")
    assert decode(path, BOX, "#ffffff") is None


def test_decoding_is_done_by_another_thread(tmp_path: Path) -> None:
    who: list[str] = []
    done = threading.Event()

    def work(*_: Any) -> Picture | None:
        who.append(threading.current_thread().name)
        done.set()
        return None

    Decoder(work).want(1, tmp_path, BOX, "#ffffff")
    assert done.wait(DEADLINE)
    assert who == ["chatnet pictures"]


def test_only_what_calls_itself_an_image_is_looked_at() -> None:
    assert may_be_image("a.PNG")
    assert not may_be_image("a.svg")
    assert not may_be_image("png")


# -- which ones -----------------------------------------------------------------------------------------------


class NowDecoder(Decoder):
    """Decodes at once."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted: list[tuple[int, Path]] = []

    def want(self, key: int, path: Path, box: tuple[int, int], ground: str) -> None:
        self.wanted.append((key, path))
        self._made.put((key, decode(path, box, ground)))


class Case:
    """Previews with nothing on this device, and a network."""

    def __init__(self, **settings: Any) -> None:
        self.network = FakeNetwork(FakeServer())
        self.decoder = NowDecoder()
        self.here: dict[int, Path] = {}
        self.made: list[int] = []
        self.previews = Previews(
            self.network, Settings(**settings), lambda file: self.here.get(file.id), self.made.append, self.decoder
        )


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "LOCALAPPDATA", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))


def image(size: int = 100, id: int = 7, name: str = "a.png") -> SharedFile:
    return shared(name, size, id=id)


def test_a_small_image_is_fetched_by_itself_once_and_shown(tmp_path: Path) -> None:
    case = Case()
    case.previews.want(image())
    case.previews.want(image())
    [(number, what)] = case.network.transfers.items()
    assert what.startswith("download 7 to ")
    assert case.previews.handle(Answered(number, png(tmp_path / "came.png", 20, 20)))
    case.previews.take()
    assert case.made == [7]
    assert case.previews.pictures[7].width == 20


@pytest.mark.parametrize(
    ("file", "settings"),
    [(image(MOST_BYTES + 1), {}), (image(name="a.exe"), {}), (image(), {"previews": False})],
    ids=["large", "no image", "switched off"],
)
def test_others_are_not_fetched(file: SharedFile, settings: dict[str, Any]) -> None:
    case = Case(**settings)
    case.previews.want(file)
    assert case.network.transfers == {}


def test_what_is_here_is_not_fetched_and_shown_also_when_it_is_large(tmp_path: Path) -> None:
    case = Case(previews=False)
    case.here[7] = png(tmp_path / "here.png", 30, 30)
    case.previews.want(image(MOST_BYTES + 1))
    case.previews.take()
    assert case.network.transfers == {}
    assert case.previews.pictures[7].width == 30


def test_a_few_are_fetched_at_a_time_and_what_fails_is_left_alone() -> None:
    case = Case()
    for id in range(1, 6):
        case.previews.want(image(id=id))
    assert len(case.network.transfers) == 2
    for _ in range(5):
        case.previews.handle(Failed(list(case.network.transfers)[len(case.made)], Refused(ErrorCode.NO_SUCH_FILE, "x")))
        case.made.append(0)
    assert len(case.network.transfers) == 5
    assert case.decoder.wanted == []


def test_another_theme_makes_them_anew(tmp_path: Path) -> None:
    case = Case()
    case.here[7] = png(tmp_path / "here.png", 30, 30)
    case.previews.want(image())
    case.previews.take()
    case.previews.restart()
    assert case.previews.pictures == {}
    case.previews.want(image())
    case.previews.take()
    assert 7 in case.previews.pictures
