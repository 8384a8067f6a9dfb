"""Files on their way, in both directions, and those that are here already.

A transfer waits for a lost connection by itself. One that fails stays in the list until it is tried again or dismissed.
Where a file was put is remembered by its digest, so that it is found again in another conversation, and in another run.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from chatnet.client.progress import Progress
from chatnet.client.receipts import Receipt
from chatnet.client.thread import Answered, Cancelled, Failed, Transferring
from chatnet.errors import ChatnetError
from chatnet.model import FileId, SharedFile
from chatnet.quantities import show_size
from chatnet_gui.viewmodels.conversation import ConversationModel
from chatnet_gui.viewmodels.file_rows import NOT_HERE, FileLook, FilesLook, shown_name
from chatnet_gui.viewmodels.questions import Network
from chatnet_gui.viewmodels.segments import line
from chatnet_gui.viewmodels.settings import AccountNotes

_MOST_REMEMBERED = 500
_WORDS = {"hashing": "reading", "sending": "sending", "receiving": "receiving", "checking": "checking"}
_WAITING = {"connection": "waits for a connection", "server": "waits for the server"}

Outcome = Transferring | Answered | Failed | Cancelled


@dataclass(frozen=True, slots=True)
class Transfer:
    """One that runs, or has failed."""

    name: str
    """Harmless to show."""
    begin: Callable[[], int] = field(repr=False)
    """Starts it, once more too."""
    file: SharedFile | None = None
    """What is fetched; None for what is sent."""
    source: Path | None = None
    """What is sent; None for what is fetched."""
    progress: Progress | None = None
    trouble: str = ""
    is_stopping: bool = False

    @property
    def part(self) -> float:
        """How much of it is done, from 0 to 1."""
        progress = self.progress
        return progress.done / progress.total if progress is not None and progress.total else 0.0

    @property
    def state(self) -> str:
        """How it is getting on, in a few words."""
        progress = self.progress
        if self.trouble:
            return self.trouble
        if self.is_stopping:
            return "stopping"
        if progress is None:
            return "waits"
        if progress.waiting_for:
            return _WAITING[progress.waiting_for]
        words = [f"{_WORDS[progress.phase]} {self.part:.0%} of {show_size(progress.total)}"]
        if progress.rate:
            words.append(f"{show_size(round(progress.rate))}/s")
        if progress.left is not None:
            words.append(f"{_span(progress.left)} left")
        return ", ".join(words)


class Transfers:
    """``changed`` is called when the list changes, ``files_changed`` when a file's row does, and ``shared`` with the
    path of a file that was sent, and what was stored of it.
    """

    def __init__(
        self,
        network: Network,
        notes: AccountNotes,
        changed: Callable[[], None],
        files_changed: Callable[[], None],
        shared: Callable[[Path, Receipt], None],
    ) -> None:
        self._network, self._notes = network, notes
        self._changed, self._files_changed, self._shared = changed, files_changed, shared
        self._running: dict[int, Transfer] = {}
        self._looks: dict[FileId, FileLook] = {}
        self._found: dict[str, Path | None] = {}
        """Where files are, as far as it was looked; not again for every drawing."""
        self.previews: Container[FileId] = ()
        """Files of which there is a small picture."""
        self.fetched: Callable[[SharedFile, Path], None] = lambda *_: None
        """Called with a file that has come, and where it is."""

    @property
    def shown(self) -> list[tuple[int, Transfer]]:
        """Those that run or have failed, the oldest first."""
        return list(self._running.items())

    @property
    def running(self) -> int:
        """How many of them are under way."""
        return sum(not transfer.trouble for transfer in self._running.values())

    # -- files ------------------------------------------------------------------------------------------------

    def look(self, model: ConversationModel) -> FilesLook:
        """How the files of a conversation stand."""
        files = [message.file for message in model.messages if message.file is not None]
        looks = {file.id: self._look(file) for file in files}
        return FilesLook({id: look for id, look in looks.items() if look != NOT_HERE})

    def path_of(self, file: SharedFile, *, afresh: bool = False) -> Path | None:
        """Where it is on this device, if it is there; ``afresh``: it may have gone since that was seen."""
        key = file.digest.hex()
        if afresh or key not in self._found:
            path = Path(self._notes.files.get(key, ""))
            before = self._found.get(key)
            self._found[key] = path if key in self._notes.files and _is_there(path, file.size) else None
            if self._found[key] != before:
                self._files_changed()
        return self._found[key]

    def is_at(self, file: SharedFile, path: Path) -> None:
        """Remember where it is."""
        files, key = self._notes.files, file.digest.hex()
        files.pop(key, None)
        files[key] = str(path)
        self._found.pop(key, None)
        while len(files) > _MOST_REMEMBERED:
            del files[next(iter(files))]

    def _look(self, file: SharedFile) -> FileLook:
        look = self._looks.get(file.id, NOT_HERE)
        return replace(look, is_here=self.path_of(file) is not None, has_preview=file.id in self.previews)

    # -- what the user does -----------------------------------------------------------------------------------

    def upload(self, model: ConversationModel, path: Path, text: str = "") -> None:
        """Send a file, with a few words."""
        to, room = (None, model.name) if model.is_room else (model.name, None)
        name = shown_name(path.name)
        begin = partial(self._network.upload, path, to=to, room=room, text=text)
        self._begin(Transfer(name, begin, source=path))

    def download(self, file: SharedFile, *, folder: Path | None = None, path: Path | None = None) -> None:
        """Fetch a file into a folder, or to exactly a path."""
        if self._looks.get(file.id, NOT_HERE).is_coming:
            return
        begin = partial(self._network.download, file.id, folder=folder, path=path)
        self._begin(Transfer(shown_name(file.name), begin, file))

    def cancel(self, number: int) -> None:
        """Give it up; one that has failed is taken off the list."""
        transfer = self._running.get(number)
        if transfer is None:
            return
        if transfer.trouble:
            self._end(number, NOT_HERE)
        else:
            self._running[number] = replace(transfer, is_stopping=True)
            self._network.cancel(number)
        self._changed()

    def cancel_download(self, file: FileId) -> None:
        """Give up fetching this file."""
        for number, transfer in self.shown:
            if transfer.file is not None and transfer.file.id == file:
                self.cancel(number)

    def retry(self, number: int) -> None:
        """Try once more what has failed; what is there already is not moved again."""
        transfer = self._running.get(number)
        if transfer is not None and transfer.trouble:
            del self._running[number]
            self._begin(replace(transfer, trouble="", progress=None))

    def _begin(self, transfer: Transfer) -> None:
        self._running[transfer.begin()] = transfer
        if transfer.file is not None:
            self._set_look(transfer.file, FileLook(is_coming=True))
        self._changed()

    # -- what comes of it -------------------------------------------------------------------------------------

    def handle(self, notice: Outcome) -> bool:
        """Take over how a transfer is getting on; False if it is about something else."""
        transfer = self._running.get(notice.number)
        if transfer is None:
            return False
        match notice:
            case Transferring(progress=progress):
                self._running[notice.number] = replace(transfer, progress=progress)
            case Answered(value=value):
                if transfer.file is not None and isinstance(value, Path):
                    self.is_at(transfer.file, value)
                    self.fetched(transfer.file, value)
                elif transfer.source is not None and isinstance(value, Receipt):
                    self._shared(transfer.source, value)
                self._end(notice.number, NOT_HERE)
            case Failed(error=error):
                self._fail(notice.number, transfer, error)
            case Cancelled():
                self._end(notice.number, NOT_HERE)
        self._changed()
        return True

    def _fail(self, number: int, transfer: Transfer, error: ChatnetError) -> None:
        trouble = line(error.message.split("\n")[0])
        self._running[number] = replace(transfer, trouble=trouble, is_stopping=False)
        if transfer.file is not None:
            self._set_look(transfer.file, FileLook(trouble=trouble))

    def _end(self, number: int, look: FileLook) -> None:
        transfer = self._running.pop(number)
        if transfer.file is not None:
            self._set_look(transfer.file, look)

    def _set_look(self, file: SharedFile, look: FileLook) -> None:
        if look == NOT_HERE:
            self._looks.pop(file.id, None)
        else:
            self._looks[file.id] = look
        self._files_changed()


def _is_there(path: Path, size: int) -> bool:
    try:
        return path.is_file() and path.stat().st_size == size
    except OSError:
        return False


def _span(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
