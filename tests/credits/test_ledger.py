"""The ledger moves credits exactly once and never below zero."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from charafy.credits.service import Balance, Credits, Entry, Hold, HoldEnded, Mismatch
from charafy.credits.tables import accounts, entries
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import CharafyError, Conflict, InsufficientCredits, NotFound
from charafy.kernel.ids import new_id
from charafy.kernel.observe import Metrics
from tests.support.clock import ManualClock


@pytest.fixture
def book(db: Database, credits: Credits, owner: str) -> Book:
    return Book(db, credits, owner)


class Book:
    """The ledger of one account, each call a unit of work of its own."""

    def __init__(self, db: Database, credits: Credits, owner: str) -> None:
        self.db, self.credits, self.owner = db, credits, owner

    def do(self, work: Callable[[Tx], Any]) -> Any:
        with self.db.write() as tx:
            return work(tx)

    def charge(self, amount: int, reference: str = "job") -> Entry:
        about = {"kind": "tts", "reference": reference, "description": "Speech"}
        entry = self.do(lambda tx: self.credits.charge(tx, self.owner, amount, **about))
        assert isinstance(entry, Entry)
        return entry

    def hold(self, amount: int, reference: str = "job", lease_s: float = 60) -> Hold:
        about: dict[str, Any] = {"kind": "tts", "reference": reference, "description": "Speech"}
        hold = self.do(
            lambda tx: self.credits.hold(tx, self.owner, amount, lease_s=lease_s, **about)
        )
        assert isinstance(hold, Hold)
        return hold

    def capture(self, hold: Hold, amount: int | None = None) -> Any:
        return self.do(lambda tx: self.credits.capture(tx, hold.id, amount))

    def release(self, hold: Hold) -> Any:
        return self.do(lambda tx: self.credits.release(tx, hold.id))

    def refund(self, reference: str) -> Any:
        return self.do(lambda tx: self.credits.refund(tx, reference, description="Work failed"))

    @property
    def balance(self) -> Balance:
        with self.db.read() as tx:
            return self.credits.balance(tx, self.owner)

    @property
    def amounts(self) -> list[int]:
        with self.db.read() as tx:
            return [entry.amount for entry in self.credits.recent(tx, self.owner)]

    @property
    def mismatches(self) -> list[Mismatch]:
        with self.db.read() as tx:
            return self.credits.audit(tx)


def test_a_charge_takes_credits_and_writes_an_entry(book: Book, clock: ManualClock) -> None:
    entry = book.charge(30)

    assert book.balance == Balance(total=70, held=0)
    assert (entry.amount, entry.kind, entry.reference) == (-30, "tts", "job")
    assert entry.created_at == clock.now()
    assert book.amounts == [-30, 100]


def test_the_last_credit_can_be_spent_and_no_more(book: Book) -> None:
    book.charge(100)
    with pytest.raises(InsufficientCredits, match=r"needs 1 credit and you have 0") as refused:
        book.charge(1, "more")

    assert refused.value.status == 402
    assert book.balance == Balance(0, 0)
    assert book.amounts == [-100, 100]


def test_a_refused_charge_leaves_nothing_even_if_its_caller_goes_on(book: Book) -> None:
    with book.db.write() as tx:
        for take in (book.credits.charge, book.credits.hold):
            lease: dict[str, Any] = {"lease_s": 60} if take == book.credits.hold else {}
            with pytest.raises(InsufficientCredits):
                take(tx, book.owner, 101, kind="tts", reference="r", description="x", **lease)

    assert book.balance == Balance(100, 0)
    assert book.mismatches == []
    assert book.charge(1, "r").amount == -1


def test_what_is_held_can_not_be_spent(book: Book) -> None:
    book.hold(60)

    assert book.balance == Balance(total=100, held=60)
    assert book.balance.available == 40
    for spend in (book.charge, book.hold):
        with pytest.raises(InsufficientCredits):
            spend(41, "other")
    assert book.charge(40, "other").amount == -40


def test_a_capture_takes_what_was_used_and_releases_the_rest(book: Book) -> None:
    hold = book.hold(60)

    assert book.capture(hold, 25) == 25
    assert book.balance == Balance(total=75, held=0)
    assert book.amounts == [-25, 100]


def test_a_capture_without_an_amount_takes_all_of_the_hold(book: Book) -> None:
    assert book.capture(book.hold(60)) == 60
    assert book.balance == Balance(total=40, held=0)


def test_a_second_capture_answers_the_first_and_takes_nothing(book: Book) -> None:
    hold = book.hold(60)
    book.capture(hold, 25)

    assert book.capture(hold, 60) == 25
    assert not book.release(hold)
    assert book.balance == Balance(total=75, held=0)


def test_capturing_nothing_frees_the_hold_without_an_entry(book: Book) -> None:
    assert book.capture(book.hold(60), 0) == 0
    assert book.balance == Balance(100, 0)
    assert book.amounts == [100]


def test_more_than_was_held_can_not_be_captured(book: Book) -> None:
    hold = book.hold(60)
    with pytest.raises(ValueError, match="more credits"):
        book.capture(hold, 61)

    assert book.balance == Balance(100, 60)


def test_a_release_gives_everything_back_once(book: Book) -> None:
    hold = book.hold(60)

    assert book.release(hold)
    assert not book.release(hold)
    assert book.balance == Balance(100, 0)
    with pytest.raises(HoldEnded):
        book.capture(hold)


def test_an_unknown_hold_is_neither_captured_nor_released(book: Book) -> None:
    stranger = Hold(new_id(), book.owner, 5, 0, "held", book.credits._clock.now())
    with pytest.raises(NotFound):
        book.capture(stranger)
    assert not book.release(stranger)


def test_the_same_reference_moves_credits_once(book: Book) -> None:
    assert book.charge(30) == book.charge(30)
    assert book.hold(20, "h") == book.hold(20, "h")

    assert book.balance == Balance(total=70, held=20)
    assert book.mismatches == []


def test_a_repeated_charge_is_answered_even_when_nothing_is_left(book: Book) -> None:
    first = book.charge(100)
    assert book.charge(100) == first

    held = book.do(lambda tx: book.credits.adjust(tx, book.owner, 10, reason="Gift"))
    assert held.amount == 10
    hold = book.hold(10, "h")
    assert book.hold(10, "h") == hold


@pytest.mark.parametrize("again", [31, 29])
def test_a_reference_never_stands_for_two_amounts(book: Book, again: int) -> None:
    book.charge(30)
    book.hold(30, "h")

    for repeat in (lambda: book.charge(again), lambda: book.hold(again, "h")):
        with pytest.raises(Conflict):
            repeat()
    assert book.balance == Balance(total=70, held=30)
    assert book.mismatches == []


def test_a_reference_belongs_to_one_account(book: Book, db: Database, credits: Credits) -> None:
    book.charge(30)
    with db.write() as tx:
        credits.open(tx, "other")
        about = {"kind": "grant", "description": "Gift"}
        credits.grant(tx, "other", 50, reference="gift", **about)
        with pytest.raises(Conflict):
            credits.charge(tx, "other", 30, reference="job", **about)
        assert credits.balance(tx, "other") == Balance(50, 0)


@pytest.mark.parametrize("end", [Book.capture, Book.release])
def test_an_ended_hold_is_not_opened_again(book: Book, end: Callable[..., Any]) -> None:
    end(book, book.hold(60))
    with pytest.raises(HoldEnded) as refused:
        book.hold(60)

    assert refused.value.code == "hold_ended"
    assert book.balance.held == 0


def test_a_refund_gives_back_what_an_entry_took_once(book: Book) -> None:
    book.charge(30)

    assert book.refund("job").amount == 30
    assert book.refund("job") == book.refund("job")
    assert book.balance == Balance(100, 0)
    assert book.amounts == [30, -30, 100]


def test_a_captured_hold_is_refunded_by_its_reference(book: Book) -> None:
    book.capture(book.hold(60, "video"), 45)
    book.refund("video")

    assert book.balance == Balance(100, 0)


def test_a_capture_and_its_refund_name_the_character_that_the_hold_was_for(book: Book) -> None:
    mia = new_id()
    about: dict[str, Any] = {"kind": "video", "reference": "film", "description": "Video"}
    hold = book.do(
        lambda tx: book.credits.hold(tx, book.owner, 9, lease_s=60, character_id=mia, **about)
    )
    book.capture(hold, 4)
    refund = book.do(lambda tx: book.credits.refund(tx, "film", description="Back"))
    assert refund.character_id == mia
    newest = book.do(lambda tx: book.credits.recent(tx, book.owner))
    assert [(one.amount, one.character_id) for one in newest] == [(4, mia), (-4, mia), (100, None)]


def test_what_took_nothing_is_not_refunded(book: Book) -> None:
    assert book.refund("never charged") is None
    assert book.refund("start") is None
    assert book.balance == Balance(100, 0)


def test_zero_is_allowed_everywhere_and_leaves_no_trace(book: Book) -> None:
    hold = book.hold(0)
    assert book.charge(0).amount == 0
    assert book.capture(hold) == 0
    assert not book.release(hold)
    book.do(lambda tx: book.credits.renew(tx, hold.id, 60))
    book.do(lambda tx: book.credits.adjust(tx, book.owner, 0, reason="Nothing"))

    assert book.amounts == [100]
    assert book.charge(1).amount == -1, "the reference is still free"


@pytest.mark.parametrize("method", ["grant", "charge"])
def test_a_negative_amount_is_a_programming_error(book: Book, method: str) -> None:
    move = getattr(book.credits, method)
    with pytest.raises(ValueError, match="never negative"), book.db.write() as tx:
        move(tx, book.owner, -1, kind="x", reference="x", description="x")


def test_the_operator_gives_and_takes_with_a_reason(book: Book) -> None:
    def adjust(amount: int) -> Any:
        return book.do(lambda tx: book.credits.adjust(tx, book.owner, amount, reason="Sorry!"))

    assert (adjust(50).kind, adjust(-120).kind) == ("grant", "adjustment")
    assert book.balance == Balance(30, 0)
    with pytest.raises(InsufficientCredits):
        adjust(-31)


def test_an_account_that_was_never_opened_is_not_found(db: Database, credits: Credits) -> None:
    about = {"kind": "tts", "reference": "r", "description": "x"}
    with db.write() as tx:
        for attempt in (
            lambda: credits.balance(tx, "nobody"),
            lambda: credits.grant(tx, "nobody", 1, **about),
            lambda: credits.charge(tx, "nobody", 1, **about),
            lambda: credits.hold(tx, "nobody", 1, lease_s=1, **about),
        ):
            with pytest.raises(NotFound):
                attempt()


def test_opening_twice_keeps_the_balance(book: Book) -> None:
    book.do(lambda tx: book.credits.open(tx, book.owner))

    assert book.balance == Balance(100, 0)


def test_a_hold_whose_lease_ended_is_released_by_the_sweeper(
    book: Book, clock: ManualClock
) -> None:
    lost = book.hold(60, lease_s=30)
    book.hold(10, "alive", lease_s=120)
    clock.advance(29)
    assert book.credits.release_expired() == 0
    clock.advance(1)
    assert book.credits.release_expired() == 1
    assert book.credits.release_expired() == 0

    assert book.balance == Balance(total=100, held=10)
    with pytest.raises(HoldEnded):
        book.capture(lost)


def test_a_worker_that_renews_keeps_its_hold(book: Book, clock: ManualClock) -> None:
    hold = book.hold(60, lease_s=30)
    for _ in range(5):
        clock.advance(29)
        book.do(lambda tx: book.credits.renew(tx, hold.id, 30))
        assert book.credits.release_expired() == 0

    assert book.capture(hold) == 60


def test_a_hold_that_is_over_can_not_be_renewed(book: Book) -> None:
    hold = book.hold(60)
    book.release(hold)
    with pytest.raises(HoldEnded):
        book.do(lambda tx: book.credits.renew(tx, hold.id, 30))


def test_a_worker_that_renews_while_the_sweeper_looks_keeps_its_hold(
    book: Book, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = book.hold(60, lease_s=30)
    clock.advance(31)
    look = book.db.read

    @contextmanager
    def look_then_renew() -> Iterator[Tx]:
        with look() as tx:
            yield tx
        book.do(lambda tx: book.credits.renew(tx, hold.id, 30))

    monkeypatch.setattr(book.db, "read", look_then_renew)
    assert book.credits.release_expired() == 0
    monkeypatch.undo()

    assert book.balance.held == 60


def test_work_that_ends_after_its_lease_but_before_the_sweeper_is_paid(
    book: Book, clock: ManualClock
) -> None:
    hold = book.hold(60, lease_s=30)
    clock.advance(31)

    assert book.capture(hold) == 60
    assert book.credits.release_expired() == 0


def test_the_sweeper_clears_more_than_one_batch(
    book: Book, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charafy.credits.service.SWEEP_BATCH", 3)
    for number in range(10):
        book.hold(1, f"h{number}", lease_s=1)
    clock.advance(2)

    assert book.credits.release_expired() == 10
    assert book.balance == Balance(100, 0)


def test_a_unit_of_work_that_fails_moves_nothing(book: Book) -> None:
    with pytest.raises(ZeroDivisionError), book.db.write() as tx:
        book.credits.charge(tx, book.owner, 5, kind="x", reference="x", description="x")
        raise ZeroDivisionError

    assert book.balance == Balance(100, 0)
    assert book.amounts == [100]


def test_entries_are_listed_newest_first_page_by_page(book: Book) -> None:
    for number in range(7):
        book.charge(1, f"j{number}")
    with book.db.read() as tx:
        first = book.credits.recent(tx, book.owner, 5)
        rest = book.credits.older(tx, book.owner, first[-1].id, 5)
        nothing = book.credits.older(tx, "someone else", first[-1].id, 5)

    assert [entry.reference for entry in first + rest] == [
        "j6", "j5", "j4", "j3", "j2", "j1", "j0", "start",
    ]  # fmt: skip
    assert nothing == []


@pytest.mark.parametrize(
    "statement",
    [
        sa.update(entries).values(amount=1_000),
        sa.update(entries).values(description="Nothing to see here"),
        sa.delete(entries),
    ],
)
def test_the_database_refuses_to_rewrite_history(book: Book, statement: Any) -> None:
    with pytest.raises(sa.exc.DatabaseError, match="append-only"), book.db.write() as tx:
        tx.execute(statement)

    assert book.amounts == [100]


@pytest.mark.parametrize("values", [{"balance": -1}, {"held": 101}, {"held": -1}])
def test_the_database_refuses_impossible_sums(book: Book, values: dict[str, int]) -> None:
    with pytest.raises(sa.exc.IntegrityError), book.db.write() as tx:
        tx.execute(sa.update(accounts).values(**values))


def test_the_audit_finds_sums_that_differ_from_their_rows(book: Book) -> None:
    book.hold(10)
    assert book.mismatches == []
    book.do(lambda tx: tx.execute(sa.update(accounts).values(balance=90, held=5)))

    assert book.mismatches == [Mismatch(book.owner, 90, 100, 5, 10)]


def test_the_audit_finds_entries_without_an_account(book: Book) -> None:
    book.do(lambda tx: tx.execute(sa.delete(accounts)))

    assert book.mismatches == [Mismatch(book.owner, 0, 100, 0, 0)]


def test_a_closed_account_keeps_its_books_and_takes_no_more(book: Book) -> None:
    hold = book.hold(60)
    book.do(lambda tx: book.credits.close(tx, book.owner))

    assert book.amounts == [-100, 100]
    assert book.mismatches == []
    for attempt in (lambda: book.charge(1, "late"), lambda: book.capture(hold)):
        with pytest.raises(CharafyError):
            attempt()


def test_what_is_captured_is_counted_by_kind(book: Book, metrics: Metrics) -> None:
    book.charge(30)
    book.capture(book.hold(20, "h"), 12)
    book.hold(20, "h2")

    sample = metrics.registry.get_sample_value
    assert sample("charafy_credits_total", {"kind": "tts"}) == 42
    assert sample("charafy_credits_total", {"kind": "grant"}) == 100


def test_what_is_held_is_counted_with_how_the_hold_ended(book: Book, metrics: Metrics) -> None:
    book.capture(book.hold(20, "h"), 12)
    book.release(book.hold(30, "h2"))
    book.hold(5, "h3")

    held = {
        outcome: metrics.registry.get_sample_value(
            "charafy_credit_holds_total", {"outcome": outcome}
        )
        for outcome in ("held", "captured", "released")
    }
    assert held == {"held": 55, "captured": 12, "released": 38}


def test_credits_are_counted_only_when_they_have_moved(book: Book, metrics: Metrics) -> None:
    def change_of_mind(tx: Tx) -> None:
        about = {"kind": "gift", "reference": "gift", "description": "Gift"}
        book.credits.grant(tx, book.owner, 10, **about)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        book.do(change_of_mind)

    assert metrics.registry.get_sample_value("charafy_credits_total", {"kind": "gift"}) is None
