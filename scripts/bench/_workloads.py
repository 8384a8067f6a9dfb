"""What chat servers are compared by: six workloads, each with what chatnet wants to reach.

    A    one room of 100, 10 who speak, 8 messages of each under way
    B    one room of 1000, 20 who speak, 4 messages of each under way
    C    200 rooms of 5, all speak, 2 messages of each under way
    D    one room of 100, 100 messages a second
    F    the same, 1000 messages a second
    E    5000 clients in rooms of 50 come in and say nothing
    A-tls, E-tls    the same over TLS, beside others in plain text; 1000 clients

In A to C queues are kept full, which is where joining writes pays; D and F are nearer to how people talk.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from _fan_job import Fanned
from _figures import Bar, percentile

MEMORY, DURABLE, TLS, DURABLE_TLS = "chatnet, memory", "chatnet, durable", "chatnet, TLS", "chatnet, durable, TLS"
PLAIN = ("Redis", "NATS", "InspIRCd", "ngircd", "Mosquitto")
LIBRARY = "websockets"
CPU, RATE, P50, P99 = "us/delivery", "deliveries/s", "p50 ms", "p99 ms"
BUSY, KEPT_UP, WEIGHT, LOGINS = "server busy", "kept up", "KiB each", "logins/s"


@dataclass(frozen=True)
class Workload:
    """``settings`` are those of `Fan`."""

    what: str
    settings: Mapping[str, float]
    own: tuple[str, ...] = (MEMORY, DURABLE)
    """What is compared..."""
    others: tuple[str, ...] = PLAIN
    """... with these."""
    ratios: tuple[str, ...] = (CPU, RATE)
    """Figures that are compared."""
    bars: tuple[Bar, ...] = ()
    """Of a server's own figures."""
    pair_bars: tuple[Bar, ...] = field(default=())
    """Of the ratios; a case is named as `pair` does it."""

    @property
    def servers(self) -> tuple[str, ...]:
        """All that take part."""
        return self.own + self.others

    def figures(self, fanned: Fanned) -> dict[str, float]:
        """What counts here."""
        arrival, seconds = fanned.arrival, fanned.seconds
        if not self.settings.get("senders", 1):
            return {
                WEIGHT: arrival.grown / 1024 / max(1, arrival.clients),
                LOGINS: arrival.clients / arrival.seconds,
                "us/login": 1e6 * arrival.server_cpu / max(1, arrival.clients),
            }
        shared = {CPU: fanned.cost, BUSY: fanned.server_cpu / seconds}
        if rate := self.settings.get("rate"):
            return {
                P50: 1000 * percentile(fanned.times, 50),
                P99: 1000 * percentile(fanned.times, 99),
                KEPT_UP: fanned.messages / seconds / rate,
                **shared,
            }
        return {CPU: fanned.cost, RATE: fanned.deliveries / seconds, **shared, "load busy": fanned.busy}


def pair(own: str, other: str) -> str:
    """The name of a ratio's case."""
    return f"{own} / {other}"


def _at_most(own: str, figure: str, **limits: float) -> tuple[Bar, ...]:
    return tuple(Bar(pair(own, other), figure, most=most) for other, most in limits.items())


def _below(own: str, *others: str) -> tuple[Bar, ...]:
    return tuple(Bar(pair(own, other), CPU, most=1.0) for other in others)


_OTHERS = ("NATS", "InspIRCd", "ngircd", "Mosquitto")
_FULL = tuple(Bar(own, BUSY, least=0.95) for own in (MEMORY, DURABLE))
_AS_MANY = (Bar(pair(MEMORY, "Redis"), RATE, least=1.0),)
_LIGHT = tuple(Bar(own, WEIGHT, most=2.0) for own in (MEMORY, DURABLE))
_LIGHT_TLS = tuple(Bar(own, WEIGHT, most=24.0) for own in (TLS, DURABLE_TLS))
_QUICK = tuple(Bar(own, LOGINS, least=5000.0) for own in (MEMORY, DURABLE))
_ROOM_OF_100 = {"rooms": 1, "size": 100, "senders": 10}

WORKLOADS: dict[str, Workload] = {
    "A": Workload(
        "one room of 100, 10 who speak, 8 messages of each under way",
        {**_ROOM_OF_100, "window": 8},
        bars=_FULL,
        pair_bars=_at_most(MEMORY, CPU, Redis=1.0)
        + _below(MEMORY, "NATS", "InspIRCd", "ngircd")
        + _AS_MANY
        + _at_most(DURABLE, CPU, Redis=1.3)
        + _below(DURABLE, "NATS", "ngircd"),
    ),
    "B": Workload(
        "one room of 1000, 20 who speak, 4 messages of each under way",
        {"rooms": 1, "size": 1000, "senders": 20, "window": 4},
        bars=_FULL,
        pair_bars=_at_most(MEMORY, CPU, Redis=0.7)
        + _below(MEMORY, *_OTHERS)
        + _AS_MANY
        + _at_most(DURABLE, CPU, Redis=1.0)
        + _below(DURABLE, *_OTHERS),
    ),
    "C": Workload(
        "200 rooms of 5, all speak, 2 messages of each under way",
        {"rooms": 200, "size": 5, "senders": 5, "window": 2},
        bars=_FULL,
        pair_bars=_at_most(MEMORY, CPU, Redis=1.3)
        + _below(MEMORY, "InspIRCd")
        + _AS_MANY
        + _at_most(DURABLE, CPU, Redis=3.0)
        + _below(DURABLE, "NATS", "Mosquitto", "ngircd"),
    ),
    "D": Workload(
        "one room of 100, 100 messages a second",
        {**_ROOM_OF_100, "rate": 100.0},
        ratios=(P50, P99, CPU),
        bars=tuple(Bar(own, KEPT_UP, least=0.95) for own in (MEMORY, DURABLE)),
        pair_bars=_at_most(MEMORY, P50, Redis=1.5)
        + _at_most(MEMORY, P99, Redis=1.5)
        + _at_most(DURABLE, P50, Redis=3.0)
        + _at_most(DURABLE, P99, Redis=3.0),
    ),
    "F": Workload(
        "one room of 100, 1000 messages a second",
        {**_ROOM_OF_100, "rate": 1000.0},
        ratios=(P50, P99, CPU),
        bars=(
            *(Bar(own, KEPT_UP, least=0.95) for own in (MEMORY, DURABLE)),
            Bar(DURABLE, P99, most=10.0),
        ),
        pair_bars=_at_most(MEMORY, P99, Redis=2.0),
    ),
    "E": Workload(
        "5000 clients in rooms of 50 come in and say nothing",
        {"rooms": 100, "size": 50, "senders": 0},
        ratios=(WEIGHT, LOGINS, "us/login"),
        bars=_LIGHT + _QUICK,
    ),
    "A-tls": Workload(
        "A over TLS 1.3, beside others in plain text",
        {**_ROOM_OF_100, "window": 8},
        own=(TLS, DURABLE_TLS),
        others=("Mosquitto", LIBRARY),
        pair_bars=_below(TLS, "Mosquitto", LIBRARY) + _below(DURABLE_TLS, "Mosquitto", LIBRARY),
    ),
    "E-tls": Workload(
        "1000 clients in rooms of 50 come in over TLS 1.3 and say nothing",
        {"rooms": 20, "size": 50, "senders": 0},
        own=(TLS, DURABLE_TLS),
        others=(),
        ratios=(),
        bars=_LIGHT_TLS,
    ),
}
