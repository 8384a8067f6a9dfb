"""How a server fares, as a screen, a line a second, a table of connections, and objects for programs."""

from dataclasses import dataclass

from chatnet.events import Stats
from chatnet.model import ConnectionInfo, Time
from chatnet.quantities import show_size
from chatnet_cli.render import moment_of, shown_user
from chatnet_cli.render_accounts import times, word
from chatnet_cli.safe_text import safe_name

_UNITS = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_FOLLOWED = "{:8}  {:>6} {:>6} {:>7} {:>8} {:>12} {:>12} {:>11} {:>7} {:>6}"
_TABLE_HEAD = ("NAME", "ADDRESS", "BY", "SINCE", "RECEIVED", "SENT", "QUEUED", "IDLE", "SILENT")
_LEFT = 4
"""So many columns of the table are texts; the others are numbers, and end where the next begins."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Of one second, between two looks at the same server."""

    messages: float
    deliveries: float
    received: float
    sent: float
    cpu: float
    """Seconds of the processor."""


def rates(before: Stats | None, after: Stats) -> Rates | None:
    """What has come between; None where nobody knows: after the first look, and when the server has started anew."""
    if before is None or before.server.started != after.server.started or after.time <= before.time:
        return None
    seconds = (after.time - before.time) / 1000
    return Rates(
        (after.messages - before.messages) / seconds,
        (after.deliveries - before.deliveries) / seconds,
        (after.received - before.received) / seconds,
        (after.sent - before.sent) / seconds,
        (after.cpu - before.cpu) / seconds,
    )


# -- one screen -----------------------------------------------------------------------------------------------


def stats_lines(stats: Stats) -> list[str]:
    """One look, on one screen."""
    server = stats.server
    up = (stats.time - server.started) / 1000
    disk = f", {show_size(stats.stored)} on disk" if stats.stored else ""
    guests = "from everywhere" if server.guests else "from its own machine, while there are no accounts"
    memory = f", {show_size(stats.memory)} of memory" if stats.memory else ""
    busy = f" ({100 * stats.cpu / up:.1f} % of one processor)" if up > 0 else ""
    rows = [
        ("server", f"chatnet {safe_name(server.version)}, up {shown_span(up)}, since {_day(server.started)}"),
        *(("" if i else "listens at", safe_name(address)) for i, address in enumerate(server.addresses)),
        ("guests", guests),
        ("connections", f"{stats.connections:,}, {stats.sessions:,} of them logged in, {_count(stats.users, 'user')}"),
        ("rooms", f"{stats.rooms:,}"),
        ("messages", f"{stats.messages:,} since the start, {_count(stats.deliveries, 'delivery', 'deliveries')}"),
        ("history", safe_name(server.history) + disk),
        ("traffic", f"{show_size(stats.received)} in, {show_size(stats.sent)} out, {show_size(stats.queued)} waiting"),
        ("files", f"{_count(stats.transfers, 'transfer')} under way"),
        ("store", f"{_count(stats.batches, 'batch', 'batches')} waiting"),
        ("lag", f"{1000 * stats.lag:.1f} ms at worst within the last second"),
        ("process", f"{stats.cpu:.1f} s of CPU{busy}{memory}"),
    ]
    return [f"{key:<11}  {value}" for key, value in rows]


def stats_object(stats: Stats, per_second: Rates | None = None) -> dict[str, object]:
    """The same for programs, and what came in a second where that is known."""
    server = stats.server
    found: dict[str, object] = {
        **times(stats.time, "time"),
        "version": server.version,
        **times(server.started, "started"),
        "history": server.history,
        "guests": server.guests,
        "addresses": server.addresses,
        "connections": stats.connections,
        "sessions": stats.sessions,
        "users": stats.users,
        "rooms": stats.rooms,
        "messages": stats.messages,
        "deliveries": stats.deliveries,
        "received_bytes": stats.received,
        "sent_bytes": stats.sent,
        "queued_bytes": stats.queued,
        "lag_seconds": stats.lag,
        "batches": stats.batches,
        "stored_bytes": stats.stored,
        "transfers": stats.transfers,
        "cpu_seconds": stats.cpu,
        "memory_bytes": stats.memory,
    }
    if per_second is not None:
        found["per_second"] = {
            "messages": round(per_second.messages, 3),
            "deliveries": round(per_second.deliveries, 3),
            "received_bytes": round(per_second.received),
            "sent_bytes": round(per_second.sent),
            "cpu_seconds": round(per_second.cpu, 4),
        }
    return found


# -- a line a second ------------------------------------------------------------------------------------------

FOLLOW_HEAD = _FOLLOWED.format(
    "time", "conns", "users", "msgs/s", "delivs/s", "in/s", "out/s", "queued", "lag ms", "CPU %"
)


def follow_line(stats: Stats, per_second: Rates) -> str:
    """One second, below `FOLLOW_HEAD`."""
    moment = moment_of(stats.time, None)
    return _FOLLOWED.format(
        "" if moment is None else f"{moment:%H:%M:%S}",
        stats.connections,
        stats.users,
        f"{per_second.messages:.0f}",
        f"{per_second.deliveries:.0f}",
        show_size(round(per_second.received)),
        show_size(round(per_second.sent)),
        show_size(stats.queued),
        f"{1000 * stats.lag:.1f}",
        f"{100 * per_second.cpu:.1f}",
    )


# -- connections ----------------------------------------------------------------------------------------------


def connection_table(connections: list[ConnectionInfo]) -> list[str]:
    """All of them, one on a line, below their head."""
    rows = [_TABLE_HEAD, *map(_cells, connections)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_TABLE_HEAD))]
    return ["  ".join(_fit(row[i], i, widths[i]) for i in range(len(row))).rstrip() for row in rows]


def connection_object(connection: ConnectionInfo) -> dict[str, object]:
    user = connection.user
    return {
        "number": connection.number,
        "session": connection.session or None,
        "user": None if user is None else {"id": user.id, "name": user.name, "display": user.display},
        "role": None if user is None else word(user.role),
        "address": connection.address,
        "transport": connection.transport,
        **times(connection.since, "since"),
        "received_bytes": connection.received,
        "sent_bytes": connection.sent,
        "queued_bytes": connection.queued,
        "idle_seconds": round(connection.idle, 3),
        "silent_seconds": round(connection.silent, 3),
    }


def _cells(connection: ConnectionInfo) -> tuple[str, ...]:
    return (
        "(not logged in)" if connection.user is None else shown_user(connection.user),
        safe_name(connection.address),
        safe_name(connection.transport),
        _day(connection.since),
        show_size(connection.received),
        show_size(connection.sent),
        show_size(connection.queued),
        shown_span(connection.idle),
        shown_span(connection.silent),
    )


def _fit(text: str, column: int, width: int) -> str:
    return text.ljust(width) if column < _LEFT else text.rjust(width)


# -- parts ----------------------------------------------------------------------------------------------------


def shown_span(seconds: float) -> str:
    """The two greatest units of a span of time: ``3d 4h``, ``2m 5s``, ``0s``."""
    left = int(seconds)
    parts: list[str] = []
    for size, unit in _UNITS:
        if left >= size or parts:
            count, left = divmod(left, size)
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]).removesuffix(" 0h").removesuffix(" 0m").removesuffix(" 0s") or "0s"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _day(time: Time) -> str:
    found = moment_of(time, None)
    return "?" if found is None else f"{found:%Y-%m-%d %H:%M}"
