"""A hundred people a second show their passwords, half of them wrong ones: does anybody else notice?

Over TLS, on a server that keeps everything on disk, with the limits that are shipped: those who come have many
addresses, and nobody fails so often that he is sent away. The loop notes itself how late it comes to what is due every
5 ms, and somebody who is logged in asks for answers. Bar: the loop is late by less than 5 ms at p99.

Beside it is what the same server measures while nobody comes, and which part of the time it could not run because
others had the cores: the load needs nearly as much of the machine as the server.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from _accounts import Keys, create, derive, enter, show_password
from _figures import Bar, Benchmark, Row, percentile
from _hostile_lines import Line, Wrong, places
from _load import elsewhere
from _serving import Serving, cpu, held_up, serve
from _setting import Setting

from chatnet.address import Address
from chatnet.events import Pong
from chatnet.requests import Ping

RATE = 100
ACCOUNTS = 200
"""So that none fails five times in a minute."""
_THREADS = 24
_PING_SECONDS = 0.025
"""As often as anybody may ask."""


@dataclass(frozen=True)
class Stormed:
    """What came of it. Times are in seconds, from when a login was due, sorted."""

    times: list[float]
    seconds: float
    busy: float
    """Which part of the time the load was at work."""
    faults: tuple[str, ...]


def measure(setting: Setting) -> Iterator[Row]:
    seconds = setting.pick(3, 20)
    keys = derive()
    with setting.folder() as data, setting.folder() as folder:
        options = ("--tls", "--unix", str(folder / "socket"), "--limited", "--lag")
        with serve(data, *options) as serving, elsewhere(2) as processes:
            create(serving.addresses[1], {_name(i): keys.verifier for i in range(ACCOUNTS)})
            pings = processes.submit(ping, serving.addresses[0], keys, 1.0)
            storming = processes.submit(storm, serving.addresses[0], keys, RATE // 5)
            pings.result(), storming.result()  # what the first ones need is loaded once
            watch = Watch(serving)
            pings = processes.submit(ping, serving.addresses[0], keys, seconds)
            heard = pings.result()
            yield Row("nobody comes", watch.figures(heard))
            watch = Watch(serving)
            storming = processes.submit(storm, serving.addresses[0], keys, RATE * seconds)
            pings = processes.submit(ping, serving.addresses[0], keys, seconds)
            stormed, heard = storming.result(), pings.result()
            yield _storm_row(watch.figures(heard), watch.used, stormed)


def _storm_row(figures: dict[str, float], used: float, stormed: Stormed) -> Row:
    more = {
        "logins/s": len(stormed.times) / stormed.seconds,
        "server us/login": 1e6 * used / len(stormed.times),
        "login p50 ms": 1000 * percentile(stormed.times, 50),
        "login p99 ms": 1000 * percentile(stormed.times, 99),
        "load busy": stormed.busy,
    }
    return Row("100 logins/s", figures | more, stormed.faults)


class Watch:
    """What a server does from now on."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._begun, self._cpu, self._held_up = time.perf_counter(), cpu(serving.pid), held_up(serving.pid)
        self.used = 0.0
        """Seconds of its CPU, until `figures`."""
        serving.lag()

    def figures(self, pings: list[float]) -> dict[str, float]:
        """Until now; ``pings`` are seconds, sorted."""
        lag, pid = self._serving.lag(), self._serving.pid
        self.used, seconds = cpu(pid) - self._cpu, time.perf_counter() - self._begun
        return {
            "lag p50 ms": percentile(lag, 50),
            "lag p99 ms": percentile(lag, 99),
            "lag max ms": lag[-1],
            "ping p50 ms": 1000 * percentile(pings, 50),
            "ping p99 ms": 1000 * percentile(pings, 99),
            "server busy": self.used / seconds,
            "server held up": (held_up(pid) - self._held_up) / seconds,
        }


# -- in processes of their own --------------------------------------------------------------------------------


def ping(address: Address, keys: Keys, seconds: float) -> list[float]:
    """Ask for answers at a steady pace; seconds from when each was due, sorted."""
    times = []
    with Line(address) as line:
        line.greet()
        show_password(line, _name(0), keys)
        enter(line)
        due = time.perf_counter()
        end = due + seconds
        while due < end:
            time.sleep(max(0.0, due - time.perf_counter()))
            line.ask(Ping(1), Pong)
            times.append(time.perf_counter() - due)
            due += _PING_SECONDS
    return sorted(times)


def storm(address: Address, keys: Keys, count: int) -> Stormed:
    """So many logins, whatever the answers, at the pace of `RATE`."""
    begun, own, where = time.perf_counter(), time.process_time(), places()
    with ThreadPoolExecutor(_THREADS) as threads:
        logins = []
        for i in range(count):
            due = begun + i / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            logins.append(threads.submit(_log_in, address, next(where), i, keys, due))
        done = [login.result() for login in logins]
    seconds, own = time.perf_counter() - begun, time.process_time() - own
    faults = Counter(fault for _, fault in done if fault)
    times = sorted(time for time, _ in done)
    return Stormed(times, seconds, own / seconds, tuple(f"{n} x {what}" for what, n in faults.items()))


def _log_in(address: Address, place: str, i: int, keys: Keys, due: float) -> tuple[float, str]:
    """The right password every second time, in turn a wrong one or an unknown name in between; and what went wrong."""
    is_right = i % 2 == 0
    name = f"nobody{i}" if i % 4 == 3 else _name(i // 4)
    shown = keys if is_right else Keys(os.urandom(len(keys.client_key)), keys.verifier)
    try:
        with Line(address, place) as line:
            line.greet()
            if show_password(line, name, shown) != is_right:
                return time.perf_counter() - due, f"a {'right' if is_right else 'wrong'} password was misjudged"
            if is_right:
                enter(line)
    except (Wrong, OSError) as error:
        return time.perf_counter() - due, f"{type(error).__name__}: {error}"
    return time.perf_counter() - due, ""


def _name(i: int) -> str:
    return f"account{i % ACCOUNTS}"


BENCHMARK = Benchmark(
    "storm",
    "how late the loop is, and others' answers are, while 100 people a second log in by password over TLS",
    measure,
    (
        Bar("100 logins/s", "lag p99 ms", most=5.0),
        Bar("100 logins/s", "logins/s", least=95.0),
    ),
)
