"""What a load that compares servers is to do, and what came of it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Fan:
    """What is to be done."""

    peer: str
    """A name of `KNOWN`."""
    port: int
    pid: int
    """The server's."""
    core: frozenset[int] = frozenset()
    """Where the load runs; anywhere if there is none."""
    rooms: int = 1
    size: int = 100
    """Clients of each room."""
    idle_rooms: int = 0
    """As many more, where nobody says anything."""
    senders: int = 10
    """In each room; 0 to see what clients cost who say nothing."""
    window: int = 8
    """Messages of each sender under way."""
    rate: float = 0.0
    """Messages a second, of all together, whatever the server does; 0 for as many as come back."""
    seconds: float = 5.0
    warm_up: float = 0.5
    """Seconds before, with one message of each sender under way."""
    fill: int = 0
    """Messages of each sender before that, so that whatever the server keeps of the last messages is full."""


@dataclass(frozen=True)
class Arrival:
    """What it took until all were in."""

    clients: int
    seconds: float
    server_cpu: float
    """Seconds."""
    grown: int
    """Bytes that the server has more than without them."""


@dataclass(frozen=True)
class Fanned:
    """What came of it."""

    arrival: Arrival
    messages: int = 0
    deliveries: int = 0
    seconds: float = 1.0
    server_cpu: float = 0.0
    """Seconds."""
    busy: float = 0.0
    """Which part of the time the load was at work; near 1, it was not the server that was measured."""
    others: float = 0.0
    """How many cores' time went to anything else; with more than a little of it, figures are of a busy machine."""
    times: list[float] = field(default_factory=list)
    """Seconds from sending to hearing, sorted, where there is a pace."""
    samples: list[int] = field(default_factory=list)
    """Bytes of the server's memory, once a second while it was measured."""
    faults: tuple[str, ...] = ()

    @property
    def cost(self) -> float:
        """Microseconds of the server's CPU for each delivery."""
        return 1e6 * self.server_cpu / self.deliveries if self.deliveries else 0.0
