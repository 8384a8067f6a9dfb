"""Which pictures are shown small in the list of messages, and where they come from.

A file that is here already is used. One that is not too large is fetched by itself into a folder of its own, which is
kept small; the user can switch that off.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from chatnet.client.folders import state_folder
from chatnet.client.thread import Answered, Cancelled, Failed, Transferring
from chatnet.errors import ConfigError
from chatnet.model import FileId, SharedFile
from chatnet.net.folders import make_private_folder
from chatnet_gui.decoding import Decoder, Picture, can_decode, may_be_image
from chatnet_gui.viewmodels.questions import Network
from chatnet_gui.viewmodels.settings import Settings

MOST_BYTES = 4 << 20
"""Of one that is fetched by itself."""
_MOST_KEPT = 64 << 20
_MOST_SHOWN = 200
_MOST_AT_ONCE = 2


class Previews:
    """``path_of`` tells where a file is on this device; ``made`` is called with a file whose picture has come."""

    def __init__(
        self,
        network: Network,
        settings: Settings,
        path_of: Callable[[SharedFile], Path | None],
        made: Callable[[FileId], None],
        decoder: Decoder | None = None,
    ) -> None:
        self._network, self._settings, self._path_of, self._made = network, settings, path_of, made
        self._decoder = decoder if decoder is not None else Decoder() if can_decode() else None
        self._folder = Path(state_folder()) / "windows" / "previews"
        self.pictures: dict[FileId, Picture] = {}
        self._asked: set[FileId] = set()
        self._queue: list[SharedFile] = []
        self._coming: dict[int, FileId] = {}
        self.box = (320, 240)
        self.ground = "#ffffff"

    def want(self, file: SharedFile) -> None:
        """Its row is shown: get a picture of it, if there can be one."""
        if self._decoder is None or file.id in self._asked or not may_be_image(file.name):
            return
        self._asked.add(file.id)
        path = self._path_of(file) or self._kept(file)
        if path is not None:
            self._decoder.want(file.id, path, self.box, self.ground)
        elif self._settings.previews and file.size <= MOST_BYTES:
            self._queue.append(file)
            self._fetch()

    def arrived(self, file: SharedFile, path: Path) -> None:
        """It is here now."""
        if self._decoder is not None and file.id not in self.pictures and may_be_image(file.name):
            self._asked.add(file.id)
            self._decoder.want(file.id, path, self.box, self.ground)

    def restart(self) -> None:
        """Sizes or colours are others now: make all anew, as they are shown."""
        self.pictures.clear()
        self._asked.clear()
        self._queue.clear()

    def take(self) -> None:
        """See what the decoder has made; to be called now and then."""
        while self._decoder is not None and (done := self._decoder.take()) is not None:
            id, picture = done
            if picture is not None:
                self.pictures[id] = picture
                while len(self.pictures) > _MOST_SHOWN:
                    gone = next(iter(self.pictures))
                    del self.pictures[gone]
                    self._asked.discard(gone)
                self._made(id)

    def handle(self, notice: Transferring | Answered | Failed | Cancelled) -> bool:
        """Take over how a fetch is getting on; False if it is about something else."""
        if notice.number not in self._coming:
            return False
        if isinstance(notice, Transferring):
            return True
        id = self._coming.pop(notice.number)
        if isinstance(notice, Answered) and isinstance(notice.value, Path) and self._decoder is not None:
            self._decoder.want(id, notice.value, self.box, self.ground)
            self._tidy()
        self._fetch()
        return True

    # -- files that are kept for this -------------------------------------------------------------------------

    def _fetch(self) -> None:
        while self._queue and len(self._coming) < _MOST_AT_ONCE:
            file = self._queue.pop()
            try:
                make_private_folder(self._folder)
            except (ConfigError, OSError):
                return  # no room for pictures: their files can be downloaded all the same
            with suppress(OSError):
                self._name(file).unlink(missing_ok=True)
            self._coming[self._network.download(file.id, path=self._name(file))] = file.id

    def _name(self, file: SharedFile) -> Path:
        return self._folder / f"{file.digest.hex()}.image"

    def _kept(self, file: SharedFile) -> Path | None:
        path = self._name(file)
        try:
            return path if path.stat().st_size == file.size else None
        except OSError:
            return None

    def _tidy(self) -> None:
        """Keep the newest of what was fetched."""
        try:
            entries = [(entry.stat(), entry.path) for entry in os.scandir(self._folder) if entry.is_file()]
        except OSError:
            return
        kept = 0
        for state, path in sorted(entries, key=lambda entry: -entry[0].st_mtime):
            kept += state.st_size
            if kept > _MOST_KEPT:
                with suppress(OSError):
                    os.unlink(path)
