"""What was promised is there after a power loss at any moment; see ``scripts/power_loss_test``."""

import re

from tests.store.scripts import run_script

# This one's recording has a server killed between a write and its sync, and the next one asked for what was written.
SEED = "2"


def test_nothing_that_was_promised_is_lost_with_the_power() -> None:
    done = run_script("_power_loss.py", "2000", "--seed", SEED)
    assert done.returncode == 0, done.stderr
    checkpoints = re.search(r"(\d+) checkpoints", done.stdout)
    assert checkpoints is not None
    assert int(checkpoints[1]) >= 10, "the run has many checkpoints"
    states = re.search(r"started on (\d+) states .* 0 of them with losses", done.stdout)
    assert states is not None
    assert int(states[1]) >= 2000


def test_a_store_that_does_not_sync_its_commits_is_found_out() -> None:
    done = run_script("_power_loss.py", "200", "--seed", SEED, "--synchronous", "normal", "--rounds", "5")
    assert done.returncode == 1, done.stdout
    assert "I1: message" in done.stderr
