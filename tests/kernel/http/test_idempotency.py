"""A request sent twice is done once."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI, Header, Request, Response
from fastapi.testclient import TestClient

from charafy.credits.service import Credits
from charafy.kernel.clock import SystemClock
from charafy.kernel.db import Database
from charafy.kernel.errors import Conflict, InsufficientCredits, UpstreamFailed
from charafy.kernel.http.caller import ALL_SCOPES, Caller
from charafy.kernel.http.errors import install_error_handlers
from charafy.kernel.http.idempotency import Idempotency, Replay, Ticket
from charafy.kernel.http.idempotency_tables import requests
from charafy.kernel.http.schema import Answer, Body
from charafy.kernel.ids import new_id
from charafy.kernel.observe import Metrics
from tests.support.clock import ManualClock

DAY_S = 24 * 3600


class Order(Body):
    item: str
    count: int = 1


class Receipt(Answer):
    number: int
    item: str


@dataclass
class Shop:
    """What the routes of this test do: it counts, and can be told to fail or to wait."""

    credits: Credits
    db: Database
    account_id: str
    orders: list[str] = field(default_factory=list)
    before: Callable[[], None] = lambda: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sell(self, item: str) -> Receipt:
        self.before()
        with self.db.write() as tx:
            self.credits.charge(
                tx, self.account_id, 1, kind="tts", reference=new_id(), description="Order"
            )
        with self.lock:
            self.orders.append(item)
            return Receipt(number=len(self.orders), item=item)


@pytest.fixture
def shop(db: Database, clock: ManualClock) -> Shop:
    credits = Credits(db, clock, Metrics())
    account_id = new_id()
    with db.write() as tx:
        credits.open(tx, account_id)
        credits.grant(tx, account_id, 100, kind="grant", reference="start", description="Start")
    return Shop(credits, db, account_id)


@pytest.fixture
def idempotency(db: Database, clock: ManualClock) -> Idempotency:
    return Idempotency(db, clock)


@pytest.fixture
def client(idempotency: Idempotency, shop: Shop) -> Iterator[TestClient]:
    app = FastAPI()
    install_error_handlers(app)

    def orders(
        body: Order, request: Request, x_caller: Annotated[str, Header()] = "live"
    ) -> Response:
        caller = caller_of(shop, x_caller)
        return idempotency.run(caller, request, body, lambda: shop.sell(body.item))

    def orders_in_tx(body: Order, request: Request) -> Response:
        def work(tx: sa.Connection) -> Receipt:
            shop.before()
            shop.credits.charge(
                tx, shop.account_id, 1, kind="tts", reference=new_id(), description="Order"
            )
            shop.orders.append(body.item)
            return Receipt(number=len(shop.orders), item=body.item)

        return idempotency.run_in_tx(caller_of(shop), request, body, work)

    app.post("/orders")(orders)
    app.post("/parcels")(orders)
    app.post("/orders/{shelf}")(orders)
    app.post("/tx")(orders_in_tx)
    with TestClient(app, raise_server_exceptions=False) as test_client:
        yield test_client


def caller_of(shop: Shop, mode: str = "live") -> Caller:
    account_id = "someone-else" if mode == "stranger" else shop.account_id
    return Caller(account_id, "standard", None, mode == "test", frozenset(ALL_SCOPES))


def order(client: TestClient, key: str | None = "k1", path: str = "/orders", **given: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    headers |= given.pop("headers", {})
    return client.post(path, json={"item": "tea"} | given, headers=headers)


def spent(shop: Shop) -> int:
    with shop.db.read() as tx:
        return 100 - shop.credits.balance(tx, shop.account_id).available


@pytest.mark.parametrize("path", ["/orders", "/tx"])
def test_the_second_request_gets_the_first_answer_and_does_nothing(
    client: TestClient, shop: Shop, path: str
) -> None:
    first, second = order(client, path=path), order(client, path=path)

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.content == second.content == b'{"number":1,"item":"tea"}'
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["content-type"] == first.headers["content-type"]
    assert spent(shop) == 1


@pytest.mark.parametrize("path", ["/orders", "/tx"])
def test_without_a_key_every_request_is_work(client: TestClient, shop: Shop, path: str) -> None:
    order(client, None, path)
    order(client, None, path)

    assert spent(shop) == 2


def test_defaults_and_spelling_of_the_body_do_not_matter(client: TestClient, shop: Shop) -> None:
    headers = {"Idempotency-Key": "k1", "content-type": "application/json"}
    first = client.post("/orders", content='{"item": "tea"}', headers=headers)
    second = client.post(
        "/orders", content='{ "count":1, "unknown":true, "item":"tea"}', headers=headers
    )

    assert first.content == second.content
    assert spent(shop) == 1


@pytest.mark.parametrize("path", ["/orders", "/tx"])
def test_another_body_with_the_same_key_is_refused(
    client: TestClient, shop: Shop, path: str
) -> None:
    order(client, path=path)
    answer = order(client, path=path, item="coffee")

    assert answer.status_code == 409
    assert answer.json()["code"] == "idempotency_key_reused"
    assert spent(shop) == 1


def test_another_path_parameter_or_query_with_the_same_key_is_refused(client: TestClient) -> None:
    order(client, path="/orders/left")

    for path in ("/orders/right", "/orders/left?fast=1"):
        assert order(client, path=path).json()["code"] == "idempotency_key_reused"


def test_routes_accounts_and_test_keys_have_keys_of_their_own(
    client: TestClient, shop: Shop
) -> None:
    order(client)
    order(client, path="/parcels")
    order(client, headers={"x-caller": "test"})
    order(client, headers={"x-caller": "stranger"})
    assert len(shop.orders) == 4

    replay = order(client, headers={"x-caller": "test"})
    assert replay.headers["Idempotent-Replayed"] == "true"
    assert replay.json()["number"] == 3


@pytest.mark.parametrize("key", [b"", b"x" * 256, b"caf\xe9", b"tab\there"])
def test_a_key_that_is_empty_too_long_or_not_printable_is_a_bad_request(
    client: TestClient, shop: Shop, key: bytes
) -> None:
    answer = client.post("/orders", json={"item": "tea"}, headers={b"Idempotency-Key": key})

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_idempotency_key"
    assert spent(shop) == 0


def test_two_keys_at_once_are_a_bad_request(client: TestClient) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]

    assert client.post("/orders", json={"item": "tea"}, headers=headers).status_code == 400


def test_a_key_of_255_characters_works(client: TestClient) -> None:
    assert order(client, "~" * 255).status_code == 200


@pytest.mark.parametrize("path", ["/orders", "/tx"])
@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (UpstreamFailed("The oven is cold."), 502),
        (InsufficientCredits("Not enough."), 402),
        (ZeroDivisionError(), 500),
    ],
)
def test_a_failed_request_leaves_its_key_free_for_another_try(
    client: TestClient, shop: Shop, path: str, failure: Exception, status: int
) -> None:
    def fail() -> None:
        raise failure

    shop.before = fail
    assert order(client, path=path).status_code == status
    assert stored(shop.db) == 0

    shop.before = lambda: None
    retried = order(client, path=path)
    assert retried.status_code == 200
    assert "Idempotent-Replayed" not in retried.headers
    assert spent(shop) == 1


def test_an_invalid_body_stores_nothing(client: TestClient, shop: Shop) -> None:
    assert order(client, item=5).status_code == 400
    assert stored(shop.db) == 0
    assert order(client).status_code == 200


def test_an_answer_lives_for_24_hours(client: TestClient, clock: ManualClock, shop: Shop) -> None:
    order(client)
    clock.advance(DAY_S - 1)
    assert order(client).headers["Idempotent-Replayed"] == "true"
    clock.advance(1)
    assert "Idempotent-Replayed" not in order(client, item="other tea").headers
    assert spent(shop) == 2


def test_while_the_first_is_running_the_second_is_told_to_come_back(
    client: TestClient, shop: Shop
) -> None:
    answers: list[Any] = []
    shop.before = lambda: answers.append(order(client)) if not answers else None
    first = order(client)

    assert first.status_code == 200
    assert answers[0].status_code == 409
    assert answers[0].json()["code"] == "idempotency_in_flight"
    assert int(answers[0].headers["Retry-After"]) >= 1
    assert spent(shop) == 1


@pytest.mark.parametrize("path", ["/orders", "/tx"])
def test_fifty_requests_at_once_with_one_key_are_one_charge(
    client: TestClient, shop: Shop, path: str
) -> None:
    together = threading.Barrier(50)

    def send(_: int) -> Any:
        together.wait(20)
        return order(client, path=path)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(send, range(50)))

    done = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {answer.content for answer in done} == {b'{"number":1,"item":"tea"}'}
    assert sum("Idempotent-Replayed" not in answer.headers for answer in done) == 1
    assert all(answer.json()["code"] == "idempotency_in_flight" for answer in refused)
    assert spent(shop) == 1
    assert shop.orders == ["tea"]


def test_four_processes_that_claim_one_key_get_one_ticket(
    db: Database, idempotency: Idempotency
) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        won = pool.map(_claim, [db.url] * 16, chunksize=1)

    assert sum(won) == 1


def _claim(url: str) -> bool:
    database = Database(url)
    try:
        claimed = begin(Idempotency(database, SystemClock()))
    except Conflict as error:
        assert error.code == "idempotency_in_flight"
        return False
    finally:
        database.close()
    return isinstance(claimed, Ticket)


def begin(
    idempotency: Idempotency, body: bytes = b"upload", lease_s: float = 120
) -> Ticket | Replay:
    """As a streamed route does it: the body is the digest of what was sent."""
    caller = Caller("account", "standard", None, False, frozenset())
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/tts",
        "query_string": b"",
        "headers": [(b"idempotency-key", b"k1"), (b"host", b"test")],
        "scheme": "http",
        "server": ("test", 80),
    }
    return idempotency.begin(caller, Request(scope), body, lease_s=lease_s)


def ticket(claimed: Ticket | Replay) -> Ticket:
    assert isinstance(claimed, Ticket)
    return claimed


def refusal(idempotency: Idempotency) -> str:
    with pytest.raises(Conflict) as caught:
        begin(idempotency)
    return caught.value.code


def stored(db: Database) -> int:
    with db.read() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(requests)).scalar_one()


def test_a_dead_process_keeps_its_key_only_until_its_lease_ends(
    idempotency: Idempotency, clock: ManualClock
) -> None:
    begin(idempotency, lease_s=30)
    clock.advance(29)
    assert refusal(idempotency) == "idempotency_in_flight"
    clock.advance(1)
    assert isinstance(begin(idempotency), Ticket)


KILLED = """
import os, signal, sys
from tests.kernel.http.test_idempotency import begin
from charafy.kernel.clock import SystemClock
from charafy.kernel.db import Database
from charafy.kernel.http.idempotency import Idempotency

