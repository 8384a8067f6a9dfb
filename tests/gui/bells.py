"""Listens to the bell of an X server, which has no loudspeaker, for tests: a line for each time that it rings."""

import ctypes
from ctypes.util import find_library

_CORE_KEYBOARD = 0x100
_BELL = 1 << 8
"""XkbBellNotifyMask (XKBproto, section 16)."""
_EVENT_LONGS = 24
"""The size of an XEvent."""


def main() -> None:
    x11 = ctypes.CDLL(find_library("X11") or "libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    display = ctypes.c_void_p(x11.XOpenDisplay(None))
    assert display.value, "there is no display"
    selected = x11.XkbSelectEvents(display, _CORE_KEYBOARD, ctypes.c_ulong(_BELL), ctypes.c_ulong(_BELL))
    assert selected, "this X server tells nobody of its bell"
    x11.XSync(display, 0)
    print("ready", flush=True)
    event = (ctypes.c_long * _EVENT_LONGS)()
    while True:
        x11.XNextEvent(display, event)
        print("bell", flush=True)


if __name__ == "__main__":
    main()
