"""What can be wrong with a picture, said so that someone can do something about it."""

from __future__ import annotations

from charafy.engines.portrait import Problem


def no_face() -> Problem:
    return Problem(
        "no_face",
        fatal=True,
        message="No face was found in this picture.",
        hint="Use a picture that shows one face from the front, well lit; in a drawing you can"
        " place eyes, mouth and chin by hand.",
    )


def unsure_anchors() -> Problem:
    return Problem(
        "unsure_anchors",
        fatal=False,
        message="Eyes and mouth of this drawing were found with doubts.",
        hint="Check the boxes and place eyes, mouth and chin by hand where they are wrong.",
    )
