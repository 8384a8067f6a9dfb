"""A machine, a server and its figures, as the server window's models see them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chatnet.address import TLS, Address
from chatnet.auth.codes import parse_code
from chatnet.client.news import ServerLog
from chatnet.client.thread import Answered, Connected, Ended, Failed, Work
from chatnet.errors import ChatnetError, ErrorCode, Unreachable
from chatnet.events import Stats
from chatnet.model import Act, ConnectionInfo, Happening, LogLine, ServerInfo, SessionId, User
from chatnet_gui.hosting import ServeOrder
from chatnet_gui.viewmodels.server import ServerModel
from chatnet_gui.viewmodels.server_settings import ServerSettings

NOON = 1_780_000_000_000
OWNER = User(1, "owner")
OWN_SESSION: SessionId = 7
GONE = Unreachable(ErrorCode.UNREACHABLE, "nobody is there")


class FakeAdmin:
    """Stands where `Client.admin` does."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.connected: list[ConnectionInfo] = []
        self.refuses: ChatnetError | None = None

    def watch(self, log: bool = True) -> None:
        self.calls.append(("watch", log))

    def connections(self) -> list[ConnectionInfo]:
        self.calls.append(("connections",))
        self._check()
        return self.connected

    def invite(self, *, uses: int, expires: int) -> object:
        self.calls.append(("invite", uses, expires))
        self._check()
        return parse_code("7KQM-4XDP-9TBC")

    def moderate(self, act: Act, user: str, *, seconds: int = 0, reason: str = "") -> None:
        self.calls.append((act.name, user, seconds, reason))
        self._check()

    def _check(self) -> None:
        if self.refuses is not None:
            raise self.refuses


class FakeChat:
    """Stands where a `Client` does."""

    def __init__(self) -> None:
        self.admin = FakeAdmin()
        self.sent: list[tuple[str, str]] = []

    def send(self, text: str, *, to: str) -> None:
        self.sent.append((to, text))


class FakeLink:
    """A connection that does what it is asked when it is told to."""

    session = OWN_SESSION

    def __init__(self, chat: FakeChat) -> None:
        self._chat: Any = chat
        self._work: list[tuple[int, Work]] = []
        self._last = 0

    def ask(self, work: Work) -> int:
        self._last += 1
        self._work.append((self._last, work))
        return self._last

    do = ask

    def run(self, handle: Callable[[Answered | Failed], None]) -> None:
        while self._work:
            number, work = self._work.pop(0)
            try:
                notice: Answered | Failed = Answered(number, work(self._chat))
            except ChatnetError as error:
                notice = Failed(number, error)
            handle(notice)


class FakeMachine:
    """Writes down what it is told to do."""

    def __init__(self) -> None:
        self.deeds: list[object] = []
        self.chat = FakeChat()
        self.link = FakeLink(self.chat)
        self.refuses: OSError | None = None

    def start(self, order: ServeOrder) -> None:
        self.deeds.append(order)
        if self.refuses is not None:
            raise self.refuses

    def stop(self) -> None:
        self.deeds.append("stop")

    def kill(self) -> None:
        self.deeds.append("kill")

    def connect(self, folder: Path) -> FakeLink:
        self.deeds.append(folder)
        self.link = FakeLink(self.chat)
        return self.link

    def disconnect(self) -> None:
        self.deeds.append("disconnect")

    def take(self) -> list[object]:
        """What it was told since the last time, leaving servers aside that were not there."""
        deeds, self.deeds = self.deeds, []
        return [deed for deed in deeds if deed != "disconnect"]


def made(tmp_path: Path, **settings: Any) -> tuple[ServerModel, FakeMachine]:
    """A window on an empty folder, where no server was found."""
    machine = FakeMachine()
    chosen = ServerSettings(**{"data": str(tmp_path / "data")} | settings)
    model = ServerModel(machine, chosen, lambda: NOON)
    model.handle(Ended(GONE))
    machine.take()
    return model, machine


def connected() -> Connected:
    return Connected(OWNER, Address(TLS, "127.0.0.1", 5555))


def stats(second: float = 0.0, *, messages: int = 0, deliveries: int = 0, started: int = NOON, **other: Any) -> Stats:
    info = ServerInfo("0", started, "durable", False, ["chatnet+unix:///x"])
    figures = dict.fromkeys(
        ("connections", "sessions", "users", "rooms", "received", "sent", "queued", "batches", "stored", "transfers",
         "memory"), 0
    )  # fmt: skip
    return Stats(
        id=0, time=NOON + int(second * 1000), server=info, messages=messages, deliveries=deliveries,
        **figures | {"lag": 0.0, "cpu": 0.0} | other,
    )  # fmt: skip


def said(text: str, number: int = 0, name: str = "alice") -> LogLine:
    return LogLine(NOON + number, Happening.SAID, 5, name, "lobby", text, len(text), 3)


def log_of(*texts: str, dropped: int = 0) -> ServerLog:
    return ServerLog([said(text, number) for number, text in enumerate(texts)], dropped)


def connection(number: int, name: str = "", **fields: Any) -> ConnectionInfo:
    values: dict[str, Any] = {
        "session": number if name else 0, "address": f"192.0.2.{number}:4000", "transport": "tls", "since": NOON,
        "received": 0, "sent": 0, "queued": 0, "idle": 0.0, "silent": 0.0,
    }  # fmt: skip
    return ConnectionInfo(number=number, user=User(number, name) if name else None, **values | fields)
