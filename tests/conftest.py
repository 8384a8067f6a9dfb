"""For all tests: Ctrl-C is heard, and how hypothesis looks for examples (`--hypothesis-profile thorough`: longer)."""

import os
import signal
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES

from hypothesis import HealthCheck, settings

# What a shell starts in the background ignores Ctrl-C, and so would the tests and all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Whoever tests the compiled modules must not be told that all is well by the others, in any of pytest's processes.
if os.environ.get("CHATNET_TEST_BUILD") == "compiled":
    from hatch_build import HOT_MODULES

    _loaded = {name: import_module(name).__file__ or "" for name in HOT_MODULES}
    _pure = [name for name, file in _loaded.items() if not file.endswith(tuple(EXTENSION_SUFFIXES))]
    assert not _pure, f"CHATNET_TEST_BUILD=compiled, and these are not: {', '.join(_pure)}"

# Time is no verdict on a machine that others use too; a hang is ended by pytest's own time-out.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples each time: what lands must not depend on luck.
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, print_blob=True)
settings.register_profile("thorough", settings.get_profile("local"), max_examples=5000, stateful_step_count=200)
settings.load_profile("ci" if os.environ.get("CI") else "local")
