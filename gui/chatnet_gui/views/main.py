"""The main window: conversations, messages and the entry, people, and the state of the connection."""

import tkinter as tk
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tkinter import ttk

from chatnet.model import ConversationId, Seq
from chatnet_gui.scaling import px
from chatnet_gui.theme import Theme
from chatnet_gui.viewmodels.conversation import ConversationModel
from chatnet_gui.viewmodels.segments import line
from chatnet_gui.viewmodels.session import LIST, MESSAGES, PEOPLE, STATUS, TRANSFERS, SessionModel
from chatnet_gui.viewmodels.settings import Settings
from chatnet_gui.views.composer import Composer
from chatnet_gui.views.dialogs import PersonalChatDialog, RoomDialog, SearchDialog, SwitchDialog
from chatnet_gui.views.files import FileDesk
from chatnet_gui.views.lists import ConversationList, PeopleList
from chatnet_gui.views.message_list import MessageList
from chatnet_gui.views.pictures import Pictures
from chatnet_gui.views.reading import Reading
from chatnet_gui.views.settings import SettingsDialog
from chatnet_gui.views.transfers import TransferList

_SMALLEST = (720, 460)
_ROOM_FOR_TITLE = 140
_PEOPLE_FROM = 860
"""The window's width from which there is room for the people; as the others, in pixels of a usual screen."""


