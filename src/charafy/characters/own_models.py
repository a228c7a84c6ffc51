"""Models that characters bring along: which are permitted, and how their keys are kept.

A key goes to the address it was given for and nowhere else: whoever may change a character but
doesn't know its key can't have it sent to an address of theirs.
"""

from __future__ import annotations

from typing import Final

import structlog

from charafy.characters.models import Character, ModelChanges, OwnModel
from charafy.kernel.endpoints import checked_url
from charafy.kernel.errors import BadRequest
from charafy.kernel.outside import Outside
from charafy.kernel.seal import CannotOpen, Seal

log = structlog.get_logger("charafy.characters")

FIELDS: Final = frozenset(ModelChanges.__annotations__)


class OwnModels:
    """Thread-safe."""

    def __init__(self, secret: bytes, outside: Outside) -> None:
        """`secret`: the server's own; `outside` judges addresses."""
        self._seal = Seal(secret, "key of a character's model")
        self._outside = outside

    def stored(
        self, character_id: str, changes: ModelChanges, before: Character | None = None
    ) -> dict[str, str | None]:
        """The columns that `changes` set, of all three; empty when they say nothing.

        Another address forgets the key that was given for the one before. Raises `BadRequest` for
        an address that nothing is sent to (`url_refused`), and for half a model.
        """
        if not changes:
            return {}
        url = changes.get("llm_base_url", before and before.llm_base_url)
        if not url:
            _require_nothing_else(changes)
            return {"llm_base_url": None, "llm_model": None, "llm_sealed_key": None}
        if changes.get("llm_base_url"):
            url = self._checked(url)
        model = changes.get("llm_model", before and before.llm_model)
        if not model:
            raise BadRequest(
                "llm_model: llm_base_url needs the name of a model to ask for there; to remove "
                "both, send llm_base_url null.",
                param="llm_model",
            )
        kept = before.llm_sealed_key if before and before.llm_base_url == url else None
        if "llm_api_key" in changes:
            key = changes["llm_api_key"]
            kept = self._seal.close(character_id, key.get_secret_value()) if key else None
        return {"llm_base_url": url, "llm_model": model, "llm_sealed_key": kept}

    def of(self, character: Character) -> OwnModel | None:
        """What the character thinks with, its key in clear; None: with the server's model."""
        if character.llm_base_url is None or character.llm_model is None:
            return None
        key = None
        if character.llm_sealed_key is not None:
            try:
                key = self._seal.open(character.character_id, character.llm_sealed_key)
            except CannotOpen:
                # The server's secret is another one: its owner hears of it by what the model says.
                log.warning("model_key_unreadable", character_id=character.character_id)
        return OwnModel(character.llm_base_url, character.llm_model, key)

    def _checked(self, url: str) -> str:
        checked = checked_url(self._outside, url, "llm_base_url")
        if "?" in checked:
            raise BadRequest(
                "The llm_base_url must end with its path, as in https://host/v1.",
                code="url_refused",
                param="llm_base_url",
            )
        return checked.rstrip("/")


def _require_nothing_else(changes: ModelChanges) -> None:
    if changes.get("llm_model") or changes.get("llm_api_key"):
        raise BadRequest(
            "llm_base_url: llm_model and llm_api_key need the address of a model, as in "
            "https://host/v1.",
            param="llm_base_url",
        )
