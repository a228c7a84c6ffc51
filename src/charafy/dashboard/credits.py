"""The page of credits: what there is, what it went into, what is set aside, and getting more."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from charafy.credits.service import Balance
from charafy.dashboard.charts import Chart, usage_chart
from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.watching import Watchers
from charafy.kernel.clock import iso
from charafy.kernel.errors import BadRequest, CharafyError

PERIODS: Final = (7, 30, 90)
"""Days."""
LINES_AT_ONCE: Final = 25
CHECKOUTS_PER_MINUTE: Final = 6
COLUMNS: Final = ("created_at", "type", "description", "amount", "balance", "reference", "id")

Text = Annotated[str, Form(max_length=100)]


class Money:
    """The handlers of this page."""

    def __init__(self, door: Door, watchers: Watchers) -> None:
        self._door = door
        self._clock = watchers.clock
        self._db = watchers.db
        self._credits = watchers.credits
        self._books = watchers.books
        self._purchases = watchers.purchases

    def add_to(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/dashboard/credits")
        def show(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member)],
            *,
            days: Annotated[str, Query(max_length=3)] = "",
            before: Annotated[str, Query(max_length=36)] = "",
            purchase: Annotated[str, Query(max_length=10)] = "",
        ) -> Response:
            chosen = next((period for period in PERIODS if str(period) == days), 30)
            return self._page(request, visitor, chosen, before=before, thanked=purchase == "done")

        @api.get("/dashboard/credits/ledger.csv")
        def ledger(visitor: Annotated[Visitor, Depends(door.member)]) -> Response:
            name = f"charafy-credits-{self._clock.now():%Y-%m-%d}.csv"
            headers = {
                "content-disposition": f'attachment; filename="{name}"',
                "cache-control": "no-store",
            }
            lines = self._csv(visitor.member.account_id)
            return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)

        @api.get("/dashboard/credits/buy")
        def back() -> Response:
            return RedirectResponse("/dashboard/credits", 303)

        @api.post("/dashboard/credits/buy")
        def buy(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            pack: Text = "",
        ) -> Response:
            """An order to look at; its link leads to where it is paid."""
            try:
                door.limit(request, "checkout", CHECKOUTS_PER_MINUTE, visitor.member.account_id)
                order = self._purchases.checkout(visitor.member.caller(), _whole(pack), None, None)
            except CharafyError as error:
                return self._page(request, visitor, 30, error=error)
            return door.page(request, visitor, "order", order=order)

    def _page(
        self,
        request: Request,
        visitor: Visitor,
        days: int,
        *,
        before: str = "",
        thanked: bool = False,
        error: CharafyError | None = None,
    ) -> Response:
        account_id = visitor.member.account_id
        chart = self._chart(account_id, days)
        balance = self._balance(account_id)
        lines, more = self._books.lines(account_id, LINES_AT_ONCE, before=before or None)
        response = self._door.page(
            request,
            visitor,
            "credits",
            error.status if error else 200,
            said=self._door.words(request, error) if error else "",
            thanked=thanked,
            balance=balance,
            lasts=_lasts(balance, chart),
            chart=chart,
            days=days,
            periods=PERIODS,
            holds=self._books.holds(account_id),
            lines=lines,
            before=before,
            more=more,
            packs=self._purchases.packs,
        )
        response.headers.update(error.headers if error else {})
        return response

    def _balance(self, account_id: str) -> Balance:
        with self._db.read() as tx:
            return self._credits.balance(tx, account_id)

    def _chart(self, account_id: str, days: int) -> Chart:
        today = self._clock.now().date()
        first = today - timedelta(days=days - 1)
        since = datetime.combine(first, time.min, self._clock.now().tzinfo)
        return usage_chart(self._books.spent(account_id, since), today, days)

    def _csv(self, account_id: str) -> Iterator[str]:
        yield _csv_line(COLUMNS)
        for line in self._books.all_lines(account_id):
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
                )
            )


def _lasts(balance: Balance, chart: Chart) -> int | None:
    """Days until nothing is left if it goes on like this; None when nothing was used."""
    return balance.available * len(chart.columns) // chart.credits if chart.credits else None


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
