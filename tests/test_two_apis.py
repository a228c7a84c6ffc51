"""Two whole servers on one database and one Redis: what each of them may no longer do alone."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.support import redis, server
from tests.support.server import DidNotStart, Server

TEST_KEYS_PER_MINUTE: Final = 30
PATIENCE_S: Final = 30.0
BOUNDED_S: Final = 10.0
"""Far above what a request waits for Redis, far below for ever: the machine may be busy."""
ENV: Final = {
    "CHARAFY_VOICE_ENGINE": "scripted",
    "CHARAFY_DEMO": "off",
    "CHARAFY_PLANS": f'{{"owner": {{"test_requests_per_minute": {TEST_KEYS_PER_MINUTE}}}}}',
}

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Api:
    server: Server
    client: httpx.Client

    def get(self, key: str, path: str = "/api/v1/account") -> httpx.Response:
        return self.client.get(path, headers={"x-api-key": key})

    def speak(self, key: str) -> httpx.Response:
        """Something that costs credits; of a character that nobody has."""
        body = {"character_id": "nobody", "text": "Hello!"}
        return self.client.post("/api/v1/tts", json=body, headers={"x-api-key": key})

    def sign_in(self) -> httpx.Response:
        """As somebody who guesses."""
        page = self.client.get("/sign-in").text
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found
        form = {"csrf_token": found[1], "email": "eve@charafy.example", "password": "guess"}
        return self.client.post("/sign-in", data=form)

    def sample(self, name: str) -> float:
        """One of its metrics."""
        found = re.search(rf"^{name} (\S+)$", self.client.get("/metrics").text, re.MULTILINE)
        assert found
        return float(found[1])

    def is_sharing(self) -> bool:
        return self.sample("charafy_redis_up") == 1


@dataclass(frozen=True)
class Pair:
    redis: redis.Redis
    one: Api
    other: Api
    owner: str
    """A key that may make and revoke others."""

    def key(self, kind: str) -> tuple[str, str]:
        """A new key and its id."""
        body = {"name": "made", "kind": kind}
        headers = {"x-api-key": self.owner}
        made = self.one.client.post("/api/v1/keys", json=body, headers=headers)
        made.raise_for_status()
        return made.json()["key"], made.json()["key_id"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    home = tmp_path_factory.mktemp("home")
    with contextlib.ExitStack() as ending:
        store = ending.enter_context(redis.running())
        env = {**ENV, "CHARAFY_REDIS_URL": store.url()}
        servers = [ending.enter_context(server.running(home, **env)) for _ in range(2)]
        one, other = (
            Api(each, ending.enter_context(httpx.Client(base_url=each.base_url, timeout=60)))
            for each in servers
        )
        yield Pair(store, one, other, servers[0].api_key)


@pytest.fixture(autouse=True)
def _redis_is_there(pair: Pair) -> None:
    """An empty one that both have noticed: nothing is counted yet."""
    pair.redis.close()
    pair.redis.start()
    for api in (pair.one, pair.other):
        _until(lambda api=api: api.get(pair.owner).is_success and api.is_sharing())  # type: ignore[misc]


def _until(happens: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not happens():
        assert time.monotonic() < deadline_s, "it never happened"
        time.sleep(0.1)


def _timed(ask: Callable[[], httpx.Response]) -> httpx.Response:
    began = time.monotonic()
    answer = ask()
    assert time.monotonic() - began < BOUNDED_S
    return answer


def _closed_for_money_and_open_for_reads(api: Api, live: str, test: str) -> None:
    assert _timed(lambda: api.get(live)).status_code == 200
    spoken = _timed(lambda: api.speak(test))
    assert (spoken.status_code, spoken.json()["code"]) == (503, "limits_unavailable")
    assert _timed(api.sign_in).status_code == 503
    assert not api.is_sharing()


def test_a_key_revoked_at_one_is_refused_by_the_other_at_once(pair: Pair) -> None:
    for _ in range(5):
        key, key_id = pair.key("live")
        assert pair.other.get(key).status_code == 200, "and it is remembered now"
        revoking = {"x-api-key": pair.owner}
        assert pair.one.client.delete(f"/api/v1/keys/{key_id}", headers=revoking).is_success
        assert pair.other.get(key).status_code == 401


def test_while_redis_is_dead_reads_go_on_money_waits_and_it_comes_back(pair: Pair) -> None:
    test, _ = pair.key("test")
    assert pair.one.speak(test).status_code == 404
    pair.redis.kill()
    for api in (pair.one, pair.other):
        _closed_for_money_and_open_for_reads(api, pair.owner, test)
    key, key_id = pair.key("live")
    assert pair.other.get(key).status_code == 200
    revoking = {"x-api-key": pair.owner}
    assert pair.one.client.delete(f"/api/v1/keys/{key_id}", headers=revoking).is_success
    assert pair.other.get(key).status_code == 401, "nothing is remembered meanwhile"
    pair.redis.start()
    for api in (pair.one, pair.other):
        _until(lambda api=api: api.speak(test).status_code == 404)  # type: ignore[misc]
        assert api.sample("charafy_redis_outages_total") >= 1


def test_while_redis_hangs_no_request_does(pair: Pair) -> None:
    test, _ = pair.key("test")
    pair.redis.hang()
    try:
        for api in (pair.one, pair.other):
            _closed_for_money_and_open_for_reads(api, pair.owner, test)
    finally:
        pair.redis.go_on()
    for api in (pair.one, pair.other):
        _until(lambda api=api: api.speak(test).status_code == 404)  # type: ignore[misc]


def test_a_limit_counts_at_both(pair: Pair) -> None:
    test, _ = pair.key("test")
    began = time.monotonic()
    left = []
    for api in (pair.other, pair.one) * TEST_KEYS_PER_MINUTE:
        answer = api.get(test)
        if answer.status_code == 429:
            break
        left.append(int(answer.headers["ratelimit"].split(";")[1].removeprefix("r=")))
    assert answer.status_code == 429
    assert time.monotonic() - began < 55, "too slow to say anything about one window"
    assert left == list(range(left[0], -1, -1)), "one row of numbers, not one of each process"
    assert pair.one.get(test).status_code == pair.other.get(test).status_code == 429


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://:hunter2@127.0.0.1:1/0", "nothing answers there"),
        ("redis://hunter2@127.0.0.1", "names a user but no password"),
        ("http://:hunter2@127.0.0.1", "starts with http://"),
    ],
)
def test_an_address_that_is_wrong_stops_the_start(tmp_path: Path, url: str, says: str) -> None:
    with pytest.raises(DidNotStart) as refused:
        server.start(tmp_path, {**ENV, "CHARAFY_REDIS_URL": url})
    sentence = " ".join(str(refused.value).split())
    assert says in sentence
    assert "CHARAFY_REDIS_URL" in sentence
    assert "hunter2" not in sentence
    assert "Traceback" not in sentence


def test_another_password_than_redis_wants_stops_the_start(pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(DidNotStart, match=r"refuses the\s+(user|password)") as refused:
        server.start(tmp_path, {**ENV, "CHARAFY_REDIS_URL": pair.redis.url(password="hunter2")})
    assert "hunter2" not in str(refused.value)
