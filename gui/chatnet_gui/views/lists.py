"""The lists at both sides: conversations on the left, people on the right."""

import tkinter as tk
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from tkinter import ttk

from chatnet.model import ConversationId
from chatnet_gui.scaling import px
from chatnet_gui.theme import BOLD, SMALL, Theme
from chatnet_gui.viewmodels.segments import line
from chatnet_gui.viewmodels.session import SessionModel
from chatnet_gui.views.dots import dot

_DOT = 13


@dataclass(frozen=True, slots=True)
class _Entry:
    """One row."""

    key: str
    text: str
    value: str = ""
    tags: tuple[str, ...] = ()
    presence: str = ""


class _Tree(ttk.Treeview):
    """A list with dots in front of names. Only what differs is changed, so that nobody who scrolls in it is moved."""

    def __init__(self, master: tk.Misc, *columns: str, width: int) -> None:
        super().__init__(master, show="tree", selectmode="browse", columns=columns, style="Flat.Treeview")
        self.column("#0", width=px(master, width), minwidth=px(master, 80), stretch=True)
        self._dots: dict[str, tk.PhotoImage] = {}
        self._entries: dict[str, _Entry] = {}

    def dress(self, theme: Theme) -> None:
        palette = theme.palette
        size = px(self, _DOT)
        self._dots = {
            "online": dot(self, palette.success, palette.window, size),
            "offline": dot(self, palette.muted, palette.window, size, hollow=True),
        }
        self.tag_configure("group", font=SMALL, foreground=palette.muted)
        self.tag_configure("unread", font=BOLD)
        self.tag_configure("away", foreground=palette.muted)
        for entry in self._entries.values():
            self._draw(entry)

    def fill(self, entries: Sequence[_Entry]) -> None:
        """Show these rows, and no others."""
        wanted = {entry.key: entry for entry in entries}
        gone = [key for key in self._entries if key not in wanted]
        if gone:
            self.delete(*gone)
        there = [key for key in self._entries if key in wanted]
        for number, (key, entry) in enumerate(wanted.items()):
            if key not in self._entries:
                self.insert("", number, key)
                there.insert(number, key)
            elif there[number] != key:
                self.move(key, "", number)
                there.remove(key)
                there.insert(number, key)
            if self._entries.get(key) != entry:
                self._draw(entry)
        self._entries = wanted

    def _draw(self, entry: _Entry) -> None:
        text = f" {entry.text}" if entry.presence else entry.text
        values = (entry.value,) if self["columns"] else ()
        image = self._dots.get(entry.presence, "")
        self.item(entry.key, text=text, values=values, tags=entry.tags, image=image)


class ConversationList(_Tree):
    """Rooms and personal chats, with presence and unread counts."""

    def __init__(self, master: tk.Misc, chosen: Callable[[ConversationId], None]) -> None:
        super().__init__(master, "unread", width=150)
        self.column("unread", width=px(master, 44), minwidth=px(master, 44), stretch=False, anchor="e")
        self._chosen = chosen
        self._shown = ""
        """The conversation that is shown, wherever the selection is."""
        self.bind("<<TreeviewSelect>>", self._selected)

    def show(self, session: SessionModel) -> None:
        """Bring the list up to date."""
        entries = [_Entry("rooms", "Rooms", tags=("group",))]
        entries += [self._entry(room.info.id, room.name, room.unread) for room in session.conversations.rooms()]
        entries.append(_Entry("chats", "Personal", tags=("group",)))
        for chat in session.conversations.chats():
            presence = "online" if session.is_here(chat) else "offline"
            entries.append(self._entry(chat.info.id, chat.name, chat.unread, presence))
        self.fill(entries)
        shown = str(session.selected.info.id) if session.selected is not None else ""
        if shown and (shown != self._shown or not self.selection()):
            self._shown = shown
            self.selection_set(shown)
            self.focus(shown)
            self.see(shown)

    def _entry(self, id: ConversationId, name: str, unread: int, presence: str = "") -> _Entry:
        tags = (("unread",) if unread else ()) + (("away",) if presence == "offline" else ())
        return _Entry(str(id), line(name), str(unread) if unread else "", tags, presence)

    def _selected(self, event: object) -> None:
        del event
        for key in self.selection():
            if key.isdecimal() and key != self._shown:
                self._shown = key
                self._chosen(int(key))


class PeopleList(_Tree):
    """Who is in the room; a double click, or Return, starts a personal chat."""

    def __init__(self, master: tk.Misc, chosen: Callable[[str], None]) -> None:
        super().__init__(master, width=170)
        self._chosen = chosen
        self._names: dict[str, str] = {}
        self.bind("<Double-1>", self._opened)
        self.bind("<Return>", self._opened)

    def show(self, session: SessionModel) -> None:
        """Bring the list up to date."""
        people = session.people_here()
        entries = [_Entry("group", f"People ({len(people)})", tags=("group",))]
        for user in people:
            is_me = user.id == session.me.id
            here = is_me or session.roster.is_online(user.id)
            shown = f"{line(user.display)} ({line(user.name)})" if user.display else line(user.name)
            presence = "online" if here and session.is_online else "offline"
            tags = () if here else ("away",)
            entries.append(_Entry(str(user.id), f"{shown} (you)" if is_me else shown, "", tags, presence))
        self._names = {str(user.id): user.name for user in people}
        self.fill(entries)

    def _opened(self, event: object) -> None:
        del event
        for key in self.selection():
            if key in self._names:
                self._chosen(self._names[key])