begin(Idempotency(Database(sys.argv[1]), SystemClock()), lease_s=30)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_request_whose_process_was_killed_can_be_tried_again_after_its_lease(
    db: Database, idempotency: Idempotency, clock: ManualClock
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, db.url],
        cwd=Path(__file__).parents[3],
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL

    # The lease was given in real time.
    clock.advance((SystemClock().now() - clock.now()).total_seconds())
    assert refusal(idempotency) == "idempotency_in_flight"
    clock.advance(31)
    assert isinstance(begin(idempotency), Ticket)


def test_long_work_renews_its_lease(idempotency: Idempotency, clock: ManualClock) -> None:
    mine = ticket(begin(idempotency, lease_s=30))
    clock.advance(29)
    assert idempotency.renew(mine, 30)
    clock.advance(29)
    assert refusal(idempotency) == "idempotency_in_flight"


def test_who_lost_the_lease_can_not_finish_what_another_took_over(
    idempotency: Idempotency, clock: ManualClock
) -> None:
    slow = ticket(begin(idempotency, lease_s=30))
    clock.advance(31)
    quick = ticket(begin(idempotency))

    assert not idempotency.renew(slow)
    assert not idempotency.finish(slow, 200, {}, body=b"slow")
    idempotency.abandon(slow)
    assert idempotency.finish(quick, 200, {"x-a": "b"}, body=b"quick")
    assert begin(idempotency) == Replay(200, {"x-a": "b"}, b"quick", None)


