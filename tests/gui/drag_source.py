"""A small window in the upper left corner from which files are dragged, for tests: ``python -m ... FILE...``."""

import sys
import tkinter as tk
from pathlib import Path
from typing import Any

from tkinterdnd2 import COPY, DND_FILES, TkinterDnD


def main() -> None:
    text = "".join(f"{Path(name).as_uri()}\r\n" for name in sys.argv[1:])
    root: Any = TkinterDnD.Tk()
    root.geometry("120x60+0+0")
    root.overrideredirect(True)
    label: Any = tk.Label(root, text="drag me")
    label.pack(fill="both", expand=True)
    label.drag_source_register(1, DND_FILES)

    def give(offset: str, length: str) -> str:
        return text[int(offset) : int(offset) + int(length)]

    def begin(event: object) -> tuple[object, ...]:
        del event
        # The package's own answer to who asks for the files is one that Tk 8.6 cannot read.
        handler = {"selection": "XdndSelection", "type": "text/uri-list", "format": "STRING"}
        root.after(30, lambda: label.selection_handle(give, **handler))
        return COPY, DND_FILES, tuple(sys.argv[1:])

    label.dnd_bind("<<DragInitCmd>>", begin)
    root.update()
    print("ready", flush=True)
    root.mainloop()


if __name__ == "__main__":
    main()
