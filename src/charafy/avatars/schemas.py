"""Requests and answers about avatars, in the contract's order; what follows is ours."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from charafy.avatars.models import Avatar, Made, Wanted
from charafy.avatars.pictures import Examined
from charafy.characters.schemas import (
    ANCHORS,
    KIND,
    FoundAnchors,
    FoundBox,
    Image,
    PlacedAnchors,
    placement,
)
from charafy.characters.service import PictureKind, Placement
from charafy.engines.portrait import Problem
from charafy.kernel.http.schema import Answer, Body

_EXAMPLE_ID = "7f9c24e5-2f4b-4d6e-9a55-0c1f6a1f3b52"


class MakeAvatar(Body):
    avatar_type: Wanted = Field(
        description='"motion": the whole face bends and moves; "sprite": a few drawn mouths and '
        "lids, for pages that can't bend one."
    )
    kind: PictureKind = Field("auto", description=KIND)
    anchors: PlacedAnchors | None = Field(None, description=ANCHORS)

    def placement(self) -> Placement:
        return placement(self.kind, self.anchors)


class PreviewPhoto(Body):
    image: Image
    kind: PictureKind = Field("auto", description=KIND)
    anchors: PlacedAnchors | None = Field(None, description=ANCHORS)

    def placement(self) -> Placement:
        return placement(self.kind, self.anchors)


class MadeAvatar(Answer):
    character_id: str = Field(examples=[_EXAMPLE_ID])
    sprite_ready: bool
    motion_ready: bool = Field(examples=[True])
    credits_used: int = Field(examples=[8])
    credits_remaining: int = Field(examples=[992])

    @classmethod
    def of(cls, made: Made, credits_remaining: int) -> MadeAvatar:
        return cls(
            character_id=made.character_id,
            sprite_ready=made.flags.sprite,
            motion_ready=made.flags.motion,
            credits_used=made.credits_used,
            credits_remaining=credits_remaining,
        )


class PictureProblem(Answer):
    """Why a picture won't do, or will look worse than it could."""

    code: str = Field(
        description="no_face, several_faces, face_too_small, turned_away, mouth_hidden, …",
        examples=["face_too_small"],
    )
    fatal: bool = Field(description="No avatar can be made of the picture as it is.")
    message: str = Field(description="One sentence: what was seen.")
    hint: str = Field(description="One sentence: what to do about it.")

    @classmethod
    def of(cls, problem: Problem) -> PictureProblem:
        return cls(
            code=problem.code, fatal=problem.fatal, message=problem.message, hint=problem.hint
        )


class PictureSize(Answer):
    """Pixels of the picture as it is kept: upright, at most 2,048 a side."""

    width: int
    height: int


class PreviewAnswer(Answer):
    usable: bool = Field(description="An avatar can be made of it.", examples=[True])
    kind: Literal["photo", "drawing"]
    kind_is_certain: bool = Field(
        description="False when it was a close call: ask, and send `kind`."
    )
    problems: list[PictureProblem]
    faces: int = Field(description="How many faces were seen; the largest one counts.")
    face: FoundBox | None = Field(description="Hairline to chin, ear to ear.")
    anchors: FoundAnchors | None = Field(
        description="What will move. Show it, let it be corrected, and send it with the avatar."
    )
    size: PictureSize

    @classmethod
    def of(cls, examined: Examined) -> PreviewAnswer:
        return cls(
            usable=examined.usable,
            kind=examined.kind.value,
            kind_is_certain=examined.kind_is_certain,
            problems=[PictureProblem.of(problem) for problem in examined.problems],
            faces=examined.faces,
            face=examined.face and FoundBox.of(examined.face),
            anchors=examined.anchors and FoundAnchors.of(examined.anchors),
            size=PictureSize(width=examined.width, height=examined.height),
        )


class AvatarAnswer(Answer):
    """A character's avatars, and the files a page needs to show them."""

    character_id: str = Field(examples=[_EXAMPLE_ID])
    sprite_ready: bool
    motion_ready: bool = Field(examples=[True])
    kind: Literal["photo", "drawing"] | None = Field(
        description="How the picture was brought to life; null without an avatar."
    )
    anchors: FoundAnchors | None
    problems: list[PictureProblem]
    rig_url: str | None = Field(
        description="`rig.json` for the browser player; its textures lie beside it. "
        "Null without a motion avatar."
    )
    sprite_url: str | None = Field(
        description="`sprites.json`, likewise. Null without a sprite avatar."
    )
    idle_url: str | None = Field(
        description="The face alive but silent, as an animated WebP for places without scripts."
    )

    @classmethod
    def of(cls, avatar: Avatar) -> AvatarAnswer:
        found = avatar.examined
        return cls(
            character_id=avatar.character_id,
            sprite_ready=avatar.flags.sprite,
            motion_ready=avatar.flags.motion,
            kind=found.kind.value if found else None,
            anchors=FoundAnchors.of(found.anchors) if found and found.anchors else None,
            problems=[PictureProblem.of(problem) for problem in found.problems] if found else [],
            rig_url=avatar.rig_url,
            sprite_url=avatar.sprite_url,
            idle_url=avatar.idle_url,
        )
