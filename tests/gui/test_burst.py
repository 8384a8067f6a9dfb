"""`scripts/bench/run gui`: that it types real keys, counts what it should, and finds nothing lost."""

import json
from pathlib import Path

from tests.gui.windows import needs_display
from tests.scripts.running import run_script


@needs_display
def test_the_window_is_measured_while_10000_messages_come(tmp_path: Path) -> None:
    done = run_script("bench/_run.py", "gui", "--json", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["benchmarks"]["gui"]
    assert found["wrong"] == []
    cases = found["cases"]
    assert cases.keys() == {
        "nothing comes",
        "in the room that is shown",
        "in another room",
        "the server window",
        "a long history",
    }
    for case in cases.values():
        assert case["keys"]["median"] > 5
        assert 0 < case["typed p50 ms"]["median"] < 1000
        assert 0 <= case["late p99 ms"]["median"] <= case["late max ms"]["median"]
    assert list(tmp_path.iterdir()) == []
