# mypy: disable-error-code="name-defined, valid-type"
"""A desktop's notification service (org.freedesktop.Notifications) on a message bus of its own, for tests."""

import asyncio
import json
import sys
from typing import Any

from dbus_fast.aio.message_bus import MessageBus
from dbus_fast.service import ServiceInterface, dbus_method, dbus_signal


class Notifications(ServiceInterface):
    """Writes each notification as one line of JSON; a line on its input clicks the notification of that number."""

    def __init__(self) -> None:
        super().__init__("org.freedesktop.Notifications")
        self._last = 0

    @dbus_method()
    def Notify(
        self,
        app: "s",  # noqa: F821
        replaces: "u",  # noqa: F821
        icon: "s",  # noqa: F821
        summary: "s",  # noqa: F821
        body: "s",  # noqa: F821
        actions: "as",  # noqa: F722
        hints: "a{sv}",  # noqa: F722
        timeout: "i",  # noqa: F821
    ) -> "u":  # noqa: F821
        self._last += 1
        print(json.dumps([self._last, app, summary, body]), flush=True)
        return self._last

    @dbus_method()
    def GetCapabilities(self) -> "as":  # noqa: F722
        return ["body", "actions", "body-markup"]

    @dbus_method()
    def GetServerInformation(self) -> "ssss":  # noqa: F821
        return ["for tests", "chatnet", "1", "1.2"]

    @dbus_method()
    def CloseNotification(self, id: "u") -> None:  # noqa: F821
        pass

    @dbus_signal()
    def ActionInvoked(self, id: int, key: str) -> "us":  # noqa: F821
        return [id, key]

    @dbus_signal()
    def NotificationClosed(self, id: int, reason: int) -> "uu":  # noqa: F821
        return [id, reason]


async def main() -> None:
    bus = await MessageBus().connect()
    service = Notifications()
    bus.export("/org/freedesktop/Notifications", service)
    await bus.request_name("org.freedesktop.Notifications")
    print("ready", flush=True)
    reader: Any = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        service.ActionInvoked(int(line), "default")


if __name__ == "__main__":
    asyncio.run(main())
