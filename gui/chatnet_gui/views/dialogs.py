"""The small windows of the main one: Personal Chat, rooms, search, switch."""

import tkinter as tk
from collections.abc import Callable
from datetime import datetime
from tkinter import ttk

from chatnet.model import Hit, Room
from chatnet_gui.scaling import px
from chatnet_gui.theme import Theme
from chatnet_gui.viewmodels.rows import clock
from chatnet_gui.viewmodels.searching import FEW
from chatnet_gui.viewmodels.segments import line
from chatnet_gui.viewmodels.session import SessionModel
from chatnet_gui.views.dialog import Dialog

_ALL = 2000
"""More than anybody looks through."""
_HINT = "All words must be there; wor* stands for every word that starts so."


class PersonalChatDialog(Dialog):
    """Asks for a name and a message."""

    def __init__(self, master: tk.Misc, session: SessionModel, theme: Theme) -> None:
        super().__init__(master, "Personal Chat")
        self._session = session
        ttk.Label(self.body, text="With whom?").pack(anchor="w")
        online = sorted(user.name for user in session.roster.online() if user.id != session.me.id)
        self._who = ttk.Combobox(self.body, values=online, width=36)
        self._who.pack(fill="x", pady=("1.5p", "7.5p"))
        ttk.Label(self.body, text="Message").pack(anchor="w")
        self._text = tk.Text(self.body, height=4, width=36, wrap="word", padx="6p", pady="4.5p")
        theme.dress_text(self._text)
        self._text.pack(fill="both", expand=True, pady=("1.5p", "3p"))
        self._error = ttk.Label(self.body, style="Error.TLabel")
        self._error.pack(anchor="w")
        self.buttons("Send", self._send).pack(fill="x", pady=("6p", 0))
        self._who.bind("<Return>", lambda _: self._text.focus_set())
        self._text.bind("<Return>", self._return)
        self._text.bind("<Tab>", self._tab)
        self.appear(self._who)

    def _return(self, event: object) -> str:
        del event
        self._send()
        return "break"

    def _tab(self, event: "tk.Event[tk.Text]") -> str:
        if (following := event.widget.tk_focusNext()) is not None:
            following.focus_set()
        return "break"

    def _send(self) -> None:
        name = self._who.get().strip()
        if not name:
            self._error.configure(text="Say with whom.")
            self._who.focus_set()
            return
        self._session.personal_chat(name, self._text.get("1.0", "end-1c"))
        self.destroy()


class RoomDialog(Dialog):
    """Joins a room, or makes one."""

    def __init__(self, master: tk.Misc, session: SessionModel) -> None:
        super().__init__(master, "Rooms")
        self._session = session
        ttk.Label(self.body, text="Name of the room").pack(anchor="w")
        self._who = ttk.Combobox(self.body, width=32)
        self._who.pack(fill="x", pady=("1.5p", "9p"))
        row = ttk.Frame(self.body)
        row.pack(fill="x")
        ttk.Button(row, text="Join", style="Accent.TButton", command=self._join).pack(side="right")
        ttk.Button(row, text="Create", command=lambda: self._join(create=True)).pack(side="right", padx=(0, "6p"))
        ttk.Button(row, text="Cancel", command=self.destroy).pack(side="right", padx=(0, "6p"))
        self._who.bind("<Return>", lambda _: self._join())
        session.list_rooms(self._show)
        self.appear(self._who)

    def _show(self, rooms: list[Room]) -> None:
        if self.winfo_exists():
            self._who.configure(values=[room.name for room in rooms])

    def _join(self, *, create: bool = False) -> None:
        name = self._who.get().strip()
        if name:
            self._session.join(name, create=create)
            self.destroy()


