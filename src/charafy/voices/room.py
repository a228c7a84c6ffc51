"""Cloned voices as a whole: the parts of the feature, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from charafy.credits.service import Credits
from charafy.engines.voice.cloning import Cloner
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.http.idempotency import Idempotency
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage
from charafy.voices.catalogue import Voices
from charafy.voices.chores import Chores
from charafy.voices.clones import Clones, Emit, Speakers
from charafy.voices.listening import Examine, Listening
from charafy.voices.making import Making, Unload
from charafy.voices.refining import Refinery
from charafy.voices.till import till_of


@dataclass(frozen=True, slots=True)
class VoiceRoom:
    """What the API, the sweeper and the worker need of cloned voices."""

    clones: Clones
    chores: Chores
    refinery: Refinery

    @classmethod
    def build(
        cls,
        db: Database,
        clock: Clock,
        settings: Settings,
        *,
        voices: Voices,
        storage: Storage,
        examine: Examine,
        cloner: Cloner,
        unload: Unload,
        credits: Credits,
        idempotency: Idempotency,
        emit: Emit,
        speakers: Speakers,
    ) -> VoiceRoom:
        """`speakers` counts the characters that speak with a voice; for `unload` see `Making`."""
        making = Making(storage, cloner, clock, unload=unload)
        chores = Chores(db, clock, voices=voices, storage=storage, making=making, emit=emit)
        clones = Clones(
            db,
            clock,
            voices=voices,
            storage=storage,
            listening=Listening(examine),
            making=making,
            till=till_of(db, clock, credits, settings),
            credits=credits,
            idempotency=idempotency,
            chores=chores,
            emit=emit,
            speakers=speakers,
            settings=settings,
        )
        refinery = Refinery(db, clock, voices=voices, storage=storage, cloner=cloner, emit=emit)
        return cls(clones, chores, refinery)

    def sweeps(self) -> dict[str, Callable[[], object]]:
        """For every minute, in every process."""
        return {
            "files of voices": self.chores.clear_leftovers,
            "consents": self.chores.forget_consents,
            "lost voices": self.chores.remove_orphans_hourly,
        }
