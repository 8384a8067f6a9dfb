"""What the user does with files: choose some to send, fetch, open and save those of others."""

import tkinter as tk
from collections.abc import Sequence
from pathlib import Path
from tkinter import filedialog

from chatnet.client.safe_names import safe_name
from chatnet.model import SharedFile
from chatnet_gui.opening import CannotOpen, open_file, show_folder
from chatnet_gui.viewmodels.session import SessionModel
from chatnet_gui.viewmodels.settings import Settings
from chatnet_gui.views.dialog import ConfirmDialog
from chatnet_gui.views.send_file import SendFileDialog


class FileDesk:
    """Belongs to the main window."""

    def __init__(self, window: tk.Misc, session: SessionModel, settings: Settings) -> None:
        self._window, self._session, self._settings = window, session, settings

    def choose(self) -> None:
        """Ask for files to send."""
        if self._session.selected is not None:
            self.offer([Path(name) for name in filedialog.askopenfilenames(parent=self._window, title="Send a file")])

    def offer(self, paths: Sequence[Path]) -> None:
        """Ask whether these are to be sent to the conversation that is shown."""
        model = self._session.selected
        if model is not None and paths:
            SendFileDialog(
                self._window,
                model.name,
                list(paths),
                lambda files, words: self._session.files.upload(model, files, words),
            )

    def act(self, file: SharedFile, what: str) -> None:
        """Do what was chosen in the list of messages."""
        files = self._session.files
        match what:
            case "download":
                files.download(file)
            case "cancel":
                files.cancel_download(file.id)
            case "save":
                self._save(file)
            case "open" | "folder":
                self._open(file, what)
            case "remove":
                question = f"Remove {safe_name(file.name)} from the server? Nobody can fetch it any more then."
                ConfirmDialog(self._window, "Remove a file", question, "Remove it", lambda: self._remove(file))

    def _remove(self, file: SharedFile) -> None:
        self._session.remove_file(file)

    def _save(self, file: SharedFile) -> None:
        chosen = filedialog.asksaveasfilename(
            parent=self._window,
            title="Save the file as",
            initialdir=self._settings.downloads,
            initialfile=safe_name(file.name),
            confirmoverwrite=False,  # nothing is ever written over
        )
        if chosen:
            self._session.files.save(file, Path(chosen))

    def _open(self, file: SharedFile, what: str) -> None:
        path = self._session.files.path_of(file)
        if path is None:
            self._session.tell("The file is not here any more: download it again.")
            return
        try:
            if what == "open":
                open_file(path)
            else:
                show_folder(path)
        except CannotOpen as reason:
            self._session.tell(str(reason))
