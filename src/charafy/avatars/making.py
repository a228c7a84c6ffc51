"""From a photo to an avatar's files, and away again when its row does not come to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from charafy.avatars import queries
from charafy.avatars.bakery import Bakery
from charafy.avatars.pictures import FRAMING, VERSION, Baked, Examined
from charafy.avatars.queries import Row
from charafy.characters.service import AvatarFlags, Character, Placement
from charafy.credits.service import Pay
from charafy.engines.portrait import Framing
from charafy.kernel.clock import Clock
from charafy.kernel.db import Tx
from charafy.kernel.errors import BadRequest
from charafy.kernel.ids import new_id
from charafy.kernel.media.images import Photo
from charafy.kernel.storage import Storage, content_type_of

FOLDER: Final = "avatar-"


class PictureRefused(BadRequest):
    """No avatar can be made of this picture; the code is that of the first fatal problem."""

    def __init__(self, examined: Examined) -> None:
        problem = next(problem for problem in examined.problems if problem.fatal)
        super().__init__(f"{problem.message} {problem.hint}", code=problem.code)
        self.examined = examined


class Making:
    """Bakes, writes files and removes them; knows nothing of money."""

    def __init__(self, storage: Storage, bakery: Bakery, clock: Clock) -> None:
        self._storage = storage
        self._bakery = bakery
        self._clock = clock

    def bake(
        self, photo: bytes, placement: Placement, framing: Framing, *, with_sprites: bool
    ) -> Baked:
        """As the bakery, but raises `PictureRefused` when the picture won't do."""
        baked = self._bakery.bake(photo, placement, framing, with_sprites=with_sprites)
        if not baked.examined.usable:
            raise PictureRefused(baked.examined)
        return baked

    def draw(
        self, character_id: str, photo: bytes, placement: Placement, flags: AvatarFlags
    ) -> Row:
        """Bake an avatar and write its files into a new folder; the row that is to name them."""
        baked = self.bake(photo, placement, FRAMING, with_sprites=True)
        # A folder of its own for every attempt: undoing one can't take away another's files, and
        # browsers may keep what they loaded.
        folder = f"characters/{character_id}/{FOLDER}{new_id()}/"
        row = Row(placement, baked.examined, VERSION, folder, tuple(baked.files), flags)
        try:
            for name, data in baked.files.items():
                self._storage.put(folder + name, data, content_type_of(folder + name))
        except BaseException:  # a full disk, say: nothing half written stays
            self.discard(row)
            raise
        return row

    def keep(self, tx: Tx, character: Character, row: Row) -> str | None:
        """Write the row; the folder of the avatar that it replaces."""
        return queries.save(tx, character, row, self._clock.now())

    def discard(self, row: Row | None) -> None:
        if row is not None and row.folder is not None:
            self._storage.forget_prefix(row.folder)


class Dressing:
    """Gives a character that is just being made its avatar; the hooks of `Characters.create`."""

    def __init__(self, making: Making, placement: Placement, flags: AvatarFlags, pay: Pay) -> None:
        self._making = making
        self._placement = placement
        self._flags = flags
        self._pay = pay
        self._row: Row | None = None
        self.paid = 0

    def work(self, character_id: str, photo: Photo) -> Callable[[Tx, Character], None]:
        self._row = row = self._making.draw(character_id, photo.data, self._placement, self._flags)

        def finish(tx: Tx, character: Character) -> None:
            self._making.keep(tx, character, row)
            self.paid = self._pay(tx)

        return finish

    def undo(self) -> None:
        """Remove the files again: there is no character after all."""
        self._making.discard(self._row)
