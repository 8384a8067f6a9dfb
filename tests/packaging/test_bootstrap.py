"""`scripts/chatnet` on a fresh clone: it makes its environment, or says in a line or two what is missing."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import chatnet
from tests.packaging.clones import (
    LONGEST,
    RUNTIME,
    TO_BUILD,
    copy_project,
    isolated,
    make_environment,
    make_path,
    pretender,
    real_python,
    run,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="these are POSIX shell scripts")

HOLD_THE_LOCK = """
import fcntl, sys
file = open(sys.argv[1], "ab")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return copy_project(tmp_path / "some where" / "clone")


@pytest.fixture
def ready_to_install(clone: Path) -> Path:
    """A clone whose environment somebody made, without chatnet in it; installing needs no network."""
    make_environment(clone / ".venv", [*RUNTIME, *TO_BUILD])
    return clone


def version_line() -> str:
    return f"chatnet {chatnet.__version__}\n"


def assert_unavailable(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 69, result
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


class TestWithoutAUsablePython:
    def test_no_python_at_all_is_said_with_what_to_install(self, clone: Path, tmp_path: Path) -> None:
        path = make_path(tmp_path / "bin")
        result = run(clone / "scripts/chatnet", "--version", env=isolated(path), cwd=tmp_path)
        assert_unavailable(result, "Python 3.11", "apt install python3 python3-venv")

    def test_a_python_that_is_too_old_is_not_used(self, clone: Path, tmp_path: Path) -> None:
        path = make_path(tmp_path / "bin", python3=pretender(tmp_path, "python3", version="3.10.13"))
        result = run(clone / "scripts/chatnet", "--version", env=isolated(path), cwd=tmp_path)
        assert_unavailable(result, "Python 3.11")
        assert not (clone / ".venv").exists()

    def test_a_python_without_ensurepip_names_the_package_that_has_it(self, clone: Path, tmp_path: Path) -> None:
        path = make_path(tmp_path / "bin", python3=pretender(tmp_path, "python3", missing="ensurepip"))
        result = run(clone / "scripts/chatnet", "--version", env=isolated(path), cwd=tmp_path)
        assert_unavailable(result, "ensurepip", "apt install python3-venv", f"python3.{sys.version_info.minor}-venv")

    def test_a_good_python_behind_bad_ones_is_found(self, ready_to_install: Path, tmp_path: Path) -> None:
        (ready_to_install / ".venv/bin/python").rename(tmp_path / "moved")
        path = make_path(
            tmp_path / "bin",
            python3=pretender(tmp_path, "python3", version="3.9.2"),
            python3_13="#!/bin/sh\nexit 127\n",
            python3_12=pretender(tmp_path, "python3.12", missing="ensurepip"),
            python3_11=real_python(),
        )
        command = 'root=$1; . "$root/scripts/_bootstrap.sh"; find_python'
        result = run("sh", "-c", command, "sh", ready_to_install, env=isolated(path), cwd=tmp_path)
        assert (result.returncode, result.stdout) == (0, f"{real_python()}\n")

    def test_a_python_is_found_where_the_environment_has_no_path(self, clone: Path, tmp_path: Path) -> None:
        path = make_path(tmp_path / "bin", python3=Path(real_python()))
        command = 'PATH=$2; root=$1; . "$root/scripts/_bootstrap.sh"; find_python'
        result = run("/bin/sh", "-c", command, "sh", clone, path, env={}, cwd=tmp_path)
        assert (result.returncode, result.stdout) == (0, f"{real_python()}\n")


def killed_while_installing(clone: Path) -> None:
    make_environment(clone / ".venv", TO_BUILD)
    (clone / ".venv/.unfinished").touch()


def its_python_is_gone(clone: Path) -> None:
    make_environment(clone / ".venv", []).unlink()
    (clone / ".venv/bin/python").symlink_to(clone / "gone")


# The Python that an environment stands on is asked first; only the one that is found on PATH lacks tkinter here.
@pytest.mark.parametrize(("spoil", "note"), [(killed_while_installing, ""), (its_python_is_gone, "python3-tk")])
def test_a_spoilt_environment_is_remade_and_without_a_network_each_run_tries_again(
    clone: Path, tmp_path: Path, spoil: Callable[[Path], None], note: str
) -> None:
    """One test of several things, since making a whole environment takes seconds."""
    spoil(clone)
    env = isolated(make_path(tmp_path / "bin", python3=pretender(tmp_path, "python3", missing="tkinter")))
    del env["PIP_NO_BUILD_ISOLATION"]

    first = run(clone / "scripts/chatnet", "--version", env=env, cwd=tmp_path)
    assert_unavailable(first, "making its environment", note, "is there a network?", "hatchling")
    assert (clone / ".venv/bin/python").exists()

    for _ in range(2):
        again = run(clone / "scripts/chatnet", "--version", env=env, cwd=tmp_path)
        assert_unavailable(again, "is there a network?")
        assert "making its environment" not in again.stderr


class TestWithAnEnvironment:
    def test_it_installs_once_and_is_silent_from_then_on(self, ready_to_install: Path, tmp_path: Path) -> None:
        script = ready_to_install / "scripts/chatnet"
        env = isolated(make_path(tmp_path / "bin", python3=real_python()))
        first = run(script, "--version", env=env, cwd=tmp_path)
        assert (first.returncode, first.stdout) == (0, version_line()), first.stderr
        assert first.stderr.count("\n") == 1

        link = tmp_path / "link"
        link.symlink_to(os.path.relpath(script, tmp_path))
        for command in (script, link, "link"):
            again = run("sh", command, "--version", env=env, cwd=tmp_path)
            assert (again.returncode, again.stdout, again.stderr) == (0, version_line(), "")

    def test_what_changes_the_installation_makes_it_install_again(self, ready_to_install: Path, tmp_path: Path) -> None:
        env = isolated(make_path(tmp_path / "bin", python3=real_python()))
        run(ready_to_install / "scripts/chatnet", "--version", env=env, cwd=tmp_path)

        with (ready_to_install / "pyproject.toml").open("a") as file:
            file.write("\n# changed\n")
        changed = run(ready_to_install / "scripts/chatnet", "--version", env=env, cwd=tmp_path)
        assert (changed.returncode, changed.stdout) == (0, version_line()), changed.stderr
        assert "installing" in changed.stderr

        moved = ready_to_install.rename(tmp_path / "moved")
        result = run(moved / "scripts/chatnet", "--version", env=env, cwd=tmp_path)
        assert (result.returncode, result.stdout) == (0, version_line()), result.stderr

    def test_installing_takes_nothing_from_stdin_and_puts_nothing_on_stdout(
        self, ready_to_install: Path, tmp_path: Path
    ) -> None:
        env = isolated(make_path(tmp_path / "bin", python3=real_python()))
        command = 'root=$1; . "$root/scripts/_bootstrap.sh"; prepare runtime; cat'
        result = run("sh", "-c", command, "sh", ready_to_install, env=env, cwd=tmp_path, stdin="for chatnet\n")
        assert (result.returncode, result.stdout) == (0, "for chatnet\n")
        assert "installing" in result.stderr


@contextmanager
def started(clone: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [str(clone / "scripts/chatnet"), "--version"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


class TestAtTheSameTime:
    def test_of_two_first_runs_one_installs_and_both_work(self, ready_to_install: Path, tmp_path: Path) -> None:
        env = isolated(make_path(tmp_path / "bin", python3=real_python()))
        with started(ready_to_install, env) as one, started(ready_to_install, env) as other:
            talk = [process.communicate(timeout=LONGEST) for process in (one, other)]
        assert [stdout for stdout, _ in talk] == [version_line()] * 2
        assert sum("installing" in stderr for _, stderr in talk) == 1

    def test_a_run_waits_for_another_and_takes_over_when_that_is_killed(
        self, ready_to_install: Path, tmp_path: Path
    ) -> None:
        env = isolated(make_path(tmp_path / "bin", python3=real_python()))
        command = [sys.executable, "-c", HOLD_THE_LOCK, str(ready_to_install / ".venv/.lock")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with started(ready_to_install, env) as waiting:
                assert waiting.stderr is not None
                assert "waiting" in waiting.stderr.readline()
                holder.kill()
                stdout, stderr = waiting.communicate(timeout=LONGEST)
        assert (waiting.returncode, stdout) == (0, version_line()), stderr