class SwitchDialog(Dialog):
    """Ctrl+K: a few letters of a name lead to its conversation."""

    def __init__(self, master: tk.Misc, session: SessionModel, theme: Theme) -> None:
        super().__init__(master, "Go to")
        self._session = session
        self._words = tk.StringVar(self)
        entry = ttk.Entry(self.body, textvariable=self._words, width=34)
        entry.pack(fill="x")
        palette = theme.palette
        self._list = tk.Listbox(self.body, height=8, activestyle="none", exportselection=False, font="ChatText")
        self._list.configure(
            background=palette.field, foreground=palette.text, selectbackground=palette.selection,
            selectforeground=palette.on_selection, highlightthickness=1, highlightbackground=palette.border,
            highlightcolor=palette.focus, borderwidth=0,
        )  # fmt: skip
        self._list.pack(fill="both", expand=True, pady=("6p", 0))
        self._found: list[tuple[str, int, str]] = []
        self._words.trace_add("write", lambda *_: self._fill())
        entry.bind("<Down>", lambda _: self._move(1))
        entry.bind("<Up>", lambda _: self._move(-1))
        entry.bind("<Return>", lambda _: self._go())
        self._list.bind("<Return>", lambda _: self._go())
        self._list.bind("<Double-1>", lambda _: self._go())
        self._fill()
        self.appear(entry)

    def _fill(self) -> None:
        self._found = self._session.find_places(self._words.get())
        self._list.delete(0, "end")
        for shown, _, _ in self._found:
            self._list.insert("end", f" {shown}")
        self._move(0)

    def _move(self, step: int) -> str:
        at = self._list.curselection()[0] if self._list.curselection() else 0  # type: ignore[no-untyped-call]
        at = max(0, min(len(self._found) - 1, at + step))
        self._list.selection_clear(0, "end")
        if self._found:
            self._list.selection_set(at)
            self._list.see(at)
        return "break"

    def _go(self) -> None:
        chosen = self._list.curselection()  # type: ignore[no-untyped-call]
        if chosen:
            _, id, name = self._found[chosen[0]]
            self.destroy()
            if id:
                self._session.select(id)
            else:
                self._session.personal_chat(name)


class SearchDialog(Dialog):
    """Ctrl+F: finds messages of the conversation by their words, on the server."""

    def __init__(self, master: tk.Misc, session: SessionModel, hours24: bool, go: Callable[[int, int], None]) -> None:
        name = line(session.selected.name) if session.selected is not None else ""
        super().__init__(master, f"Search in {name}")
        self._session, self._hours24, self._go = session, hours24, go
        self._hits: dict[str, Hit] = {}
        row = ttk.Frame(self.body)
        row.pack(fill="x")
        self._words = ttk.Entry(row, width=40)
        self._words.pack(side="left", fill="x", expand=True)
        ttk.Button(row, text="Search", style="Accent.TButton", command=self._search).pack(side="left", padx=("6p", 0))
        self._tree = ttk.Treeview(self.body, columns=("who", "text"), show="tree", height=9, style="Flat.Treeview")
        self._tree.column("#0", width=px(master, 190), stretch=False)
        self._tree.column("who", width=px(master, 100), stretch=False)
        self._tree.column("text", width=px(master, 330))
        self._tree.pack(fill="both", expand=True, pady="6p")
        foot = ttk.Frame(self.body)
        foot.pack(fill="x")
        self._state = ttk.Label(foot, style="Muted.TLabel", text=_HINT)
        self._state.pack(side="left")
        self._more = ttk.Button(foot, text="Older ones too", command=lambda: self._search(most=_ALL), state="disabled")
        self._more.pack(side="right")
        self._most = FEW
        self._words.bind("<Return>", lambda _: self._search())
        self._words.bind("<Down>", lambda _: self._tree.focus_set())
        self._tree.bind("<Return>", lambda _: self._open())
        self._tree.bind("<Double-1>", lambda _: self._open())
        self.appear(self._words, resizable=True)

    def _search(self, *, most: int = FEW) -> None:
        self._most = most
        self._state.configure(text="Searching…")
        self._session.search(self._words.get(), self._show, self._failed, most=self._most)

    def _failed(self, reason: str) -> None:
        if self.winfo_exists():
            self._state.configure(text=reason)

    def _show(self, hits: list[Hit], may_be_more: bool) -> None:
        if not self.winfo_exists():
            return
        self._more.state(["!disabled" if may_be_more else "disabled"])
        self._tree.delete(*self._tree.get_children())
        self._hits.clear()
        for hit in hits:
            moment = datetime.fromtimestamp(hit.message.time / 1000)
            when = f"{moment:%Y-%m-%d} {clock(moment, hours24=self._hours24)}"
            values = (line(hit.message.name), line(hit.message.body)[:200])
            self._hits[self._tree.insert("", "end", text=when, values=values)] = hit
        count = "Nothing was found" if not hits else "1 message" if len(hits) == 1 else f"{len(hits)} messages"
        self._state.configure(text=f"The newest {len(hits)} messages." if may_be_more else f"{count}.")
        if hits:
            first = self._tree.get_children()[0]
            self._tree.selection_set(first)
            self._tree.focus(first)

    def _open(self) -> None:
        for item in self._tree.selection():
            hit = self._hits[item]
            self._go(hit.conversation.id, hit.message.seq)
            self.destroy()
            return
