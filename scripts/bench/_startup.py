"""How long one `chatnet send` takes from its start to its end: as an account over TLS, by local access, and as a guest.

All of a process's time, Python's own start included; so a row for Python alone stands beside them. The commands run as
a script would run them, in an empty home with one profile, whose secrets are in a private file.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from _figures import Benchmark, Row
from _serving import CannotMeasure
from _setting import Setting

KIB = 1024
_TIMES = 15
_COMMAND = (sys.executable, "-m", "chatnet_cli")
_END_SECONDS = 60
_LAUNCHER = (
    *(sys.executable, "-I", "-S", "-c"),
    """
import os, sys, time
begun = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, 1, 0)])
_, status, usage = os.wait4(pid, 0)
print([time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss])
sys.exit(os.waitstatus_to_exitcode(status))
""",
)
"""From a process that is smaller than any: Linux counts what the parent holds for the child, until that has begun."""
_FOREIGN = ("XDG_", "CHATNET_", "PYTHONDONTWRITEBYTECODE")
Environment = dict[str, str]


def measure(setting: Setting) -> Iterator[Row]:
    times = setting.pick(3, _TIMES)
    with setting.folder() as home:
        environment = os.environ | {"HOME": str(home), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        for variable in [name for name in environment if name.startswith(_FOREIGN)]:
            del environment[variable]
        yield _timed("Python alone", (sys.executable, "-c", ""), environment, times)
        with _serve(home, environment) as (tls, tcp, local):
            _join(tls, local, environment)
            yield _timed("profile, TLS", _send("--profile", "alice"), environment, times)
            yield _timed("local socket", _send("--server", local), environment, times)
            yield _timed("guest, TCP", _send("--server", tcp, "--as", "visitor"), environment, times)


def _send(*who: str) -> tuple[str, ...]:
    return (*_COMMAND, "send", *who, "--room", "lobby", "how long does this take?")


@contextmanager
def _serve(home: Path, environment: Environment) -> Iterator[tuple[str, str, str]]:
    """The command as it is shipped, open to guests; where it listens, with TLS, in plain text and for local access."""
    binds = ("chatnet://127.0.0.1:0", "chatnet+tcp://127.0.0.1:0", f"chatnet+unix://{home}/socket")
    command = [*_COMMAND, "serve", "--open", "--json", *(part for bind in binds for part in ("--bind", bind))]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            if not line:
                assert process.stderr is not None
                raise CannotMeasure(f"the server did not start: {process.stderr.read().decode()}")
            tls, tcp, local = json.loads(line)["addresses"]
            yield tls, tcp, local
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_END_SECONDS)


def _join(tls: str, local: str, environment: Environment) -> None:
    """Make an account, as somebody on another machine would."""
    invitation = json.loads(_run((*_COMMAND, "invite", "--server", local, "--json"), environment))
    _run((*_COMMAND, "join", tls.removeprefix("chatnet://"), invitation["code"], "--name", "alice"), environment)


def _run(command: tuple[str, ...], environment: Environment) -> bytes:
    done = subprocess.run(command, env=environment, capture_output=True, timeout=_END_SECONDS, check=False)
    if done.returncode:
        raise CannotMeasure(f"{' '.join(command[1:])}: {done.stderr.decode()}")
    return done.stdout


def _timed(case: str, command: tuple[str, ...], environment: Environment, times: int) -> Row:
    """Medians, once it has run before, so that all is compiled and at hand."""
    _run(command, environment)
    runs = [json.loads(_run((*_LAUNCHER, *command), environment)) for _ in range(times)]
    walls, used, most = zip(*runs, strict=True)
    figures = {"wall ms": 1000 * median(walls), "CPU ms": 1000 * median(used), "MiB": median(most) / KIB}
    return Row(case, figures | {"wall max ms": 1000 * max(walls)})


BENCHMARK = Benchmark("startup", "one `chatnet send`, from the start of its process to the end", measure)
