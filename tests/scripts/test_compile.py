"""`scripts/compile`: the copy follows the checkout, and is compiled only where that makes a difference.

The compiling itself is done for real by the third pass of `scripts/test`, which runs on what came out of it.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
pytest.importorskip("hatchling", reason="hatchling, which hatch_build.py belongs to, is not installed")
import _compile
from _compile import COMPILED, compile_checkout

from hatch_build import CannotCompile, NoCompiler, compiled_names

FILES = {
    ".gitignore": ".venv/\nbuild/\n__pycache__/\n*.egg-info/\n",
    ".git/HEAD": "ref",
    ".venv/bin/python": "",
    "README.md": "chatnet",
    "chatnet/__init__.py": "",
    "chatnet/core/hub.py": "one",
    "chatnet/core/__pycache__/hub.pyc": "",
    "hatch_build.py": "",
    "pyproject.toml": "",
    "tests/test_hub.py": "",
}
COPIED = {name for name in FILES if ".git/" not in name and ".venv" not in name and "__pycache__" not in name}


class Compiler:
    """Makes files where the compiler would, or fails."""

    def __init__(self) -> None:
        self.runs = 0
        self.error: CannotCompile | None = None

    def __call__(self, tree: Path) -> list[str]:
        self.runs += 1
        (tree / "build").mkdir()
        if self.error is not None:
            raise self.error
        for name in compiled_names():
            write(tree, name, "compiled")
        return compiled_names()


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Compiler:
    made = Compiler()
    monkeypatch.setattr(_compile, "compile_tree", made)
    return made


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        write(tmp_path, name, text)
    return tmp_path


def files_of(checkout: Path) -> set[str]:
    """Those of the copy, without what compiling adds."""
    copy = checkout / COMPILED
    names = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    return {name for name in names if not name.startswith("build/")} - set(compiled_names())


def test_the_copy_has_what_the_checkout_has_but_no_environment_and_no_build_products(
    checkout: Path, compiler: Compiler
) -> None:
    assert compile_checkout(checkout)
    assert files_of(checkout) == COPIED
    assert all((checkout / COMPILED / name).exists() for name in compiled_names())


def test_nothing_is_done_where_it_is_up_to_date(checkout: Path, compiler: Compiler) -> None:
    compile_checkout(checkout)
    assert not compile_checkout(checkout)
    assert compiler.runs == 1


@pytest.mark.parametrize("name", ["chatnet/core/hub.py", "chatnet/new.py", "pyproject.toml", "hatch_build.py"])
def test_what_goes_into_it_is_compiled_again_after_a_change(checkout: Path, compiler: Compiler, name: str) -> None:
    compile_checkout(checkout)
    write(checkout, name, "two")
    assert compile_checkout(checkout)
    assert (checkout / COMPILED / name).read_text() == "two"


def test_another_file_is_only_copied(checkout: Path, compiler: Compiler) -> None:
    compile_checkout(checkout)
    write(checkout, "tests/test_hub.py", "two")
    assert not compile_checkout(checkout)
    assert (checkout / COMPILED / "tests/test_hub.py").read_text() == "two"


def test_what_is_gone_from_the_checkout_goes_from_the_copy(checkout: Path, compiler: Compiler) -> None:
    compile_checkout(checkout)
    (checkout / "README.md").unlink()
    compile_checkout(checkout)
    assert files_of(checkout) == COPIED - {"README.md"}


def test_an_environment_of_the_copy_stays(checkout: Path, compiler: Compiler) -> None:
    compile_checkout(checkout)
    write(checkout / COMPILED, ".venv/bin/python", "its own")
    write(checkout, "chatnet/core/hub.py", "two")
    assert compile_checkout(checkout)
    assert (checkout / COMPILED / ".venv/bin/python").read_text() == "its own"


@pytest.mark.parametrize("by", ["", "Python 4"])
def test_another_python_and_a_missing_module_compile_again(
    checkout: Path, compiler: Compiler, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_checkout(checkout)
    if by:
        monkeypatch.setattr(sys, "version", by)
    else:
        (checkout / COMPILED / compiled_names()[0]).unlink()
    assert compile_checkout(checkout)


def test_a_failure_leaves_no_old_modules_and_the_next_run_tries_again(checkout: Path, compiler: Compiler) -> None:
    compile_checkout(checkout)
    write(checkout, "chatnet/core/hub.py", "two")
    compiler.error = CannotCompile("wrong")
    for _ in range(2):
        with pytest.raises(CannotCompile):
            compile_checkout(checkout)
        assert not any((checkout / COMPILED / name).exists() for name in compiled_names())
    compiler.error = None
    assert compile_checkout(checkout)


@pytest.mark.parametrize(("error", "code"), [(NoCompiler("no compiler"), 69), (CannotCompile("wrong"), 1)])
def test_a_system_without_a_compiler_is_told_from_sources_that_do_not_compile(
    checkout: Path,
    compiler: Compiler,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: CannotCompile,
    code: int,
) -> None:
    monkeypatch.setattr(_compile, "ROOT", checkout)
    monkeypatch.setattr(sys, "argv", ["compile"])
    compiler.error = error
    assert _compile.main() == code
    assert capsys.readouterr().err == f"compile: {error}\n"
    compiler.error = None
    assert _compile.main() == 0
    assert capsys.readouterr().out.startswith(str(checkout / COMPILED))
