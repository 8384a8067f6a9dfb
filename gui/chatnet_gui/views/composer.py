"""The entry: grows with what is typed; Enter sends, Shift+Enter starts a new line."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from chatnet_gui.theme import Theme
from chatnet_gui.viewmodels.composer import Completer, Recall
from chatnet_gui.viewmodels.graphemes import last_grapheme
from chatnet_gui.views.emoji import EmojiPicker

_MOST_LINES = 7


class Composer(ttk.Frame):
    """``send`` says whether the text was taken; ``names`` are those that Tab completes; ``attach`` asks for files."""

    def __init__(
        self,
        master: tk.Misc,
        send: Callable[[str], bool],
        names: Callable[[], list[str]],
        attach: Callable[[], None],
    ) -> None:
        super().__init__(master, padding=(0, "6p", 0, 0))
        self._send, self._names = send, names
        self._recall, self._completer = Recall(), Completer()
        self.text = tk.Text(self, height=1, width=20, wrap="word", padx="7.5p", pady="5.25p", undo=True, maxundo=200)
        self._emoji = ttk.Button(self, text="☺", width=3, command=self._pick)
        self._attach = ttk.Button(self, text="File…", command=attach)
        self._button = ttk.Button(self, text="Send", style="Accent.TButton", command=self.submit)
        self.text.grid(row=0, column=0, sticky="nsew")
        self._emoji.grid(row=0, column=1, sticky="s", padx=("6p", 0))
        self._attach.grid(row=0, column=2, sticky="s", padx=("6p", 0))
        self._button.grid(row=0, column=3, sticky="s", padx=("6p", 0))
        self.columnconfigure(0, weight=1)
        self._bind_keys()

    def _bind_keys(self) -> None:
        for key, act in (
            ("<Return>", self._enter), ("<KP_Enter>", self._enter), ("<Tab>", self._tab),
            ("<Up>", self._up), ("<Down>", self._down), ("<BackSpace>", self._backspace),
        ):  # fmt: skip
            self.text.bind(key, act)
        self.text.bind("<Shift-Return>", self._new_line)
        self.text.bind("<Shift-Tab>", self._tab_back)
        self.text.bind(
            "<ISO_Left_Tab>" if self.tk.call("tk", "windowingsystem") == "x11" else "<Shift-Tab>", self._tab_back
        )
        self.text.bind("<Control-BackSpace>", self._delete_word)
        self.text.bind("<<Modified>>", lambda _: self._grow())
        self.text.bind("<Configure>", lambda _: self._grow())

    def dress(self, theme: Theme) -> None:
        theme.dress_text(self.text)

    # -- what is in it ----------------------------------------------------------------------------------------

    @property
    def value(self) -> str:
        return self.text.get("1.0", "end-1c")

    @value.setter
    def value(self, text: str) -> None:
        self.text.delete("1.0", "end")
        self.text.insert("1.0", text)
        self.text.mark_set("insert", "end-1c")
        self.text.edit_reset()
        self._grow()

    def insert(self, text: str) -> None:
        """Type this."""
        if self.text.tag_ranges("sel"):
            self.text.delete("sel.first", "sel.last")
        self.text.insert("insert", text)
        self.text.focus_set()

    def submit(self) -> None:
        """Say what stands there."""
        text = self.value
        if self._send(text):
            self._recall.say(text)
            self.value = ""
        self.text.focus_set()

    def _grow(self) -> None:
        self.text.edit_modified(False)
        counted = self.text.count("1.0", "end", "displaylines")
        height = max(1, min(_MOST_LINES, counted[0] if counted else 1))
        if int(self.text["height"]) != height:
            self.text.configure(height=height)
        if height < _MOST_LINES:
            self.text.yview_moveto(0.0)

    # -- keys -------------------------------------------------------------------------------------------------

    def _enter(self, event: object) -> str:
        del event
        self.submit()
        return "break"

    def _new_line(self, event: object) -> str:
        del event
        self.insert("\n")
        self.text.see("insert")
        return "break"

    def _up(self, event: object) -> str | None:
        del event
        if self.text.compare("insert", ">=", "2.0"):
            return None
        return self._recalled(self._recall.up(self.value))

    def _down(self, event: object) -> str | None:
        del event
        if self.text.compare("insert lineend", "<", "end-1c"):
            return None
        return self._recalled(self._recall.down())

    def _recalled(self, text: str | None) -> str | None:
        if text is None:
            return None
        self.value = text
        return "break"

    def _tab(self, event: "tk.Event[tk.Text]") -> str:
        """Complete a name; where there is none to complete, go on to the next widget."""
        completion = self._completer.complete(self.text.get("1.0", "insert"), self._names())
        if completion is not None:
            self._delete_back(completion.length)
            self.text.insert("insert", completion.text)
        elif not self.value and (following := event.widget.tk_focusNext()) is not None:
            following.focus_set()
        return "break"

    def _tab_back(self, event: "tk.Event[tk.Text]") -> str:
        if (before := event.widget.tk_focusPrev()) is not None:
            before.focus_set()
        return "break"

    def _backspace(self, event: object) -> str | None:
        del event
        if self.text.tag_ranges("sel"):
            return None
        character = last_grapheme(self.text.get("insert linestart", "insert"))
        if not character:
            return None
        self._delete_back(len(character))
        return "break"

    def _delete_word(self, event: object) -> str:
        del event
        before = self.text.get("1.0", "insert")
        kept = before.rstrip()
        kept = kept[: max(kept.rfind(" "), kept.rfind("\n")) + 1]
        self._delete_back(len(before) - len(kept))
        return "break"

    def _delete_back(self, length: int) -> None:
        """Delete so many characters before the caret. Tk counts emoji in its own way, so this looks at what is left."""
        before = self.text.get("1.0", "insert")
        kept = before[: len(before) - length]
        while self.text.get("1.0", "insert") != kept and self.text.compare("insert", ">", "1.0"):
            self.text.delete("insert - 1 indices", "insert")

    def _pick(self) -> None:
        EmojiPicker(self, self._emoji, self.insert)
