"""The process that carries live conversations: the composition root, part four."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
import structlog
from numpy.typing import NDArray

from charafy.engines.hearing import SAMPLE_RATE, Samples, VadStream
from charafy.engines.language import Asked
from charafy.engines.language.persona import Persona, told
from charafy.house import House
from charafy.kernel.observe import describe
from charafy.supervisor import when_parent_ends
from charafy.talk.crew import Crew, Thinker, ThreadedCrew
from charafy.talk.guests import Guests
from charafy.talk.pace import Pace
from charafy.talk.phrases import Phrases

if TYPE_CHECKING:
    from aiohttp import web

    from charafy.conversations.models import Admitted
    from charafy.talk.dialogue import Dialogue, Spoken
    from charafy.talk.line import Line
    from charafy.talk.node import Node

log = structlog.get_logger("charafy.talk")

DRAIN_S: Final = 10.0
_BEAT_S: Final = 5.0


def run(house: House, *, supervised: bool, host: str = "127.0.0.1", port: int = 0) -> None:
    """Carry conversations until SIGTERM or, `supervised`, until standard input ends.

    Does not return: engines keep threads of their own, so the process is ended under them.
    """
    from loguru import logger

    # pipecat logs what people say, by a logger of its own.
    logger.remove()
    crew = crew_of(house)
    asyncio.run(_serve(house, crew, supervised=supervised, host=host, port=port))
    crew.close()
    os._exit(0)


def crew_of(house: House) -> ThreadedCrew:
    """The engines that the settings name; their models are loaded when they are first needed."""
    from charafy.ears import hearing_of, melody_of
    from charafy.minds import engine_of, mind_of

    vad, recogniser = hearing_of(house.settings)
    # Who waits for a service holds up nobody else; a model on these cores answers one by one.
    thinkers = 2 * house.settings.talk_capacity if engine_of(house.settings) == "remote" else 1
    crew = ThreadedCrew(
        vad=vad,
        recogniser=recogniser,
        voice=house.speech.voice,
        melody=melody_of(),
        thinkers=thinkers,
    )
    crew.hire(mind_of(house.settings, crew.speaking))
    return crew


def guests_of(house: House) -> Guests:
    """Who asks the models that characters bring along."""
    from charafy.minds import guest_of

    return Guests(
        lambda model: guest_of(house.to_models, model), threads=2 * house.settings.talk_capacity
    )


def makes(crew: Crew, pace: Pace, phrases: Phrases, guests: Guests) -> Callable[..., Dialogue]:
    """How a dialogue is made for who was admitted."""
    from charafy.engines.hearing.turns import TurnTaker
    from charafy.talk.dialogue import Dialogue
    from charafy.talk.mind import Mind
    from charafy.talk.reply import Speaker

    def make(admitted: Admitted, line: Line, note: Callable[[Spoken], None]) -> Dialogue:
        who = admitted.character
        speaker = Speaker(who.engine_voice, who.language)
        persona = Persona(who.name, who.language, who.system_prompt, admitted.visitor)
        thinker: Thinker = crew
        if admitted.is_test:
            thinker = guests.rehearsing()
        elif who.own_model is not None:
            thinker = guests.thinker(who.own_model)
        return Dialogue(
            speaker,
            Mind(thinker, persona),
            crew=crew,
            pace=pace,
            phrases=phrases,
            outlet=line,
            taker=TurnTaker(_FirstHeard(crew)),
            now=time.monotonic,
            note=note,
        )

    return make


class _FirstHeard:
    """A `VadStream` that is opened where it is fed: a model may have to be loaded for it."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._stream: VadStream | None = None

    def feed(self, samples: Samples) -> NDArray[np.float32]:
        if self._stream is None:
            self._stream = self._crew.listen()
        return self._stream.feed(samples)


async def _serve(
    house: House, crew: ThreadedCrew, *, supervised: bool, host: str, port: int
) -> None:
    from charafy.talk.faces import loads
    from charafy.talk.film import Films
    from charafy.talk.node import Node

    settings, room = house.settings, house.conversation_room
    stop = _stopping(supervised)
    phrases = Phrases(crew)
    films = Films(loads(house), capacity=settings.talk_faces)
    node = Node(
        settings.talk_name,
        room.sessions,
        makes(crew, Pace(), phrases, guests_of(house)),
        capacity=settings.talk_capacity,
        idle_s=settings.talk_idle_s,
        prepare=phrases.prepare,
        films=films,
    )
    url, site = await _listen(node, room.nodes.key, host, port)
    warming = asyncio.create_task(_warm(house, crew))
    try:
        # Whoever had this name before is gone, and so is its address.
        await asyncio.to_thread(room.nodes.register, node.name, url, node.capacity)
        log.info("talk_ready", pid=os.getpid(), url=url)
        while not stop.is_set():
            await _beat(house, node, url)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _BEAT_S)
    finally:
        warming.cancel()
        try:
            await asyncio.to_thread(room.nodes.leave, node.name)
        except Exception as error:  # noqa: BLE001 - who is still here must be settled all the same
            log.warning("node_did_not_leave", **describe(error))
        await node.drain(DRAIN_S)
        films.close()
        await site.cleanup()


async def _listen(node: Node, secret: str, host: str, port: int) -> tuple[str, web.AppRunner]:
    from aiohttp import web

    from charafy.talk.server import application

    runner = web.AppRunner(application(node, secret), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    sock = socket.create_server((host, port))
    await web.SockSite(runner, sock).start()
    return f"http://{host}:{sock.getsockname()[1]}", runner


async def _warm(house: House, crew: ThreadedCrew) -> None:
    """Load what the first conversation would have to wait for."""
    if house.settings.voice_engine == "scripted":
        return  # Nobody talks with a server that speaks in tones.
    try:
        await asyncio.to_thread(house.voice.load)
        await asyncio.to_thread(crew.listen)
        await crew.hear(np.zeros(SAMPLE_RATE, np.float32), "en")
        await crew.over(np.zeros(SAMPLE_RATE, np.float32))
        await crew.warm(Asked(told(Persona("Sakura", "en"), ()), "en"))
    except Exception as error:  # noqa: BLE001 - the first conversation will say what is missing
        log.warning("not_warm", **describe(error))
    else:
        log.info("talk_warm")


async def _beat(house: House, node: Node, url: str) -> None:
    nodes = house.conversation_room.nodes
    try:
        if not await asyncio.to_thread(nodes.beat, node.name, node.count):
            await asyncio.to_thread(nodes.register, node.name, url, node.capacity)
    except Exception as error:  # noqa: BLE001 - a busy database may take the next beat
        log.warning("node_beat_missed", **describe(error))


def _stopping(supervised: bool) -> asyncio.Event:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if supervised:
        # Ctrl-C reaches every process of a terminal: a supervised one leaves it to its parent.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        when_parent_ends(lambda: loop.call_soon_threadsafe(stop.set))
    else:
        loop.add_signal_handler(signal.SIGINT, stop.set)
    return stop
