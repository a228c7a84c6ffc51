"""When a page counts as usable, and which budgets it is over."""

from __future__ import annotations

import pytest

from bench.pages import MOST_KB, MOST_MS, MOST_REQUESTS, QUIET_S, Times, Wire, row

ORIGIN = "http://127.0.0.1:8000"


def test_a_page_is_usable_once_it_is_painted_and_ready() -> None:
    assert Times(ready=300, painted=200, long=[]).interactive == 300
    assert Times(ready=200, painted=300, long=[]).interactive == 300


def test_the_last_long_task_is_waited_for() -> None:
    assert Times(ready=300, painted=200, long=[250, 900]).interactive == 900
    assert Times(ready=300, painted=200, long=[250]).interactive == 300


def test_it_is_at_rest_after_a_window_in_which_nothing_happened() -> None:
    times = Times(ready=300, painted=200, long=[900])
    assert not times.quiet_at(900 + QUIET_S * 1_000 - 1)
    assert times.quiet_at(900 + QUIET_S * 1_000)
    assert not Times(ready=300, painted=None, long=[]).quiet_at(60_000)


def asked(wire: Wire, number: int, url: str = f"{ORIGIN}/static/a.css") -> None:
    wire._asked({"requestId": str(number), "request": {"url": url}})


def test_only_what_comes_from_the_house_is_weighed() -> None:
    wire = Wire(ORIGIN)
    for number, url in enumerate((f"{ORIGIN}/", "http://localhost:9/", "data:text/css,", "blob:x")):
        asked(wire, number, url)
        wire._ended({"requestId": str(number), "encodedDataLength": 1_000})
    assert (wire.requests, wire.octets) == (1, 1_000)


def test_a_few_requests_under_way_are_no_unrest() -> None:
    wire = Wire(ORIGIN)
    asked(wire, 1)
    asked(wire, 2)
    assert wire.busy_at == 0
    asked(wire, 3)
    assert wire.busy_at > 0


@pytest.mark.parametrize(
    ("kb", "requests", "slowed_ms", "over"),
    [
        (MOST_KB, MOST_REQUESTS, MOST_MS, ""),
        (MOST_KB + 1, MOST_REQUESTS, MOST_MS, "kb"),
        (MOST_KB, MOST_REQUESTS + 1, MOST_MS + 1, "requests, interactive"),
    ],
)
def test_a_page_tells_what_it_is_over(
    kb: float, requests: int, slowed_ms: float, over: str
) -> None:
    wire = Wire(ORIGIN, requests, kb * 1_000)
    usual, slowed = Times(100, 100, []), Times(slowed_ms, 100, [])
    assert row("home", wire, usual, slowed)["over"] == over
