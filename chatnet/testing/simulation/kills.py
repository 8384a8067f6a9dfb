"""The steps at which a process may end, and the ending itself.

Everything on the way of a message asks here, at each step, whether it ends now. What ends a process is no `Exception`:
nothing in it can catch it, as nothing catches a SIGKILL. Whoever runs the process catches it, drops every object of it,
and starts it again from its files.
"""

from collections import Counter
from enum import Enum
from random import Random
from typing import Generic, TypeVar


class ServerStep(Enum):
    """Where a server may be killed. The order is that of a message's way, and then that of a file's."""

    RECEIVED = "received: bytes are read, nothing is decided"
    DECIDED = "decided: entries are gathered, not submitted"
    SUBMITTED = "submitted: a batch waits for its commit"
    WRITING = "writing: a transaction is under way"
    COMMITTED = "committed: the server has not heard of it"
    DELIVERING = "delivering: one peer has the message, another one has not"
    DELIVERED = "delivered: the sender has its message, not the ack"
    ACKED = "acked: the sender has the ack"
    FILING = "filing: the file store is between two steps"
    TEARING = "tearing: the file store is in the middle of a step"
    FINISHING = "finishing: a part is being made a file"


class ClientStep(Enum):
    """Where a client may crash."""

    IDLE = "idle: nothing is under way"
    KEPT = "kept: a draft is in the outbox, nobody knows its number"
    RECEIVED = "received: bytes are read, nothing of it is heard"
    APPLIED = "applied: one piece of news is taken, others are not"
    ANSWERED = "answered: the answer to a draft is here, the draft too"
    FORGOTTEN = "forgotten: the draft is gone, nobody has heard why"
    SENDING = "sending: some bytes of a file are on their way"
    UPLOADED = "uploaded: the server has a file, and nobody has posted it"
    FETCHING = "fetching: a part of a file is on the disk"


FILE_STEPS = (ServerStep.FILING, ServerStep.TEARING, ServerStep.FINISHING)
CLIENT_FILE_STEPS = (ClientStep.SENDING, ClientStep.UPLOADED, ClientStep.FETCHING)
"""Those that nobody gets to where there are no files."""
RARE = (ServerStep.DELIVERING, ServerStep.FINISHING, ClientStep.UPLOADED, ClientStep.FETCHING)
"""Those that a process gets to so seldom that it had better end there the first time."""

Step = TypeVar("Step", ServerStep, ClientStep)


class Killed(BaseException):
    """A process has ended at this step."""

    def __init__(self, step: Enum) -> None:
        super().__init__(step.value)
        self.step = step


class Fate(Generic[Step]):
    """When a process, and its successors, will end."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._chosen: Step | None = None
        self._passes = 0
        self.ends: Counter[Step] = Counter()
        """How often a process has ended at each step."""

    def choose(self, step: Step) -> None:
        """Let the process end at this step: when it gets there next, or one of the next times."""
        self._chosen, self._passes = step, 0 if step in RARE else self._rng.choice((0, 0, 1, 5))

    def spare(self) -> None:
        """Let it live."""
        self._chosen = None

    def is_now(self, step: Step) -> bool:
        """The process has got to this step. Is it to end here? Whoever asks must do it, with `end`."""
        if self._chosen is not step:
            return False
        self._passes -= 1
        return self._passes < 0

    def at(self, step: Step) -> None:
        """The process has got to this step.

        :raises Killed: and no further.
        """
        if self.is_now(step):
            self.end(step)

    def end(self, step: Step) -> None:
        """The process ends now.

        :raises Killed: always.
        """
        self._chosen = None
        self.ends[step] += 1
        raise Killed(step)
