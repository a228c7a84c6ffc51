"""The style sheet: small, self-hosted and readable on paper and in the dark."""

from __future__ import annotations

import re

import pytest

from tests.web.conftest import STATIC

CSS = (STATIC / "charafy.css").read_text("utf-8")


def luminance(colour: str) -> float:
    """Relative luminance after WCAG 2.2, 0 to 1."""
    digits = colour.lstrip("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def shade(name: str, theme: int) -> str:
    """A colour of the palette; theme 0 is light, 1 is dark."""
    pair = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", CSS)
    plain = re.search(rf"--{name}: (#\w+);", CSS)
    found = pair.group(theme + 1) if pair else plain.group(1) if plain else ""
    assert found, f"--{name} is not in the palette"
    return found


def test_the_style_sheet_stays_small() -> None:
    assert len(CSS.encode()) < 20_000


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert "@import" not in CSS
    urls = re.findall(r'url\("?([^")]+)', CSS)
    assert urls and [url for url in urls if not (STATIC / url).is_file()] == []


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "paper"),
        ("ink", "raised"),
        ("ink-soft", "paper"),
        ("ink-soft", "sunk"),
        ("link", "paper"),
        ("on-accent", "accent"),
        ("good", "good-tint"),
        ("warn", "warn-tint"),
        ("bad", "bad-tint"),
        ("bad", "paper"),
        ("code-ink", "code"),
    ],
)
def test_text_reaches_a_contrast_of_four_and_a_half(text: str, ground: str, theme: int) -> None:
    assert contrast(shade(text, theme), shade(ground, theme)) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("edge", ["line-firm", "accent"])
def test_edges_and_focus_rings_reach_a_contrast_of_three(edge: str, theme: int) -> None:
    assert contrast(shade(edge, theme), shade("paper", theme)) >= 3


def test_every_variable_in_use_is_declared() -> None:
    used, declared = set(re.findall(r"var\((--[\w-]+)", CSS)), set(re.findall(r"(--[\w-]+):", CSS))
    assert used and used <= declared


def test_the_font_comes_with_its_licence() -> None:
    assert (STATIC / "fonts/young-serif.woff2").stat().st_size < 60_000
    assert "SIL OPEN FONT LICENSE" in (STATIC / "fonts/young-serif-OFL.txt").read_text("utf-8")
