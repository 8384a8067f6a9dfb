"""What it costs to let people in: TLS handshakes, logins of all kinds, and what a connection that is idle weighs.

Handshakes are whole ones, as every first one is, without a login behind. A login is the connection, the handshake if
there is one, and the guest's name, the token or the password; so the password alone is what is left without the
connection's row. All are those of one client in one thread, which does the other half of each handshake on the same
machine: so what counts is the server's CPU for each, and not how many there were a second.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from _accounts import create, derive, enter, show_password, show_token
from _figures import Benchmark, Row
from _hostile_lines import Line, Wrong, login
from _serving import Serving, cpu, resident, serve
from _setting import Setting

from chatnet.address import Address
from chatnet.events import Welcome
from chatnet.model import SECRET_BYTES

KIB = 1024
PEOPLE = 100
_SETTLE_SECONDS = 0.5


def measure(setting: Setting) -> Iterator[Row]:
    for transport, options in (("TCP", ()), ("TLS", ("--tls",))):
        with serve(None, *options) as serving:
            address = serving.addresses[0]
            yield _repeated(f"{transport}, connection", address, _do_nothing, serving, setting)
            yield _repeated(f"{transport}, login of a guest", address, _be_guest, serving, setting)
        with serve(None, *options) as serving:
            yield _idle(f"{transport}, idle", serving, setting.pick(200, 5000))
    with (
        setting.folder() as data,
        setting.folder() as folder,
        serve(data, "--tls", "--unix", str(folder / "socket")) as serving,
    ):
        yield from _accounts(serving, setting)


def _accounts(serving: Serving, setting: Setting) -> Iterator[Row]:
    encrypted, local = serving.addresses
    keys = derive()
    tokens = [(f"account{i}", os.urandom(SECRET_BYTES)) for i in range(PEOPLE)]
    create(local, {name: keys.verifier for name, _ in tokens}, tokens=tokens)

    def by_token(line: Line, number: int) -> None:
        show_token(line, tokens[number % PEOPLE][1])

    def by_password(line: Line, number: int) -> None:
        if not show_password(line, tokens[number % PEOPLE][0], keys):
            raise Wrong("the right password was refused")
        enter(line)

    yield _repeated("TLS, login by token", encrypted, by_token, serving, setting)
    yield _repeated("TLS, login by password", encrypted, by_password, serving, setting)
    yield _repeated("local socket, connection", local, _do_nothing, serving, setting)
    yield _repeated("local socket, login by token", local, by_token, serving, setting)
    yield _repeated("local socket, login by password", local, by_password, serving, setting)


def _do_nothing(line: Line, number: int) -> None:
    """The server's greeting comes once its side of the handshake is over."""


def _be_guest(line: Line, number: int) -> None:
    line.ask(login(f"guest{number % PEOPLE}"), Welcome)


def _repeated(
    case: str, address: Address, log_in: Callable[[Line, int], None], serving: Serving, setting: Setting
) -> Row:
    """One after the other, for some seconds."""

    def come(number: int) -> None:
        with Line(address) as line:
            line.greet()
            log_in(line, number)

    come(0)
    count, used, begun = 0, cpu(serving.pid), time.perf_counter()
    while (elapsed := time.perf_counter() - begun) < setting.seconds:
        come(count)
        count += 1
    used = cpu(serving.pid) - used
    return Row(case, {"a second": count / elapsed, "server us": 1e6 * used / count})


def _idle(case: str, serving: Serving, count: int) -> Row:
    """Guests, each with one connection, who say nothing."""
    with ExitStack() as lines:
        before = 0
        for number in range(-100, count):
            if number == 0:  # what the first ones need is needed once
                before = resident(serving.pid)
            line = lines.enter_context(Line(serving.addresses[0]))
            line.log_in(f"guest{number + 100}")
        time.sleep(_SETTLE_SECONDS)
        return Row(case, {"KiB each": (resident(serving.pid) - before) / count / KIB})


BENCHMARK = Benchmark("logins", "handshakes and logins, and what an idle connection weighs", measure)
