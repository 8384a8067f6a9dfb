"""A deterministic simulation of a whole server with its clients: ``simulate(seed)``.

The real server (event loop, front-end, peers, dispatcher, core) and real client sessions run in one thread, over a
memory network that delays, splits, stalls and breaks. Time is virtual, and all chance comes from the seed. Some seeds
have the store in memory, which answers late and sometimes fails. The others have the real database on a file, and there
the server is killed at any step of a message's way and started again; programs of clients crash everywhere, and come
back with the real outbox on their disk, or never. At every step buffers are measured and what leaves the server is
compared with what is stored; after every start, what is in the file with what was stored; in the end all becomes quiet,
and everybody must have everything. So what takes a network months to provoke takes a second here, and comes back as
often as one wants to look at it.

Half of the servers keep files, in the real file store on a disk in memory; there the power may be cut as well. People
send files, fetch them, or only pretend to have them, with the client's real jobs.

    trace.py, report.py     what happened, and `Violation`
    ledger.py, file_ledger.py   all that was ever stored and promised: the truth
    audit.py                the store of one server process, held to its contract
    storage.py, disk.py     where messages are kept: in memory, or in the real database, step by step
    file_disk.py            where files are kept, step by step, on a disk that fails
    kills.py, process.py    when a process ends, and the server's processes one after the other
    wiretap.py, file_tap.py, tapped.py   what the server says on each connection
    application.py          what each client hears
    profile.py, errands.py  what a client has on its disk, and the files that it sends and fetches
    checks.py, file_checks.py   the server's insides
    behaviour.py, file_behaviour.py, troubles.py, clients.py, network.py, settings.py
                            people, what goes wrong, programs, wires
    world.py                everything together, and a whole run

Invariants about files: F1, what was uploaded and shared is fetched whole by whoever may read it, until it is removed or
expires; F2, every download is the bytes that were uploaded; F3, no byte is sent again that was said to be durable, and
none that has come is thrown away; F4, once quiet and after a restart, the disk has the parts and contents that rows
tell of, and no others; F5, contents are held, and F6, quotas taken, as often as a recount gives; F7, no byte of a file
goes to who may not read it.

Source: the simulation testing of FoundationDB (Zhou et al., SIGMOD 2021, section 4).
"""

from chatnet.testing.simulation.report import Report
from chatnet.testing.simulation.trace import Violation
from chatnet.testing.simulation.world import World

STEPS = 1000
"""Things that happen in one run before it becomes quiet."""


class Failed(Exception):
    """A run with a violation, or with an error in the simulation itself: ``__cause__`` tells which."""

    def __init__(self, seed: int, trace: list[str], cause: BaseException) -> None:
        super().__init__(f"seed {seed}: {cause}")
        self.seed = seed
        self.trace = trace


def simulate(seed: int, steps: int = STEPS, store: str | None = None) -> Report:
    """Run one seed; ``store`` is ``memory`` or ``sqlite``, by default the seed decides.

    :raises Failed: an invariant was broken, or something raised what it must not.
    """
    world = World(seed, store)
    try:
        return world.run(steps)
    except (Exception, Violation) as error:
        raise Failed(seed, world.trace.lines, error) from error


__all__ = ["STEPS", "Failed", "Report", "Violation", "World", "simulate"]
