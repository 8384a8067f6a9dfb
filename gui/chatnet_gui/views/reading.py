"""What the reader of the list of messages does, and what becomes of it: see `chatnet_gui.views.message_list.Reader`."""

import tkinter as tk
import webbrowser
from collections.abc import Callable

from chatnet.model import Kind, Message, Seq
from chatnet_gui.viewmodels.copying import message_text
from chatnet_gui.viewmodels.rows import Row
from chatnet_gui.viewmodels.segments import line
from chatnet_gui.viewmodels.session import SessionModel
from chatnet_gui.views.files import FileDesk
from chatnet_gui.views.pictures import Pictures


class Reading:
    """``edit`` puts a text into the entry, ``put`` one on the clipboard."""

    def __init__(
        self,
        session: SessionModel,
        files: FileDesk,
        pictures: Pictures,
        edit: Callable[[str], None],
        put: Callable[[str], None],
    ) -> None:
        self._session, self._files, self._pictures, self._edit, self._put = session, files, pictures, edit, put
        self.older, self.newer = session.older, session.newer
        self.follow, self.go_to, self.jump_to_latest = session.follow, session.go_to, session.jump_to_latest
        self.copy = session.copy

    def span(self, top: float, bottom: float) -> tuple[float, float]:
        model = self._session.selected
        return (top, bottom) if model is None else model.scroll_span(top, bottom)

    def whole(self) -> tuple[Seq, Seq]:
        model = self._session.selected
        return (model.first, model.info.head) if model is not None else (1, 0)

    def open_link(self, url: str) -> None:
        webbrowser.open(url)

    def picture(self, row: Row) -> tk.PhotoImage | None:
        message = self._message(row.key)
        return None if message is None or message.file is None else self._pictures.of(message.file)

    def menu(self, key: str) -> list[tuple[str, str]]:
        """What can be done with a message, besides what its row offers."""
        message = self._message(key)
        if message is None:
            return []
        choices = [("Copy message", "copy")]
        is_own = message.sender == self._session.me.id
        if not is_own and message.kind != Kind.SYSTEM:
            choices.append((f"Personal chat with {line(message.name)}", "chat"))
        if message.file is not None and is_own:
            choices.append(("Remove the file from the server…", "remove"))
        return choices

    def act(self, key: str, what: str) -> None:
        """Do what was chosen."""
        session, message = self._session, self._message(key)
        match what:
            case "fold":
                session.toggle_fold(int(key[1:]))
            case "edit":
                self._edit(session.dismiss(int(key[1:])))
            case "dismiss":
                session.dismiss(int(key[1:]))
            case "copy" if message is not None:
                self._put(message_text(message))
            case "chat" if message is not None:
                session.personal_chat(message.name)
            case _ if message is not None and message.file is not None:
                self._files.act(message.file, what)

    def _message(self, key: str) -> Message | None:
        model = self._session.selected
        return model.message(int(key[1:])) if model is not None and key.startswith("m") else None
