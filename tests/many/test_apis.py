"""Two APIs on one PostgreSQL: one start, one purse, and a restart that nobody notices."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from charafy.house import House
from tests.support.balancer import Balancer
from tests.support.many import Many, Process, free_port, until
from tests.support.videos import TINY, Customer, Money, customer, money

pytestmark = pytest.mark.slow

EACH = 40
"""Requests of each of the callers below."""


@contextlib.contextmanager
def calling(port: int, who: Customer) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}/api/v1", headers=who.headers, timeout=60
    ) as client:
        yield client


def speech(who: Customer, text: str = "Hello.") -> dict[str, object]:
    return {"character_id": who.character_id, "text": text}


def says_it_stops(port: int) -> bool:
    answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=10)
    return answer.status_code == 503 and "process" in answer.json()["problems"]


@pytest.fixture
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture
def apis(started: Many, ports: tuple[int, int]) -> list[Process]:
    """Two, that were started at once."""
    started.env = {"CHARAFY_DRAIN_S": "2"}
    made = [started.start("charafy", "api", "--port", str(port)) for port in ports]
    for api, port in zip(made, ports, strict=True):
        started.ready(api, port)
    return made


def test_two_that_start_at_once_make_one_owner(apis: list[Process], house: House) -> None:
    assert sum("ck_live_" in api.said() for api in apis) == 1
    assert [account.role for account in house.accounts.list(limit=10)] == ["owner"]


def test_debits_through_two_never_overdraw(
    apis: list[Process], ports: tuple[int, int], house: House
) -> None:
    assert all(api.popen.poll() is None for api in apis)
    poor = customer(house, credits=EACH)

    def spend(port: int) -> Counter[int]:
        with calling(port, poor) as client:
            return Counter(client.post("/tts", json=speech(poor)).status_code for _ in range(EACH))

    with ThreadPoolExecutor(4) as pool:
        answers = sum(pool.map(spend, ports * 2), Counter[int]())
    assert answers == {200: EACH, 402: 3 * EACH}
    assert money(house, poor) == Money(0, 0)


def test_one_request_sent_to_both_at_once_is_done_once(
    apis: list[Process], ports: tuple[int, int], house: House, who: Customer
) -> None:
    assert all(api.popen.poll() is None for api in apis)

    def order(port: int, key: str) -> httpx.Response:
        with calling(port, who) as client:
            body = {**speech(who), **TINY}
            return client.post("/video", json=body, headers={"Idempotency-Key": key})

    keys = [f"order-{number}" for number in range(10)]
    with ThreadPoolExecutor(2) as pool:
        pairs = [list(pool.map(order, ports, (key, key))) for key in keys]
    made = set()
    for pair in pairs:
        assert {answer.status_code for answer in pair} <= {200, 409}
        made |= {answer.json()["video_id"] for answer in pair if answer.status_code == 200}
    assert len(made) == len(keys)
    with house.db.read() as tx:
        assert len(house.credits.recent(tx, who.account_id)) == 1  # the grant: all else is held


def test_a_limit_counts_what_came_through_either(
    apis: list[Process], ports: tuple[int, int], house: House
) -> None:
    assert all(api.popen.poll() is None for api in apis)
    free = customer(house, plan="free")  # three videos at a time

    def order(port: int) -> Counter[int]:
        with calling(port, free) as client:
            body = {**speech(free), **TINY}
            return Counter(client.post("/video", json=body).status_code for _ in range(4))

    with ThreadPoolExecutor(4) as pool:
        answers = sum(pool.map(order, ports * 2), Counter[int]())
    assert answers == {200: 3, 429: 13}


def test_restarting_both_one_after_the_other_loses_no_request(
    started: Many, apis: list[Process], ports: tuple[int, int], house: House
) -> None:
    over, who = threading.Event(), customer(house, credits=10_000, plan="owner")

    def call(keep: bool) -> Counter[object]:
        """Speak and look, over one connection or a new one each time, until it is over."""
        answers: Counter[object] = Counter()
        with contextlib.ExitStack() as kept:
            client = kept.enter_context(calling(balancer.port, who))
            while not over.is_set():
                if not keep:
                    client = kept.enter_context(calling(balancer.port, who))
                try:
                    answers[client.post("/tts", json=speech(who)).status_code] += 1
                    answers[client.get("/credits").status_code] += 1
                except httpx.TransportError as error:
                    answers[repr(error)] += 1
                if not keep:
                    client.close()
        return answers

    with Balancer(ports) as balancer, ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(call, number % 2 == 0) for number in range(4)]
        try:
            for number, port in enumerate(ports):
                time.sleep(1.0)
                apis[number].signal(signal.SIGTERM)
                until(partial(says_it_stops, port), "out of the balancer's eyes", 10)
                assert apis[number].wait(60) in {0, -signal.SIGTERM}, apis[number].said()
                apis[number] = started.api(port)
            time.sleep(1.0)
        finally:
            over.set()
        answers = sum((call.result(90) for call in calls), Counter[object]())
    assert balancer.refused
    assert answers.keys() == {200}
    spoken = answers[200] // 2
    assert money(house, who) == Money(10_000 - spoken, 0)
