"""The whole of `scripts/replay`: a server process, many clients, and the check of what each of them heard."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "_replay.py"

LOG = """\
[10:00] <ann> good morning
[10:00]  * |bob| yawns
=== |bob| is now known as bob
[10:01] <bob> coffee first — ☕ первый
=== ann is now known as ann_away
[10:02] <ann> somebody else took the nick
[10:02]  * nobody
[10:03] <ann_away> still here
"""


def replay(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, path], capture_output=True, text=True, timeout=60, check=False)


def test_every_client_hears_the_whole_log(tmp_path: Path) -> None:
    path = tmp_path / "small.txt"
    path.write_text(LOG, encoding="utf-8")
    done = replay(path)
    assert done.returncode == 0, done.stderr
    assert "5 messages, 3 clients, 15 deliveries" in done.stdout
    assert "1 empty and 0 unknown" in done.stdout


def test_a_log_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    done = replay(tmp_path / "missing.txt")
    assert done.returncode == 1
    assert "missing.txt" in done.stderr
    assert "Traceback" not in done.stderr
