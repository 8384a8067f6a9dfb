"""Fonts and colours of all windows: the one place that sets them, at every change of theme or size.

sv-ttk draws the ttk widgets, but knows nothing of `tk.Text`, fixes its fonts in pixels and the rows of lists with them,
and its dark theme shows a selection that can hardly be seen; so all of that is set here on top of it.
"""

import tkinter as tk
from tkinter import font as tkfont
from tkinter import ttk

import sv_ttk

from chatnet_gui.colours import DARK, LIGHT, Palette

_FAMILIES = ("Segoe UI Variable Text", "Segoe UI", "SF Pro Text", "Inter", "Cantarell", "Noto Sans", "DejaVu Sans")
_MONOSPACED = ("Cascadia Mono", "Consolas", "Menlo", "Noto Sans Mono", "DejaVu Sans Mono")
_COLOURED = ("Segoe UI Emoji", "Apple Color Emoji", "Noto Color Emoji")
TEXT, BOLD, ITALIC, SMALL, TITLE = "ChatText", "ChatBold", "ChatItalic", "ChatSmall", "ChatTitle"
MONO, EMOJI = "ChatMono", "ChatEmoji"
"""Named fonts: whoever uses one by its name changes with it."""
_SUN_VALLEY = {
    "SunValleyCaptionFont": -1,
    "SunValleyBodyFont": 0,
    "SunValleyBodyStrongFont": 0,
    "SunValleyBodyLargeFont": 2,
    "SunValleySubtitleFont": 4,
}

_FLAT_ITEM = [
    (
        "Treeitem.padding",
        {
            "sticky": "nsew",
            "children": [
                ("Treeitem.image", {"side": "left", "sticky": ""}),
                ("Treeitem.text", {"side": "left", "sticky": ""}),
            ],
        },
    )
]


