"""Making, paying for, finding and forgetting avatars.

Credits are held, the picture is baked in a child process, files are written, and then one unit of
work keeps the row and captures the credits. What fails on the way releases the credits and removes
the files; a process that dies in between leaves a hold whose lease ends and files that
`remove_orphans` finds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog

from charafy.avatars import queries
from charafy.avatars.bakery import Bakery
from charafy.avatars.making import FOLDER, Dressing, Making, PictureRefused
from charafy.avatars.models import Avatar, Made, Wanted
from charafy.avatars.pictures import FRAMING, VERSION, Examined
from charafy.avatars.queries import Row
from charafy.avatars.rigs import RigCache
from charafy.avatars.workshop import IDLE
from charafy.characters.service import (
    AvatarFlags,
    Character,
    Characters,
    Draft,
    NewCharacter,
    Placement,
    Work,
)
from charafy.credits.service import Pay, Till
from charafy.engines.portrait import Framing, Rig, rigfile, spritefile
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx, one_at_a_time
from charafy.kernel.errors import CharafyError, Conflict, NotFound
from charafy.kernel.http.caller import Caller
from charafy.kernel.ids import new_id
from charafy.kernel.media.images import Photo
from charafy.kernel.observe import describe
from charafy.kernel.storage import Storage

__all__ = ["Avatar", "Avatars", "Examined", "Made", "PictureRefused", "Placement", "Wanted"]

log = structlog.get_logger("charafy.avatars")

ORPHAN_AGE: Final = timedelta(hours=1)
_NOTHING_SAID: Final = Placement()

ReadPhoto = Callable[[str | bytes], Photo]
"""A data URI, a URL or the bytes of a file -> the picture as it would be kept."""


class Avatars:
    """The avatars of all characters. Thread-safe; `close` ends the baking.

    What bakes may raise `WorkFailed` (crash, timeout), `TooManyRequests` and `UpstreamFailed`
    (no models) besides what is said of each method; then nothing is charged and nothing changed.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        characters: Characters,
        storage: Storage,
        bakery: Bakery,
        rigs: RigCache,
        read_photo: ReadPhoto,
        till: Till,
    ) -> None:
        self._db = db
        self._clock = clock
        self._characters = characters
        self._storage = storage
        self._bakery = bakery
        self._making = Making(storage, bakery, clock)
        self._rigs = rigs
        self._read_photo = read_photo
        self._till = till

    def close(self) -> None:
        self._bakery.close()

    def processes(self) -> list[int]:
        """Process ids of the children there are."""
        return self._bakery.processes()

    def preview(self, image: str | bytes, placement: Placement = _NOTHING_SAID) -> Examined:
        """What an avatar would be made from. Raises `BadRequest` for what is no picture."""
        return self._bakery.examine(self._read_photo(image).data, placement)

    def kept(self, image: str | bytes) -> Photo:
        """The picture as a character would keep it. Raises `BadRequest` for what is none."""
        return self._read_photo(image)

    def make(
        self,
        caller: Caller,
        character_id: str,
        wanted: Wanted,
        placement: Placement = _NOTHING_SAID,
    ) -> Made:
        """Make or renew the character's avatar from its photo, for the price of one.

        Raises `NotFound`, `InsufficientCredits` (before any work), `PictureRefused`, and
        `Conflict` when the photo is replaced meanwhile.
        """
        character = self._characters.get(caller.account_id, character_id)
        with self._till.paying(caller, f"Avatar ({wanted})", character.character_id) as pay:
            return self._renew(character, wanted, placement, pay)

    def give(self, character: Character, wanted: Wanted) -> Made:
        """As `make`, free: a gift of the house."""
        return self._renew(character, wanted, _NOTHING_SAID, lambda _tx: 0)

    def create_character(
        self, caller: Caller, draft: Draft, image: str, placement: Placement, *, limit: int
    ) -> NewCharacter:
        """As `Characters.create`, with the avatar that the draft wishes for, or not at all."""
        wanted = draft.avatar_type
        if wanted == "none":
            noting = self._noting(placement)
            character = self._characters.create(
                caller.account_id, draft, image, limit=limit, work=noting
            )
            return NewCharacter(character, AvatarFlags(), 0)
        flags = _with(AvatarFlags(), wanted)
        # Known before there is a character: its face is paid for first.
        character_id = new_id()
        with self._till.paying(caller, f"Avatar ({wanted})", character_id) as pay:
            dressing = Dressing(self._making, placement, flags, pay)
            try:
                character = self._characters.create(
                    caller.account_id,
                    draft,
                    image,
                    limit=limit,
                    character_id=character_id,
                    work=dressing.work,
                )
            except PictureRefused as error:
                error.param = "image"
                raise
            except BaseException:  # whatever stopped it: no files without their row
                dressing.undo()
                raise
        return NewCharacter(character, flags, dressing.paid)

    def flags(self, character: Character) -> AvatarFlags:
        """Which avatars there are of the photo that the character has now."""
        row = self._row(character)
        return row.flags if row else AvatarFlags()

    def get(self, account_id: str, character_id: str) -> Avatar:
        """The character's avatars and links to their files, which are renewed when outdated.

        Raises `NotFound` for a character that isn't the account's.
        """
        character = self._characters.get(account_id, character_id)
        row = self._row(character)
        if row is None or row.folder is None:
            return Avatar(character.character_id, AvatarFlags(), None, None, None, None)
        if not row.current:
            row = self._renewed(character, row)
        start, flags = self._storage.folder_url(row.folder or ""), row.flags
        return Avatar(
            character_id=character.character_id,
            flags=flags,
            examined=row.examined,
            rig_url=f"{start}{rigfile.MANIFEST}" if flags.motion else None,
            sprite_url=f"{start}{spritefile.MANIFEST}" if flags.sprite else None,
            idle_url=f"{start}{IDLE}",
        )

    def rig_for(self, account_id: str, character_id: str, framing: Framing) -> Rig:
        """The character's face ready to move in a frame of this size, paid for or not.

        Takes seconds the first time. Raises `NotFound` and `PictureRefused`.
        """
        character = self._characters.get(account_id, character_id)
        row = self._row(character)
        if row is not None and row.current and framing == FRAMING:
            return rigfile.from_files(self._files(row))
        placement = row.placement if row else _NOTHING_SAID
        variant = f"{VERSION} {placement} {framing}"
        files = self._rigs.get(character.photo_key, variant)
        if files is None:
            photo = self._photo(character)
            baked = self._making.bake(photo, placement, framing, with_sprites=False)
            files = dict(baked.files)
            self._rigs.put(character.photo_key, variant, files)
        return rigfile.from_files(files)

    def forget_gone(self) -> None:
        """Forget what was baked for videos of characters and photos that are there no more."""
        self._rigs.keep_only(self._characters.photos_in_use)

    def remove_orphans(self) -> int:
        """Delete the files of avatars that no row names; answers how many.

        Lists every file of every character: a chore for the start, not for every minute.
        """
        old = self._storage.keys("characters/", older_than=self._clock.now() - ORPHAN_AGE)
        with self._db.read() as tx:
            folders = set(tx.execute(queries.FOLDERS).scalars())
        orphans = [key for key in old if f"/{FOLDER}" in key and _folder_of(key) not in folders]
        for key in orphans:
            self._storage.delete(key)
        return len(orphans)

    def _renew(self, character: Character, wanted: Wanted, placement: Placement, pay: Pay) -> Made:
        photo = self._photo(character)
        row = self._making.draw(
            character.character_id, photo, placement, _with(AvatarFlags(), wanted)
        )
        try:
            with self._db.write() as tx:
                now = self._same(tx, character)
                # Before the row is read: on PostgreSQL it keeps a second request waiting here.
                self._characters.set_avatar_type(tx, now, wanted)
                before = queries.find(tx, now)
                row = replace(row, flags=_with(before.flags, wanted) if before else row.flags)
                replaced = self._making.keep(tx, now, row)
                used = pay(tx)
        except BaseException:  # whatever stopped it: no files without their row
            self._making.discard(row)
            raise
        self._forget(replaced)
        return Made(character.character_id, row.flags, used)

    def _renewed(self, character: Character, outdated: Row) -> Row:
        """The same avatar as today's code makes it; as it is where that can't be done now."""
        try:
            return self._draw_again(character, outdated)
        except (NotFound, Conflict):  # it is gone, or has another photo
            raise
        except CharafyError as error:  # too busy, no models, a picture that is refused today
            log.warning("avatar_not_renewed", character_id=character.character_id, code=error.code)
            return outdated

    def _draw_again(self, character: Character, outdated: Row) -> Row:
        """Nobody pays for our improvements."""
        photo = self._photo(character)
        row = self._making.draw(character.character_id, photo, outdated.placement, outdated.flags)
        try:
            with self._db.write() as tx:
                now = self._same(tx, character)
                one_at_a_time(tx, f"avatar of {now.character_id}")
                before = queries.find(tx, now)
                current = before if before is not None and before.current else None
                if current is None:
                    row = replace(row, flags=before.flags if before else row.flags)
                    replaced = self._making.keep(tx, now, row)
        except BaseException:  # whatever stopped it: no files without their row
            self._making.discard(row)
            raise
        if current is not None:  # someone else was quicker and has given out its links
            self._forget(row.folder)
            return current
        self._forget(replaced)
        return row

    def _same(self, tx: Tx, character: Character) -> Character:
        """The character as it is now. Raises `NotFound`, `Conflict` with another photo."""
        now = self._characters.owned(tx, character.account_id, character.character_id)
        if now.photo_key != character.photo_key:
            raise _replaced()
        return now

    def _photo(self, character: Character) -> bytes:
        try:
            return self._storage.get(character.photo_key)[0]
        except NotFound:  # its row was read a moment before it was replaced or deleted
            raise _replaced() from None

    def _noting(self, placement: Placement) -> Work:
        """Keep what the user said of the picture, for videos and for an avatar later."""

        def note(tx: Tx, character: Character) -> None:
            if placement != _NOTHING_SAID:
                self._making.keep(
                    tx, character, Row(placement, None, VERSION, None, (), AvatarFlags())
                )

        return lambda _character_id, _photo: note

    def _row(self, character: Character) -> Row | None:
        with self._db.read() as tx:
            return queries.find(tx, character)

    def _files(self, row: Row) -> dict[str, bytes]:
        return {name: self._storage.get(f"{row.folder}{name}")[0] for name in row.files}

    def _forget(self, folder: str | None) -> None:
        """Remove what no row names any more; what stays is found by `remove_orphans`."""
        if folder is None:
            return
        try:
            self._storage.delete_prefix(folder)
        except Exception as error:  # noqa: BLE001 - the avatar is made and paid: say so
            log.error("old_avatar_not_removed", folder=folder, **describe(error))


def _replaced() -> Conflict:
    return Conflict(
        "The character's photo was replaced while its avatar was made: ask again.",
        code="photo_replaced",
    )


def _with(flags: AvatarFlags, wanted: Wanted) -> AvatarFlags:
    return replace(flags, **{wanted: True})


def _folder_of(key: str) -> str:
    return f"{key.rpartition('/')[0]}/"