class MainView(ttk.Frame):
    """``log_out`` leaves the server; ``restyle`` sets fonts and colours anew after a change of the settings;
    ``trouble`` tells why the desktop shows no notifications.
    """

    def __init__(
        self,
        master: tk.Tk,
        session: SessionModel,
        settings: Settings,
        theme: Theme,
        log_out: Callable[[], None],
        restyle: Callable[[], None],
        trouble: Callable[[], str],
    ) -> None:
        super().__init__(master, padding=("9p", "7.5p", "9p", "6p"))
        self._window, self._session, self._settings, self._theme = master, session, settings, theme
        self._restyle, self._trouble = restyle, trouble
        self._shown: ConversationModel | None = None
        """Whose draft stands in the entry."""
        self._highlighted: Seq = 0
        """The message that was searched for, until it is shown."""
        self._files = FileDesk(self, session, settings)
        self._pictures = Pictures(self, session.files.previews)
        self._make_toolbar(log_out)
        self._make_left()
        self._make_middle()
        self._make_right()
        self._make_status()
        self.columnconfigure(1, weight=1)
        self.rowconfigure(1, weight=1)
        self._bind_keys()
        self.dress()
        self.composer.text.focus_set()

    # -- parts ------------------------------------------------------------------------------------------------

    def _make_toolbar(self, log_out: Callable[[], None]) -> None:
        bar = ttk.Frame(self)
        bar.grid(row=0, column=0, columnspan=3, sticky="ew", pady=(0, "6p"))
        self._title = ttk.Label(bar, style="Title.TLabel")
        self._topic = ttk.Label(bar, style="Muted.TLabel")
        buttons = (
            ("Logout", log_out),
            ("Settings", self.open_settings),
            ("Search", self.search),
            ("Clear Chat", self._session.clear),
            ("Personal Chat", self.personal_chat),
        )
        self._buttons = [ttk.Button(bar, text=text, command=self._then_type(act)) for text, act in buttons]
        for button in self._buttons:
            button.pack(side="right", padx=("4.5p", 0))
        self._title.pack(side="left")
        self._topic.pack(side="left", padx=("9p", 0), fill="x", expand=True)

    def _make_left(self) -> None:
        frame = ttk.Frame(self)
        frame.grid(row=1, column=0, sticky="nsew", padx=(0, "7.5p"))
        row = ttk.Frame(frame)
        row.pack(side="bottom", fill="x", pady=("6p", 0))  # first, so that it keeps its place where there is little
        self.list = ConversationList(frame, self._choose)
        self.list.pack(fill="both", expand=True)
        self.list.lower(row)  # and the keyboard goes to the list first
        # Who clicks has the hands off the keyboard, and types next.
        self.list.bind("<ButtonRelease-1>", lambda _: self.composer.text.focus_set(), add=True)
        ttk.Button(row, text="Rooms…", command=self._then_type(self.rooms)).pack(side="left", fill="x", expand=True)
        self._leave = ttk.Button(row, text="Leave", command=self._then_type(self._session.leave))
        self._leave.pack(side="left", fill="x", expand=True, padx=("4.5p", 0))

    def _make_middle(self) -> None:
        frame = ttk.Frame(self)
        frame.grid(row=1, column=1, sticky="nsew")
        frame.rowconfigure(1, weight=1)
        frame.columnconfigure(0, weight=1)
        self._hidden = ttk.Frame(frame, padding=(0, 0, 0, "6p"))
        ttk.Label(self._hidden, style="Muted.TLabel", text="What was said before is hidden on this device.").pack(
            side="left"
        )
        earlier = self._then_type(self._session.show_earlier)
        ttk.Button(self._hidden, text="Show earlier", command=earlier).pack(side="right")
        reading = Reading(self._session, self._files, self._pictures, self._edit, self._put)
        self.messages = MessageList(frame, reading)
        self.messages.grid(row=1, column=0, sticky="nsew")
        self.transfers = TransferList(frame, self._session.files.cancel, self._session.files.retry)
        self.transfers.grid(row=2, column=0, sticky="ew")
        self.composer = Composer(frame, self._send, self._session.names, self._files.choose)
        self.composer.grid(row=3, column=0, sticky="ew")

    def _make_right(self) -> None:
        self._right = ttk.Frame(self)
        self.people = PeopleList(self._right, self._session.personal_chat)
        self.people.pack(fill="both", expand=True)

    def _make_status(self) -> None:
        bar = ttk.Frame(self)
        bar.grid(row=2, column=0, columnspan=3, sticky="ew", pady=("6p", 0))
        self._state = ttk.Label(bar, style="Success.TLabel")
        self._state.pack(side="left")
        self._notice = ttk.Label(bar, style="Warning.TLabel", anchor="e")
        self._notice.pack(side="right", fill="x", expand=True, padx=("12p", 0))

    def _bind_keys(self) -> None:
        root = self._window
        for keys, act in (
            ("<Control-f>", self.search), ("<Control-k>", self.switch), ("<Control-n>", self.personal_chat),
            ("<Control-j>", self.rooms), ("<Control-o>", self._files.choose),
            ("<Control-comma>", self.open_settings),
            ("<Control-plus>", lambda: self._zoom(1)), ("<Control-equal>", lambda: self._zoom(1)),
            ("<Control-KP_Add>", lambda: self._zoom(1)), ("<Control-minus>", lambda: self._zoom(-1)),
            ("<Control-KP_Subtract>", lambda: self._zoom(-1)), ("<Control-0>", lambda: self._zoom(0)),
        ):  # fmt: skip
            for widget in (root, self.composer.text, self.messages.text):
                widget.bind(keys, lambda _, act=act: self._act(act))  # type: ignore[misc]
        root.bind("<FocusIn>", lambda _: self._look(), add=True)
        root.bind("<FocusOut>", lambda _: self.after_idle(self._look), add=True)
        self.bind("<Configure>", self._resized)

    def _then_type(self, act: Callable[[], object]) -> Callable[[], None]:
        """Of a button: do this, and leave the keyboard to the entry, not to the button."""

        def done() -> None:
            self.composer.text.focus_set()
            act()

        return done

    def _act(self, act: Callable[[], object]) -> str:
        act()
        return "break"  # or the entry's own binding would follow

    def dress(self) -> None:
        """Take over the theme."""
        self._pictures.dress(self._theme.palette, self._theme.line)
        for part in (self.list, self.people, self.messages, self.composer):
            part.dress(self._theme)
        self.refresh({LIST, MESSAGES, PEOPLE, STATUS, TRANSFERS})

    @property
    def smallest(self) -> tuple[int, int]:
        """The size, in pixels, at which everything can still be reached."""
        buttons = sum(button.winfo_reqwidth() + px(self, 6) for button in self._buttons)
        return max(px(self, _SMALLEST[0]), buttons + px(self, _ROOM_FOR_TITLE)), px(self, _SMALLEST[1])

    # -- showing ----------------------------------------------------------------------------------------------

    def refresh(self, parts: set[str]) -> None:
        """Draw these parts again."""
        session = self._session
        if LIST in parts:
            self.list.show(session)
        if MESSAGES in parts:
            self._show_messages()
        if PEOPLE in parts:
            self.people.show(session)
        if parts & {STATUS, LIST, MESSAGES}:
            self._show_status()
        if TRANSFERS in parts:
            self.transfers.show(session.files.shown)
            if session.files.shown:
                self.transfers.grid()
            else:
                self.transfers.grid_remove()  # by itself it would keep its height

    def _show_messages(self) -> None:
        model = self._session.selected
        if model is not self._shown:
            self.keep_draft()
            self._shown = model
            self.composer.value = model.draft if model is not None else ""
            if not self._is_busy_elsewhere():
                self.composer.text.focus_set()
        if model is None:
            self.messages.show([], follows=True, below=0)
            return
        names = frozenset(user.name for user in self._session.people_here())
        files = self._session.files.look(model)
        rows = model.rows(self._session.me, date.today(), names, hours24=self._settings.hours24, zone=None, files=files)
        sought = model.take_sought()
        key = f"m{sought}" if sought else ""
        below = max(model.below, model.unread)
        self.messages.show(rows, follows=model.is_following and model.at_end, below=below, key=key)
        if key and sought == self._highlighted:
            self._highlighted = 0
            self.messages.highlight(key)
        if model.hidden:
            self._hidden.grid(row=0, column=0, sticky="ew")
        else:
            self._hidden.grid_remove()

    def _show_status(self) -> None:
        session, model = self._session, self._session.selected
        self._window.title(session.title)
        self._title.configure(text=line(model.name) if model is not None else "chatnet")
        topic = model.info.room.topic if model is not None and model.info.room is not None else ""
        self._topic.configure(text=line(topic))
        self._leave.state(["!disabled" if model is not None and model.is_room else "disabled"])
        mark, style = ("●", "Success.TLabel") if session.is_online else ("○", "Warning.TLabel")
        self._state.configure(text=f"{mark} {session.status}", style=style)
        self._notice.configure(text=session.notice)

    def keep_draft(self) -> None:
        """What stands in the entry belongs to its conversation."""
        if self._shown is not None:
            self._shown.draft = text = self.composer.value
            if text:
                self._session.notes.drafts[self._shown.key] = text
            else:
                self._session.notes.drafts.pop(self._shown.key, None)

    def _resized(self, event: "tk.Event[tk.Misc]") -> None:
        if event.width >= px(self, _PEOPLE_FROM):
            self._right.grid(row=1, column=2, sticky="nsew", padx=("7.5p", 0))
        else:
            self._right.grid_remove()

    def _look(self) -> None:
        self._session.look(focused=bool(self._focus()))

    def _focus(self) -> str:
        """The widget that has the keyboard, wherever in the program; empty if it is not here."""
        # Not by `focus_displayof`, which knows none of the windows that Tk makes by itself, to ask for files say.
        return str(self.tk.call("focus", "-displayof", str(self._window)))

    def _is_busy_elsewhere(self) -> bool:
        """Is the keyboard in the list, to go from one to the next, or in a small window?"""
        focus = self._focus()
        return focus == str(self.list) or str(self.tk.call("winfo", "toplevel", focus or ".")) != str(self._window)

    # -- what the user does -----------------------------------------------------------------------------------

    def _choose(self, id: ConversationId) -> None:
        if self._session.selected is None or self._session.selected.info.id != id:
            self._session.select(id)

    def _send(self, text: str) -> bool:
        return self._session.send(text)

    def _edit(self, text: str) -> None:
        if text:
            self.composer.value = text
            self.composer.text.focus_set()

    def _put(self, text: str) -> None:
        self.clipboard_clear()
        self.clipboard_append(text)

    def offer_files(self, paths: list[Path]) -> None:
        """Somebody has let files fall onto the window."""
        self._files.offer(paths)

    def personal_chat(self) -> None:
        PersonalChatDialog(self, self._session, self._theme)

    def rooms(self) -> None:
        RoomDialog(self, self._session)

    def switch(self) -> None:
        SwitchDialog(self, self._session, self._theme)

    def search(self) -> None:
        if self._session.selected is not None:
            SearchDialog(self, self._session, self._settings.hours24, self._go_to)

    def open_settings(self) -> None:
        SettingsDialog(self, self._settings, self._restyle, self._trouble())

    def _go_to(self, id: ConversationId, seq: Seq) -> None:
        self._highlighted = seq
        self._session.go_to_message(id, seq)

    def _zoom(self, step: int) -> None:
        self._settings.zoom(step)
        self._restyle()
