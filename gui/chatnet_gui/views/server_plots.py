"""Four small plots, drawn by hand on canvases."""

import tkinter as tk
from tkinter import font as tkfont
from tkinter import ttk

from chatnet_gui.theme import SMALL, Theme
from chatnet_gui.viewmodels.server_plots import Plot, Plots

_COLUMNS = 2
_LINES_HIGH = 3
"""The height that a plot asks for, in lines of text."""
_FAINT = 0.8
"""How much of the ground there is in the colour below the line."""


class PlotsView(ttk.Frame):
    """All of them, two beside each other."""

    def __init__(self, master: tk.Misc, plots: Plots) -> None:
        super().__init__(master)
        self._plots = [_PlotView(self, plot) for plot in plots.all]
        for number, plot in enumerate(self._plots):
            row, column = divmod(number, _COLUMNS)
            left, above = "9p" if column else 0, "6p" if row else 0
            plot.grid(row=row, column=column, sticky="nsew", padx=(left, 0), pady=(above, 0))
            self.rowconfigure(row, weight=1, uniform="plots")
            self.columnconfigure(column, weight=1, uniform="plots")

    def dress(self, theme: Theme) -> None:
        for plot in self._plots:
            plot.dress(theme)

    def refresh(self) -> None:
        """Draw the newest figures."""
        for plot in self._plots:
            plot.draw()


class _PlotView(ttk.Frame):
    """One plot under its title and its newest value."""

    def __init__(self, master: tk.Misc, plot: Plot) -> None:
        super().__init__(master)
        self._plot = plot
        self._colours = ("", "", "", "")
        self._line_width = 1.5
        self.columnconfigure(0, weight=1)
        self.rowconfigure(1, weight=1)
        ttk.Label(self, text=plot.title, style="Muted.TLabel").grid(row=0, column=0, sticky="w")
        self._value = ttk.Label(self, text=plot.shown)
        self._value.grid(row=0, column=1, sticky="e")
        self._canvas = tk.Canvas(self, width="105p", height="30p", borderwidth=0, highlightthickness=1)
        self._canvas.grid(row=1, column=0, columnspan=2, sticky="nsew", pady=("1.5p", 0))
        self._canvas.bind("<Configure>", lambda _: self.draw())

    def dress(self, theme: Theme) -> None:
        palette = theme.palette
        height = tkfont.nametofont(SMALL, self).metrics("linespace")
        self._line_width = max(1.5, height / 10)
        self._colours = (palette.link, mixed(palette.link, palette.field, _FAINT), palette.border, palette.muted)
        self._canvas.configure(
            background=palette.field, highlightbackground=palette.border, height=_LINES_HIGH * height
        )
        self.draw()

    def draw(self) -> None:
        """The newest figures, in the size that there is."""
        canvas, plot = self._canvas, self._plot
        self._value.configure(text=plot.shown)
        canvas.delete("all")
        ink, area, rule, words = self._colours
        width, height = canvas.winfo_width() - 2, canvas.winfo_height() - 4
        if not ink or width < 10:
            return
        canvas.create_line(0, height / 2, width, height / 2, fill=rule)
        line = [(x + 1, y + 2) for x, y in plot.line(width - 1, height - 1)]
        if len(line) > 1:
            ends = ((line[-1][0], height + 2), (line[0][0], height + 2))
            canvas.create_polygon(*line, *ends, fill=area)
            canvas.create_line(*line, fill=ink, width=self._line_width)
        canvas.create_text(5, 3, text=plot.top_shown, anchor="nw", font=SMALL, fill=words)


def mixed(colour: str, ground: str, share: float) -> str:
    """A colour with so much of another one in it."""
    pairs = zip(bytes.fromhex(colour[1:]), bytes.fromhex(ground[1:]), strict=True)
    return "#" + bytes(round(own * (1 - share) + other * share) for own, other in pairs).hex()
