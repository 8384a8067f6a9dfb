"""What single steps cost, in this process and without a network: the codec, the hub, the stores, a bare socket.

Microseconds of CPU for one operation each, the best of several tries, since whatever disturbs a step makes it longer.
They say where the time of a message goes, and notice when a step gets slower; what a message costs in all is in the
other benchmarks.
"""

import itertools
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing

from _figures import Benchmark, Row
from _setting import Setting

from chatnet.clock import Now
from chatnet.core.callers import Caller
from chatnet.core.effects import Effect, Reply
from chatnet.core.entries import Batch, Entry, PutMessage
from chatnet.core.hub import Hub
from chatnet.core.limits import Limits
from chatnet.events import Ack, Deliver, Opened
from chatnet.model import DEVICE_ID_BYTES, SECRET_BYTES, Kind, Message
from chatnet.requests import CreateRoom, Join, Login, Post
from chatnet.store.database import Database
from chatnet.store.memory import MemoryStore
from chatnet.wire.codec import decode_event, decode_request, encode
from chatnet.wire.frames import MAX_PAYLOAD, FrameReader

_TRIES = 5
_TEXT = "x" * 128
_AT_ONCE = 100
_MEMBERS = 100
_HEADER_BYTES = 4
_FAST = 1e9
Step = Callable[[], object]


def measure(setting: Setting) -> Iterator[Row]:
    count = setting.pick(2_000, 20_000)
    for name, (step, operations) in codec_steps().items():
        yield Row(name, {"us": best(step, max(1, count // operations), operations)})
    yield Row("socket: send 128 bytes and receive them", {"us": pass_on_loopback(count)})
    hub = HubSteps()
    yield from hub.rows(count)
    with setting.folder() as folder, closing(Database(folder)) as database:
        firsts = itertools.count(1, _AT_ONCE)

        def commit() -> None:
            database.write([_batch(next(firsts))])

        yield Row(f"SQLite, {_AT_ONCE} messages and their sync", {"us": best(commit, count // 1000, 1)})


def best(step: Step, rounds: int, operations: int) -> float:
    """Microseconds for one operation, of which a step does several."""
    times = []
    for _ in range(_TRIES):
        begun = time.perf_counter()
        for _ in range(rounds):
            step()
        times.append(time.perf_counter() - begun)
    return 1e6 * min(times) / rounds / operations


def codec_steps() -> dict[str, tuple[Step, int]]:
    """By name; with how many operations a step does."""
    message = Message(1 << 20, 1_700_000_000_000, 1000, "somebody", "", Kind.TEXT, _TEXT)
    one, many, ack = Deliver(9, [message]), Deliver(9, [message] * _AT_ONCE), Ack(7, 9, 1 << 20, message.time)
    post = encode(Post(7, 9, _TEXT))
    posts = post * _AT_ONCE

    def split() -> None:
        frames = FrameReader(MAX_PAYLOAD)
        frames.receive(posts)
        while frames.next_frame() is not None:
            pass

    return {
        "decode Post": (lambda: decode_request(post[_HEADER_BYTES:]), 1),
        "split off a frame": (split, _AT_ONCE),
        "encode Deliver of 1": (lambda: encode(one), 1),
        f"encode Deliver of {_AT_ONCE}, each": (lambda: encode(many), _AT_ONCE),
        "encode Ack": (lambda: encode(ack), 1),
        "client: decode Deliver of 1": (lambda: decode_event(encode(one)[_HEADER_BYTES:]), 1),
    }


def pass_on_loopback(rounds: int) -> float:
    """What the system takes, whatever the program: the floor below each delivery that is written alone."""
    data = b"x" * 128

    def pass_on() -> None:
        near.send(data)
        far.recv(1 << 16)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    with near, far:
        return best(pass_on, rounds, 1)


class HubSteps:
    """A hub with a room of a hundred guests, and a store in memory."""

    def __init__(self) -> None:
        fast = Limits(post_burst=_FAST, posts_per_second=_FAST, text_burst=_FAST, text_per_second=_FAST)
        self._now = Now(1000.0, 1_700_000_000_000)
        self._store = MemoryStore()
        self._hub = Hub(
            self._store.load(),
            limits=fast,
            server=bytes(16),
            version="0",
            history="none",
            open_to_guests=True,
            entropy=os.urandom,
        )
        self._room = 0
        for i in range(_MEMBERS):
            self._enter(i)
        self._n = 0

    def _enter(self, i: int) -> None:
        hub, now = self._hub, self._now
        secret, device = i.to_bytes(SECRET_BYTES), i.to_bytes(DEVICE_ID_BYTES)
        hub.connected(i, Caller(is_local=True, is_private=True), now)
        self._submit(hub.handle(i, Login(1, f"guest{i}", secret, device), now))
        if not i:
            self._submit(hub.handle(i, CreateRoom(2, "bench"), now) + hub.end_turn(now))
        self._submit(hub.handle(i, Join(3, "bench"), now) + hub.end_turn(now))

    def _submit(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Reply) and isinstance(effect.event, Opened):
                self._room = effect.event.conversation.id
        batch: Batch = [effect for effect in effects if isinstance(effect, Entry)]
        if batch:
            self._store.submit(batch)
            for completion in self._store.completions():
                self._submit(self._hub.completed(completion, self._now))

    def rows(self, count: int) -> Iterator[Row]:
        """Turns of ten messages by ten members."""
        turns = max(1, count // 10)
        tries = [self._time(turns) for _ in range(_TRIES)]
        for name in tries[0]:
            yield Row(name, {"us": 1e6 * min(found[name] for found in tries) / turns / 10})

    def _time(self, turns: int) -> dict[str, float]:
        """Seconds for each part."""
        handled = stored = told = 0.0
        hub, store, now = self._hub, self._store, self._now
        for _ in range(turns):
            self._n += 1
            posts = [Post(self._n, self._room, _TEXT) for _ in range(10)]
            begun = time.perf_counter()
            effects = [effect for i, post in enumerate(posts) for effect in hub.handle(i, post, now)]
            effects += hub.end_turn(now)
            handled, begun = handled + time.perf_counter() - begun, time.perf_counter()
            store.submit([effect for effect in effects if isinstance(effect, Entry)])
            completions = store.completions()
            stored, begun = stored + time.perf_counter() - begun, time.perf_counter()
            for completion in completions:
                hub.completed(completion, now)
            told += time.perf_counter() - begun
        return {"hub: handle a Post": handled, "memory store: a message": stored, "hub: a message is stored": told}


def _batch(first: int) -> Batch:
    return [
        PutMessage(2, 1, "somebody", "", Kind.TEXT, _TEXT, 0, 1_700_000_000_000 + n, bytes(DEVICE_ID_BYTES), n, None)
        for n in range(first, first + _AT_ONCE)
    ]


BENCHMARK = Benchmark("micro", "single steps: codec, hub, stores", measure)
