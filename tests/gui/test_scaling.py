"""On a screen with twice as many pixels an inch everything is twice as large, not only the letters."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.processes import DEADLINE
from tests.gui.windows import Display, needs_display

pytestmark = needs_display

# Each in a process of its own: Tk holds on to a screen until the process ends.
PROGRAM = """
import json, sys, tkinter as tk
from tkinter import ttk
from chatnet_gui.scaling import be_sharp, follow_desktop, px, scale_of
from chatnet_gui.theme import Theme

be_sharp()
root = tk.Tk()
follow_desktop(root)
theme = Theme(root)
theme.apply(dark=False, size=11)
check, button, entry = ttk.Checkbutton(root), ttk.Button(root, text="x"), ttk.Entry(root)
bar, spin = ttk.Scrollbar(root), ttk.Spinbox(root)
root.update_idletasks()
print(json.dumps({
    "check": check.winfo_reqheight(), "button": button.winfo_reqheight(), "entry": entry.winfo_reqheight(),
    "spin": spin.winfo_reqheight(), "scrollbar": bar.winfo_reqwidth(), "px": px(root, 100),
    "row": int(ttk.Style(root).lookup("Treeview", "rowheight")), "line": theme.line,
    "light": int(root.tk.eval("image width $ttk::theme::sv_light::I(check-rest)")),
    "dark": int(root.tk.eval("image width $ttk::theme::sv_dark::I(check-rest)")),
    "scale": scale_of(root),
}))
"""


def measured(dpi: int, **environment: str) -> dict[str, Any]:
    """What some widgets want of room, in pixels, on a screen with so many pixels an inch."""
    display = Display(dpi=dpi)
    try:
        own = {name: value for name, value in os.environ.items() if name != "GDK_SCALE"}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=own | {"DISPLAY": display.name} | environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
    finally:
        display.close()
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_twice_the_resolution_makes_everything_twice_as_large() -> None:
    usual, fine = measured(96), measured(192)
    assert usual["px"] == 100
    assert usual["light"] == usual["dark"] == 20
    assert {name: fine[name] / usual[name] for name in usual} == {name: pytest.approx(2.0, abs=0.15) for name in usual}


@pytest.mark.parametrize(("dpi", "picture"), [(130, 20), (156, 40), (288, 60)])
def test_pictures_of_the_theme_are_scaled_by_whole_steps(dpi: int, picture: int) -> None:
    found = measured(dpi)
    assert (found["light"], found["dark"]) == (picture, picture)


def test_the_desktops_own_resolution_counts_on_x11(tmp_path: Path) -> None:
    tool = tmp_path / "xrdb"
    tool.write_text("#!/bin/sh\nprintf 'Xft.antialias:\\t1\\nXft.dpi:\\t192\\n'\n")
    tool.chmod(0o755)
    found = measured(96, PATH=f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    assert found["scale"] == pytest.approx(2.0, abs=0.01)
    assert found["light"] == 40


def test_a_desktop_without_that_tool_may_name_a_scale_instead() -> None:
    assert measured(96, PATH="/nowhere", GDK_SCALE="2")["scale"] == pytest.approx(2.0, abs=0.01)
    assert measured(96, PATH="/nowhere", GDK_SCALE="nonsense")["scale"] == pytest.approx(1.0, abs=0.01)
