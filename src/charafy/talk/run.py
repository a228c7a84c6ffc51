"""The process that carries live conversations: the composition root, part four."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Final

import numpy as np
import structlog
from numpy.typing import NDArray

from charafy.engines.hearing import SAMPLE_RATE, Samples, VadStream
from charafy.engines.language import Asked
from charafy.engines.language.persona import Persona, told
from charafy.house import House
from charafy.kernel.lag import watch_lag
from charafy.kernel.metrics_door import metrics_door
from charafy.kernel.observe import describe
from charafy.kernel.seats import names_here, seat
from charafy.kernel.settings import Settings
from charafy.supervisor import when_parent_ends
from charafy.talk.crew import Crew, Thinker, ThreadedCrew
from charafy.talk.door import listen
from charafy.talk.guests import Guests
from charafy.talk.leftovers import Leftovers
from charafy.talk.pace import Pace
from charafy.talk.phrases import Phrases
from charafy.talk.watched import Watch, WatchedCrew, WatchedThinker

if TYPE_CHECKING:
    from aiohttp import web

    from charafy.conversations.models import Admitted
    from charafy.talk.dialogue import Dialogue
    from charafy.talk.line import Line
    from charafy.talk.node import Node
    from charafy.talk.turns import Spoken

log = structlog.get_logger("charafy.talk")

DRAIN_S: Final = 10.0
_BEAT_S: Final = 2.5
_LOOK_S: Final = 0.2
_PATIENCE_S: Final = 30.0
"""Longer than another process of the same name takes to end."""


def run(house: House, *, supervised: bool) -> None:
    """Carry conversations until SIGTERM or, `supervised`, until standard input ends.

    Does not return: engines keep threads of their own, so the process is ended under them.
    Raises `SeatTaken` where another has its name, `DoorRefused` where APIs could not reach it.
    """
    from loguru import logger

    # pipecat logs what people say, by a logger of its own.
    logger.remove()
    with _named(house.settings) as name:
        door = listen(house.settings)
        crew = crew_of(house)
        with metrics_door(house.metrics, house.settings, "talk"):
            asyncio.run(_serve(house, crew, name, door, supervised=supervised))
        crew.close()
        house.traces.close()
        os._exit(0)


def _named(settings: Settings) -> AbstractContextManager[str]:
    """This process's name, by which no other leads conversations at the same time."""
    names = (settings.talk_name,) if settings.talk_name else names_here()
    taken = (
        f"Another talk process named {names[0]} runs on this data folder: give each its own "
        "CHARAFY_TALK_NAME, or none."
    )
    # One that is ending settles its conversations first.
    return seat(settings.home, "talk", names, patience_s=_PATIENCE_S, taken=taken)


def crew_of(house: House) -> ThreadedCrew:
    """The engines that the settings name; their models are loaded when they are first needed."""
    from charafy.ears import hearing_of, melody_of
    from charafy.minds import engine_of, mind_of

    vad, recogniser = hearing_of(house.settings, house.metrics.loading)
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


def makes(
    crew: Crew, pace: Pace, phrases: Phrases, guests: Guests, watch: Watch | None = None
) -> Callable[..., Dialogue]:
    """How a dialogue is made for who was admitted; `watch` times its engines and turns."""
    from charafy.engines.hearing.turns import TurnTaker
    from charafy.talk.dialogue import Dialogue
    from charafy.talk.mind import Mind
    from charafy.talk.reply import Speaker

    def make(admitted: Admitted, line: Line, note: Callable[[Spoken], None]) -> Dialogue:
        who = admitted.character
        speaker = Speaker(who.engine_voice, who.language)
        persona = Persona(who.name, who.language, who.system_prompt, admitted.visitor)
        seen = None if watch is None else watch.conversation(admitted)
        hands = crew if seen is None else WatchedCrew(crew, seen)
        thinker: Thinker = hands
        if admitted.is_test:
            thinker = guests.rehearsing()
        elif who.own_model is not None:
            thinker = guests.thinker(who.own_model)
        if seen is not None and thinker is not hands:
            thinker = WatchedThinker(thinker, seen)
        return Dialogue(
            speaker,
            Mind(thinker, persona),
            crew=hands,
            pace=pace,
            phrases=phrases,
            outlet=line,
            taker=TurnTaker(_FirstHeard(crew)),
            now=time.monotonic,
            note=note if seen is None else seen.turns(note),
            closed=_nothing if seen is None else seen.over,
        )

    return make


