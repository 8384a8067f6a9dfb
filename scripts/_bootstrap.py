"""Makes the clone's environment, ``.venv``, ready: creates or repairs it and installs chatnet into it.

Called as ``_bootstrap.py runtime|dev STAMP`` by the scripts beside it, with any Python of at least 3.11, when STAMP
(one line that changes when an installation is due) is not the one noted in the environment. Needs nothing but the
standard library.

The rules: stdout and stdin are never touched, since they belong to the command that runs next. One process at a time
works on the environment, under a lock that the system releases even if its holder is killed. The stamp is written last,
so an attempt that failed is made again, and one that was killed starts from nothing.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
LOCK = ENVIRONMENT / ".lock"
UNFINISHED = ENVIRONMENT / ".unfinished"
LOG = ENVIRONMENT / "install.log"
ON_WINDOWS = os.name == "nt"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if ON_WINDOWS else "bin/python")

# What an installation of each kind also brings.
KINDS = {"runtime": ["runtime"], "dev": ["dev", "runtime"]}

TKINTER_IS_MISSING = (
    "this Python has no tkinter, which only the windows need "
    "(Debian, Ubuntu: apt install python3-tk; Fedora: dnf install python3-tkinter; Homebrew: brew install python-tk)"
)

EX_UNAVAILABLE = 69
EX_CANTCREAT = 73
EX_INTERRUPTED = 130


class CannotPrepare(Exception):
    """There will be no environment; the message says why and what to do."""


def say(text: str) -> None:
    print(f"chatnet: {text}", file=sys.stderr, flush=True)


@contextmanager
def locked(path: Path) -> Iterator[IO[bytes]]:
    with path.open("ab") as file:
        if not try_lock(file):
            say("another run is preparing .venv; waiting for it")
            wait_for_lock(file)
        yield file


if sys.platform == "win32":
    import msvcrt
    import time

    def try_lock(file: IO[bytes]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def wait_for_lock(file: IO[bytes]) -> None:
        while not try_lock(file):
            time.sleep(0.1)

else:
    import fcntl

    def try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def wait_for_lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)


def run(lock: IO[bytes], *arguments: str) -> bool:
    """Run the environment's Python, all that it says going to the log; did it succeed?

    It inherits the lock, so that nobody else starts while it goes on after this process was killed.
    """
    inherited = () if ON_WINDOWS else (lock.fileno(),)
    with LOG.open("ab") as log:
        # -I: what the caller set for other Pythons (PYTHONPATH, user site) must not decide what is installed here.
        command = [str(PYTHON), "-I", *arguments]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=inherited)
    return done.returncode == 0


def is_suitable(lock: IO[bytes]) -> bool:
    """Can the environment that is there be used?"""
    if UNFINISHED.exists() or not PYTHON.exists():
        return False
    return run(lock, "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))")


def create(lock: IO[bytes]) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    remedy = f"On Debian and Ubuntu:  apt install python3-venv   (or python3.{sys.version_info.minor}-venv)"
    if find_spec("venv") is None or find_spec("ensurepip") is None:
        raise CannotPrepare(f"Python {version} ({sys.executable}) lacks what makes environments (ensurepip).\n{remedy}")
    if os.pathsep in str(ROOT) or not str(ROOT).isprintable():
        raise CannotPrepare(f"Python's environments do not work in a folder with such a name; move it:\n{str(ROOT)!r}")
    say(f"making its environment, .venv, with Python {version}")
    clear()
    UNFINISHED.touch()
    import venv  # not at the top: a Python may lack it, which is said above

    venv.EnvBuilder(symlinks=not ON_WINDOWS, with_pip=False).create(ENVIRONMENT)
    if not run(lock, "-m", "ensurepip", "--default-pip"):
        raise CannotPrepare(f"Python {version} ({sys.executable}) cannot install pip, see {LOG}.\n{remedy}")
    if find_spec("tkinter") is None or find_spec("_tkinter") is None:
        say(f"note: {TKINTER_IS_MISSING}")


def clear() -> None:
    for old in ENVIRONMENT.iterdir():
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
        elif old != LOCK:
            old.unlink()


def install(lock: IO[bytes], kind: str) -> None:
    requirements = ["--editable", str(ROOT)]
    if kind == "dev":
        requirements += tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]["dev"]
    say("installing what it needs; this takes a moment")
    UNFINISHED.touch()
    succeeded = run(lock, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *requirements)
    UNFINISHED.unlink()
    if not succeeded:
        lines = [line.strip() for line in LOG.read_text("utf-8", "replace").splitlines()]
        errors = [line for line in lines if line.startswith("ERROR: ")] or ["pip gave no reason"]
        raise CannotPrepare(
            "could not install what it needs; is there a network? The next run tries again.\n"
            f"{errors[-1]}   (more in {LOG})"
        )


def prepare(kind: str, stamp: str) -> None:
    # Windows' cmd, which compares this line, reads files in its own old encoding.
    line = (stamp.encode("oem", "replace") if sys.platform == "win32" else os.fsencode(stamp)) + b"\n"
    notes = [ENVIRONMENT / f".installed-{part}" for part in KINDS[kind]]
    ENVIRONMENT.mkdir(exist_ok=True)
    with locked(LOCK) as lock:
        if PYTHON.exists() and all(note.exists() and note.read_bytes() == line for note in notes):
            return  # another run did it while this one waited
        for note in notes:
            note.unlink(missing_ok=True)
        LOG.unlink(missing_ok=True)
        if not is_suitable(lock):
            create(lock)
        install(lock, kind)
        for note in notes:
            note.write_bytes(line)


def main() -> int:
    kind, stamp = sys.argv[1:]
    try:
        prepare(kind, stamp)
    except CannotPrepare as error:
        say(str(error))
        return EX_UNAVAILABLE
    except OSError as error:
        say(f"cannot make its environment in {ENVIRONMENT}: {error}")
        return EX_CANTCREAT
    except KeyboardInterrupt:
        return EX_INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
