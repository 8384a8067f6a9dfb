"""View models know no tkinter: where there is none, all of them can be used."""

import subprocess
import sys

_PROGRAM = """
import importlib, pkgutil, sys
sys.modules["tkinter"] = sys.modules["_tkinter"] = None
import chatnet_gui.viewmodels as package
for module in pkgutil.iter_modules(package.__path__):
    importlib.import_module(f"{package.__name__}.{module.name}")
    print(module.name)
"""


def test_view_models_can_be_used_without_tkinter() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {"session", "login", "server"} <= set(done.stdout.split())
