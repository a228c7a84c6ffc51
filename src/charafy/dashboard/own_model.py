"""The part of a character's page about the language model that it thinks with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Form

from charafy.characters.models import Changes
from charafy.characters.schemas import UpdateCharacter
from charafy.characters.service import Character
from charafy.dashboard.making import checked

Text = Annotated[str, Form(max_length=4_000)]


@dataclass(frozen=True, slots=True)
class TypedModel:
    """The form as somebody filled it in; spaces around what was pasted are no part of it."""

    url: str
    model: str
    key: str = field(repr=False)
    """Empty: the one that is kept stays, as pages never show it."""

    def changes(self) -> Changes:
        """By the API's own rules. Raises `BadRequest` about the field that is wrong."""
        sent: dict[str, object] = {
            "llm_base_url": self.url or None,
            "llm_model": self.model or None,
        }
        if self.key:
            sent["llm_api_key"] = self.key
        return checked(UpdateCharacter, sent).changes()

    def shown(self) -> Mapping[str, str]:
        """What the form may show again: never the key."""
        return {"url": self.url, "model": self.model}


def typed_model(
    llm_base_url: Text = "", llm_model: Text = "", llm_api_key: Text = ""
) -> TypedModel:
    return TypedModel(llm_base_url.strip(), llm_model.strip(), llm_api_key.strip())


Filled = Annotated[TypedModel, Depends(typed_model)]


def stored_model(person: Character) -> Mapping[str, str]:
    return {"url": person.llm_base_url or "", "model": person.llm_model or ""}
