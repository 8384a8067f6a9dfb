"""An admin who watches: the play of the tests of figures and of the live log."""

from collections import Counter
from collections.abc import Iterable

from chatnet.core.effects import Effect
from chatnet.core.entries import Handle
from chatnet.core.gauges import HostFigures, LinkFigures
from chatnet.core.limits import Limits
from chatnet.core.watching import LOG_SECONDS
from chatnet.events import LogLines
from chatnet.model import (
    LogLine,
    ServerInfo,
)
from chatnet.requests import (
    Watch,
)
from tests.core.club import club, joined
from tests.core.script import START, Script, events

BOB, CAROL, ANNA, GUS = 1, 2, 3, 4
NOW = int(START * 1000)
LIMITS = Limits(unanswered=1_000_000, post_burst=1e9, text_burst=1e9)
INFO = ServerInfo("1.0", 17, "none", True, ["chatnet://0.0.0.0:5555"])


class Meters:
    """A network whose figures a test sets."""

    def __init__(self) -> None:
        self.queued: Counter[Handle] = Counter()

    def link(self, session: Handle) -> LinkFigures:
        return LinkFigures(f"{session} port", "tls", 300, 400, self.queued[session], 0.5)

    def host(self) -> HostFigures:
        return HostFigures(17, INFO.addresses, 9, 4, 3000, 4000, 50, 0.25, 1, 8192, 2.5, 65536)


class Recorded(Script):
    """A script that keeps all that goes out."""

    def __init__(self, script: Script) -> None:
        self.__dict__ = script.__dict__
        self.seen: list[Effect] = []

    def take(self, effects: Iterable[Effect]) -> list[Effect]:
        taken = super().take(effects)
        self.seen += taken
        return taken


class Play:
    """Two members, an admin and a guest, all in the lobby; the admin watches."""

    def __init__(self, *, watching: bool = True) -> None:
        self.meters = Meters()
        self.chat = Recorded(club("bob", "carol", admins=["anna"], guests=["gus"], limits=LIMITS, gauges=self.meters))
        joined(self.chat, "bob", "carol", "gus", room="lobby")
        if watching:
            self.chat.ask("anna", Watch(5))

    def told(self, who: str = "anna") -> list[LogLines]:
        """What the log has said since this was asked last."""
        self.chat.seconds += LOG_SECONDS
        self.chat.end_turn()
        seen, self.chat.seen = self.chat.seen, []
        return [event for event in events(seen, who) if isinstance(event, LogLines)]

    def lines(self, who: str = "anna") -> list[LogLine]:
        """The same, where nothing is missing."""
        told = self.told(who)
        assert sum(event.dropped for event in told) == 0
        return [line for event in told for line in event.lines]

    def burst(self, count: int) -> list[Effect]:
        """As many messages in one batch."""
        start = int(self.chat.seconds * 1e6)
        for n in range(1, count + 1):
            self.chat.say("bob", n + start, body=f"m{n}")
        return self.chat.store_all()
