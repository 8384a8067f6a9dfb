"""How both windows answer to the keyboard while 10,000 messages come: the real programs, each on a screen of its own.

Keys are real ones (xdotool), pressed all the time: in the chat window in the entry, in the server's in the filter of
the log, where each of them goes through all lines. Bars: neither from a key press to the character in the entry, nor by
how late what is due every 5 ms comes, is it ever 50 ms. What is measured "without others" leaves out the time in which
the window's thread could run while other programs had all the cores. "First", with --full, is the same with a real-time
priority, where this user may have one: what the window itself costs, whatever else the machine does.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from _figures import Bar, Benchmark, Row, percentile
from _filled import fill
from _lines import ROOM, Line
from _load import Job, elsewhere, run
from _serving import CannotMeasure, serve
from _setting import Setting

MESSAGES = 10_000
HISTORY = 100_000
_WINDOW = Path(__file__).resolve().with_name("_bench_window.py")
_SENDERS, _IN_FLIGHT = 4, 32
_KEY_MILLISECONDS = 45
_IDLE_SECONDS = 1.0
_WARM_UP_SECONDS = 0.5
_MOST = 50.0
_IDLE, _SHOWN, _ELSEWHERE = "nothing comes", "in the room that is shown", "in another room"
_SERVER = "the server window"
_FIRST = ", first"
_KEYS = {"chat": ("type", "so it goes on " * 1000), "server": ("key", "--repeat", "1000", "o", "BackSpace")}
_BEFORE_ALL = ("chrt", "--rr", "1")


class Window:
    """The window's process, and the screen that nobody sees."""

    def __init__(self, process: "subprocess.Popen[str]", display: str, keys: Sequence[str]) -> None:
        self._process, self._display, self._keys = process, display, keys

    def ask(self, question: str) -> object:
        """Have something done, and wait until it is."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    @contextmanager
    def typing(self) -> Iterator[None]:
        """Somebody types all the while."""
        command = ["xdotool", self._keys[0], "--delay", str(_KEY_MILLISECONDS), *self._keys[1:]]
        with subprocess.Popen(command, env=os.environ | {"DISPLAY": self._display}) as typist:
            yield
            typist.terminate()


@contextmanager
def screen(*, first: bool) -> Iterator[str]:
    """An X server that shows nothing to anybody; its name."""
    reading, writing = os.pipe()
    command = [
        *(_BEFORE_ALL if first else ()),
        "Xvfb",
        "-displayfd",
        str(writing),
        "-screen",
        "0",
        "1280x900x24",
        "-nolisten",
        "tcp",
    ]
    with subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL) as process:
        os.close(writing)
        with open(reading, encoding="ascii") as pipe:
            yield f":{pipe.readline().strip()}"
        process.terminate()


@contextmanager
def window(folder: Path, address: str, *, which: str = "chat", first: bool = False) -> Iterator[Window]:
    """A window that has started, perhaps to come first before all other programs."""
    home = {name: str(folder) for name in ("HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    with screen(first=first) as display:
        environment = os.environ | home | {"DISPLAY": display, "CHATNET_SERVER": address}
        command = [*(_BEFORE_ALL if first else ()), sys.executable, str(_WINDOW), which]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            if not process.stdout.readline():
                raise CannotMeasure("the window did not start")
            try:
                yield Window(process, display, _KEYS[which])
            finally:
                process.stdin.close()


def may_come_first() -> bool:
    """May this user give a program a real-time priority?"""
    with suppress(FileNotFoundError):
        return subprocess.run([*_BEFORE_ALL, "true"], capture_output=True).returncode == 0
    return False


def measure(setting: Setting) -> Iterator[Row]:
    missing = [tool for tool in ("Xvfb", "xdotool") if shutil.which(tool) is None]
    if missing:
        raise CannotMeasure(f"these are missing: {', '.join(missing)} (apt: xvfb, xdotool)")
    cases = [_IDLE, _SHOWN, _ELSEWHERE, _SERVER]
    if setting.is_full and may_come_first():
        cases += [case + _FIRST for case in cases[1:]]
    for case in cases:
        yield bursting(setting, case)
    yield long_history(setting)


def bursting(setting: Setting, case: str) -> Row:
    """A server, and one of the windows."""
    is_first, is_server = case.endswith(_FIRST), case.startswith(_SERVER)
    with setting.folder() as folder:
        socket = folder / "socket"
        with serve(None, "--window", str(2 * MESSAGES), "--unix", str(socket)) as serving:
            Line(serving.port, "founder").room(ROOM)
            address, which = f"chatnet+tcp://127.0.0.1:{serving.port}", "chat"
            if is_server:
                address, which = f"chatnet+unix://{socket}", "server"
            with window(folder, address, which=which, first=is_first) as shown:
                shown.ask("enter reader")
                if case.startswith(_ELSEWHERE):
                    shown.ask("show lobby")
                return burst(case, serving.port, serving.pid, shown)


def burst(case: str, port: int, pid: int, shown: Window) -> Row:
    """Type while messages come."""
    count = 0 if case == _IDLE else MESSAGES
    faults: tuple[str, ...] = ()
    with shown.typing():
        time.sleep(_WARM_UP_SECONDS)
        shown.ask("count")
        started = time.monotonic()
        if count:
            job = Job(port=port, pid=pid, senders=_SENDERS, in_flight=_IN_FLIGHT, count=count, listeners=0, warm_up=0.0)
            with elsewhere() as process:
                outcome = process.submit(run, job).result()
            faults = outcome.faults
            if case.startswith(_ELSEWHERE):
                shown.ask(f"show {ROOM}")
            shown.ask(f"seen {count}")
        else:
            time.sleep(_IDLE_SECONDS)
        seconds = time.monotonic() - started
        counted = shown.ask("count")
    assert isinstance(counted, dict)
    return Row(case, {"seconds": seconds, "CPU s": counted["cpu"][0] / 1000, **figures(counted)}, faults)


def figures(counted: dict[str, list[float]]) -> dict[str, float]:
    return {
        "late max ms": counted["late"][-1],
        "late p99 ms": percentile(counted["late"], 99),
        "without others ms": counted["own"][-1],
        "typed max ms": counted["typed"][-1],
        "typed p50 ms": percentile(counted["typed"], 50),
        "drawn max ms": counted["drawn"][-1],
        "keys": len(counted["typed"]),
    }


def long_history(setting: Setting) -> Row:
    """Open a conversation of 100,000 messages, and jump to and fro in it."""
    count = setting.pick(HISTORY // 10, HISTORY)
    with setting.folder() as folder, setting.folder() as data:
        fill(data, count)
        with serve(data) as serving, window(folder, f"chatnet+tcp://127.0.0.1:{serving.port}") as shown:
            started = time.monotonic()
            shown.ask("enter reader")
            shown.ask(f"seen {count}")
            opened = time.monotonic() - started
            first = shown.ask("memory")
            with shown.typing():
                time.sleep(_WARM_UP_SECONDS)
                shown.ask("count")
                jumps = []
                for seq in (1, count // 2, count // 3, count // 10, count - 1000):
                    begun = time.monotonic()
                    shown.ask(f"go {seq}")
                    jumps.append(time.monotonic() - begun)
                counted = shown.ask("count")
            last = shown.ask("memory")
    assert isinstance(counted, dict)
    assert isinstance(first, float)
    assert isinstance(last, float)
    times = {"login and open ms": 1000 * opened, "jump max ms": 1000 * max(jumps)}
    return Row("a long history", {**times, "MiB": last, "MiB more": last - first, **figures(counted)})


BENCHMARK = Benchmark(
    "gui",
    "the windows while 10,000 messages come, and the chat window with a long history",
    measure,
    tuple(
        Bar(case + priority, f"{figure} max ms", most=_MOST)
        for priority in ("", _FIRST)
        for case in (_SHOWN, _ELSEWHERE, _SERVER)
        for figure in ("late", "typed")
    ),
)
