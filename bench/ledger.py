"""How fast the ledger moves credits: on both databases, by threads, API processes, table size."""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench import ledger_api
from bench.ledger_data import ABSENT, engines, fill
from charafy.credits.service import Credits
from charafy.kernel.clock import SystemClock
from charafy.kernel.db import Database
from charafy.kernel.ids import new_id
from charafy.kernel.migrate import migrate
from charafy.kernel.observe import Metrics

ACCOUNTS = 16
OPERATIONS = 1_000
ROWS = (1_000, 100_000)
PROCESSES = (1, 2)
Operation = Callable[[str], None]


def run() -> dict[str, Any]:
    """By database, rows in the ledger and, over HTTP, processes that serve the API.

    Operations per second, CPU per operation and latencies; every commit is synced to disk.
    """
    results: dict[str, Any] = {}
    with engines() as kinds:
        for (kind, new), rows in itertools.product(kinds.items(), ROWS):
            with tempfile.TemporaryDirectory() as folder:
                name = f"{kind}_{rows}_rows"
                results[name] = _measure_all(new(Path(folder)), rows)
            for processes in PROCESSES:
                results[name] |= {f"{processes}_api": ledger_api.measure(new, rows, processes)}
        if "postgresql" not in kinds:
            results["postgresql"] = ABSENT
    return results


def _measure_all(url: str, rows: int) -> dict[str, Any]:
    """In this process alone, without HTTP."""
    db = Database(url)
    credits = Credits(db, SystemClock(), Metrics())
    ids = _opened(db, credits, rows)
    fill(db, ids, rows)
    found: dict[str, Any] = {}
    for name, operation in (("charge", _charge(db, credits)), ("hold_capture", _hold(db, credits))):
        for threads in (1, 8):
            found[f"{name}_{threads}_threads"] = _measure(operation, ids, threads)
    with db.read() as tx:
        started = time.perf_counter()
        if credits.audit(tx):
            raise SystemExit("the books are wrong")
        found["audit_ms"] = _ms(time.perf_counter() - started)
        started = time.perf_counter()
        for account_id in ids:
            credits.balance(tx, account_id)
            credits.recent(tx, account_id)
        found["balance_and_recent_ms"] = _ms((time.perf_counter() - started) / len(ids))
    db.close()
    return found


def _opened(db: Database, credits: Credits, rows: int) -> list[str]:
    ids = [new_id() for _ in range(ACCOUNTS)]
    migrate(db)
    with db.write() as tx:
        for account_id in ids:
            credits.open(tx, account_id)
            credits.grant(
                tx, account_id, rows + 10**6, kind="grant", reference=new_id(), description="Bench"
            )
    return ids


def _charge(db: Database, credits: Credits) -> Operation:
    def operation(account_id: str) -> None:
        with db.write() as tx:
            credits.charge(tx, account_id, 1, kind="tts", reference=new_id(), description="Speech")

    return operation


def _hold(db: Database, credits: Credits) -> Operation:
    def operation(account_id: str) -> None:
        with db.write() as tx:
            hold = credits.hold(
                tx,
                account_id,
                1,
                kind="tts",
                reference=new_id(),
                description="Speech",
                lease_s=60,
            )
        with db.write() as tx:
            credits.capture(tx, hold.id)

    return operation


def _measure(operation: Operation, ids: list[str], threads: int) -> dict[str, float]:
    def timed(number: int) -> float:
        started = time.perf_counter()
        operation(ids[number % len(ids)])
        return time.perf_counter() - started

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(timed, range(100)))
        wall, cpu = time.perf_counter(), time.process_time()
        times = list(pool.map(timed, range(OPERATIONS)))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    cuts = statistics.quantiles(times, n=100)
    return {
        "per_second": round(OPERATIONS / wall),
        "cpu_ms": round(cpu / OPERATIONS * 1000, 3),
        "p50_ms": _ms(cuts[49]),
        "p99_ms": _ms(cuts[98]),
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(json.dumps(run(), indent=2))
