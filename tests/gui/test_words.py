"""Errors as people read them."""

from chatnet_gui.viewmodels.words import sentence


def test_a_sentence_begins_large_ends_with_a_stop_and_is_harmless() -> None:
    assert sentence("cannot do\x1b[2J it\nand more") == "Cannot do\\x1b[2J it."
    assert sentence("really?") == "Really?"
