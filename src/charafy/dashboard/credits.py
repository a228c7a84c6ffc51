"""The page of credits: what there is, what it went into, what is set aside, and getting more."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from charafy.credits.schemas import CheckoutAnswer, CheckoutBody
from charafy.credits.service import NOBODY, Balance, Spent
from charafy.dashboard.charts import NO_ONE, PLACES, Chart, by_character, usage_chart
from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.making import checked_number
from charafy.dashboard.watching import Watchers
from charafy.kernel.clock import iso
from charafy.kernel.errors import BadRequest, CharafyError

PERIODS: Final = (7, 30, 90)
"""Days."""
LINES_AT_ONCE: Final = 25
CHECKOUTS_PER_MINUTE: Final = 6
COLUMNS: Final = (
    "created_at",
    "type",
    "description",
    "amount",
    "balance",
    "reference",
    "id",
    "character_id",
    "character",
)
"""Of the CSV. Programs read it by now: more columns come behind these."""
STACKS: Final = ("kind", "character")

Text = Annotated[str, Form(max_length=100)]
Choice = Annotated[str, Query(max_length=36)]


@dataclass(frozen=True, slots=True)
class View:
    """What of the books is looked at, and how."""

    days: int = 30
    by: str = "kind"
    """One of `STACKS`."""
    character: str = ""
    """The id of one, `NOBODY`, or empty for all."""
    before: str = ""
    """The id of an entry: what the page's lines come before."""

    @property
    def only(self) -> str | None:
        return self.character or None

    def shows(self, spent: Spent) -> bool:
        return not self.character or (spent.character_id or NOBODY) == self.character


class Money:
    """The handlers of this page."""

    def __init__(self, door: Door, watchers: Watchers) -> None:
        self._door = door
        self._clock = watchers.clock
        self._db = watchers.db
        self._credits = watchers.credits
        self._books = watchers.books
        self._purchases = watchers.purchases
        self._idempotency = watchers.idempotency
        self._characters = watchers.characters

    def add_to(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/dashboard/credits")
        def show(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member)],
            *,
            days: Annotated[str, Query(max_length=3)] = "",
            by: Annotated[str, Query(max_length=10)] = "",
            character: Choice = "",
            before: Choice = "",
            purchase: Annotated[str, Query(max_length=10)] = "",
        ) -> Response:
            chosen = next((period for period in PERIODS if str(period) == days), 30)
            view = View(chosen, by if by in STACKS else "kind", character.lower(), before)
            return self._page(request, visitor, view, thanked=purchase == "done")

        @api.get("/dashboard/credits/ledger.csv")
        def ledger(
            visitor: Annotated[Visitor, Depends(door.member)], character: Choice = ""
        ) -> Response:
            name = f"charafy-credits-{self._clock.now():%Y-%m-%d}.csv"
            headers = {
                "content-disposition": f'attachment; filename="{name}"',
                "cache-control": "no-store",
            }
            lines = self._csv(visitor.member.account_id, character.lower() or None)
            return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)

        @api.get("/dashboard/credits/buy")
        def back() -> Response:
            return RedirectResponse("/dashboard/credits", 303)

        @api.post("/dashboard/credits/buy")
        def buy(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            pack: Text = "",
            form: Text = "",
        ) -> Response:
            """An order to look at; its link leads to where it is paid."""
            try:
                door.limit(request, "checkout", CHECKOUTS_PER_MINUTE, visitor.member.account_id)
                order = self._order(request, visitor, _whole(pack), checked_number(form))
            except CharafyError as error:
                return self._page(request, visitor, View(), error=error)
            return door.page(request, visitor, "order", order=order)

    def _order(
        self, request: Request, visitor: Visitor, credits: int, number: str
    ) -> CheckoutAnswer:
        """Sent again, the same form leads to the order it made."""
        caller = visitor.member.caller()

        def order() -> CheckoutAnswer:
            return CheckoutAnswer.of(self._purchases.checkout(caller, credits, None, None))

        body = CheckoutBody(credits=credits, success_url=None, cancel_url=None)
        answer = self._idempotency.run(caller, request, body, order, key=number)
        return CheckoutAnswer.model_validate_json(bytes(answer.body))

    def _page(
        self,
        request: Request,
        visitor: Visitor,
        view: View,
        *,
        thanked: bool = False,
        error: CharafyError | None = None,
    ) -> Response:
        account_id = visitor.member.account_id
        names = self._names(account_id)
        gone = sorted(self._books.characters(account_id) - names.keys())
        spent = self._spent(account_id, view.days)
        chart, whose = self._chart(spent, view)
        balance = self._balance(account_id)
        lines, more = self._books.lines(
            account_id, LINES_AT_ONCE, before=view.before or None, character=view.only
        )
        response = self._door.page(
            request,
            visitor,
            "credits",
            error.status if error else 200,
            said=self._door.words(request, error) if error else "",
            thanked=thanked,
            balance=balance,
            lasts=_lasts(balance, spent, view.days),
            chart=chart,
            whose=whose,
            view=view,
            periods=PERIODS,
            stacks=STACKS,
            names=names,
            gone=gone,
            nobody=NOBODY,
            holds=self._books.holds(account_id, view.only),
            lines=lines,
            more=more,
            packs=self._purchases.packs,
        )
        response.headers.update(error.headers if error else {})
        return response

    def _balance(self, account_id: str) -> Balance:
        with self._db.read() as tx:
            return self._credits.balance(tx, account_id)

    def _names(self, account_id: str) -> Mapping[str, str]:
        """By id, of the characters that there are."""
        return {one.character_id: one.name for one in self._characters.list(account_id)}

    def _spent(self, account_id: str, days: int) -> list[Spent]:
        now = self._clock.now()
        first = now.date() - timedelta(days=days - 1)
        return self._books.spent(account_id, datetime.combine(first, time.min, now.tzinfo))

    def _chart(self, spent: list[Spent], view: View) -> tuple[Chart, Mapping[str, str]]:
        """And whose the places in it are, when it is stacked by character."""
        today = self._clock.now().date()
        shown = [one for one in spent if view.shows(one)]
        if view.by == "kind":
            return usage_chart(shown, today, view.days), {}
        placed, whose = by_character(shown)
        return usage_chart(placed, today, view.days, (*PLACES, NO_ONE)), whose

    def _csv(self, account_id: str, character: str | None) -> Iterator[str]:
        names = self._names(account_id)
        yield _csv_line(COLUMNS)
        for line in self._books.all_lines(account_id, character):
            entry = line.entry
            yield _csv_line(
                (
                    iso(entry.created_at),
                    _text(entry.kind),
                    _text(entry.description),
                    entry.amount,
                    line.balance,
                    _text(entry.reference),
                    entry.id,
                    entry.character_id or "",
                    _text(names.get(entry.character_id or "", "")),
                )
            )


def _lasts(balance: Balance, spent: list[Spent], days: int) -> int | None:
    """Days until nothing is left if it goes on like this; None when nothing was used."""
    used = sum(one.credits for one in spent)
    return balance.available * days // used if used else None


def _whole(pack: str) -> int:
    if not (pack.isascii() and pack.isdigit() and len(pack) < 10):
        raise BadRequest("credits: must be one of those on sale.", param="credits")
    return int(pack)


def _csv_line(values: tuple[object, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue()


def _text(value: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
