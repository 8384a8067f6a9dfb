"""The server window: is there a server, whose is it, and what is to be done next.

A server is either *hosted*, a child process that the window has started and will stop, or one that somebody else has
started on the same data folder, to which the window is only *attached*. Everything that happens comes in through
`host_says` and `handle`; what is to be done goes out through the `Machine`. `take_changes` tells the views which of
their parts to draw again.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Protocol

from chatnet.address import UNIX
from chatnet.client.thread import Connected, Ended, Notice
from chatnet.errors import ChatnetError, ErrorCode
from chatnet.model import SessionId
from chatnet_gui.hosting import Exited, HostNotice, Listening, NotServing, Printed, ServeOrder
from chatnet_gui.viewmodels.questions import Asking
from chatnet_gui.viewmodels.server_form import FormModel, show_folder
from chatnet_gui.viewmodels.server_settings import ServerSettings
from chatnet_gui.viewmodels.server_watching import LOG, STATE, WatchModel, now_in_milliseconds
from chatnet_gui.viewmodels.words import sentence

PATIENCE = 15.0
"""Seconds in which a server that was asked to stop may let everybody have what is theirs; then it is ended."""
_AGAIN_SECONDS = 2.0
_PROGRAM = "chatnet: "
_PRINTED = 100
"""Lines that are remembered of what the server prints."""


class State(Enum):
    """Where the window stands."""

    LOOKING = "looking"
    """Is there a server on this data folder?"""
    STOPPED = "stopped"
    STARTING = "starting"
    HOSTING = "hosting"
    ATTACHED = "attached"
    STOPPING = "stopping"


class Link(Asking, Protocol):
    """A connection to the server, as its admin; a `chatnet.client.thread.ClientThread`."""

    @property
    def session(self) -> SessionId:
        """The window's own."""
        ...


