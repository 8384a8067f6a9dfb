"""What the window learns from the running server as its admin, and what it asks of it."""

import re
import time
from collections.abc import Callable
from functools import partial

from chatnet.address import parse
from chatnet.client.client import Client
from chatnet.client.news import Offline, Online, ServerLog, ServerStats, WatchLost
from chatnet.client.thread import Answered, Failed, Notice
from chatnet.errors import ChatnetError, ErrorCode
from chatnet.events import Stats
from chatnet.model import Act, ConnectionInfo, SessionId
from chatnet_gui.viewmodels.questions import Asking, Questions
from chatnet_gui.viewmodels.segments import line
from chatnet_gui.viewmodels.server_clients import ClientTable
from chatnet_gui.viewmodels.server_inviting import MOST_USES, SPANS, Invitation, Outside, invite, look_outside
from chatnet_gui.viewmodels.server_log import LogModel
from chatnet_gui.viewmodels.server_plots import Plots
from chatnet_gui.viewmodels.server_settings import ServerSettings
from chatnet_gui.viewmodels.words import sentence

STATE, TABLE, LOG, PLOTS = "state", "table", "log", "plots"
"""The parts of the window."""
POLL_SECONDS = 2.0
"""Between two looks at who is connected."""


class WatchModel:
    """State of everything that a running server fills: figures, log, clients, join code."""

    def __init__(self, settings: ServerSettings) -> None:
        self._questions: Questions | None = None
        self._own: Callable[[], SessionId] = int
        self._due: float | None = None
        """When to look at the connections again; None while nobody may, or the answer is on its way."""
        self.changes = {STATE, TABLE, LOG, PLOTS}
        self.table = ClientTable(settings.sort)
        self.log = LogModel(hours24=settings.hours24)
        self.plots = Plots()
        self.stats: Stats | None = None
        self.outside = Outside()
        self.invitation: Invitation | None = None
        self.is_online = False
        self.notice = ""
        """What came of the last action."""

    # -- the connection ---------------------------------------------------------------------------------------

    def begin(self, network: Asking, own: Callable[[], SessionId]) -> None:
        """There is a connection from now on; ``own`` tells its session."""
        self._questions, self._own = Questions(network, self._failed), own
        self.is_online, self.notice = True, ""
        self._questions.ask(lambda chat: chat.admin.watch(), lambda _: None)
        self._due = 0.0
        self._change(STATE)

    def end(self) -> None:
        """There is none any more, and what it brought is of the past."""
        self._questions, self._due = None, None
        self.is_online, self.stats = False, None
        self.outside, self.invitation = Outside(), None
        self.table.replace([], 0)
        self.plots.clear()
        self._change(STATE, TABLE, PLOTS)

    def handle(self, notice: Notice) -> None:
        """Take over what the server tells."""
        match notice:
            case Answered() | Failed() if self._questions is not None:
                self._questions.answered(notice)
            case ServerStats(stats=stats):
                self._learn(stats)
            case ServerLog(lines=lines, dropped=dropped):
                self.log.add(lines, dropped)
                self._change(LOG)
            case Online():
                self.is_online, self._due = True, 0.0
                self._change(STATE)
            case Offline():
                self.is_online, self._due = False, None
                self._change(STATE)
            case WatchLost(reason=reason):
                self._tell(f"The server tells no more of itself: {line(reason)}")

    def tick(self, now: float) -> None:
        """Look at who is connected, when it is time."""
        if self._questions is None or self._due is None or now < self._due:
            return
        self._due = None
        self._questions.ask(
            lambda chat: chat.admin.connections(),
            partial(self._listed, now + POLL_SECONDS),
            partial(self._not_listed, now + POLL_SECONDS),
        )

    def _learn(self, stats: Stats) -> None:
        is_new = self.stats is None or self.stats.server.started != stats.server.started
        self.stats = stats
        self.plots.add(stats)
        self._change(PLOTS)
        if is_new and self._questions is not None:
            addresses = [parse(url) for url in stats.server.addresses]
            self._questions.ask(lambda _: look_outside(addresses), self._looked)
            self._change(STATE)

    def _looked(self, value: object) -> None:
        assert isinstance(value, Outside)
        self.outside = value
        self._change(STATE)

    def _listed(self, due: float, value: object) -> None:
        assert isinstance(value, list)
        connections: list[ConnectionInfo] = value
        self.table.replace(connections, self._own())
        self._due = due
        self._change(TABLE)

    def _not_listed(self, due: float, error: ChatnetError) -> None:
        self._due = due
        self._failed(error)

    # -- what the user does -----------------------------------------------------------------------------------

    def invite(self, uses: str, span: str) -> None:
        """Make a join code for so many people, good for one of `SPANS`."""
        count = int(uses) if re.fullmatch(r" *[0-9]{1,5} *", uses) else 0
        if not 0 < count <= MOST_USES:
            self._tell(f"A join code is for 1 to {MOST_USES:,} people.")
            return
        outside, seconds = self.outside, dict(SPANS)[span]
        self._ask(lambda chat: invite(chat, outside, count, seconds), self._invited)

    def _invited(self, value: object) -> None:
        assert isinstance(value, Invitation)
        self.invitation = value
        self._tell("")

    def kick_question(self, user: str) -> str:
        """What to ask before somebody is put out."""
        places = self.table.places_of(user)
        where = f", from {places} places" if places > 1 else ""
        return f"{line(user)} is connected{where}. Put them out? To keep them from coming again, ban them."

    def kick(self, user: str, reason: str) -> None:
        """End all connections of somebody, who may come again."""
        self._moderate(Act.KICK, user, f"{line(user)} was put out.", reason=reason)

    def ban(self, user: str, seconds: int, reason: str) -> None:
        """Put somebody out and let nobody of that name in; 0 seconds are for ever."""
        self._moderate(Act.BAN, user, f"{line(user)} is banned.", seconds, reason)

    def message(self, user: str, text: str) -> None:
        """Say something to somebody, in private."""
        self._ask(lambda chat: chat.send(text, to=user), lambda _: self._tell(f"Sent to {line(user)}."))

    def sort_by(self, column: str) -> None:
        """Sort the table."""
        self.table.sort_by(column)
        self._change(TABLE)

    def say(self, text: str) -> None:
        """Tell what came of something that the window has done by itself."""
        self._tell(text)

    def _moderate(self, act: Act, user: str, told: str, seconds: int = 0, reason: str = "") -> None:
        def work(chat: Client) -> None:
            chat.admin.moderate(act, user, seconds=seconds, reason=reason)

        self._ask(work, lambda _: self._moderated(told))

    def _moderated(self, told: str) -> None:
        if self._due is not None:
            self._due = 0.0
        self._tell(told)

    def _ask(self, work: Callable[[Client], object], done: Callable[[object], None]) -> None:
        if self._questions is None:
            self._tell("There is no connection to the server now.")
        else:
            self._questions.ask(work, done)

    # -- parts ------------------------------------------------------------------------------------------------

    def _failed(self, error: ChatnetError) -> None:
        if error.code != ErrorCode.UNREACHABLE:  # that is said by the state already
            self._tell(sentence(error.message))

    def _tell(self, text: str) -> None:
        self.notice = text
        self._change(STATE)

    def _change(self, *parts: str) -> None:
        self.changes.update(parts)


def now_in_milliseconds() -> int:
    """The wall clock, as the log writes it."""
    return int(time.time() * 1000)
