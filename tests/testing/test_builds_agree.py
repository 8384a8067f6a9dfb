"""A simulated world goes the same way to the last event, whether the hot modules are compiled or not.

What compiled code does differently, and no test of its own looks at, shows here: the trace of a seed holds everything
that the server said, read and stored.
"""

import os
import subprocess
import sys

import pytest

from chatnet.testing.simulation import simulate

pytestmark = pytest.mark.skipif(
    os.environ.get("CHATNET_TEST_BUILD") != "compiled", reason="needs the compiled modules; scripts/test has them"
)
_SEEDS = range(40)
_LONGEST = 120.0
# The source is beside each compiled module; only chatnet is taken from there, others may be compiled.
_PURE = """
import sys
from importlib.machinery import FileFinder, SourceFileLoader

class Sources:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.startswith("chatnet."):
            return FileFinder(path[0], (SourceFileLoader, [".py"])).find_spec(name)

sys.meta_path.insert(0, Sources)
from chatnet.net import loop
from chatnet.testing.simulation import simulate
assert loop.__file__.endswith(".py"), loop.__file__
for seed in range(int(sys.argv[1])):
    print(simulate(seed).digest)
"""


def test_every_seed_has_the_same_trace_in_both_builds() -> None:
    pure = subprocess.run(
        [sys.executable, "-c", _PURE, str(len(_SEEDS))], capture_output=True, text=True, timeout=_LONGEST, check=False
    )
    assert pure.returncode == 0, pure.stderr
    assert [simulate(seed).digest for seed in _SEEDS] == pure.stdout.split()