class Machine(Protocol):
    """What the model has done to the world; its answers come in as notices."""

    def start(self, order: ServeOrder) -> None:
        """Start a server."""
        ...

    def stop(self) -> None:
        """Ask the one that was started to stop."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...

    def connect(self, folder: Path) -> Link:
        """Connect to the server of a data folder."""
        ...

    def disconnect(self) -> None:
        """Leave it; nothing of that connection is heard any more."""
        ...


class ServerModel:
    """State of the server window. ``clock`` gives the wall clock in milliseconds, for the log."""

    def __init__(
        self, machine: Machine, settings: ServerSettings, clock: Callable[[], int] = now_in_milliseconds
    ) -> None:
        self._machine, self._clock = machine, clock
        self._order: ServeOrder | None = None
        self._failure: NotServing | None = None
        self._printed: deque[str] = deque(maxlen=_PRINTED)
        """What the server has printed last; told once it listens, or where nothing else says why it does not."""
        self._now = 0.0
        self._deadline: float | None = None
        self._again: float | None = None
        """When to try to connect again."""
        self.settings = settings
        self.form = FormModel(settings)
        self.watch = WatchModel(settings)
        self.state = State.LOOKING
        self._link = machine.connect(self.form.folder)

    # -- for the views ----------------------------------------------------------------------------------------

    def take_changes(self) -> set[str]:
        """The parts that are to be drawn again."""
        changes, self.watch.changes = self.watch.changes, set()
        return changes

    @property
    def can_start(self) -> bool:
        """Is there none that runs, as far as is known?"""
        return self.state in (State.LOOKING, State.STOPPED) or (
            self.state is State.ATTACHED and not self.watch.is_online
        )

    @property
    def can_stop(self) -> bool:
        """Is there one that this window has started?"""
        return self.state in (State.STARTING, State.HOSTING)

    @property
    def is_hosting(self) -> bool:
        """Is there a process that has to be ended before the window goes?"""
        return self.state in (State.STARTING, State.HOSTING, State.STOPPING)

    @property
    def headline(self) -> str:
        """The state in a few words."""
        place = f" at {self.watch.outside.place}" if self.watch.outside.place else ""
        match self.state:
            case State.STARTING:
                return "Starting…"
            case State.HOSTING:
                return f"Running{place}"
            case State.ATTACHED if self.watch.is_online:
                return f"Running{place}, started elsewhere: stop it there"
            case State.ATTACHED:
                return "The server that was started elsewhere does not answer; trying again"
            case State.STOPPING:
                return "Stopping…"
            case _:
                return "Stopped"

    @property
    def kept(self) -> str:
        """What holds while it runs: where everything is kept, and who may come."""
        stats = self.watch.stats
        if stats is None:
            return ""
        guests = "Open to guests." if stats.server.guests else "Who comes from elsewhere needs a join code."
        return f"{guests} Everything is kept in {show_folder(self.form.folder)}"

    @property
    def is_running(self) -> bool:
        """Can people use it now?"""
        return self.state is State.HOSTING or (self.state is State.ATTACHED and self.watch.is_online)

    def stop_question(self) -> str:
        """What to ask before it is stopped; nothing if nobody is there."""
        people = len(self.watch.table.people())
        if not (self.can_stop and people):
            return ""
        if people == 1:
            return "One person is connected, and will be told. Stop the server?"
        return f"{people} people are connected, and will be told. Stop the server?"

    # -- what the user does -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start a server as the fields say, if they make sense."""
        if not self.can_start:
            return
        order = self.form.order()
        if order is not None:
            self._disconnect()
            self._launch(order)
        self._change(STATE)

    def stop(self) -> None:
        """Stop the server; everybody who is connected is told."""
        if self.can_stop:
            self.state = State.STOPPING
            self._deadline = self._now + PATIENCE
            self._say("Stopping the server; whoever is connected is told.")
            self._machine.stop()

    # -- what happens -----------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """What is due; ``now`` is in seconds, of a clock that only goes forward."""
        self._now = now
        if self._deadline is not None and now >= self._deadline:
            self._deadline = None
            self._say("The server did not stop in time, and was ended.", is_problem=True)
            self._machine.kill()
        if self._again is not None and now >= self._again and self._order is not None:
            self._again = None
            self._connect(self._order.data)
        self.watch.tick(now)

    def host_says(self, notice: HostNotice) -> None:
        """Take over what the server that was started tells."""
        match notice:
            case Listening(addresses=addresses):
                self._listening(", ".join(str(address) for address in addresses))
            case NotServing():
                self._failure = notice
            case Printed(text=text):
                self._hear(text)
            case Exited(code=code, left_out=left_out):
                if left_out:
                    self.watch.log.add([], left_out)
                self._exited(code)

    def handle(self, notice: Notice) -> None:
        """Take over what the connection tells."""
        match notice:
            case Connected():
                if self.state is State.LOOKING:
                    self.state = State.ATTACHED
                    self._say("A server runs on this data folder already; the window is attached to it.")
                self.form.errors = {}
                self.watch.begin(self._link, lambda: self._link.session)
            case Ended(error=error):
                self._link_ended(error)
            case _:
                self.watch.handle(notice)

    # -- the server that was started --------------------------------------------------------------------------

    def _launch(self, order: ServeOrder) -> None:
        self.state, self._order = State.STARTING, order
        self._failure = self._deadline = None
        self._printed.clear()
        try:
            self._machine.start(order)
        except OSError as error:
            self.state = State.STOPPED
            self.form.errors[""] = sentence(f"the server cannot be started: {error.strerror or error}")

    def _listening(self, addresses: str) -> None:
        if self.state is State.STARTING and self._order is not None:
            self.state = State.HOSTING
            self._say(f"The server listens at {addresses}")
            for text in self._printed:
                self._say(text)
            self._connect(self._order.data)

    def _exited(self, code: int) -> None:
        before, self.state = self.state, State.STOPPED
        self._deadline = self._again = None
        self._disconnect()
        if before is not State.STOPPING:
            self._ended_by_itself(code, was_starting=before is State.STARTING)
        self._change(STATE)

    def _hear(self, text: str) -> None:
        """Something that it has printed. What it prints before it listens may only say why it never will."""
        self._printed.append(text)
        if self.state is not State.STARTING:
            self._say(text)

    def _ended_by_itself(self, code: int, *, was_starting: bool) -> None:
        if self._failure is not None:
            self._could_not(self._failure)
            return
        why = f": {self._last_words}" if code > 0 and self._last_words else ""
        reason = sentence(f"The server has ended by itself (code {code}){why}")
        for text in self._printed if was_starting else ():
            self._say(text)
        self._say(reason, is_problem=True)
        self.form.errors[""] = reason

    @property
    def _last_words(self) -> str:
        """Why it has ended, if it has said so: a line of its own rather than one that belongs to another."""
        spoken = [text for text in self._printed if text]
        own = [text.removeprefix(_PROGRAM) for text in spoken if text.startswith(_PROGRAM)]
        return (own or spoken or [""])[-1]

    def _could_not(self, failure: NotServing) -> None:
        """There is no server, for a reason that it has told."""
        order = self._order
        socket_taken = failure.code == ErrorCode.ADDRESS_IN_USE and failure.message.startswith(f"{UNIX}:")
        if socket_taken and order is not None and order.has_socket:
            self._say("Another server of this machine has the local socket; this one does without it.")
            self._launch(replace(order, has_socket=False))
            return
        self._say(sentence(failure.message), is_problem=True)
        self.form.failed(failure.code, failure.message)
        if failure.code == ErrorCode.DATA_IN_USE and order is not None:
            self.state = State.LOOKING
            self._connect(order.data)

    # -- the connection ---------------------------------------------------------------------------------------

    def _connect(self, folder: Path) -> None:
        self._machine.disconnect()
        self._link = self._machine.connect(folder)

    def _disconnect(self) -> None:
        self._machine.disconnect()
        self.watch.end()

    def _link_ended(self, error: ChatnetError | None) -> None:
        self.watch.end()
        if self.state is State.HOSTING:
            self._again = self._now + _AGAIN_SECONDS
            if error is not None:
                self.watch.notice = sentence(f"the window cannot watch its server: {error.message}")
        elif self.state is State.ATTACHED:
            # It may have been started anew, with another token for its owner.
            self.state = State.LOOKING
            self._connect(self.form.folder)
        elif self.state is State.LOOKING:
            self.state = State.STOPPED
            if error is not None and error.code != ErrorCode.UNREACHABLE:
                self.form.errors.setdefault("", sentence(error.message))
        self._change(STATE)

    # -- parts ------------------------------------------------------------------------------------------------

    def _say(self, text: str, *, is_problem: bool = False) -> None:
        self.watch.log.say(text, time=self._clock(), is_problem=is_problem)
        self._change(LOG, STATE)

    def _change(self, *parts: str) -> None:
        self.watch.changes.update(parts)
