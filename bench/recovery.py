"""How soon work goes on after each kind of kill, and what was settled: real processes, PostgreSQL.

Two of each process run; one is killed with -9, or PostgreSQL is stopped as by a power cut. The
engines are scripted, so that what is measured is who notices what, and when.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from charafy.house import House, build_house
from charafy.videos import queries as videos
from tests.support import postgresql
from tests.support.balancer import Balancer
from tests.support.conversing_many import called
from tests.support.many import Many, Process, free_port, many, until
from tests.support.videos import Customer, customer, money

LONG: Final = "This sentence is said again and again. " * 60
CREDITS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Scene:
    """Two APIs behind a balancer, and a customer; what else runs is for each measurement."""

    server: postgresql.Server
    started: Many
    house: House
    who: Customer
    ports: tuple[int, int]
    apis: list[Process]
    url: str

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=self.who.headers, timeout=30)

    def until_answered(self) -> float:
        """Seconds until a request is answered as it should be."""

        def answered() -> bool:
            with contextlib.suppress(httpx.TransportError), self.client() as client:
                return client.get("/credits").status_code == 200
            return False

        return until(answered, "a request is answered")

    def filmed(self, progress: float = 0.6) -> str:
        """The id of a new video that is being filmed."""
        body = {"character_id": self.who.character_id, "text": LONG, "width": 512, "height": 512}
        with self.client() as client:
            video_id = str(client.post("/video", json=body).json()["video_id"])
        until(lambda: self.video(video_id).progress > progress, "it is being filmed")
        return video_id

    def video(self, video_id: str) -> Any:
        with self.house.db.read() as tx:
            return videos.find(tx, video_id)


def run() -> dict[str, Any]:
    """Seconds, and credits of what was settled. Raises `LookupError` without PostgreSQL."""
    programs = postgresql.programs()
    if programs is None:
        raise LookupError("PostgreSQL's server programs are not installed")
    from bench import recovery_shared  # which has its scene from here

    with postgresql.running(programs) as server:
        return {
            "api_killed": _measured(server, _api),
            "worker_killed_over_a_film": _measured(server, _worker),
            "talk_process_killed_in_a_conversation": _measured(server, _talk),
            "postgresql_restarted": _measured(server, _postgresql),
            "redis_restarted": recovery_shared.redis_restarted(server),
            "talk_process_killed_in_a_room": recovery_shared.talk_killed_in_a_room(server),
        }


def _measured(
    server: postgresql.Server, measure: Callable[[Scene], dict[str, Any]]
) -> dict[str, Any]:
    with scene(server) as of:
        return measure(of)


@contextlib.contextmanager
def scene(server: postgresql.Server, **env: str) -> Iterator[Scene]:
    url, ports = server.new(), (free_port(), free_port())
    with (
        tempfile.TemporaryDirectory() as folder,
        many(Path(folder) / "home", url, CHARAFY_LOG_LEVEL="info", **env) as started,
        Balancer(ports) as balancer,
    ):
        apis = [started.api(port) for port in ports]
        house = build_house(started.settings)
        try:
            address = f"http://127.0.0.1:{balancer.port}"
            who = customer(house, credits=CREDITS)
            yield Scene(server, started, house, who, ports, apis, address)
        finally:
            house.close()


def _api(scene: Scene) -> dict[str, Any]:
    scene.apis[0].signal(signal.SIGKILL)
    through_the_other_s = scene.until_answered()
    began_s = time.monotonic()
    scene.started.api(scene.ports[0])
    return {
        "until_the_other_answers_s": round(through_the_other_s, 2),
        "until_it_is_back_once_started_s": round(time.monotonic() - began_s, 2),
    }


def _worker(scene: Scene) -> dict[str, Any]:
    first = scene.started.worker()
    video_id = scene.filmed()
    second = scene.started.worker()
    until(lambda: "worker_ready" in second.said(), "the other worker is there")
    if scene.video(video_id).status != "processing":
        raise RuntimeError("the film was made before its worker was killed")
    first.signal(signal.SIGKILL)
    missed_s = until(lambda: "worker_lost" in second.said(), "it is missed")
    ended_s = until(lambda: scene.video(video_id).status != "processing", "the film is made")
    video, left = scene.video(video_id), money(scene.house, scene.who)
    return {
        "until_the_other_takes_over_s": round(missed_s, 1),
        "until_the_film_is_there_s": round(missed_s + ended_s, 1),
        "film": video.status,
        "charged": video.charged,
        "balance_is_what_is_left": left.available == CREDITS - video.charged and not left.held,
    }


def _talk(scene: Scene) -> dict[str, Any]:
    talks: list[Process] = []
    for _ in range(2):  # one after the other: their names count up in this order
        talks.append(scene.started.talk())
        until(lambda: "talk_ready" in talks[-1].said(), "it leads conversations")

    async def play() -> tuple[str, float]:
        port = scene.ports[0]
        call = await called(port, scene.who)
        await asyncio.sleep(12.0)  # longer than between two beats
        node = (await asyncio.to_thread(call.row, scene.house)).node
        assert node is not None
        talks[int(node.endswith("-2"))].signal(signal.SIGKILL)
        began_s = time.monotonic()
        other = await called(port, scene.who)
        again_s = time.monotonic() - began_s
        for one in (call, other):
            await one.caller.hang_up()
        return call.conversation_id, again_s

    conversation_id, again_s = asyncio.run(play())

    def row() -> Any:
        with scene.client() as client:
            return client.get(f"/conversations/{conversation_id}").json()

    settled_s = again_s + until(lambda: row()["status"] == "ended", "it is settled")
    until(lambda: not money(scene.house, scene.who).held, "both are settled")
    return {
        "until_another_conversation_speaks_s": round(again_s, 2),
        "until_the_lost_one_is_settled_s": round(settled_s, 1),
        "reason": row()["reason"],
        "seconds_charged_of_12_and_more": row()["duration_s"],
        "credits_charged": row()["credits_used"],
    }


def _postgresql(scene: Scene) -> dict[str, Any]:
    scene.started.worker()
    video_id = scene.filmed(0.3)
    scene.server.stop()
    time.sleep(5.0)
    scene.server.start()
    answered_s = scene.until_answered()
    ended_s = until(lambda: scene.video(video_id).status != "processing", "the film is made")
    video, left = scene.video(video_id), money(scene.house, scene.who)
    return {
        "away_s": 5.0,
        "until_a_request_is_answered_s": round(answered_s, 2),
        "until_the_film_is_there_s": round(answered_s + ended_s, 1),
        "film": video.status,
        "charged": video.charged,
        "balance_is_what_is_left": left.available == CREDITS - video.charged and not left.held,
    }
