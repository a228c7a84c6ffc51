"""Errors as people read them: by their code, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable

from charafy.kernel.errors import CharafyError


def explain(error: CharafyError, translate: Callable[[str], str]) -> str:
    """The sentence for this error; its own English one where the pages have none."""
    keys = (
        f"dash_error_{error.code}_{error.param}",
        f"dash_error_{error.code}",
        f"dash_problem_{error.code}",
    )
    for key in keys:
        try:
            return translate(key)
        except KeyError:
            continue
    return error.message
