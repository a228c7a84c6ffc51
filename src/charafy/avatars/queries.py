"""The SQL of avatars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from charafy.avatars.pictures import VERSION, Examined, anchors_from_json
from charafy.avatars.tables import avatars
from charafy.characters.service import AvatarFlags, Character, Placement
from charafy.kernel.db import Tx

FOLDERS = sa.select(avatars.c.folder).where(avatars.c.folder.is_not(None))


@dataclass(frozen=True, slots=True)
class Row:
    """What is kept of a character's avatar."""

    placement: Placement
    examined: Examined | None
    version: str
    folder: str | None
    """With its slash; None when nothing was made yet."""
    files: tuple[str, ...]
    flags: AvatarFlags

    @property
    def current(self) -> bool:
        """Whether its files are there and as this version of the code makes them."""
        return self.folder is not None and self.version == VERSION


def find(tx: Tx, character: Character) -> Row | None:
    """The avatar of the photo that the character has now."""
    wanted = sa.select(avatars).where(
        avatars.c.character_id == character.character_id,
        avatars.c.photo_key == character.photo_key,
    )
    row = tx.execute(wanted).mappings().first()
    return None if row is None else _row(row)


def save(tx: Tx, character: Character, row: Row, now: datetime) -> str | None:
    """Write the character's avatar; the folder of the one that it replaces, if another."""
    mine = avatars.c.character_id == character.character_id
    values = {
        "photo_key": character.photo_key,
        "placement": asdict(row.placement),
        "examined": row.examined and row.examined.to_json(),
        "version": row.version,
        "folder": row.folder,
        "files": list(row.files),
        "sprite_ready": row.flags.sprite,
        "motion_ready": row.flags.motion,
        "updated_at": now,
    }
    before = tx.execute(sa.select(avatars.c.folder).where(mine)).first()
    if before is None:
        tx.execute(avatars.insert(), {"character_id": character.character_id, **values})
        return None
    tx.execute(avatars.update().where(mine).values(**values))
    return before.folder if before.folder != row.folder else None


def _row(row: Mapping[str, Any] | sa.RowMapping) -> Row:
    placement = row["placement"]
    return Row(
        placement=Placement(placement["kind"], anchors_from_json(placement["anchors"])),
        examined=row["examined"] and Examined.from_json(row["examined"]),
        version=row["version"],
        folder=row["folder"],
        files=tuple(row["files"]),
        flags=AvatarFlags(row["sprite_ready"], row["motion_ready"]),
    )
