"""A whole server in this process, under virtual time, to be fed bytes: codec, hub and peers, with a store in memory.

An input says who speaks and what, so that a fuzzer that knows nothing of the protocol can come to all of it:

    who     1 byte: a stranger, a guest, or an admin
    pieces  each 2 bytes (big-endian) and that many bytes, or as many as are left: the payload of a frame, which is
            framed here; with the highest bit set, bytes that are sent as they are

After each input the server must have logged no error, hold no more than it may, have said nothing but documented
events without control characters, and still answer somebody who does no harm.
"""

import logging
import struct
from random import Random
from typing import Self

from _hostile_frames import check_event
from _hostile_lines import Wrong, login

from chatnet.address import MEMORY, Address
from chatnet.config import Config
from chatnet.core.hub import Hub
from chatnet.events import Event, Pong, Welcome
from chatnet.net.connections import Connections
from chatnet.net.intake import Intake
from chatnet.net.listening import Acceptor
from chatnet.net.peer import READ_BYTES
from chatnet.requests import Enter, Ping
from chatnet.server import Server
from chatnet.testing.clock import VirtualClock
from chatnet.testing.network import MemorySelector, MemoryWaker
from chatnet.transports.memory import MemoryListener, MemoryNetwork, MemoryTransport
from chatnet.wire.codec import decode_event, encode
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader

STRANGER, GUEST, ADMIN = range(3)
INPUTS_PER_SERVER = 500
"""Then a new one begins, so that what an input does depends on few others."""
_AS_IT_IS = 0x8000
_HEAD = struct.Struct(">H")
_TURNS = 10_000
_SECONDS_BETWEEN = 30.0
"""So that rates and bans of one input are no matter to the next."""


class _Errors(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.first = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.first = self.first or self.format(record)


class Client:
    """One end of a connection, whose other end is the server's."""

    def __init__(self, transport: MemoryTransport) -> None:
        self.transport = transport
        self._frames = FrameReader(MAX_PAYLOAD)
        self.said: list[Event] = []
        """By the server; all of it has been looked at."""

    def listen(self) -> None:
        """Take what has come.

        :raises Wrong: the server must not say that.
        """
        while data := self._receive():
            self._frames.receive(data)
            while (payload := self._frames.next_frame()) is not None:
                event = decode_event(payload)
                if event is None:
                    raise Wrong(f"this is no event: {payload!r}")
                check_event(event)
                self.said.append(event)

    def _receive(self) -> bytes:
        try:
            return self.transport.receive(READ_BYTES) or b""
        except ConnectionError:
            return b""


class Target:
    """Takes inputs, one after the other, while it is entered."""

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)
        self._errors = _Errors()
        self._left = 0

    def __enter__(self) -> Self:
        logging.getLogger("chatnet").addHandler(self._errors)
        return self

    def __exit__(self, *raised: object) -> None:
        logging.getLogger("chatnet").removeHandler(self._errors)

    def feed(self, data: bytes) -> None:
        """Let somebody say this.

        :raises Wrong: the server did what it must not.
        """
        if not self._left:
            self._start()
        self._left -= 1
        who = data[0] % 3 if data else STRANGER
        client = self._connect(who)
        for piece in pieces(data[1:]):
            self._send(client, piece)
        client.transport.close()
        self._settle()
        self._check(may_do_anything=who == ADMIN)

    # -- the server -------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._left = INPUTS_PER_SERVER
        self._clock = VirtualClock()
        self._network = MemoryNetwork()
        selector = MemorySelector(self._clock, advances=False)
        self._selector = selector
        self._listener = MemoryListener(Address(MEMORY, host="fuzz"), lambda: None)
        self._server = Server(
            Config(open=True),
            selector=selector,
            waker=MemoryWaker(),
            clock=self._clock,
            entropy=self._random.randbytes,
            listeners=[self._listener],
        )
        self._server.start()
        handlers = [key.data.handler for key in selector.get_map().values()]
        acceptor = next(handler for handler in handlers if isinstance(handler, Acceptor))
        self._connections: Connections = acceptor._connections
        assert isinstance(acceptor._peer_handler, Intake)
        hub = acceptor._peer_handler._core
        assert isinstance(hub, Hub)
        self._sessions = hub._state.sessions
        self._bystander = self._connect(GUEST, "bystander")

    def _connect(self, who: int, name: str = "mallory") -> Client:
        ours, theirs = self._network.pair()
        theirs.uid = 0 if who == ADMIN else -1  # root is an admin, by the word of the system
        self._listener.offer(theirs)
        client = Client(ours)
        greeting = {STRANGER: b"", GUEST: encode(login(name)), ADMIN: encode(Enter(1, bytes(16)))}
        self._send(client, PREFACE + greeting[who])
        if who != STRANGER and not any(isinstance(event, Welcome) for event in client.said):
            # An input may have banned the guest, or taken the name; then the others start anew.
            self._left = 0
        return client

    def _send(self, client: Client, data: bytes) -> None:
        """Send it all, and let the server do all that comes of it at this moment."""
        while data:
            try:
                taken = client.transport.send(data)
            except ConnectionError:
                return
            data = data[taken:]
            self._settle()
            client.listen()
            if not taken and not self._selector.ready():
                return  # a rate holds it up, and what does not fit need not come

    def _settle(self) -> None:
        for _ in range(_TURNS):
            self._server.turn(0.0)
            due = self._connections.loop.next_due()
            if not self._selector.ready() and (due is None or due > self._clock.now().monotonic):
                return
        raise Wrong("the server is busy for ever")

    # -- what must be so --------------------------------------------------------------------------------------

    def _check(self, *, may_do_anything: bool) -> None:
        self._clock.advance(_SECONDS_BETWEEN)
        self._settle()
        if self._errors.first:
            first, self._errors.first = self._errors.first, ""
            raise Wrong(f"the server has logged an error: {first}")
        if len(self._connections.all) > 1 or len(self._sessions) > 1 or self._connections.strangers:
            left = f"{len(self._connections.all)} connections and {len(self._sessions)} sessions"
            raise Wrong(f"all but one have gone, and there are {left}")
        self._bystander.said.clear()
        self._send(self._bystander, encode(Ping(7)))
        if Pong(7) not in self._bystander.said:
            if not may_do_anything:
                raise Wrong("somebody who does no harm gets no answer")
            self._left = 0


def pieces(data: bytes) -> list[bytes]:
    """What an input says, as it is sent."""
    found = []
    while data:
        size = _HEAD.unpack_from(data.ljust(_HEAD.size, b"\0"))[0]
        piece = data[_HEAD.size : _HEAD.size + (size & ~_AS_IT_IS)]
        data = data[_HEAD.size + len(piece) :]
        found.append(piece if size & _AS_IT_IS else len(piece).to_bytes(4) + piece)
    return found


def as_input(who: int, payloads: list[bytes]) -> bytes:
    """An input in which somebody sends these payloads, one frame each."""
    return bytes([who]) + b"".join(_HEAD.pack(len(payload) & ~_AS_IT_IS) + payload for payload in payloads)
