"""Makes ``build/compiled``, a copy of this checkout in which the hot modules are compiled, and prints where it is.

The copy is a checkout like any other: ``build/compiled/scripts/chatnet serve`` runs the compiled server. What was
edited is copied at each run; compiling, which takes a minute, is done again only if something that goes into it has
changed. `hatch_build` says what is compiled, and does it.
"""

import argparse
import filecmp
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import mypy.version

from hatch_build import CannotCompile, NoCompiler, compile_tree, compiled_names

ROOT = Path(__file__).resolve().parent.parent
COMPILED = Path("build", "compiled")
_STAMP = Path("build", ".compiled")
"""In the copy: what was compiled there, in one line. Written last, so what was interrupted is done again."""
_EX_UNAVAILABLE = 69


def compile_checkout(source: Path) -> bool:
    """Bring the compiled copy of a checkout up to date; was there something to compile?

    :raises CannotCompile: the copy then has no compiled modules at all, rather than old ones.
    """
    copy = source / COMPILED
    _mirror(source, copy)
    stamp = copy / _STAMP
    due = _inputs(copy)
    made = [copy / name for name in compiled_names()]
    if stamp.exists() and stamp.read_text("ascii") == due and all(path.exists() for path in made):
        return False
    stamp.unlink(missing_ok=True)
    for path in made:
        path.unlink(missing_ok=True)
    shutil.rmtree(copy / "build", ignore_errors=True)
    compile_tree(copy)
    stamp.write_text(due, "ascii")
    return True


def _mirror(source: Path, copy: Path) -> None:
    """Files of the source that are new or different are copied, and those that it has no longer are deleted."""
    ignored = [".git", *_lines(source / ".gitignore")]
    wanted = set(_files(source, ignored))
    for name in wanted:
        here, there = source / name, copy / name
        if not there.exists() or not filecmp.cmp(here, there, shallow=False):
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(here, there)
    for name in set(_files(copy, ignored)) - wanted - {Path(name) for name in compiled_names()}:
        (copy / name).unlink()


def _lines(file: Path) -> list[str]:
    """The patterns of a .gitignore, which here are names of folders at any depth."""
    return [line.rstrip("/") for line in file.read_text("utf-8").splitlines()]


def _files(folder: Path, ignored: list[str]) -> Iterator[Path]:
    """All that is no build product, relative to the folder."""
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not any(fnmatch(name, pattern) for pattern in ignored)]
        yield from (Path(path, name).relative_to(folder) for name in names)


def _inputs(tree: Path) -> str:
    """Whatever decides what comes out: the types of all modules are seen, not those of the compiled ones alone."""
    digest = hashlib.sha256(f"{sys.version} {sys.executable} {mypy.version.__version__}".encode())
    for path in [tree / "hatch_build.py", tree / "pyproject.toml", *sorted(tree.glob("chatnet/**/*.py"))]:
        digest.update(f"\n{path.relative_to(tree).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    return digest.hexdigest()


def main() -> int:
    argparse.ArgumentParser(prog="scripts/compile", description=(__doc__ or "").partition("\n\n")[0]).parse_args()
    try:
        compiled = compile_checkout(ROOT)
    except CannotCompile as error:
        print(f"compile: {error}", file=sys.stderr)
        return _EX_UNAVAILABLE if isinstance(error, NoCompiler) else 1
    print(f"{ROOT / COMPILED}  ({'compiled now' if compiled else 'was up to date'})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