def test_an_answer_in_storage_is_replayed_by_its_key(idempotency: Idempotency) -> None:
    mine = ticket(begin(idempotency))
    idempotency.finish(mine, 200, {"content-type": "audio/mpeg"}, storage_key="replays/a.mp3")
    replay = begin(idempotency)

    assert isinstance(replay, Replay)
    assert replay.storage_key == "replays/a.mp3"
    answer = replay.response(b"sound")
    assert (answer.status_code, answer.body) == (200, b"sound")
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.headers["Idempotent-Replayed"] == "true"


def test_finishing_within_a_unit_of_work_is_undone_with_it(
    idempotency: Idempotency, db: Database
) -> None:
    mine = ticket(begin(idempotency))
    with pytest.raises(ZeroDivisionError), db.write() as tx:
        assert idempotency.finish(mine, 200, {}, body=b"done", tx=tx)
        raise ZeroDivisionError

    assert refusal(idempotency) == "idempotency_in_flight"


def test_abandoning_after_finishing_changes_nothing(idempotency: Idempotency) -> None:
    mine = ticket(begin(idempotency))
    idempotency.finish(mine, 200, {}, body=b"done")
    idempotency.abandon(mine)

    assert isinstance(begin(idempotency), Replay)


def test_the_sweeper_names_every_file_that_nobody_can_ask_for_again(
    idempotency: Idempotency, clock: ManualClock, db: Database
) -> None:
    idempotency.finish(ticket(begin(idempotency)), 200, {}, storage_key="replays/old.mp3")
    clock.advance(DAY_S)
    idempotency.finish(ticket(begin(idempotency)), 200, {}, storage_key="replays/new.mp3")

    assert idempotency.sweep() == ["replays/old.mp3"]
    assert stored(db) == 1
    assert isinstance(begin(idempotency), Replay)


def test_an_account_is_forgotten_with_its_files(idempotency: Idempotency, db: Database) -> None:
    idempotency.finish(ticket(begin(idempotency)), 200, {}, storage_key="replays/a.mp3")
    with db.write() as tx:
        assert idempotency.forget(tx, "someone-else") == []
        assert idempotency.forget(tx, "account") == ["replays/a.mp3"]

    assert stored(db) == 0


def test_the_key_itself_is_not_stored(client: TestClient, shop: Shop) -> None:
    order(client, "very-personal-key")

    with shop.db.read() as tx:
        [row] = tx.execute(sa.select(requests))
    assert row.account_id == shop.account_id
    assert "very-personal-key" not in repr(row)
