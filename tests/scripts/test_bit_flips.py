"""No flipped bit of the database is ever served as something that was stored; see ``scripts/bit_flip_test``."""

from tests.scripts.running import run_script


def test_a_flipped_bit_is_refused_shown_or_harmless_and_named_unless_harmless() -> None:
    done = run_script("_bit_flips.py", "300")
    assert done.returncode == 0, done.stderr
    assert "0 wrong" in done.stdout
    for kind in ("harmless", "refused", "shown as damaged", "search impaired"):
        assert kind in done.stdout, "all of them are among so many"
