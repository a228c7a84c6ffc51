"""One account, used from everywhere at once: whatever waits for whatever, no request breaks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any, Final

import pytest

from charafy.house import House
from tests.attacks.conftest import MakeHouse, client_of
from tests.support.neighbours import Customer

pytestmark = pytest.mark.slow

HANDS: Final = 4
DEEDS: Final = 40
"""Of each hand."""
NOBODY: Final = "00000000-0000-4000-8000-000000000000"
HOOK: Final = "https://example.com/hook"

Deed = Callable[[Customer, random.Random], Any]


def one_of(who: Customer, chance: random.Random, path: str, what: str) -> str:
    """The id of one of those that are there now, and may be gone in a moment."""
    [listed] = (those for those in who.get(path).json().values() if isinstance(those, list))
    return chance.choice([str(one[f"{what}_id"]) for one in listed] or [NOBODY])


def character(who: Customer, chance: random.Random) -> str:
    return one_of(who, chance, "/characters", "character")


def endpoint(who: Customer, chance: random.Random) -> str:
    return one_of(who, chance, "/webhooks", "endpoint")


def speaks(who: Customer, chance: random.Random) -> Any:
    return who.post("/tts", {"character_id": character(who, chance), "text": "Hello."})


def orders(who: Customer, chance: random.Random) -> Any:
    return who.post("/video", {"character_id": character(who, chance), "text": "Hello."})


def talks(who: Customer, chance: random.Random) -> Any:
    return who.post("/conversation/token", {"character_id": character(who, chance)})


def renames(who: Customer, chance: random.Random) -> Any:
    name = f"Mia {chance.random()}"
    return who.patch(f"/characters/{character(who, chance)}", {"name": name})


def embeds(who: Customer, chance: random.Random) -> Any:
    body = {"enabled": True, "origins": ["https://example.com"]}
    return who.put(f"/characters/{character(who, chance)}/embed", body)


def parts(who: Customer, chance: random.Random) -> Any:
    who.character()
    return who.delete(f"/characters/{character(who, chance)}")


def cancels(who: Customer, chance: random.Random) -> Any:
    return who.post(f"/video/{one_of(who, chance, '/videos', 'video')}/cancel")


def forgets(who: Customer, chance: random.Random) -> Any:
    path = one_of(who, chance, "/conversations", "conversation")
    return who.delete(f"/conversations/{path}")


def listens(who: Customer, chance: random.Random) -> Any:
    del chance
    return who.post("/webhooks", {"url": HOOK})


def rotates(who: Customer, chance: random.Random) -> Any:
    return who.post(f"/webhooks/{endpoint(who, chance)}/rotate")


def switches(who: Customer, chance: random.Random) -> Any:
    on = {"enabled": chance.random() < 0.5}
    return who.patch(f"/webhooks/{endpoint(who, chance)}", on)


def tries(who: Customer, chance: random.Random) -> Any:
    return who.post(f"/webhooks/{endpoint(who, chance)}/test")


def unhooks(who: Customer, chance: random.Random) -> Any:
    return who.delete(f"/webhooks/{endpoint(who, chance)}")


def looks(who: Customer, chance: random.Random) -> Any:
    return who.get(chance.choice(["/credits", "/credits/transactions", "/account", "/keys"]))


DEEDS_OF: Final[Mapping[str, Deed]] = MappingProxyType(
    {
        deed.__name__: deed
        for deed in (
            *(speaks, orders, talks, renames, embeds, parts, cancels, forgets),
            *(listens, rotates, switches, tries, unhooks, looks),
        )
    }
)
EXPECTED: Final = frozenset({200, 400, 402, 403, 404, 409, 429})
"""403: there are as many webhook endpoints as an account can have."""


def customer(house: House) -> Customer:
    account = house.accounts.create("alice@example.com", plan="owner", credits=5_000)
    key = house.keys.create(account.account_id, "first").key
    return Customer(account.account_id, client_of(house), key)


def test_no_request_breaks_over_what_others_do_at_the_same_moment(make_house: MakeHouse) -> None:
    house = make_house()
    who = customer(house)
    who.character()

    def do(hand: int) -> Counter[tuple[str, int]]:
        mine = Customer(who.account_id, client_of(house), who.key)
        chance, done = random.Random(hand), Counter[tuple[str, int]]()
        for _ in range(DEEDS):
            name = chance.choice(list(DEEDS_OF))
            done[name, DEEDS_OF[name](mine, chance).status_code] += 1
            if chance.random() < 0.1:
                house.credits.release_expired()
        return done

    with ThreadPoolExecutor(HANDS) as pool:
        done = sum(pool.map(do, range(HANDS)), Counter[tuple[str, int]]())

    assert {outcome for outcome in done if outcome[1] not in EXPECTED} == set()
    assert {name for name, status in done if status == 200} == DEEDS_OF.keys()
    with house.db.read() as tx:
        assert house.credits.audit(tx) == []
