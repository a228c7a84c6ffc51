"""Endpoints over HTTP: secrets shown once, limits, bad input, strangers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from charafy.house import House
from charafy.kernel.settings import Settings
from charafy.webhooks.deliverer import Deliverer
from charafy.webhooks.models import MAX_OLD_SECRETS
from tests.support.clock import ManualClock
from tests.support.neighbours import Customer
from tests.support.stored import stored
from tests.support.webhooks import Receiver
from tests.webhooks.conftest import Emit

URL = "https://example.com/hook"
NOBODY = "00000000-0000-4000-8000-000000000000"
FIELDS = [
    "endpoint_id",
    "url",
    "events",
    "description",
    "enabled",
    "disabled_reason",
    "disabled_at",
    "old_secret_until",
    "created_at",
    "updated_at",
]


def create(customer: Customer, **fields: Any) -> Any:
    answer = customer.post("/webhooks", {"url": URL, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(answer: Any, status: int) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_new_endpoint_is_told_of_everything_and_its_secret_is_shown_this_once(
    alice: Customer,
) -> None:
    answer = alice.post("/webhooks", {"url": URL})
    made = answer.json()
    assert list(made) == [*FIELDS, "secret"]
    assert made["secret"].startswith("whsec_")
    assert answer.headers["cache-control"] == "no-store"
    assert (made["events"], made["enabled"], made["disabled_reason"]) == (None, True, None)
    path = f"/webhooks/{made['endpoint_id']}"
    for other in (alice.get(path), alice.get("/webhooks"), alice.patch(path, {})):
        assert "whsec_" not in other.text
        assert made["secret"][6:] not in other.text
    assert list(alice.get(path).json()) == FIELDS


def test_nothing_that_is_kept_and_nothing_in_the_log_holds_the_secret(
    alice: Customer, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    made = create(alice)
    rotated = alice.post(f"/webhooks/{made['endpoint_id']}/rotate").json()
    said = capsys.readouterr()
    kept = stored(house.db, house.settings.home)
    assert any(URL.encode() in data for data in kept)
    for secret in (made["secret"], rotated["secret"]):
        text = secret.removeprefix("whsec_")
        assert text not in said.out + said.err
        assert not any(text.encode() in data for data in kept)


def test_a_replay_gives_the_same_endpoint_without_its_secret(alice: Customer) -> None:
    headers = {"Idempotency-Key": "one"}
    first = alice.post("/webhooks", {"url": URL}, headers=headers)
    again = alice.post("/webhooks", {"url": URL}, headers=headers)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == {**first.json(), "secret": None}
    assert len(alice.get("/webhooks").json()["endpoints"]) == 1
    other = alice.post("/webhooks", {"url": URL + "2"}, headers=headers)
    assert refusal(other, 409)["code"] == "idempotency_key_reused"


def test_a_replayed_rotation_rotates_once(alice: Customer) -> None:
    path = f"/webhooks/{create(alice)['endpoint_id']}/rotate"
    first, again = (alice.post(path, headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert first.json()["secret"]
    assert again.json()["secret"] is None
    assert alice.post(path).json()["secret"] != first.json()["secret"]


def test_a_replayed_test_and_a_replayed_redelivery_send_once(
    alice: Customer, endpoint: dict[str, Any], receiver: Receiver, deliverer: Deliverer
) -> None:
    path = f"/webhooks/{endpoint['endpoint_id']}/test"
    sent = [alice.post(path, headers={"Idempotency-Key": "a"}).json() for _ in range(2)]
    assert sent[0] == sent[1]
    assert deliverer.run_once() == 1
    again = f"/webhooks/deliveries/{sent[0]['delivery_id']}/redeliver"
    assert alice.post(again, headers={"Idempotency-Key": "b"}).status_code == 200
    assert deliverer.run_once() == 1
    assert alice.post(again, headers={"Idempotency-Key": "b"}).status_code == 200
    assert deliverer.run_once() == 0


def test_an_old_secret_never_stops_before_its_time(alice: Customer, clock: ManualClock) -> None:
    path = f"/webhooks/{create(alice)['endpoint_id']}/rotate"
    for _ in range(MAX_OLD_SECRETS):
        assert alice.post(path).status_code == 200
        clock.advance(60)
    assert refusal(alice.post(path), 409)["code"] == "too_many_secrets"
    clock.advance(24 * 3600)
    assert alice.post(path).status_code == 200


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/hook", "must start with https://"),
        ("ftp://example.com/", "must start with http"),
        ("example.com", "must start with http"),
        ("https://", "must start with http"),
        ("https://example.com:8443/", "must use port"),
        ("https://user:pass@example.com/", "must not contain a user name"),
        ("https://127.0.0.1/", "not on the public Internet"),
        ("https://[::1]/", "not on the public Internet"),
        ("https://169.254.169.254/latest/meta-data/", "not on the public Internet"),
        ("http://127.0.0.1:1/", "must use port"),
        ("https://exa\nmple.com/", "is not a valid URL"),
        ("https://[1::2::3]/", "is not a valid URL"),
    ],
)
def test_a_url_that_events_are_never_sent_to_is_refused(
    alice: Customer, url: str, why: str
) -> None:
    made = create(alice)
    for answer in (
        alice.post("/webhooks", {"url": url}),
        alice.patch(f"/webhooks/{made['endpoint_id']}", {"url": url}),
    ):
        error = refusal(answer, 400)
        assert (error["code"], error["param"]) == ("url_refused", "url")
        assert why in error["error"]
        assert "pass@" not in error["error"]
    assert alice.get(f"/webhooks/{made['endpoint_id']}").json()["url"] == URL


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"url": ""}, "url"),
        ({"url": 5}, "url"),
        ({"url": None}, "url"),
        ({"url": "https://example.com/" + "a" * 2048}, "url"),
        ({"events": []}, "events"),
        ({"events": ["video.exploded"]}, "events.0"),
        ({"events": ["webhook.test"]}, "events.0"),
        ({"events": "video.completed"}, "events"),
        ({"description": "x" * 201}, "description"),
        ({"description": "a\nb"}, "description"),
    ],
)
def test_bad_input_names_its_field(alice: Customer, fields: dict[str, Any], param: str) -> None:
    made = create(alice)
    path = f"/webhooks/{made['endpoint_id']}"
    assert refusal(alice.post("/webhooks", {"url": URL, **fields}), 400)["param"] == param
    assert refusal(alice.patch(path, fields), 400)["param"] == param
    assert refusal(alice.patch(path, {"enabled": "yes"}), 400)["param"] == "enabled"


def test_a_change_changes_only_what_it_sends(alice: Customer) -> None:
    made = create(alice, events=["video.failed", "video.failed"], description=" Production ")
    assert (made["events"], made["description"]) == (["video.failed"], "Production")
    path = f"/webhooks/{made['endpoint_id']}"
    assert alice.patch(path, {"description": "さくら"}).json()["events"] == ["video.failed"]
    assert alice.patch(path, {"events": None}).json()["events"] is None
    assert alice.patch(path, {"url": URL + "/2"}).json()["url"] == URL + "/2"
    shown = alice.get(path).json()
    assert shown["description"] == "さくら"
    assert shown["enabled"] is True


def test_disabling_cancels_what_waits_and_enabling_does_not_make_up_for_it(
    alice: Customer, endpoint: dict[str, Any], receiver: Receiver, emit: Emit, deliverer: Deliverer
) -> None:
    path = f"/webhooks/{endpoint['endpoint_id']}"
    emit()
    off = alice.patch(path, {"enabled": False}).json()
    assert (off["enabled"], off["disabled_reason"]) == (False, "owner")
    emit()
    delivery = alice.get(f"{path}/deliveries").json()["deliveries"][0]
    assert delivery["status"] == "cancelled"
    again = f"/webhooks/deliveries/{delivery['delivery_id']}/redeliver"
    for send in (f"{path}/test", again):
        assert refusal(alice.post(send), 409)["code"] == "disabled"
    on = alice.patch(path, {"enabled": True}).json()
    assert (on["enabled"], on["disabled_reason"], on["disabled_at"]) == (True, None, None)
    assert deliverer.run_once() == 0
    assert alice.post(again).status_code == 200
    assert deliverer.run_once() == 1


def test_a_deleted_endpoint_is_gone_with_what_waits_for_it(
    alice: Customer, endpoint: dict[str, Any], receiver: Receiver, emit: Emit, deliverer: Deliverer
) -> None:
    path = f"/webhooks/{endpoint['endpoint_id']}"
    emit()
    assert alice.delete(path).json() == {"endpoint_id": endpoint["endpoint_id"], "deleted": True}
    assert deliverer.run_once() == 0
    for answer in (alice.get(path), alice.delete(path), alice.get(f"{path}/deliveries")):
        refusal(answer, 404)


def test_ten_endpoints_are_the_most(alice: Customer, bob: Customer) -> None:
    for _ in range(10):
        create(alice)
    assert refusal(alice.post("/webhooks", {"url": URL}), 403)["code"] == "webhook_limit_reached"
    create(bob)


def test_lists_come_page_by_page_newest_first(
    alice: Customer, endpoint: dict[str, Any], emit: Emit, clock: ManualClock
) -> None:
    ids = [endpoint["endpoint_id"]]
    for _ in range(4):
        clock.advance(1)
        ids.append(create(alice)["endpoint_id"])
        emit("video.completed")
    log = f"/webhooks/{endpoint['endpoint_id']}/deliveries"
    made = {d["delivery_id"] for d in alice.get(log).json()["deliveries"]}
    assert len(made) == 4
    pages = list(walk(alice, "/webhooks", "endpoints"))
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [e["endpoint_id"] for page in pages for e in page] == ids[::-1]
    pages = list(walk(alice, log, "deliveries"))
    assert [len(page) for page in pages] == [2, 2]
    assert {d["delivery_id"] for page in pages for d in page} == made
    for path in ("/webhooks", log):
        for wrong in ("cursor=nonsense", "limit=0", "limit=101"):
            refusal(alice.get(f"{path}?{wrong}"), 400)


def walk(customer: Customer, path: str, name: str) -> Iterator[list[Any]]:
    cursor: str | None = ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        answer = customer.get(f"{path}?limit=2{more}").json()
        yield answer[name]
        cursor = answer["next_cursor"]


def test_strangers_and_nobodies_get_the_same_404(
    alice: Customer, bob: Customer, endpoint: dict[str, Any], emit: Emit
) -> None:
    emit()
    mine = endpoint["endpoint_id"]
    log = alice.get(f"/webhooks/{mine}/deliveries").json()["deliveries"]
    for theirs, delivery in ((mine, log[0]["delivery_id"]), (NOBODY, NOBODY), ("x", "%00")):
        for answer in (
            bob.get(f"/webhooks/{theirs}"),
            bob.patch(f"/webhooks/{theirs}", {"enabled": False}),
            bob.delete(f"/webhooks/{theirs}"),
            bob.post(f"/webhooks/{theirs}/rotate"),
            bob.post(f"/webhooks/{theirs}/test"),
            bob.get(f"/webhooks/{theirs}/deliveries"),
            bob.post(f"/webhooks/deliveries/{delivery}/redeliver"),
        ):
            assert refusal(answer, 404)["code"] == "not_found"
    assert bob.get("/webhooks").json() == {"endpoints": [], "next_cursor": None}
    assert alice.get(f"/webhooks/{mine}").json()["enabled"] is True


def test_a_key_needs_the_scopes(alice: Customer, house: House, endpoint: dict[str, Any]) -> None:
    path = f"/webhooks/{endpoint['endpoint_id']}"
    key = house.keys.create(alice.account_id, "reader", scopes=["webhooks:read"]).key
    reader = Customer(alice.account_id, alice.http, key)
    for answer in (reader.get("/webhooks"), reader.get(path), reader.get(f"{path}/deliveries")):
        assert answer.status_code == 200
    for answer in (
        reader.post("/webhooks", {"url": URL}),
        reader.patch(path, {}),
        reader.delete(path),
        reader.post(f"{path}/rotate"),
        reader.post(f"{path}/test"),
        reader.post(f"/webhooks/deliveries/{NOBODY}/redeliver"),
    ):
        assert refusal(answer, 403)["code"] == "missing_scope"


def test_tests_and_redeliveries_are_limited_by_the_minute(
    alice: Customer, endpoint: dict[str, Any]
) -> None:
    path = f"/webhooks/{endpoint['endpoint_id']}/test"
    statuses = [alice.post(path).status_code for _ in range(31)]
    assert statuses == [200] * 30 + [429]


def test_plain_http_and_private_addresses_are_for_hosts_that_the_operator_names(
    alice: Customer, receiver: Receiver, settings: Settings
) -> None:
    assert receiver.host in settings.webhook_allowed_hosts
    create(alice, url=receiver.url)
    elsewhere = receiver.url.replace(str(receiver.port), str(receiver.port ^ 1))
    refusal(alice.post("/webhooks", {"url": elsewhere}), 400)
