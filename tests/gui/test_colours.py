"""Every colour can be read on what is behind it (WCAG 2.2)."""

import pytest

from chatnet_gui.colours import DARK, LIGHT, Palette, shape_pairs, text_pairs
from chatnet_gui.viewmodels.rows import SENDER_COLOURS


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_a_contrast_of_at_least_4_5(palette: Palette) -> None:
    weak = {what: round(contrast(*pair), 2) for what, *pair in text_pairs(palette) if contrast(*pair) < 4.5}
    assert weak == {}


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_selection_and_focus_have_a_contrast_of_at_least_3(palette: Palette) -> None:
    weak = {what: round(contrast(*pair), 2) for what, *pair in shape_pairs(palette) if contrast(*pair) < 3.0}
    assert weak == {}


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_sender_colour_is_there_and_another(palette: Palette) -> None:
    assert len(set(palette.senders)) == SENDER_COLOURS


def test_the_contrast_of_black_and_white_is_21() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21.0
