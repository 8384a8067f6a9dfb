"""Compiles the modules that every message passes, for whoever asks for it: ``CHATNET_COMPILE=1 pip install .``

The rule kept here: nobody needs this. Without that variable, and in an editable installation, the wheel is pure Python,
and building it takes no compiler and no package beyond hatchling. With it the same files are in the wheel, and beside
the hot ones their compiled form (mypyc's), which Python prefers. ``scripts/compile`` makes such a tree of a checkout.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# One group: calls from one to another are direct ones of C. A module that defines records of msgspec cannot be among
# them, since what a class says of itself beside its fields (tag, frozen, gc) is lost, nor one that raises an error from
# another, since the cause is lost; docs/architecture.md has more.
HOT_MODULES = (
    "chatnet.clock",
    "chatnet.core.entities",
    "chatnet.core.hub",
    "chatnet.core.limits",
    "chatnet.core.posting",
    "chatnet.core.rates",
    "chatnet.core.restraints",
    "chatnet.core.state",
    "chatnet.core.tails",
    "chatnet.frontends.native",
    "chatnet.net.connections",
    "chatnet.net.dispatch",
    "chatnet.net.epoll",
    "chatnet.net.intake",
    "chatnet.net.loop",
    "chatnet.net.peer",
    "chatnet.store.memory",
    "chatnet.transports.stream",
    "chatnet.wire.codec",
    "chatnet.wire.frames",
)
GROUP = "chatnet"
"""Names the library that holds the code of all; the extension modules are only doors to it."""
TOOLS = ("mypy", "setuptools")
VARIABLE = "CHATNET_COMPILE"


class CannotCompile(Exception):
    """There will be no compiled modules; the message says why and what to do."""


class NoCompiler(CannotCompile):
    """This system lacks what it takes; nothing is wrong with the sources."""


def compiled_names() -> list[str]:
    """The files that compiling adds to a tree, relative to it."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    return [f"{GROUP}__mypyc{suffix}", *(f"{_path(module)}{suffix}" for module in HOT_MODULES)]


def compile_tree(tree: Path) -> list[str]:
    """Compile the hot modules of a tree that has ``chatnet`` and ``pyproject.toml``; returns `compiled_names`.

    What making them leaves behind is in ``build`` of the tree. :raises CannotCompile: or `NoCompiler`.
    """
    _check_compiler()
    # A process of its own: mypyc works in the current folder, and ends its process where something is wrong.
    done = subprocess.run(
        [sys.executable, Path(__file__).resolve()],
        cwd=tree,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    missing = [name for name in compiled_names() if not (tree / name).exists()]
    if done.returncode != 0 or missing:
        raise CannotCompile(f"compiling chatnet failed; this is what the tools said:\n{done.stdout.strip()}")
    return compiled_names()


def _check_compiler() -> None:
    """Windows has its compiler in no certain place; there setuptools looks for it, and says so if there is none."""
    if sys.platform == "win32":
        return
    name = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    header = Path(sysconfig.get_path("include"), "Python.h")
    missing = [] if shutil.which(name) else [f"a C compiler ({name})"]
    missing += [] if header.exists() else [f"Python's headers ({header})"]
    if missing:
        raise NoCompiler(
            f"compiling chatnet needs {' and '.join(missing)}, which this system lacks.\n"
            "Debian, Ubuntu: apt install gcc python3-dev   Fedora: dnf install gcc python3-devel   "
            "macOS: xcode-select --install\n"
            f"Or do without: unset {VARIABLE}, and chatnet runs as pure Python."
        )


def _path(module: str) -> str:
    return module.replace(".", "/")


def _compile_here() -> None:
    """What `compile_tree` has done in the current folder, by a process of its own."""
    from mypyc.build import mypycify
    from setuptools import Distribution

    paths = [f"{_path(module)}.py" for module in HOT_MODULES]
    # Silent: the others are looked at for their types only, and what is optional to them need not be installed.
    options = ["--follow-imports=silent"]
    extensions = mypycify([*options, *paths], opt_level="3", debug_level="0", group_name=GROUP)
    # No setup(): that would read pyproject.toml, which is not for setuptools.
    command = Distribution({"name": GROUP, "ext_modules": extensions}).get_command_obj("build_ext")
    command.inplace = True
    command.ensure_finalized()
    command.run()


class CompileHook(BuildHookInterface[BuilderConfig]):
    """Adds the compiled modules to the wheel, if that was asked for."""

    def dependencies(self) -> list[str]:
        """The tools, as bounded for development, and all whose types mypyc must see."""
        if not _is_wanted():
            return []
        project = tomllib.loads(Path(self.root, "pyproject.toml").read_text("utf-8"))
        development = project["dependency-groups"]["dev"]
        tools = [bounded for bounded in development if bounded.partition(">=")[0] in TOOLS]
        return [*tools, *project["project"]["dependencies"]]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable" or not _is_wanted():
            return
        self._tree = Path(tempfile.mkdtemp(prefix="chatnet-compile-"))
        try:
            shutil.copytree(Path(self.root, "chatnet"), self._tree / "chatnet")
            shutil.copy2(Path(self.root, "pyproject.toml"), self._tree)
            made = compile_tree(self._tree)
        except BaseException as error:
            shutil.rmtree(self._tree)
            if isinstance(error, CannotCompile):
                self.app.abort(f"chatnet: {error}")
            raise
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["force_include"].update({str(self._tree / name): name for name in made})

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        del build_data, artifact_path
        if version != "editable" and _is_wanted():
            shutil.rmtree(self._tree)


def _is_wanted() -> bool:
    return os.environ.get(VARIABLE) == "1"


if __name__ == "__main__":
    _compile_here()
