"""Front-ends that differ from the native one in one thing.

They hold a native one instead of inheriting from it, since what is interpreted cannot inherit from what is compiled.
"""

from collections.abc import Callable

from chatnet.core.limits import KIB
from chatnet.events import Event
from chatnet.frontends.native import NativeFrontend
from chatnet.requests import Request


class Dialect:
    """Requests are those of the native protocol, and events are encoded by ``encode``."""

    def __init__(
        self, encode: Callable[[Event], bytes], limit_before: int = 4 * KIB, limit_after: int = 64 * KIB
    ) -> None:
        self.encode = encode
        self._native = NativeFrontend(limit_before, limit_after)

    @property
    def ready(self) -> bool:
        return self._native.ready

    def receive(self, data: bytes) -> None:
        self._native.receive(data)

    def next_request(self) -> Request | None:
        return self._native.next_request()

    def admit(self) -> None:
        self._native.admit()

    def farewell(self, code: str, reason: str, retry_after: float) -> bytes:
        return self._native.farewell(code, reason, retry_after)
