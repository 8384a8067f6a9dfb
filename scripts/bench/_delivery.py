"""What it costs to bring a message to one of a hundred people in a room, in plain text and encrypted.

From memory, so that no disk is in it: the server's CPU for each delivery, all that belongs to it included. With many
messages unanswered what is queued for somebody is written in one go; at a quiet pace each message is written alone, and
so every delivery is a TLS record of its own.
"""

from collections.abc import Iterator

from _figures import Benchmark, Row, percentile
from _load import Job, Outcome, load
from _serving import serve
from _setting import Setting

LISTENERS = 100
SENDERS, IN_FLIGHT = 4, 25
QUIET_RATE = 20.0


def measure(setting: Setting) -> Iterator[Row]:
    for pace, senders, in_flight, rate in (("busy", SENDERS, IN_FLIGHT, 0.0), ("quiet", 1, IN_FLIGHT, QUIET_RATE)):
        plain: Outcome | None = None
        for transport, options in (("TCP", ()), ("TLS", ("--tls",))):
            with serve(None, *options) as serving:
                outcome = load(
                    Job(
                        port=serving.port,
                        pid=serving.pid,
                        encrypted=bool(options),
                        senders=senders,
                        in_flight=in_flight,
                        rate=rate,
                        listeners=LISTENERS,
                        seconds=3 * setting.seconds,
                    )
                )
            yield _row(f"{pace}, {transport}", outcome, plain)
            plain = outcome


def _row(case: str, outcome: Outcome, plain: Outcome | None) -> Row:
    figures = {
        "deliveries/s": outcome.rate * LISTENERS,
        "server us/delivery": outcome.cost / LISTENERS,
        "delivery p99 ms": 1000 * percentile(outcome.deliveries, 99),
        "load busy": outcome.busy,
    }
    if plain is not None:
        figures["CPU, times TCP"] = outcome.cost / plain.cost
    return Row(case, figures, outcome.faults)


BENCHMARK = Benchmark("delivery", "what a delivery costs in a room of 100 people, in plain text and encrypted", measure)
