"""A shared file in the list of messages: its name, made harmless, its size, and what can be done with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from chatnet.client.safe_names import safe_name
from chatnet.model import FileId, Message, SharedFile
from chatnet.quantities import show_size
from chatnet_gui.viewmodels.segments import Segment, line

PICTURE = "picture"
"""Tag of the one character in whose place a picture is drawn; beside it stands ``picture:`` and the file's number."""
ACTION = "act"
"""Tag of what can be clicked, or chosen by keyboard; beside it stands ``act:`` and what it does."""
_NAME_CHARACTERS = 70
_SUFFIX_CHARACTERS = 16
_RUNS_WHEN_OPENED = (
    "app appimage bat cmd com command cpl desktop dll dmg docm exe gadget hta htm html inf ins iso jar js jse lnk mht "
    "msc msi msix msp mst pif pkg pptm ps1 ps1xml py pyw reg run scf scr sct sh shb svg sys url vb vbe vbs wsc wsf wsh "
    "xhtml xlsm xll"
)
"""Endings of programs, and of documents that bring programs along."""


@dataclass(frozen=True, slots=True)
class FileLook:
    """How a file stands on this device."""

    is_here: bool = False
    """Was it fetched, or sent from here, and is there still?"""
    is_coming: bool = False
    trouble: str = ""
    """Why it could not be fetched."""
    has_preview: bool = False


NOT_HERE = FileLook()


@dataclass(frozen=True, slots=True)
class FilesLook:
    """How all files stand; those that are not named are not here."""

    files: Mapping[FileId, FileLook] = field(default_factory=dict)

    def of(self, message: Message) -> FileLook:
        return NOT_HERE if message.file is None else self.files.get(message.file.id, NOT_HERE)


NO_FILES = FilesLook()


def shown_name(name: str) -> str:
    """What others call a file, on one line, without what could mislead; where it is long, its ending stays."""
    name = line(name)
    if len(name) <= _NAME_CHARACTERS:
        return name
    return f"{name[: _NAME_CHARACTERS - _SUFFIX_CHARACTERS - 1]}…{name[-_SUFFIX_CHARACTERS:]}"


def may_open(name: str) -> bool:
    """Is it safe to hand it to the desktop? Not what would run as a program, under the name that it has here."""
    ending = safe_name(name).rpartition(".")[2].casefold()
    return ending not in _RUNS_WHEN_OPENED.split()


def file_segments(file: SharedFile | None, look: FileLook) -> Iterator[Segment]:
    """The lines about a file, without the end of the last one."""
    if file is None:
        yield "This file is no longer on the server.", ("body", "mark")
        return
    yield "\ufffc", ("body", PICTURE, f"{PICTURE}:{file.id}")
    yield "\n" if look.has_preview else "  ", ("body",)
    yield shown_name(file.name), ("body", "name")
    yield f"  {show_size(file.size)}\n", ("body", "mark")
    if look.trouble:
        yield f"Not downloaded: {look.trouble}\n", ("body", "refused")
    for number, (name, what) in enumerate(_actions(file, look)):
        if number:
            yield "    ", ("body",)
        yield name, ("body", ACTION, f"{ACTION}:{what}")


def _actions(file: SharedFile, look: FileLook) -> Iterator[tuple[str, str]]:
    if look.is_coming:
        yield "Cancel the download", "cancel"
        return
    if look.is_here:
        if may_open(file.name):
            yield "Open", "open"
        yield "Show in folder", "folder"
    else:
        yield ("Try again" if look.trouble else "Download"), "download"
    yield "Save as…", "save"
