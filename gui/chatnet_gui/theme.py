"""Fonts and colours of all windows: the one place that sets them, at every change of theme or size.

sv-ttk draws the ttk widgets, but knows nothing of `tk.Text`, fixes its fonts in pixels and the rows of lists with them,
and its dark theme shows a selection that can hardly be seen; so all of that is set here on top of it.
"""

import tkinter as tk
from tkinter import font as tkfont
from tkinter import ttk

import sv_ttk

from chatnet_gui.colours import DARK, LIGHT, Palette
from chatnet_gui.scaling import load_theme, px

_FAMILIES = ("Segoe UI Variable Text", "Segoe UI", "SF Pro Text", "Inter", "Cantarell", "Noto Sans", "DejaVu Sans")
_MONOSPACED = ("Cascadia Mono", "Consolas", "Menlo", "Noto Sans Mono", "DejaVu Sans Mono")
_COLOURED = ("Segoe UI Emoji", "Apple Color Emoji", "Noto Color Emoji")
TEXT, BOLD, ITALIC, SMALL, TITLE = "ChatText", "ChatBold", "ChatItalic", "ChatSmall", "ChatTitle"
MONO, SMALL_MONO, EMOJI = "ChatMono", "ChatSmallMono", "ChatEmoji"
"""Named fonts: whoever uses one by its name changes with it."""
_SUN_VALLEY = {
    "SunValleyCaptionFont": -1,
    "SunValleyBodyFont": 0,
    "SunValleyBodyStrongFont": 0,
    "SunValleyBodyLargeFont": 2,
    "SunValleySubtitleFont": 4,
}

