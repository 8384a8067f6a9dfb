"""The lists at both sides: conversations on the left, people on the right."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from chatnet.model import ConversationId, User
from chatnet_gui.scaling import px
from chatnet_gui.theme import BOLD, SMALL, Theme
from chatnet_gui.viewmodels.segments import line
from chatnet_gui.viewmodels.session import SessionModel
from chatnet_gui.views.dots import dot

_DOT = 13
_Entry = tuple[str, str, str, tuple[str, ...]]
"""Id, text, unread count, tags."""


class _Tree(ttk.Treeview):
    """A tree with dots in front of names."""

    def __init__(self, master: tk.Misc, *columns: str, width: int) -> None:
        super().__init__(master, show="tree", selectmode="browse", columns=columns, style="Flat.Treeview")
        self.column("#0", width=px(master, width), minwidth=px(master, 80), stretch=True)
        self.dots: dict[str, tk.PhotoImage] = {}

    def dress(self, theme: Theme) -> None:
        palette = theme.palette
        size = px(self, _DOT)
        self.dots = {
            "online": dot(self, palette.success, palette.window, size),
            "offline": dot(self, palette.muted, palette.window, size, hollow=True),
        }
        self.tag_configure("group", font=SMALL, foreground=palette.muted)
        self.tag_configure("unread", font=BOLD)
        self.tag_configure("away", foreground=palette.muted)


class ConversationList(_Tree):
    """Rooms and personal chats, with presence and unread counts."""

    def __init__(self, master: tk.Misc, chosen: Callable[[ConversationId], None]) -> None:
        super().__init__(master, "unread", width=150)
        self.column("unread", width=px(master, 44), minwidth=px(master, 44), stretch=False, anchor="e")
        self._chosen = chosen
        self._is_filling = False
        self._shown: list[_Entry] = []
        self.bind("<<TreeviewSelect>>", self._selected)

    def show(self, session: SessionModel) -> None:
        """Bring the list up to date."""
        entries: list[_Entry] = [("rooms", "Rooms", "", ("group",))]
        entries += [self._entry(c.info.id, c.name, c.unread, "", away=False) for c in session.conversations.rooms()]
        entries.append(("chats", "Personal", "", ("group",)))
        for chat in session.conversations.chats():
            here = session.is_here(chat)
            presence = "online" if here else "offline"
            entries.append(self._entry(chat.info.id, chat.name, chat.unread, presence, away=not here))
        self._is_filling = True
        if entries != self._shown:
            self.delete(*self.get_children())
            for id, text, unread, tags in entries:
                picture = next((self.dots[tag] for tag in tags if tag in self.dots), "")
                self.insert("", "end", id, text=text, values=(unread,), tags=tags, image=picture)
            self._shown = entries
        if session.selected is not None and self.exists(str(session.selected.info.id)):
            self.selection_set(str(session.selected.info.id))
            self.focus(str(session.selected.info.id))
            self.see(str(session.selected.info.id))
        self.after_idle(self._filled)

    def _entry(self, id: ConversationId, name: str, unread: int, presence: str, *, away: bool) -> _Entry:
        tags = ((presence,) if presence else ()) + (("unread",) if unread else ()) + (("away",) if away else ())
        text = f" {line(name)}" if presence else line(name)
        return str(id), text, str(unread) if unread else "", tags

    def dress(self, theme: Theme) -> None:
        super().dress(theme)
        self._shown = []

    def _filled(self) -> None:
        self._is_filling = False

    def _selected(self, event: object) -> None:
        del event
        chosen = self.selection()
        if not self._is_filling and chosen and chosen[0].isdecimal():
            self._chosen(int(chosen[0]))


class PeopleList(_Tree):
    """Who is in the room; a double click, or Return, starts a personal chat."""

    def __init__(self, master: tk.Misc, chosen: Callable[[str], None]) -> None:
        super().__init__(master, width=170)
        self._chosen = chosen
        self._people: dict[str, str] = {}
        self._shown: list[tuple[User, bool]] | None = None
        self.bind("<Double-1>", self._opened)
        self.bind("<Return>", self._opened)

    def show(self, session: SessionModel) -> None:
        """Bring the list up to date."""
        people = [
            (user, user.id == session.me.id or session.roster.is_online(user.id)) for user in session.people_here()
        ]
        if people == self._shown:
            return
        self._shown, self._people = people, {}
        self.delete(*self.get_children())
        self.insert("", "end", text=f"People ({len(people)})", tags=("group",))
        for user, here in people:
            you = " (you)" if user.id == session.me.id else ""
            shown = f"{line(user.display)} ({line(user.name)})" if user.display else line(user.name)
            picture = self.dots.get("online" if here and session.is_online else "offline", "")
            item = self.insert("", "end", text=f" {shown}{you}", image=picture, tags=() if here else ("away",))
            self._people[item] = user.name

    def dress(self, theme: Theme) -> None:
        super().dress(theme)
        self._shown = None

    def _opened(self, event: object) -> None:
        del event
        for item in self.selection():
            if item in self._people:
                self._chosen(self._people[item])