def _nothing() -> None:
    """Nobody watches."""


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
    house: House,
    crew: ThreadedCrew,
    name: str,
    door: tuple[str, socket.socket],
    *,
    supervised: bool,
) -> None:
    from charafy.talk.faces import loads
    from charafy.talk.film import Films
    from charafy.talk.node import Node
    from charafy.talk.server import application

    settings, room = house.settings, house.conversation_room
    stop = _stopping(supervised)
    phrases, watch = Phrases(crew), Watch(house.metrics, house.traces)
    films = Films(loads(house), capacity=settings.talk_faces)
    node = Node(
        name,
        room.sessions,
        room.succession,
        makes(crew, Pace(), phrases, guests_of(house), watch),
        capacity=settings.talk_capacity,
        idle_s=settings.talk_idle_s,
        prepare=phrases.prepare,
        films=films,
    )
    url, sock = door
    site = await _answer(application(node, room.nodes, house.traces), sock)
    offering = await _offering(house, node)
    tasks = [
        asyncio.create_task(_warm(house, crew)),
        asyncio.create_task(watch_lag(house.metrics.loop_lag_seconds), name="loop lag"),
        *offering,
    ]
    try:
        # Whoever had this name before is gone, and so is its address.
        await asyncio.to_thread(room.nodes.register, node.name, url, node.capacity)
        log.info("talk_ready", pid=os.getpid(), url=url)
        leftovers = Leftovers()
        while not stop.is_set():
            await _beat(house, node, url)
            leftovers.sweep(node.connections)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _BEAT_S)
        if not supervised:  # then the API that it works for ends with it
            await _rest(house, node, url)
    finally:
        for task in tasks:
            task.cancel()
        try:
            await asyncio.to_thread(room.nodes.leave, node.name)
        except Exception as error:  # noqa: BLE001 - who is still here must be settled all the same
            log.warning("node_did_not_leave", **describe(error))
        await node.drain(DRAIN_S, to_others=bool(offering) and await _others_have_room(house))
        films.close()
        await site.cleanup()


async def _offering(house: House, node: Node) -> list[asyncio.Task[None]]:
    """What gets conversations from LiveKit, where it carries them, and from lost processes."""
    room = house.conversation_room
    if room.livekit is None:
        return []
    from charafy.talk.dispatch import Dispatch
    from charafy.talk.succeeding import Succeeding

    # Before it gets any of its own.
    inherited = await asyncio.to_thread(room.succession.left_by, [node.name], node.capacity)
    dispatch = Dispatch(room.livekit, node, room.sessions, room.nodes)
    succeeding = Succeeding(room.livekit, node, room.succession, room.nodes, inherited)
    return [
        asyncio.create_task(dispatch.run(), name="livekit"),
        asyncio.create_task(succeeding.run(), name="lost conversations"),
    ]


async def _others_have_room(house: House) -> bool:
    """Whether any other talk process can take a conversation over."""
    try:
        await asyncio.to_thread(house.conversation_room.nodes.choose)
    except Exception:  # noqa: BLE001 - none has, or the database can't say
        return False
    return True


async def _rest(house: House, node: Node, url: str) -> None:
    """Let nobody new in, and those who are here go on, until they are gone or time is up."""
    node.rest()
    try:
        await asyncio.to_thread(house.conversation_room.nodes.rest, node.name)
    except Exception as error:  # noqa: BLE001 - who is sent here all the same is sent elsewhere
        log.warning("node_not_resting", **describe(error))
    began_s = beaten_s = time.monotonic()
    while node.count and time.monotonic() - began_s < house.settings.talk_drain_s:
        if time.monotonic() - beaten_s >= _BEAT_S:
            beaten_s = time.monotonic()
            await _beat(house, node, url)
        await asyncio.sleep(_LOOK_S)


async def _answer(app: web.Application, sock: socket.socket) -> web.AppRunner:
    from aiohttp import web

    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    return runner


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
