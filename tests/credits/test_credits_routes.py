"""`GET /credits` as in the contract, and every transaction page by page."""

from __future__ import annotations

import re
from typing import Any

import pytest

from charafy.credits.service import Credits
from charafy.kernel.db import Database
from charafy.kernel.ids import new_id


@pytest.fixture
def moved(db: Database, credits: Credits, owner: str) -> None:
    """60 charges of one credit, and 7 credits held."""
    about: dict[str, Any] = {"kind": "tts", "description": "Speech"}
    with db.write() as tx:
        for number in range(60):
            credits.charge(tx, owner, 1, reference=f"tts:{number}", **about)
        credits.hold(tx, owner, 7, reference="tts:held", lease_s=60, **about)


def test_the_answer_is_the_contracts(api: Any) -> None:
    answer = api.get("/credits")

    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["credits_remaining", "transactions", "credits_held"]
    assert body["credits_remaining"] == 100
    [grant] = body["transactions"]
    assert list(grant)[:5] == ["id", "amount", "type", "description", "created_at"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", grant["id"])
    assert grant | {"id": ""} == {
        "id": "",
        "amount": 100,
        "type": "grant",
        "description": "Start",
        "created_at": "2026-01-01T00:00:00Z",
        "reference": "start",
        "character_id": None,
    }


@pytest.mark.usefixtures("moved")
def test_the_last_fifty_transactions_come_newest_first(api: Any) -> None:
    body = api.get("/credits").json()

    assert [item["reference"] for item in body["transactions"]] == [
        f"tts:{number}" for number in range(59, 9, -1)
    ]
    assert (body["credits_remaining"], body["credits_held"]) == (33, 7)


@pytest.mark.usefixtures("moved")
@pytest.mark.parametrize("limit", [1, 7, 61, 200])
def test_pages_cover_every_transaction_once(api: Any, limit: int) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = api.get(f"/credits/transactions?limit={limit}{cursor}").json()
        assert 1 <= len(page["transactions"]) <= limit
        seen += [item["reference"] for item in page["transactions"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert seen == [*(f"tts:{number}" for number in range(59, -1, -1)), "start"]


def test_transactions_of_one_character_come_alone_page_by_page(
    api: Any, db: Database, credits: Credits, owner: str
) -> None:
    mia, ken = new_id(), new_id()
    about: dict[str, Any] = {"kind": "tts", "description": "Speech"}
    with db.write() as tx:
        for number, character_id in enumerate((mia, ken, mia, None, mia)):
            reference = f"tts:{number}"
            credits.charge(tx, owner, 1, reference=reference, character_id=character_id, **about)

    first = api.get(f"/credits/transactions?limit=2&character_id={mia}").json()
    rest = f"limit=2&character_id={mia.upper()}&cursor={first['next_cursor']}"
    second = api.get(f"/credits/transactions?{rest}").json()

    found = first["transactions"] + second["transactions"]
    assert [item["reference"] for item in found] == ["tts:4", "tts:2", "tts:0"]
    assert {item["character_id"] for item in found} == {mia}
    assert second["next_cursor"] is None
    assert api.get(f"/credits/transactions?character_id={new_id()}").json() == {
        "transactions": [],
        "next_cursor": None,
    }


def test_a_character_whose_name_no_database_keeps_has_none(api: Any) -> None:
    page = api.get("/credits/transactions?character_id=a%00b")
    assert (page.status_code, page.json()["transactions"]) == (200, [])


def test_a_strangers_cursor_and_an_unknown_one_lead_nowhere(api: Any) -> None:
    mine = api.get("/credits").json()["transactions"][0]["id"]

    for key, cursor in (("stranger", mine), ("live", "unknown")):
        page = api.get(f"/credits/transactions?cursor={cursor}", key).json()
        assert page == {"transactions": [], "next_cursor": None}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", f"cursor={'x' * 65}", f"character_id={'x' * 65}"]
)
def test_a_bad_page_is_a_bad_request(api: Any, query: str) -> None:
    assert api.get(f"/credits/transactions?{query}").status_code == 400


@pytest.mark.parametrize("path", ["/credits", "/credits/transactions"])
def test_only_the_owner_sees_them(api: Any, path: str) -> None:
    assert api.get(path, "stranger").json()["transactions"] == []
    assert api.get(path, "wrong").status_code == 401
    assert api.get(path, "readonly").status_code == 200
