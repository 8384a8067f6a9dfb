"""Runs the scripts that prove what no test can in passing, each with a small count."""

import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
_EX_UNAVAILABLE = 69
_SECONDS = 240


def run_script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``scripts/NAME`` to its end; skips the test where the system lacks what it takes, strace for instance."""
    done = subprocess.run(
        [sys.executable, _SCRIPTS / name, *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode == _EX_UNAVAILABLE:
        pytest.skip(done.stderr.strip().splitlines()[0])
    return done
