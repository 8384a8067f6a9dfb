"""Clones of the project, environments without a network, and Pythons that lack something, all in a temporary folder."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGED = ["chatnet", "cli", "gui", "scripts", "hatch_build.py", "pyproject.toml", "README.md", "LICENSE"]
DEPENDENCIES = ["click", "cryptography", "msgspec", "scramp", "sv-ttk"]
RUNTIME = [*DEPENDENCIES, "asn1crypto", "cffi", "pycparser"]
"""With what those need in turn."""
TO_BUILD = ["pip", "hatchling", "packaging", "pathspec", "pluggy", "trove-classifiers"]
TO_COMPILE = ["mypy", "setuptools", "ast_serialize", "librt", "mypy_extensions", "typing_extensions"]
LONGEST = 120.0

# A real Python in all but its version and what it can import.
PRETENDER = """
import runpy, sys
name, version, missing, *arguments = sys.argv[1:]
sys.executable = name
if version:
    sys.version_info = tuple(map(int, version.split(".")))
for module in missing.split():
    sys.modules[module] = None
assert arguments.pop(0) == "-I"
if arguments[0] == "-c":
    exec(arguments[1], {"__name__": "__main__"})
else:
    sys.argv = arguments
    runpy.run_path(arguments[0], run_name="__main__")
"""


def copy_project(to: Path) -> Path:
    """What a fresh clone holds, as far as installing needs it."""
    to.mkdir(parents=True)
    for name in PACKAGED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, to / name)
    return to


def make_environment(at: Path, packages: Sequence[str]) -> Path:
    """An environment with copies of some of the packages of this one, and nothing else; returns its Python."""
    venv.EnvBuilder(symlinks=True, with_pip=False).create(at)
    there = next(at.glob("lib/python*/site-packages"))
    for package in packages:
        here = distribution(package)
        tops = {file.parts[0] for file in here.files or () if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            source = Path(str(here.locate_file(top)))
            if source.is_dir():
                shutil.copytree(source, there / top)
            else:
                shutil.copy2(source, there / top)
    return at / "bin" / "python"


def make_path(folder: Path, **pythons: Path | str) -> Path:
    """A folder for PATH with the few tools that the scripts need and the given Pythons, and no other Python."""
    folder.mkdir()
    for tool in ("sh", "cksum", "dirname", "readlink", "cat"):
        found = shutil.which(tool)
        assert found is not None, f"this system has no {tool}"
        (folder / tool).symlink_to(found)
    for name, python in pythons.items():
        target = folder / name.replace("_", ".")
        if isinstance(python, Path):
            target.symlink_to(python)
        else:
            target.write_text(python)
            target.chmod(0o755)
    return folder


def pretender(folder: Path, name: str, *, version: str = "", missing: str = "") -> str:
    """A script for `make_path`: a Python of that version, in which the modules of ``missing`` are not installed."""
    implementation = folder / "pretender.py"
    implementation.write_text(PRETENDER)
    return (
        f'#!/bin/sh\nexec "{real_python()}" "{implementation}" "{folder / "bin" / name}" "{version}" "{missing}" "$@"\n'
    )


def real_python() -> Path:
    """The Python that this environment stands on."""
    return Path(sys.executable).resolve()


def isolated(path: Path) -> dict[str, str]:
    """Environment variables for a run that sees no network, no cache and no other settings of pip."""
    return {
        "PATH": str(path),
        "HOME": str(path),
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
        # pip reads this backwards: 0 is what switches the isolation off.
        "PIP_NO_BUILD_ISOLATION": "0",
    }


def run(*command: str | Path, env: dict[str, str], cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=env, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=LONGEST)
