"""What an installation brings: the three packages, the command, and two dependencies."""

import email
import os
import re
import subprocess
import sys
from configparser import ConfigParser
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

import chatnet
from tests.packaging.clones import DEPENDENCIES, LONGEST, ROOT, RUNTIME, isolated, make_environment, run

pytest.importorskip(
    "hatchling", reason="hatchling, which builds the wheel, is not installed (scripts/test installs it)"
)

PACKAGES = {
    "chatnet": ROOT / "chatnet",
    "chatnet_cli": ROOT / "cli/chatnet_cli",
    "chatnet_gui": ROOT / "gui/chatnet_gui",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    env = {name: value for name, value in os.environ.items() if name != "CHATNET_COMPILE"}
    subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, timeout=LONGEST)
    [built] = folder.glob("*.whl")
    return built


def read(wheel: Path, name: str) -> str:
    """A file of the wheel's .dist-info."""
    with ZipFile(wheel) as archive:
        return archive.read(f"chatnet_server-{chatnet.__version__}.dist-info/{name}").decode()


@pytest.fixture
def metadata(wheel: Path) -> Message:
    return email.message_from_string(read(wheel, "METADATA"))


def test_the_wheel_holds_every_module_of_the_three_packages_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        f"{package}/{path.relative_to(folder).as_posix()}"
        for package, folder in PACKAGES.items()
        for path in [*folder.rglob("*.py"), folder / "py.typed"]
    }
    assert packed == expected


def test_it_is_for_every_system(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")


def test_it_is_named_apart_from_its_command(metadata: Message) -> None:
    assert metadata["Name"] == "chatnet-server"
    assert metadata["Version"] == chatnet.__version__
    assert metadata["Requires-Python"] == ">=3.11"


def test_no_text_in_it_tells_to_install_the_other_chatnet(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert [name for name, text in texts.items() if re.search(r"pip3? install chatnet(?!-server)", text)] == []


def test_it_brings_few_dependencies(metadata: Message) -> None:
    needed = [text for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text]
    names = [re.split(r"[^\w-]", requirement)[0] for requirement in needed]
    assert sorted(names) == DEPENDENCIES


def test_its_only_command_is_chatnet(wheel: Path) -> None:
    entry_points = ConfigParser()
    entry_points.read_string(read(wheel, "entry_points.txt"))
    assert {name: dict(entry_points[name]) for name in entry_points.sections()} == {
        "console_scripts": {"chatnet": "chatnet_cli.main:main"}
    }


@pytest.mark.skipif(os.name == "nt", reason="the environment is made with POSIX links")
def test_installed_anywhere_the_command_and_the_module_run(wheel: Path, tmp_path: Path) -> None:
    python = make_environment(tmp_path / "env", RUNTIME)
    env = isolated(tmp_path)
    installed = run(
        sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", wheel, env=env, cwd=tmp_path
    )
    assert installed.returncode == 0, installed.stderr

    for command in ([python.parent / "chatnet"], [python, "-m", "chatnet"]):
        result = run(*command, "--version", env=env, cwd=tmp_path)
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.split() == ["chatnet", chatnet.__version__]

    where = run(python, "-c", "import chatnet_gui, chatnet; print(chatnet.__file__)", env=env, cwd=tmp_path)
    assert where.stdout.startswith(str(tmp_path)), where
