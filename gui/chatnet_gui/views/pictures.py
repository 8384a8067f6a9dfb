"""Pictures in the list of messages: small ones of images, and icons, which are drawn here, for all other files.

Tk never reads what others have sent: it gets pixels that were decoded elsewhere, see `chatnet_gui.decoding`.
"""

import tkinter as tk

from chatnet.model import FileId, SharedFile
from chatnet_gui.colours import Palette
from chatnet_gui.decoding import Picture
from chatnet_gui.viewmodels.previews import Previews
from chatnet_gui.views.icons import file_icon

_BOX_LINES = 12
"""Height of a small picture, in lines of text."""
_ICON_LINES = 1.6


class Pictures:
    """Keeps what is shown, as long as it may be needed."""

    def __init__(self, master: tk.Misc, previews: Previews) -> None:
        self._master, self._previews = master, previews
        self._images: dict[FileId, tuple[Picture, tk.PhotoImage]] = {}
        self._icon: tk.PhotoImage | None = None

    def dress(self, palette: Palette, line: int) -> None:
        """``line``: the height of a line of text, in pixels."""
        box = (round(_BOX_LINES * line * 1.5), _BOX_LINES * line)
        if (box, palette.field) != (self._previews.box, self._previews.ground):
            self._previews.box, self._previews.ground = box, palette.field
            self._previews.restart()
            self._images.clear()
        self._icon = file_icon(self._master, palette.muted, palette.field, round(_ICON_LINES * line))

    def of(self, file: SharedFile) -> tk.PhotoImage | None:
        """The picture of a file, or an icon until there is one."""
        picture = self._previews.pictures.get(file.id)
        if picture is None:
            self._previews.want(file)
            return self._icon
        made = self._images.get(file.id)
        if made is None or made[0] is not picture:
            image = tk.PhotoImage(master=self._master, data=picture.ppm, format="ppm")
            made = self._images[file.id] = picture, image
            self._images = {id: kept for id, kept in self._images.items() if id in self._previews.pictures}
        return made[1]