class Theme:
    """Applies a palette and a font size to the whole program."""

    def __init__(self, root: tk.Tk) -> None:
        self._root = root
        self.palette: Palette = LIGHT
        # sv-ttk calls this at every change, some time after it: it would undo what is set here, colour by colour.
        root.tk.eval("proc tk_setPalette args {}")
        families = set(tkfont.families(root))
        self._family = next((f for f in _FAMILIES if f in families), tkfont.nametofont("TkDefaultFont", root)["family"])
        self._mono = next((f for f in _MONOSPACED if f in families), tkfont.nametofont("TkFixedFont", root)["family"])
        self._emoji = next((f for f in _COLOURED if f in families), self._family)
        names = (TEXT, BOLD, ITALIC, SMALL, TITLE, MONO, EMOJI)
        self._fonts = {name: tkfont.Font(root, name=name) for name in names}

    def apply(self, *, dark: bool, size: int) -> None:
        """Set everything; `<<ThemeChanged>>` follows, upon which the views set what is theirs."""
        self.palette = DARK if dark else LIGHT
        sv_ttk.set_theme("dark" if dark else "light", self._root)
        self._set_fonts(size)
        self._set_style()
        self._root.configure(background=self.palette.window)
        # What is made from now on; what is there already is dressed by its view.
        for option, colour in (("Listbox.background", self.palette.field), ("Listbox.foreground", self.palette.text)):
            self._root.option_add(f"*TCombobox*{option}", colour)
        self._root.option_add("*TCombobox*Listbox.font", TEXT)
        self._root.option_add("*TCombobox*Listbox.selectBackground", self.palette.selection)
        self._root.option_add("*TCombobox*Listbox.selectForeground", self.palette.on_selection)

    def _set_fonts(self, size: int) -> None:
        self._fonts[TEXT].configure(family=self._family, size=size)
        self._fonts[BOLD].configure(family=self._family, size=size, weight="bold")
        self._fonts[ITALIC].configure(family=self._family, size=size, slant="italic")
        self._fonts[SMALL].configure(family=self._family, size=max(7, size - 2))
        self._fonts[TITLE].configure(family=self._family, size=size + 3, weight="bold")
        self._fonts[MONO].configure(family=self._mono, size=size)
        self._fonts[EMOJI].configure(family=self._emoji, size=size + 2)
        for name, more in _SUN_VALLEY.items():
            tkfont.nametofont(name, self._root).configure(family=self._family, size=max(7, size + more))

    def _set_style(self) -> None:
        palette, style = self.palette, ttk.Style(self._root)
        row = self._fonts[TEXT].metrics("linespace") + 12
        style.configure(".", font=TEXT)
        style.configure("Treeview", rowheight=row, font=TEXT, background=palette.window)
        # Without the indicator of branches, for which there would be a gap in front of every name.
        style.layout("Flat.Treeview.Item", _FLAT_ITEM)  # type: ignore[arg-type]
        style.configure("Flat.Treeview.Item", padding=(6, 0))
        style.map(
            "Treeview",
            background=[("selected", palette.selection)],
            foreground=[("selected", palette.on_selection)],
        )
        style.map("TEntry", selectbackground=[], selectforeground=[])
        for entry in ("TEntry", "TCombobox", "TSpinbox"):
            style.configure(entry, selectbackground=palette.selection, selectforeground=palette.on_selection)
        for name, colour in (
            ("Muted", palette.muted), ("Error", palette.error), ("Success", palette.success),
            ("Warning", palette.warning),
        ):  # fmt: skip
            style.configure(f"{name}.TLabel", foreground=colour, font=SMALL)
        style.configure("Edge.TFrame", background=palette.muted)
        style.configure("Emoji.TButton", font=EMOJI)
        style.configure("Title.TLabel", font=TITLE)
        style.configure("Mono.TLabel", font=MONO)

    def dress_text(self, text: tk.Text) -> None:
        """Colours of a `tk.Text`, which no theme reaches."""
        palette = self.palette
        text.configure(
            background=palette.field,
            foreground=palette.text,
            insertbackground=palette.caret,
            selectbackground=palette.selection,
            selectforeground=palette.on_selection,
            inactiveselectbackground=palette.selection,
            highlightbackground=palette.border,
            highlightcolor=palette.focus,
            highlightthickness=2,
            borderwidth=0,
            relief="flat",
            font=TEXT,
        )

    def dress_messages(self, text: tk.Text) -> None:
        """The tags of the message list; where two say something of the same, the later one counts."""
        self.dress_text(text)
        palette = self.palette
        text.tag_configure("body", lmargin1=0, lmargin2=0, spacing1=2, spacing3=2)
        text.tag_configure("header", spacing1=12, spacing3=0, font=BOLD)
        text.tag_configure("login", font=SMALL, foreground=palette.muted)
        text.tag_configure("time", font=SMALL, foreground=palette.muted)
        text.tag_configure("mark", font=SMALL, foreground=palette.muted)
        text.tag_configure("action", font=ITALIC, spacing1=8, spacing3=2)
        text.tag_configure("system", justify="center", spacing1=8, spacing3=4, font=SMALL, foreground=palette.muted)
        text.tag_configure("day", justify="center", spacing1=18, spacing3=6, font=SMALL, foreground=palette.day)
        text.tag_configure("new", justify="center", spacing1=12, spacing3=4, font=SMALL, foreground=palette.new)
        text.tag_configure("pending", foreground=palette.muted)
        text.tag_configure("refused", foreground=palette.error, font=SMALL)
        text.tag_configure("name", font=BOLD)
        text.tag_configure("mention", font=BOLD, foreground=palette.mention, background=palette.mention_field)
        text.tag_configure("link", foreground=palette.link, underline=True)
        text.tag_configure("fold", foreground=palette.link)
        for number, colour in enumerate(palette.senders):
            text.tag_configure(f"sender{number}", foreground=colour)
        text.tag_raise("time")
        text.tag_raise("sel")
