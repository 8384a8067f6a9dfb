"""How the chat window answers to the keyboard while 10,000 messages come: the real program on a screen of its own.

Keys are real ones (xdotool), pressed all the time. Bars: neither from a key press to the character in the entry, nor by
how late what is due every 5 ms comes, is it ever 50 ms. What is measured "without others" leaves out the time in which
the window's thread could run while other programs had all the cores. "First" is the same with a real-time priority,
where this user may have one: what the window itself costs, whatever else the machine does.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
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
_IDLE_SECONDS = 2.0
_MOST = 50.0
_IDLE, _SHOWN, _ELSEWHERE = "nothing comes", "in the room that is shown", "in another room"
_FIRST = ", first"
_BEFORE_ALL = ("chrt", "--rr", "1")


class Window:
    """The window's process, and the screen that nobody sees."""

    def __init__(self, process: "subprocess.Popen[str]", display: str) -> None:
        self._process, self._display = process, display

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
        command = ["xdotool", "type", "--delay", str(_KEY_MILLISECONDS), "so it goes on " * 1000]
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
def window(folder: Path, port: int, *, first: bool = False) -> Iterator[Window]:
    """A window that has started, perhaps to come first before all other programs."""
    home = {name: str(folder) for name in ("HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    with screen(first=first) as display:
        environment = os.environ | home | {"DISPLAY": display, "CHATNET_SERVER": f"chatnet+tcp://127.0.0.1:{port}"}
        command = [*(_BEFORE_ALL if first else ()), sys.executable, str(_WINDOW)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            if not process.stdout.readline():
                raise CannotMeasure("the window did not start")
            try:
                yield Window(process, display)
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
    for case in (_IDLE, _SHOWN, _ELSEWHERE, *([_SHOWN + _FIRST, _ELSEWHERE + _FIRST] if may_come_first() else [])):
        with setting.folder() as folder, serve(None, "--window", str(2 * MESSAGES)) as serving:
            Line(serving.port, "founder").room(ROOM)
            with window(folder, serving.port, first=case.endswith(_FIRST)) as shown:
                shown.ask("enter reader")
                if case.startswith(_ELSEWHERE):
                    shown.ask("show lobby")
                yield burst(case, serving.port, serving.pid, shown)
    yield long_history(setting)


def burst(case: str, port: int, pid: int, shown: Window) -> Row:
    """Type while messages come."""
    count = 0 if case == _IDLE else MESSAGES
    faults: tuple[str, ...] = ()
    with shown.typing():
        time.sleep(1.0)
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
        with serve(data) as serving, window(folder, serving.port) as shown:
            started = time.monotonic()
            shown.ask("enter reader")
            shown.ask(f"seen {count}")
            opened = time.monotonic() - started
            first = shown.ask("memory")
            with shown.typing():
                time.sleep(1.0)
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
    "the chat window while 10,000 messages come, and with a long history",
    measure,
    tuple(
        Bar(case, f"{figure} max ms", most=_MOST)
        for case in (_SHOWN, _ELSEWHERE, _SHOWN + _FIRST, _ELSEWHERE + _FIRST)
        for figure in ("late", "typed")
    ),
)
