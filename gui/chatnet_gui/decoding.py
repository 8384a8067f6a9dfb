"""Small pictures of image files that others have sent. Never in Tk's thread, and by Pillow alone (extra ``desktop``).

A file of a few kilobytes can claim any size, and keep a decoder busy for seconds. So the size is read from the header
first, few formats are read at all, and what Tk gets in the end are plain pixels that were made here.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

MOST_PIXELS = 20_000_000
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
_ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp")


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels in the format PPM (Netpbm, P6)."""

    width: int
    height: int
    ppm: bytes


def can_decode() -> bool:
    """Is Pillow there?"""
    try:
        from PIL import Image
    except ImportError:
        return False
    return bool(Image.open)


def may_be_image(name: str) -> bool:
    """Does it call itself an image of a kind that is read here?"""
    return name.casefold().endswith(_ENDINGS)


def decode(path: Path, box: tuple[int, int], ground: str) -> Picture | None:
    """The image, made to fit into a box of so many pixels, on a ``ground`` like ``#ffffff`` where it is transparent.

    None for what is no image, is damaged, or is larger than `MOST_PIXELS`.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of large or odd files: they are judged below
            with Image.open(path, formats=_FORMATS) as image:
                if not 0 < image.width * image.height <= MOST_PIXELS:
                    return None
                image.draft("RGB", box)
                upright = ImageOps.exif_transpose(image)
                upright.thumbnail(box)
                pixels = upright.convert("RGBA")
    # A decoder that meets nonsense raises whatever its parts do.
    except Exception:
        return None
    plain = Image.new("RGBA", pixels.size, ground)
    plain.alpha_composite(pixels)
    data = plain.convert("RGB").tobytes()
    return Picture(*pixels.size, b"P6 %d %d 255\n" % pixels.size + data)


class Decoder:
    """A thread that decodes, one file after the other; what it has made is taken by `take`."""

    def __init__(self, work: Callable[[Path, tuple[int, int], str], Picture | None] = decode) -> None:
        self._work = work
        self._wanted: SimpleQueue[tuple[int, Path, tuple[int, int], str]] = SimpleQueue()
        self._made: SimpleQueue[tuple[int, Picture | None]] = SimpleQueue()
        self._thread: Thread | None = None

    def want(self, key: int, path: Path, box: tuple[int, int], ground: str) -> None:
        """Have this file decoded."""
        self._wanted.put((key, path, box, ground))
        if self._thread is None:
            self._thread = Thread(target=self._run, name="chatnet pictures", daemon=True)
            self._thread.start()

    def take(self) -> tuple[int, Picture | None] | None:
        """The next that is done, by its key; None if there is none."""
        try:
            return self._made.get_nowait()
        except Empty:
            return None

    def _run(self) -> None:
        while True:
            key, path, box, ground = self._wanted.get()
            self._made.put((key, self._work(path, box, ground)))
