"""Linux's epoll as a selector that costs little for each event.

The standard library's own makes several calls in Python for each event: with a thousand connections that are ready in
one turn, that is a visible part of what the server does. `chatnet.net.platform` chooses this one where there is epoll.
"""

import math
import select
import selectors
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

_READ: Final = selectors.EVENT_READ
_WRITE: Final = selectors.EVENT_WRITE
_IN: Final = 0x01
_OUT: Final = 0x04
_HIGHEST: Final = 0x10
"""EPOLLIN, EPOLLOUT and EPOLLHUP, which are the same on all machines. Nothing above them comes unasked."""
_ASKED = (0, _IN, _OUT, _IN | _OUT)
"""What to ask epoll for, by the selector's mask."""
_TOLD = tuple((_READ if event & ~_OUT else 0) | (_WRITE if event & ~_IN else 0) for event in range(2 * _HIGHEST))
"""The selector's mask, by what epoll tells: an error and a hang-up are both."""
_MOST_AT_ONCE: Final = 128
"""Events told at once. What a turn touches of so many connections stays in a processor's cache until its end, and epoll
tells of the others in the next."""


class EpollSelector(selectors.BaseSelector):
    """A `selectors.BaseSelector`; see there for what the methods do and raise."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._keys: list[selectors.SelectorKey | None] = []
        """By their file descriptors, which are small numbers: a table costs less to look into than a dict."""

    def register(self, fileobj: "FileDescriptorLike", events: int, data: Any = None) -> selectors.SelectorKey:
        if not 0 < events < len(_ASKED):
            raise ValueError(f"invalid events: {events!r}")
        fd = _descriptor(fileobj)
        if self._find(fd) is not None:
            raise KeyError(f"{fileobj!r} is already registered")
        self._epoll.register(fd, _ASKED[events])
        self._keys += [None] * (fd + 1 - len(self._keys))
        key = self._keys[fd] = selectors.SelectorKey(fileobj, fd, events, data)
        return key

    def modify(self, fileobj: "FileDescriptorLike", events: int, data: Any = None) -> selectors.SelectorKey:
        if not 0 < events < len(_ASKED):
            raise ValueError(f"invalid events: {events!r}")
        fd = self._registered(fileobj)
        self._epoll.modify(fd, _ASKED[events])
        key = self._keys[fd] = selectors.SelectorKey(fileobj, fd, events, data)
        return key

    def unregister(self, fileobj: "FileDescriptorLike") -> selectors.SelectorKey:
        fd = self._registered(fileobj)
        key, self._keys[fd] = self._keys[fd], None
        assert key is not None
        with suppress(OSError):  # closed meanwhile, and so forgotten by epoll
            self._epoll.unregister(fd)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # Rounded up to epoll's milliseconds, so as not to spin through the last of them.
        patience = -1.0 if timeout is None else math.ceil(max(0.0, timeout) * 1e3) * 1e-3
        keys = self._keys
        told = self._epoll.poll(patience, _MOST_AT_ONCE)
        return [(key, _TOLD[event] & key.events) for fd, event in told if (key := keys[fd]) is not None]

    def get_map(self) -> "Mapping[FileDescriptorLike, selectors.SelectorKey]":
        return {key.fileobj: key for key in self._keys if key is not None}

    def close(self) -> None:
        self._keys.clear()
        self._epoll.close()

    def _find(self, fd: int) -> selectors.SelectorKey | None:
        return self._keys[fd] if fd < len(self._keys) else None

    def _registered(self, fileobj: "FileDescriptorLike") -> int:
        """Its file descriptor.

        :raises KeyError: it is not registered.
        """
        fd = _descriptor(fileobj)
        if self._find(fd) is None:
            raise KeyError(f"{fileobj!r} is not registered")
        return fd


def _descriptor(fileobj: "FileDescriptorLike") -> int:
    """:raises ValueError: it is closed."""
    fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
    if fd < 0:
        raise ValueError(f"invalid file descriptor: {fd}")
    return fd
