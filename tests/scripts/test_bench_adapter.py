"""`scripts/bench/adapter.py`: which chatnet it starts for a load generator."""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def adapter(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """With the base class that a generator brings along, which is not ours."""
    monkeypatch.setitem(sys.modules, "adapters", SimpleNamespace(Peer=object))
    monkeypatch.syspath_prepend(ROOT / "scripts" / "bench")
    yield import_module("adapter")
    del sys.modules["adapter"]


def test_without_a_compiled_copy_it_says_how_to_make_one(
    adapter: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "_COMPILED", tmp_path)
    with pytest.raises(FileNotFoundError, match="make it with scripts/compile"):
        adapter.ChatnetCompiled().program()


def test_the_compiled_copy_is_what_runs_also_from_a_folder_with_another_chatnet(
    adapter: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("chatnet__mypyc.so", "chatnet/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "chatnet" / "__main__.py").write_text("import json, sys; print(json.dumps([__file__, *sys.argv[1:]]))")
    monkeypatch.setattr(adapter, "_COMPILED", tmp_path)
    monkeypatch.setattr(adapter, "_PYTHON", Path(sys.executable))
    command = [*adapter.ChatnetCompiled().program(), "serve"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == [str(tmp_path / "chatnet" / "__main__.py"), "serve"]


def test_the_durable_one_differs_in_where_messages_are_kept(adapter: ModuleType) -> None:
    assert adapter.ChatnetCompiled().history("/d") == ["--history", "none"]
    assert adapter.ChatnetCompiledDurable().history("/d") == ["--data", "/d/data"]
    names = [one.name for one in (adapter.ChatnetCompiled, adapter.ChatnetCompiledDurable)]
    assert names == ["chatnet-compiled", "chatnet-compiled-durable"]
