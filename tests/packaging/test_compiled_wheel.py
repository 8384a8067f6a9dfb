"""`CHATNET_COMPILE=1 pip install .` for real. Compiling takes half a minute, so this has its place in one pass only."""

import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from hatch_build import VARIABLE, compiled_names
from tests.packaging.clones import ROOT, RUNTIME, TO_BUILD, TO_COMPILE, isolated, make_environment, run

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("CHATNET_TEST_BUILD") != "compiled", reason="takes long; scripts/test does it at its end"
    ),
    pytest.mark.skipif(os.name == "nt", reason="the environment is made with POSIX links"),
]
_LONGEST = 300.0


def build(folder: Path) -> Path:
    """As pip does it: with what the package and the hook depend on, and none of the packages that are optional."""
    python = make_environment(folder / "build", [*RUNTIME, *TO_BUILD, *TO_COMPILE])
    subprocess.run(
        [python, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        env=isolated(folder) | {"PATH": os.environ["PATH"], VARIABLE: "1"},
        check=True,
        timeout=_LONGEST,
    )
    [wheel] = folder.glob("*.whl")
    return wheel


def test_an_installation_that_asked_for_it_runs_compiled_modules(tmp_path: Path) -> None:
    wheel = build(tmp_path)
    assert "-none-any" not in wheel.name
    with ZipFile(wheel) as archive:
        assert set(compiled_names()) < set(archive.namelist())
        assert {"chatnet/net/loop.py", "chatnet/core/hub.py"} < set(archive.namelist())

    python = make_environment(tmp_path / "env", RUNTIME)
    env = isolated(tmp_path)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", str(wheel)]
    assert run(*pip, env=env, cwd=tmp_path).returncode == 0

    serve = ["-m", "chatnet", "serve", "--bind", "chatnet+tcp://127.0.0.1:0", "--history", "none", "--json"]
    server = subprocess.Popen([python, *serve], env=env, cwd=tmp_path, stdout=subprocess.PIPE)
    assert server.stdout is not None
    with server, server.stdout as said:
        try:
            assert json.loads(said.readline())["compiled"] is True
        finally:
            server.terminate()
    assert server.returncode == 0
