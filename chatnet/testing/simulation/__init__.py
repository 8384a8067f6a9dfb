"""A deterministic simulation of a whole server with its clients: ``simulate(seed)``.

The real server (event loop, front-end, peers, dispatcher, core) and real client sessions run in one thread, over a
memory network that delays, splits, stalls and breaks, with a store that answers late and sometimes fails. Time is
virtual, and all chance comes from the seed. At every step buffers are measured and what leaves the server is compared
with what is stored; in the end all becomes quiet, and everybody must have everything. So what takes a network months
to provoke takes a second here, and comes back as often as one wants to look at it.

    trace.py      what happened, and `Violation`
    audit.py      the store, with a log of all that it committed
    wiretap.py    what the server says on each connection
    application.py   what each client hears
    checks.py     the server's insides
    behaviour.py, clients.py, network.py, settings.py      people, their programs, the wires, and how bad all is
    world.py      everything together, and a whole run

Source: the simulation testing of FoundationDB (Zhou et al., SIGMOD 2021, section 4).
"""

from chatnet.testing.simulation.trace import Violation
from chatnet.testing.simulation.world import Report, World

STEPS = 1500
"""Things that happen in one run before it becomes quiet."""


class Failed(Exception):
    """A run with a violation, or with an error in the simulation itself: ``__cause__`` tells which."""

    def __init__(self, seed: int, trace: list[str], cause: BaseException) -> None:
        super().__init__(f"seed {seed}: {cause}")
        self.seed = seed
        self.trace = trace


def simulate(seed: int, steps: int = STEPS) -> Report:
    """Run one seed.

    :raises Failed: an invariant was broken, or something raised what it must not.
    """
    world = World(seed)
    try:
        return world.run(steps)
    except (Exception, Violation) as error:
        raise Failed(seed, world.trace.lines, error) from error


__all__ = ["STEPS", "Failed", "Report", "Violation", "World", "simulate"]
