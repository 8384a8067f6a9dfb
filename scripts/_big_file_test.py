"""A file over 2 GiB, as a person sends it: with the limits raised, each command killed once on the way and repeated.

Most of the file is a hole, so that making it is quick; every byte of it is sent, hashed and stored all the same. Needs
three times its size on the disk of the temporary folder. The programs' memory at most is told: it must not grow with
the file.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random

from chatnet.core.limits import GIB, KIB, MIB

_PYTHON = (sys.executable, "-m", "chatnet")
_ISLANDS = 200
_LIMITS = '[limits]\nfile = "8 GiB"\nfiles_per_user = "16 GiB"\nfiles_per_guest = "16 GiB"\n'
_MOST_MEMORY = 128 * MIB
_PATIENCE_SECONDS = 1800.0


class Failed(Exception):
    """The message says what."""


def make(path: Path, size: int) -> None:
    """Holes, with some bytes here and there, the first and the last ones among them."""
    random = Random(size)
    places = [0, size - KIB, *(random.randrange(size - KIB) for _ in range(_ISLANDS))]
    with path.open("wb") as file:
        file.truncate(size)
        for place in places:
            file.seek(place)
            file.write(random.randbytes(KIB))


def memory(pid: int) -> int:
    """The most that a process has ever held, in bytes; 0 where the system does not say."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * KIB for line in lines if line.startswith("VmHWM:")), 0)


def run(what: str, command: Sequence[str | Path], environment: dict[str, str], *, kill_after: float = 0.0) -> int:
    """Run a command to its end, or kill it after so many seconds; returns its memory at most, in bytes.

    :raises Failed: it did not succeed.
    """
    start, most = time.monotonic(), 0
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdout=quiet, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            most = max(most, memory(process.pid))
            past = time.monotonic() - start
            if past > _PATIENCE_SECONDS or (kill_after and past > kill_after):
                process.kill()
                break
            time.sleep(0.05)
        code = process.wait()
        said = process.stderr.read().strip() if process.stderr is not None else ""
    seconds = time.monotonic() - start
    if kill_after and code == -signal.SIGKILL:
        print(f"{what}: killed after {seconds:.1f} s", flush=True)
    elif code:
        raise Failed(f"{what}: exit code {code}: {said}")
    else:
        print(f"{what}: {seconds:.1f} s, {most / MIB:.0f} MiB of memory at most", flush=True)
    return most


def test(folder: Path, size: int) -> None:
    """All of it.

    :raises Failed: something is not as it should be.
    """
    source, target, config = folder / "big.img", folder / "fetched.img", folder / "chatnet.toml"
    make(source, size)
    config.write_text(_LIMITS)
    environment = os.environ | {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state")}
    serve: list[str | Path] = [
        *_PYTHON,
        "serve",
        "--bind",
        "chatnet+tcp://127.0.0.1:0",
        "--json",
        "--data",
        folder / "data",
    ]
    with ExitStack() as stack:
        server = subprocess.Popen([*serve, "--config", config], env=environment, stdout=subprocess.PIPE, text=True)
        stack.callback(server.wait)
        stack.callback(server.terminate)
        assert server.stdout is not None
        environment["CHATNET_SERVER"] = json.loads(server.stdout.readline())["addresses"][0]
        send: list[str | Path] = [*_PYTHON, "send", "--as", "alice", "--room", "lobby", "--file", source]
        fetch: list[str | Path] = [*_PYTHON, "download", "1", "--as", "alice", "-o", target]
        most = 0
        for what, command in (("upload", send), ("download", fetch)):
            run(what, command, environment, kill_after=size / GIB * 2)
            most = max(most, run(f"{what}, repeated", command, environment))
        most = max(most, memory(server.pid))
        print(f"server: {memory(server.pid) / MIB:.0f} MiB of memory at most", flush=True)
    if subprocess.run(["cmp", source, target], check=False).returncode:
        raise Failed("what was fetched is not what was sent")
    if most > _MOST_MEMORY:
        raise Failed(f"a program held {most / MIB:.0f} MiB: memory grows with the file")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/big_file_test", description=__doc__)
    parser.add_argument("size", nargs="?", type=int, default=2560, help="of the file, in MiB (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where there is room; default: the system's temporary folder")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="chatnet-big-", dir=options.folder))
    try:
        test(folder, options.size * MIB)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder)
    print("The file came back the same.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
