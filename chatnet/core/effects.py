"""What the core asks of the world around it, as plain data that tests can compare.

An `Entry` is an effect: store it with the next batch.

`Hub.handle`, `Hub.completed` and the rest return lists of effects, to be carried out in order and before the hub is
called again: the audience of a `Broadcast` is a live view of who listens at that moment.
"""

from collections.abc import Collection

import msgspec

from chatnet.core.entries import Entry, Handle, Query
from chatnet.core.file_jobs import FileJob
from chatnet.events import Event


class Read(msgspec.Struct, frozen=True, gc=False):
    """Read something from the store."""

    query: Query


class Reply(msgspec.Struct, frozen=True, gc=False):
    """Tell one session."""

    session: Handle
    event: Event


class Broadcast(msgspec.Struct, frozen=True, gc=False):
    """Tell all of an audience the same.

    A `Deliver` can be had again from the store, so it is not queued for a session that has more than the soft limit
    waiting; `Hub.fell_behind` is told instead. Any other event counts towards the hard limit.
    """

    audience: Collection[Handle]
    event: Event


class Bulk(msgspec.Struct, frozen=True, gc=False):
    """Tell one session something that goes out only when nothing else waits for it; then call `Hub.bulk_sent`."""

    session: Handle
    event: Event


class FileWork(msgspec.Struct, frozen=True, gc=False):
    """Have the file store do a job; `Hub.filed` is told the answer."""

    job: FileJob


class Admit(msgspec.Struct, frozen=True, gc=False):
    """This session has logged in: the limits of a stranger no longer hold for it."""

    session: Handle


class Pause(msgspec.Struct, frozen=True, gc=False):
    """Read nothing more from this session until this monotonic time: it has used up its rate."""

    session: Handle
    until: float


class AwaitDrain(msgspec.Struct, frozen=True, gc=False):
    """Call `Hub.drained` once this session's output queue is short again."""

    session: Handle


class Wake(msgspec.Struct, frozen=True, gc=False):
    """Let there be a turn at this monotonic time at the latest: something is to be told then."""

    at: float


class Close(msgspec.Struct, frozen=True, gc=False):
    """Say why, then close the connection. The hub has forgotten the session already."""

    session: Handle
    code: str
    reason: str


Effect = Entry | Read | Reply | Broadcast | Bulk | FileWork | Admit | Pause | AwaitDrain | Wake | Close