_SHOW_PLACE = "if {[%W focus] eq {}} {%W focus [lindex [%W children {}] 0]}"
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
        load_theme(root)
        # A list that gets the keyboard shows where it is, also as long as nothing is selected.
        root.tk.eval(f"bind Treeview <FocusIn> {{+{_SHOW_PLACE}}}")
        families = set(tkfont.families(root))
        self._family = next((f for f in _FAMILIES if f in families), tkfont.nametofont("TkDefaultFont", root)["family"])
        self._mono = next((f for f in _MONOSPACED if f in families), tkfont.nametofont("TkFixedFont", root)["family"])
        self._emoji = next((f for f in _COLOURED if f in families), self._family)
        names = (TEXT, BOLD, ITALIC, SMALL, TITLE, MONO, SMALL_MONO, EMOJI)
        self._fonts = {name: tkfont.Font(root, name=name) for name in names}

    def apply(self, *, dark: bool, size: int) -> None:
        """Set everything; `<<ThemeChanged>>` follows, upon which the views set what is theirs."""
        self.palette = DARK if dark else LIGHT
        sv_ttk.set_theme("dark" if dark else "light", self._root)
        self._root.tk.eval("bind Menu <<ThemeChanged>> {}")  # likewise; it comes with the first theme
        self._set_fonts(size)
        self._set_style()
        self._root.configure(background=self.palette.window)
        # What is made from now on; what is there already is dressed by its view.
        for option, colour in (("Listbox.background", self.palette.field), ("Listbox.foreground", self.palette.text)):
            self._root.option_add(f"*TCombobox*{option}", colour)
        self._root.option_add("*TCombobox*Listbox.font", TEXT)
        for entry in ("TEntry", "TCombobox", "TSpinbox"):  # sv-ttk sets it only in those that are there already
            self._root.option_add(f"*{entry}.font", TEXT)
        self._root.option_add("*TCombobox*Listbox.selectBackground", self.palette.selection)
        self._root.option_add("*TCombobox*Listbox.selectForeground", self.palette.on_selection)

    def _set_fonts(self, size: int) -> None:
        self._fonts[TEXT].configure(family=self._family, size=size)
        self._fonts[BOLD].configure(family=self._family, size=size, weight="bold")
        self._fonts[ITALIC].configure(family=self._family, size=size, slant="italic")
        self._fonts[SMALL].configure(family=self._family, size=max(7, size - 2))
        self._fonts[TITLE].configure(family=self._family, size=size + 3, weight="bold")
        self._fonts[MONO].configure(family=self._mono, size=size)
        self._fonts[SMALL_MONO].configure(family=self._mono, size=max(7, size - 2))
        self._fonts[EMOJI].configure(family=self._emoji, size=size + 2)
        for name, more in _SUN_VALLEY.items():
            tkfont.nametofont(name, self._root).configure(family=self._family, size=max(7, size + more))

    def _set_style(self) -> None:
        palette, style = self.palette, ttk.Style(self._root)
        row = self._fonts[TEXT].metrics("linespace") + px(self._root, 12)
        style.configure(".", font=TEXT)
        style.configure("Treeview", rowheight=row, font=TEXT, background=palette.window)
        style.configure("Treeview.Heading", font=TEXT, padding=("4.5p", "3p"))
        # Without the indicator of branches, for which there would be a gap in front of every name.
        style.layout("Flat.Treeview.Item", _FLAT_ITEM)  # type: ignore[arg-type]
        style.configure("Flat.Treeview.Item", padding=("4.5p", 0))
        style.map(
            "Treeview",
            # So that one sees which list has the keyboard.
            background=[
                ("selected", "focus", palette.selection),
                ("selected", palette.selection_idle),
                ("focus", palette.selection_idle),
            ],
            foreground=[("selected", palette.on_selection), ("focus", palette.on_selection)],
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
        style.configure("Heading.TLabel", font=BOLD)
        style.configure("Mono.TLabel", font=MONO)
        style.configure("SmallMono.TLabel", font=SMALL_MONO)

    @property
    def line(self) -> int:
        """The height of a line of text, in pixels."""
        return self._fonts[TEXT].metrics("linespace")

    def dress_text(self, text: tk.Text) -> None:
        """Colours of a `tk.Text`, which no theme reaches."""
        palette = self.palette
        text.configure(
            background=palette.field,
            foreground=palette.text,
            insertbackground=palette.caret,
            insertwidth=px(self._root, 2),
            selectbackground=palette.selection,
            selectforeground=palette.on_selection,
            inactiveselectbackground=palette.selection,
            highlightbackground=palette.border,
            highlightcolor=palette.focus,
            highlightthickness=px(self._root, 2),
            borderwidth=0,
            relief="flat",
            font=TEXT,
        )

    def dress_messages(self, text: tk.Text) -> None:
        """The tags of the message list; where two say something of the same, the later one counts."""
        self.dress_text(text)
        palette = self.palette
        text.tag_configure("body", lmargin1=0, lmargin2=0, spacing1="1.5p", spacing3="1.5p")
        text.tag_configure("header", spacing1="9p", spacing3=0, font=BOLD)
        text.tag_configure("login", font=SMALL, foreground=palette.muted)
        text.tag_configure("time", font=SMALL, foreground=palette.muted)
        text.tag_configure("mark", font=SMALL, foreground=palette.muted)
        text.tag_configure("action", font=ITALIC, spacing1="6p", spacing3="1.5p")
        for tag, above, below, colour in (
            ("system", "6p", "3p", palette.muted), ("day", "13.5p", "4.5p", palette.day),
            ("new", "9p", "3p", palette.new),
        ):  # fmt: skip
            text.tag_configure(tag, justify="center", spacing1=above, spacing3=below, font=SMALL, foreground=colour)
        text.tag_configure("pending", foreground=palette.muted)
        text.tag_configure("refused", foreground=palette.error, font=SMALL)
        text.tag_configure("name", font=BOLD)
        text.tag_configure("mention", font=BOLD, foreground=palette.mention, background=palette.mention_field)
        text.tag_configure("link", foreground=palette.link, underline=True)
        text.tag_configure("act", foreground=palette.link, spacing3="6p")
        text.tag_configure("picture", spacing1="6p")
        for number, colour in enumerate(palette.senders):
            text.tag_configure(f"sender{number}", foreground=colour)
        text.tag_configure("found", foreground=palette.mention, background=palette.mention_field)
        text.tag_configure("chosen", foreground=palette.on_selection, background=palette.selection)
        for tag in ("act", "time", "found", "chosen", "sel"):
            text.tag_raise(tag)

    def dress_log(self, text: tk.Text) -> None:
        """The tags of the server's live log."""
        self.dress_text(text)
        palette = self.palette
        text.configure(spacing1="0.75p", spacing3="0.75p")
        text.tag_configure("name", font=BOLD)
        for tag, colour in (
            ("time", palette.muted), ("muted", palette.muted), ("note", palette.link), ("gap", palette.warning),
            ("problem", palette.error),
        ):  # fmt: skip
            text.tag_configure(tag, foreground=colour)
        text.tag_raise("sel")

    def dress_menu(self, menu: tk.Menu) -> None:
        """Colours of a `tk.Menu`, which no theme reaches."""
        palette = self.palette
        menu.configure(
            background=palette.field,
            foreground=palette.text,
            activebackground=palette.selection,
            activeforeground=palette.on_selection,
            disabledforeground=palette.muted,
            borderwidth=1,
            relief="solid",
            activeborderwidth="3p",
            font=TEXT,
        )
