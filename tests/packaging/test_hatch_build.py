"""The build hook: pure Python unless asked otherwise, and one clear message where compiling is not possible."""

import ast
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import msgspec
import pytest

pytest.importorskip(
    "hatchling", reason="hatchling, which builds the wheel, is not installed (scripts/test installs it)"
)
from hatch_build import HOT_MODULES, VARIABLE, CannotCompile, NoCompiler, compile_tree
from tests.packaging.clones import DEPENDENCIES, LONGEST, ROOT

posix_only = pytest.mark.skipif(os.name == "nt", reason="on Windows setuptools looks for the compiler")
ASKED = {VARIABLE: "1"}
BUILD_WHEEL = "import sys, hatchling.build; hatchling.build.build_wheel(sys.argv[1])"
BUILD_EDITABLE = "import sys, hatchling.build; hatchling.build.build_editable(sys.argv[1])"
REQUIRES = "import json, hatchling.build; print(json.dumps(hatchling.build.get_requires_for_build_wheel()))"


def backend(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What pip does with the package, in a process of its own."""
    inherited = {name: value for name, value in os.environ.items() if name != VARIABLE}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


def required(**environment: str) -> list[str]:
    answer: list[str] = json.loads(backend(REQUIRES, **environment).stdout)
    return answer


def test_a_wheel_takes_nothing_to_build() -> None:
    assert required() == required(**{VARIABLE: "0"}) == []


def test_a_compiled_wheel_takes_the_compiler_and_all_whose_types_it_must_see() -> None:
    names = {requirement.partition(">=")[0] for requirement in required(**ASKED)}
    assert names == {"mypy", "setuptools", *DEPENDENCIES}


def test_an_editable_installation_is_never_compiled(tmp_path: Path) -> None:
    built = backend(BUILD_EDITABLE, str(tmp_path), **ASKED, CC="/nowhere/cc")
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.iterdir()
    assert wheel.name.endswith("-py3-none-any.whl")


@posix_only
def test_without_a_compiler_it_says_so_and_leaves_nothing_behind(tmp_path: Path) -> None:
    built = backend(BUILD_WHEEL, str(tmp_path), **ASKED, CC="/nowhere/cc", TMPDIR=str(tmp_path))
    assert built.returncode != 0
    assert "needs a C compiler (/nowhere/cc), which this system lacks" in built.stdout + built.stderr
    assert f"unset {VARIABLE}" in built.stdout + built.stderr
    assert "Traceback" not in built.stdout + built.stderr
    assert list(tmp_path.iterdir()) == []


@posix_only
def test_headers_that_are_missing_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", sys.executable)
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    with pytest.raises(NoCompiler, match=r"needs Python's headers \(.*Python\.h\)"):
        compile_tree(tmp_path)


def test_what_the_tools_say_is_told_where_they_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hatch_build._check_compiler", lambda: None)
    with pytest.raises(CannotCompile, match=r"(?s)what the tools said:.*chatnet/clock\.py"):
        compile_tree(tmp_path)


@pytest.mark.parametrize("name", HOT_MODULES)
def test_no_record_is_compiled_since_it_would_lose_its_options(name: str) -> None:
    module = import_module(name)
    own = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == name]
    assert [value for value in own if issubclass(value, msgspec.Struct)] == []


def attributes_of_objects(statement: ast.stmt) -> list[str]:
    """Names that a statement in a class body gives a value to, unless they are told to be the class's own."""
    match statement:
        case ast.Assign(targets=targets):
            return [ast.unparse(target) for target in targets if ast.unparse(target) != "__slots__"]
        case ast.AnnAssign(annotation=annotation, value=ast.expr()) if "ClassVar" not in ast.unparse(annotation):
            return [ast.unparse(statement.target)]
    return []


@pytest.mark.parametrize("name", HOT_MODULES)
def test_what_a_class_says_of_itself_is_a_class_variable_so_that_it_can_be_asked_when_compiled(name: str) -> None:
    """Without ClassVar it becomes each object's own, and the class answers with a descriptor."""
    tree = ast.parse((ROOT / f"{name.replace('.', '/')}.py").read_text("utf-8"))
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    plain = [node for node in classes if not any("dataclass" in ast.unparse(one) for one in node.decorator_list)]
    assert [found for node in plain for statement in node.body for found in attributes_of_objects(statement)] == []
