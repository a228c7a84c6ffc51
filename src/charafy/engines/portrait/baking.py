"""From a picture to its rig, whichever kind it is."""

from __future__ import annotations

from charafy.engines.portrait import Finding, Framing, Kind, NoFace, Rgba, Rig


def bake(picture: Rgba, finding: Finding, framing: Framing) -> Rig:
    """The rig of the face that `finding` found in `picture`.

    Raises `NoFace` with the finding's problems when nothing can be made of it.
    """
    if not finding.usable:
        raise NoFace(finding.problems)
    if finding.kind is Kind.DRAWING:
        from charafy.engines.portrait import drawing

        return drawing.bake(picture, finding, framing)
    from charafy.engines.portrait import photo

    return photo.bake(picture, finding, framing)
