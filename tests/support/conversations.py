"""A customer who talks, and the eyes to see what became of it."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from fastapi.testclient import TestClient

from charafy.conversations import queries
from charafy.conversations.models import Conversation
from charafy.credits.service import Entry
from charafy.house import House
from charafy.webhooks.tables import events
from tests.support.videos import API, Customer


def ask(client: TestClient, who: Customer, *, test: bool = False, **more: Any) -> Any:
    """POST /v1/conversation/token, by voice unless said otherwise."""
    body = {"character_id": who.character_id, "mode": "audio-only", **more}
    headers = {"x-api-key": who.test_key if test else who.key}
    return client.post(f"{API}/conversation/token", json=body, headers=headers)


def asked(client: TestClient, who: Customer, *, test: bool = False, **more: Any) -> Any:
    """What a successful `ask` answers."""
    answer = ask(client, who, test=test, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def row(house: House, conversation_id: str) -> Conversation:
    with house.db.read() as tx:
        found = queries.find(tx, conversation_id)
    assert found is not None
    return found


def spent(house: House, who: Customer) -> list[Entry]:
    with house.db.read() as tx:
        entries = house.credits.recent(tx, who.account_id)
    return [entry for entry in entries if entry.kind == "conversation"]


def listen(house: House, who: Customer) -> None:
    """Have the customer's webhooks told of endings."""
    with house.db.write() as tx:
        house.webhooks.add(
            tx, who.account_id, "https://example.com/hook", events=("conversation.ended",)
        )


def told(house: House) -> list[dict[str, Any]]:
    """What webhooks were told, in order."""
    with house.db.read() as tx:
        rows = tx.execute(sa.select(events).order_by(events.c.created_at)).mappings().all()
    found = [json.loads(event["body"]) for event in rows]
    assert {event["type"] for event in found} <= {"conversation.ended"}
    return [event["data"] for event in found]
