"""Making, finding, changing and deleting characters.

Photos are fetched and decoded before any transaction, and their files are written before the row
that names them. A file without a row (its transaction failed, or the process died in between) is
removed at once or by `remove_orphans`; a row never lacks its file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from charafy.characters import queries
from charafy.characters.models import (
    AvatarFlags,
    AvatarMaker,
    Changes,
    Character,
    Draft,
    ModelChanges,
    NewCharacter,
    OwnModel,
    Page,
    PictureKind,
    Placement,
    Work,
)
from charafy.characters.own_models import FIELDS, OwnModels
from charafy.characters.photos import PhotoSource
from charafy.characters.portraits import Portraits, portrait_path, small_key
from charafy.characters.tables import characters
from charafy.kernel.clock import Clock
from charafy.kernel.cursors import cursor_after
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import BadRequest, Forbidden, NotFound
from charafy.kernel.ids import new_id
from charafy.kernel.media.images import Photo
from charafy.kernel.storage import Storage
from charafy.voices.service import Voices

__all__ = [
    "AvatarFlags",
    "AvatarMaker",
    "Changes",
    "Character",
    "Characters",
    "Draft",
    "NewCharacter",
    "OwnModel",
    "OwnModels",
    "Page",
    "PictureKind",
    "Placement",
    "Portraits",
    "Work",
]

ORPHAN_AGE = timedelta(hours=1)
"""Longer than any request takes: a younger file may be about to get its row."""


class Characters:
    """The characters of all accounts. Thread-safe."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        storage: Storage,
        voices: Voices,
        photos: PhotoSource,
        own_models: OwnModels,
        base_url: str,
    ) -> None:
        self._db = db
        self._clock = clock
        self._storage = storage
        self._voices = voices
        self._photos = photos
        self._own_models = own_models
        self._base_url = base_url

    def create(
        self,
        account_id: str,
        draft: Draft,
        image: str | bytes,
        *,
        limit: int,
        character_id: str | None = None,
        work: Work = lambda _character_id, _photo: _nothing,
    ) -> Character:
        """Make a character from a picture: a data URI, a public URL or the bytes of a file.

        `limit`: how many characters the account may have. Raises `BadRequest` for a voice that it
        may not use, a bad image or a refused model, `Forbidden` (`character_limit_reached`) at the
        limit, and what `work` raises: then there is no character.
        """
        self._require_voice(account_id, draft.voice_id)
        with self._db.read() as tx:
            _require_room(tx, account_id, limit)
        character_id = character_id or new_id()
        own_model = self._own_models.stored(character_id, draft.own_model)
        photo = self._photos.read(image)
        finish = work(character_id, photo)
        now = self._clock.now()
        row = {
            "id": character_id,
            "account_id": account_id,
            "name": draft.name,
            "language": draft.language,
            "voice_id": draft.voice_id.lower(),
            "avatar_type": draft.avatar_type,
            "system_prompt": draft.system_prompt or None,
            **_NO_MODEL,
            **own_model,
            "photo_key": self._keep(character_id, photo),
            "embed_enabled": False,
            "created_at": now,
            "updated_at": now,
        }
        try:
            with self._db.write() as tx:
                queries.serialise(tx, account_id)
                _require_room(tx, account_id, limit)
                # It may have been deleted while the photo was fetched.
                self._require_voice(account_id, draft.voice_id, tx)
                tx.execute(characters.insert(), row)
                finish(tx, self._character(row))
        except IntegrityError:
            # Someone made it meanwhile (a double click, by `character_id`), or the account is gone.
            self._storage.forget(str(row["photo_key"]))
            return self.get(account_id, character_id)
        except BaseException:  # whatever stopped it: no file without its row
            self._storage.forget(str(row["photo_key"]))
            raise
        return self._character(row)

    def owned(self, tx: Tx, account_id: str, character_id: str) -> Character:
        """The account's own character; `NotFound` for anyone else's."""
        row = queries.find(tx, account_id, character_id)
        if row is None:
            raise _missing()
        return self._character(row)

    def get(self, account_id: str, character_id: str) -> Character:
        """As `owned`, in a unit of work of its own."""
        with self._db.read() as tx:
            return self.owned(tx, account_id, character_id)

    def embedded(self, tx: Tx, character_id: str) -> Character:
        """Anyone's character that web pages may show. Raises `NotFound`."""
        row = queries.embedded(tx, character_id)
        if row is None:
            raise _missing()
        return self._character(row)

    def count(self, tx: Tx, account_id: str) -> int:
        return queries.count(tx, account_id)

    def count_with_voice(self, tx: Tx, account_id: str, voice_id: str) -> int:
        """How many of the account's characters speak with a voice."""
        return queries.count_with_voice(tx, account_id, voice_id)

    def list(self, account_id: str) -> Sequence[Character]:
        """All of the account's characters, newest first."""
        return self.page(account_id, None, None).characters

    def page(self, account_id: str, limit: int | None, cursor: str | None) -> Page:
        """At most `limit` characters, newest first, from where `cursor` (an earlier page) ended."""
        with self._db.read() as tx:
            rows = queries.newest_first(tx, account_id, limit and limit + 1, cursor)
        found = tuple(map(self._character, rows[:limit]))
        more = limit is not None and len(rows) > limit
        last = found[-1] if more else None
        return Page(found, cursor_after(last.created_at, last.character_id) if last else None)

    def update(self, account_id: str, character_id: str, changes: Changes) -> Character:
        """Set what `changes` holds. Raises `NotFound` and what `create` raises but the limit."""
        before = self.get(account_id, character_id)
        values: dict[str, Any] = {
            **{name: value for name, value in changes.items() if name not in FIELDS},
            "updated_at": self._clock.now(),
        }
        own_model = _about_model(changes)
        self._own_models.stored(before.character_id, own_model, before)
        if "voice_id" in changes:
            self._require_voice(account_id, changes["voice_id"])
            values["voice_id"] = changes["voice_id"].lower()
        if "system_prompt" in changes:
            values["system_prompt"] = changes["system_prompt"] or None
        if "image" in changes:
            photo = self._photos.read(values.pop("image"))
            values["photo_key"] = self._keep(before.character_id, photo)
        try:
            with self._db.write() as tx:
                if "voice_id" in changes:
                    queries.serialise(tx, account_id)
                    self._require_voice(account_id, changes["voice_id"], tx)
                replaced = self.owned(tx, account_id, character_id)
                values |= self._own_models.stored(replaced.character_id, own_model, replaced)
                tx.execute(_one(character_id).values(**values))
                after = self.owned(tx, account_id, character_id)
        except BaseException:  # whatever stopped it: no file without its row
            if "photo_key" in values:
                self._storage.forget(values["photo_key"])
            raise
        if replaced.photo_key != after.photo_key:
            self._storage.forget(replaced.photo_key)
        return after

    def own_model(self, character: Character) -> OwnModel | None:
        """What it thinks with, key and all; None: the server's model. For who asks the model."""
        return self._own_models.of(character)

    def set_avatar_type(self, tx: Tx, character: Character, avatar_type: str) -> None:
        """Which of its avatars is shown from now on."""
        values = {"avatar_type": avatar_type, "updated_at": self._clock.now()}
        tx.execute(_one(character.character_id).values(**values))

    def set_embed_enabled(self, tx: Tx, account_id: str, character_id: str, enabled: bool) -> None:
        """Whether web pages may embed the character. Raises `NotFound`."""
        owned = self.owned(tx, account_id, character_id)
        if owned.embed_enabled != enabled:
            values = {"embed_enabled": enabled, "updated_at": self._clock.now()}
            tx.execute(_one(character_id).values(**values))

    def delete(self, account_id: str, character_id: str) -> None:
        """Remove the character, all that hangs on it and its files. Raises `NotFound`."""
        with self._db.write() as tx:
            owned = self.owned(tx, account_id, character_id)
            tx.execute(characters.delete().where(characters.c.id == owned.character_id))
        self._storage.forget_prefix(_folder(owned.character_id))

    def erase(self, tx: Tx, account_id: str) -> None:
        """Remove the rows of an account that is being deleted; its files go by `erase_files`."""
        tx.execute(characters.delete().where(characters.c.account_id == account_id))

    def erase_files(self, account_id: str) -> None:
        for character in self.list(account_id):
            self._storage.delete_prefix(_folder(character.character_id))

    def photos_in_use(self, keys: Collection[str]) -> set[str]:
        """Those of these storage keys that are a character's photo."""
        wanted = sa.select(characters.c.photo_key).where(characters.c.photo_key.in_(keys))
        with self._db.read() as tx:
            return set(tx.execute(wanted).scalars())

    def remove_orphans(self) -> int:
        """Delete what a process left behind when it died; returns how many files.

        Lists every file of every character: a chore for the start, not for every minute.
        """
        old = self._storage.keys("characters/", older_than=self._clock.now() - ORPHAN_AGE)
        with self._db.read() as tx:
            photos = {row.id: row.photo_key for row in tx.execute(queries.PHOTOS)}
        orphans = [key for key in old if _is_orphan(key, photos)]
        for key in orphans:
            self._storage.delete(key)
        return len(orphans)

    def _keep(self, character_id: str, photo: Photo) -> str:
        # A name of its own for every attempt: undoing one can't take away another's file.
        key = f"{_folder(character_id)}photo-{new_id()}.{photo.ending}"
        self._storage.put(key, photo.data, photo.content_type)
        return key

    def _require_voice(self, account_id: str, voice_id: str, tx: Tx | None = None) -> None:
        try:
            if tx is None:
                self._voices.get(account_id, voice_id)
            else:
                self._voices.require(tx, account_id, voice_id)
        except NotFound:
            raise BadRequest(
                "voice_id: there is no such voice; GET /v1/voices lists them.",
                code="unknown_voice",
                param="voice_id",
            ) from None

    def _character(self, row: Any) -> Character:
        fields = {name: row[name] for name in characters.c.keys() if name != "id"}  # noqa: SIM118
        return Character(
            character_id=row["id"],
            photo_url=self._storage.url(row["photo_key"]),
            portrait=portrait_path(self._storage, row["photo_key"]),
            embed_url=f"{self._base_url}/embed/{row['id']}",
            **fields,
        )


