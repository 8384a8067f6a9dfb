"""How large everything is: the one place that looks at the screen's resolution.

Tk itself scales fonts and nothing else. Sizes of windows, gaps and pictures are given here for 96 pixels an inch and
brought to what the screen has by `px`; the theme's own pictures and borders are scaled by `load_theme`.
"""

import os
import subprocess
import sys
import tkinter as tk
from contextlib import suppress

import sv_ttk

_USUAL = 96.0
"""Pixels an inch."""
_MOST = 4.0

_SCALED = """
rename ::ttk::style ::ttk::chatnet_style
proc ::ttk::chatnet_scaled {values by} {
    set scaled {}
    foreach value $values {
        lappend scaled [expr {[string is double -strict $value] ? round($value * $by) : $value}]
    }
    return $scaled
}
proc ::ttk::style args {
    set scaled {}
    set option {}
    foreach value $args {
        switch -- $option {
            -border { set value [::ttk::chatnet_scaled $value %(zoom)d] }
            -padding - -width - -height { set value [::ttk::chatnet_scaled $value %(scale)f] }
        }
        lappend scaled $value
        set option $value
    }
    uplevel 1 [list ::ttk::chatnet_style {*}$scaled]
}
"""
_AS_BEFORE = """
rename ::ttk::style {}
rename ::ttk::chatnet_style ::ttk::style
rename ::ttk::chatnet_scaled {}
foreach theme {sv_light sv_dark} {
    foreach {name picture} [array get ::ttk::theme::${theme}::I] {
        set copy [image create photo]
        $copy copy $picture
        set width [expr {[image width $picture] * %(zoom)d}]
        set height [expr {[image height $picture] * %(zoom)d}]
        $picture blank
        $picture configure -width $width -height $height
        $picture copy $copy -zoom %(zoom)d
        image delete $copy
    }
}
"""


def be_sharp() -> None:
    """Before there is a window: tell Windows that the program looks to the resolution itself."""
    if sys.platform == "win32":
        import ctypes

        # Windows 7 has no such thing.
        with suppress(AttributeError, OSError):
            ctypes.windll.shcore.SetProcessDpiAwareness(1)


def follow_desktop(root: tk.Tk) -> None:
    """Where X11 is told another resolution by the desktop than by the screen, it is the desktop's that counts."""
    if root.tk.call("tk", "windowingsystem") == "x11" and (wanted := _desktop_dpi()):
        root.tk.call("tk", "scaling", wanted / 72)


def scale_of(widget: tk.Misc) -> float:
    """How much larger than usual everything is, at least 1."""
    return min(_MOST, max(1.0, widget.winfo_fpixels("1i") / _USUAL))


def px(widget: tk.Misc, size: float) -> int:
    """Pixels of a usual screen as pixels of this one. Where Tk takes points, ``"9p"`` for 12 pixels does the same."""
    return round(size * scale_of(widget))


def load_theme(root: tk.Tk) -> None:
    """Load the theme as large as the screen wants it. Its pictures can only be 2, 3... times as large."""
    scale = scale_of(root)
    zoom = int(scale + 0.4)
    if zoom < 2:
        sv_ttk.set_theme("light", root)
        return
    numbers = {"scale": scale, "zoom": zoom}
    root.tk.eval(_SCALED % numbers)
    try:
        sv_ttk.set_theme("light", root)
    finally:
        root.tk.eval(_AS_BEFORE % numbers)


def _desktop_dpi() -> float:
    """Pixels an inch, as the desktop says; 0 if it says nothing."""
    with suppress(OSError, subprocess.TimeoutExpired, ValueError):
        done = subprocess.run(["xrdb", "-query"], capture_output=True, text=True, timeout=1.0, stdin=subprocess.DEVNULL)
        for line in done.stdout.splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "Xft.dpi":
                return float(value)
    with suppress(ValueError):
        return _USUAL * float(os.environ.get("GDK_SCALE", "0"))
    return 0.0
