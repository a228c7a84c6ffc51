"""The ledger as its owner reads it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from charafy.credits.service import NOBODY, Books, Credits, Spent
from charafy.kernel.db import Database
from charafy.kernel.ids import new_id
from tests.support.clock import ManualClock


@pytest.fixture
def books(db: Database) -> Books:
    return Books(db)


MIA = new_id()


def spend(
    db: Database,
    credits: Credits,
    owner: str,
    amount: int,
    kind: str = "tts",
    *,
    character_id: str | None = None,
) -> None:
    about = {"kind": kind, "reference": f"{kind}:{new_id()}", "description": "Work"}
    with db.write() as tx:
        credits.charge(tx, owner, amount, character_id=character_id, **about)


def test_every_line_says_what_was_left_after_it(
    books: Books, db: Database, credits: Credits, owner: str
) -> None:
    for amount in (10, 5, 1):
        spend(db, credits, owner, amount)
    lines, more = books.lines(owner, 10)
    assert [(line.entry.amount, line.balance) for line in lines] == [
        (-1, 84),
        (-5, 85),
        (-10, 90),
        (100, 100),
    ]
    assert more is None


def test_balances_go_on_over_the_pages(
    books: Books, db: Database, credits: Credits, owner: str
) -> None:
    for amount in range(1, 8):
        spend(db, credits, owner, amount)
    balances, before = [], None
    for _ in range(3):
        page, before = books.lines(owner, 3, before=before)
        balances += [line.balance for line in page]
    assert balances == [72, 79, 85, 90, 94, 97, 99, 100]
    assert before is None


def test_lines_of_one_character_say_what_the_account_had_after_them(
    books: Books, db: Database, credits: Credits, owner: str
) -> None:
    for amount, whose in ((1, MIA), (2, None), (4, MIA), (8, new_id()), (16, MIA), (32, None)):
        spend(db, credits, owner, amount, character_id=whose)
    seen, before = [], None
    for _ in range(2):
        page, before = books.lines(owner, 2, before=before, character=MIA)
        seen += [(line.entry.amount, line.balance) for line in page]
    assert seen == [(-16, 69), (-4, 93), (-1, 99)]
    assert before is None
    whole = [(line.entry.amount, line.balance) for line in books.all_lines(owner, NOBODY)]
    assert whole == [(-32, 37), (-2, 97), (100, 100)]


def test_who_credits_went_into_is_known_by_id(
    books: Books, db: Database, credits: Credits, owner: str
) -> None:
    spend(db, credits, owner, 1)
    assert books.characters(owner) == set()
    spend(db, credits, owner, 1, character_id=MIA)
    assert books.characters(owner) == {MIA}
    assert books.characters(new_id()) == set()


@pytest.mark.parametrize("before", ["nonsense", "", "865bd0b6-73c0-469b-ab4d-e43db52919b3"])
def test_an_unknown_place_has_nothing_before_it(books: Books, owner: str, before: str) -> None:
    assert books.lines(owner, 3, before=before) == ([], None)


def test_nobody_reads_on_from_anothers_line(
    books: Books, db: Database, credits: Credits, owner: str
) -> None:
    (theirs,), _ = books.lines(owner, 1)
    other = new_id()
    with db.write() as tx:
        credits.open(tx, other)
        credits.grant(tx, other, 5, kind="grant", reference="other", description="Start")
    assert books.lines(other, 5, before=theirs.entry.id) == ([], None)


def test_all_lines_are_read_in_one_go(
    books: Books, db: Database, credits: Credits, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charafy.credits.books.AT_ONCE", 2)
    for _ in range(4):
        spend(db, credits, owner, 1)
    assert [line.balance for line in books.all_lines(owner)] == [96, 97, 98, 99, 100]


def test_only_what_is_still_set_aside_is_shown(
    books: Books, db: Database, credits: Credits, owner: str, clock: ManualClock
) -> None:
    with db.write() as tx:
        kept, taken, given_back = (
            credits.hold(
                tx,
                owner,
                amount,
                kind="video",
                reference=f"video:{amount}",
                description=f"Video {amount}",
                lease_s=60,
                character_id=MIA,
            )
            for amount in (20, 10, 5)
        )
        credits.capture(tx, taken.id)
        credits.release(tx, given_back.id)
    (hold,) = books.holds(owner)
    assert (hold.id, hold.amount, hold.description) == (kept.id, 20, "Video 20")
    assert hold.expires_at == clock.now() + timedelta(seconds=60)
    assert books.holds(owner, MIA) == [hold]
    assert books.holds(owner, NOBODY) == books.holds(owner, new_id()) == []


def test_work_is_summed_by_day_and_kind(
    books: Books, db: Database, credits: Credits, owner: str, clock: ManualClock
) -> None:
    start = clock.now()
    spend(db, credits, owner, 3)
    spend(db, credits, owner, 4)
    spend(db, credits, owner, 8, "avatar")
    clock.advance(86_400)
    spend(db, credits, owner, 5)
    first, second = start.date(), start.date() + timedelta(days=1)
    assert books.spent(owner, start) == [
        Spent(first, "avatar", 8, 1),
        Spent(first, "tts", 7, 2),
        Spent(second, "tts", 5, 1),
    ]
    assert books.spent(owner, start + timedelta(days=1)) == [Spent(second, "tts", 5, 1)]
    assert books.spent(new_id(), start) == []


def test_work_is_summed_by_character_as_well(
    books: Books, db: Database, credits: Credits, owner: str, clock: ManualClock
) -> None:
    today = clock.now().date()
    for amount, whose in ((1, None), (2, MIA), (4, MIA)):
        spend(db, credits, owner, amount, character_id=whose)
    spent = {one.character_id: one for one in books.spent(owner, clock.now())}
    assert spent == {
        None: Spent(today, "tts", 1, 1),
        MIA: Spent(today, "tts", 6, 2, MIA),
    }


def test_what_the_operator_took_back_is_no_work(
    books: Books, db: Database, credits: Credits, owner: str
) -> None:
    with db.write() as tx:
        credits.adjust(tx, owner, -30, reason="Granted by mistake")
    assert books.spent(owner, datetime(2020, 1, 1, tzinfo=UTC)) == []


def test_days_end_at_midnight_in_utc(
    books: Books, db: Database, credits: Credits, owner: str, clock: ManualClock
) -> None:
    now = clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    clock.advance((midnight - now).total_seconds() - 1)
    spend(db, credits, owner, 1)
    clock.advance(1)
    spend(db, credits, owner, 2)
    days: list[date] = [spent.day for spent in books.spent(owner, now)]
    assert days == [midnight.date() - timedelta(days=1), midnight.date()]