_NO_MODEL: Final[Mapping[str, None]] = MappingProxyType(
    {"llm_base_url": None, "llm_model": None, "llm_sealed_key": None}
)


def _about_model(changes: Changes) -> ModelChanges:
    said: ModelChanges = {}
    said.update({name: value for name, value in changes.items() if name in FIELDS})  # type: ignore[typeddict-item]
    return said


def _nothing(_tx: Tx, _character: Character) -> None:
    """What most characters need done beside their row."""


def _folder(character_id: str) -> str:
    return f"characters/{character_id}/"


def _is_orphan(key: str, photos: Mapping[str, str]) -> bool:
    """Whether its character is gone, or has another photo than this one (or one made of it)."""
    _, character_id, name = key.split("/", 2)
    if character_id not in photos:
        return True
    photo = photos[character_id]
    return name.startswith(("photo-", "small-")) and key not in (photo, small_key(photo))


def _one(character_id: str) -> sa.Update:
    return characters.update().where(characters.c.id == character_id.lower())


def _require_room(tx: Tx, account_id: str, limit: int) -> None:
    if queries.count(tx, account_id) >= limit:
        raise Forbidden(
            f"Your plan allows {limit:,} characters, and you have as many: delete one first.",
            code="character_limit_reached",
        )


def _missing() -> NotFound:
    return NotFound("There is no such character.", param="character_id")
