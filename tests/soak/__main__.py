"""`make soak`: steady traffic for long; tables of what the server held, and whether it is flat."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Callable
from typing import Final

import numpy as np

from tests.soak.gauges import ROLES
from tests.soak.run import Outcome, Plan, run

_WINDOWS: Final = 12


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    _say(f"Seed {given.seed}, {given.minutes:g} minutes on {given.database}.")
    outcome = run(Plan(given.minutes * 60, given.seed, given.database))
    _say(report(outcome))
    return 1 if outcome.wrong else 0


def report(outcome: Outcome) -> str:
    """Markdown."""
    busy = ", ".join(f"{what} ({n})" for what, n in sorted(outcome.notes.busy.items()))
    note = "" if outcome.long_enough else " (too short a run to judge memory, threads and latency)"
    verdict = "WRONG" if outcome.wrong else f"flat{note}"
    return "\n".join(
        [
            *_held(outcome),
            "",
            *_waited(outcome),
            "",
            *_over_time(outcome),
            "",
            f"Asked to come again later: {busy or 'never'}",
            *outcome.wrong,
            f"Verdict: {verdict}.",
        ]
    )


def _held(outcome: Outcome) -> list[str]:
    lines = ["| Process | What | At first | At last | An hour |", "|---|---|---|---|---|"]
    for role in ROLES:
        for quantity in ("memory", "open files", "threads"):
            found = outcome.trends[role, quantity]
            if found is not None:
                unit = " MB" if quantity == "memory" else ""
                lines.append(
                    f"| {role} | {quantity} | {found.first:.0f}{unit} | {found.last:.0f}{unit} "
                    f"| {found.per_hour:+.1f}{unit} |"
                )
    return lines


def _waited(outcome: Outcome) -> list[str]:
    """First and last third after the first quarter."""
    lines = ["| Operation | Times | p50 first, last | p95 first, last |", "|---|---|---|---|"]
    for operation, found in outcome.waits.items():
        if found is None:
            number = sum(1 for name, _, _ in outcome.notes.waits if name == operation)
            lines.append(f"| {operation} | {number} | too few | |")
            continue
        p50, p95 = (f"{_ms(first)}, {_ms(last)}" for first, last in (found.p50, found.p95))
        lines.append(f"| {operation} | {found.number} | {p50} | {p95} |")
    return lines


def _over_time(outcome: Outcome) -> list[str]:
    """Speech and memory, window by window."""
    began = min((one.at_s for one in outcome.looks), default=0.0)
    span = outcome.plan.seconds / _WINDOWS
    lines = ["| Minute | Speech p50, p95 | Resident MB: api, worker, talk |", "|---|---|---|"]
    for number in range(_WINDOWS):
        begin, end = began + number * span, began + (number + 1) * span
        took = [s for name, at, s in outcome.notes.waits if name == "speech" and begin <= at < end]
        speech = ", ".join(_ms(np.percentile(took, q)) for q in (50, 95)) if took else "none"
        held = ", ".join(_resident(outcome, role, lambda at: begin <= at < end) for role in ROLES)  # noqa: B023
        lines.append(f"| {number * span / 60:.1f} | {speech} | {held} |")
    return lines


def _resident(outcome: Outcome, role: str, within: Callable[[float], bool]) -> str:
    found = [one.resident_mb for one in outcome.looks if one.role == role and within(one.at_s)]
    return f"{np.median(found):.0f}" if found else "-"


def _ms(seconds: float | np.floating) -> str:
    return f"{float(seconds) * 1_000:.0f} ms"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
