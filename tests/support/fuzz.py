"""Input that somebody spoilt: good ones with a few bites taken out, and bytes that never were one.

The same every time. CHARAFY_TEST_EXAMPLES says how many of each kind, for whoever has hours.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, Final

import hypothesis
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

EXAMPLES: Final = int(os.environ.get("CHARAFY_TEST_EXAMPLES", "0"))

NASTY: Final = (
    "\0",
    "\ud800",
    "\udfff",
    "\x1b[2J",
    "\r\n\r\n",
    "\u2028",
    "\ufeff",
    "\uffff",
    "\U0010ffff",
    "\u200d",
    "\u200b",
    "\u202e",
    "\u0301" * 30,
    "\N{FAMILY}\u200d\N{WOMAN}\u200d\N{GIRL}",
    "\u05d0\u0628",
    "é",
    "²",
    "٣",
    "１",
    "İ",
    "ß",
    "'\"><",
    "%00",
    "%",
    "\\",
    "9" * 400,
    "1e999",
    "-1",
    "NaN",
    "Infinity",
    "../" * 20,
    "{" * 40,
    "[" * 200,
    "A" * 3_000,
)
"""What has broken somebody's parser before."""

texts: Final = st.text(max_size=40) | st.sampled_from(NASTY)

Json = Any
scalars: Final = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(2**63) - 1, 2**64, float("nan"), float("inf"), 1e308, -0.0])
    | st.floats()
    | texts
)
json_values: Final = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)

Bites = list[tuple[str, float, float, str]]
"""What is done, from where and for how much (as parts of the whole), and with what."""

bites: Final = st.lists(
    st.tuples(
        st.sampled_from(("put", "put", "replace", "cut", "drop", "repeat", "swap case")),
        st.floats(0, 1),
        st.floats(0, 0.3),
        st.sampled_from(NASTY) | st.text(min_size=1, max_size=4) | st.sampled_from(list(".,=:/-@")),
    ),
    min_size=1,
    max_size=4,
)


def bitten(text: str, what: Bites) -> str:
    """Good text after all that was done to it."""
    for kind, where, length, put in what:
        at = int(where * len(text))
        end = min(len(text), at + max(1, int(length * len(text))))
        text = {
            "put": text[:at] + put + text[at:],
            "replace": text[:at] + put + text[end:],
            "cut": text[:at],
            "drop": text[:at] + text[end:],
            "repeat": text[:end] + text[at:end] * 3 + text[end:],
            "swap case": text[:at] + text[at:end].swapcase() + text[end:],
        }[kind]
    return text


def spoilt(good: Iterable[str]) -> st.SearchStrategy[str]:
    """Each of these, bitten; now and then something else altogether."""
    return st.builds(bitten, st.sampled_from(list(good)), bites) | texts


def fuzzed(examples: int, **what: st.SearchStrategy[Any]) -> Callable[..., Callable[..., None]]:
    """The test gets so many examples: always the same, unless it is to get more."""
    bounded = hypothesis.settings(
        max_examples=max(examples, EXAMPLES),
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )

    def made(test: Callable[..., None]) -> Callable[..., None]:
        wrapped: Callable[..., None] = bounded(given(**what)(test))
        return wrapped

    return made
