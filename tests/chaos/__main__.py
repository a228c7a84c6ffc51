"""`python -m tests.chaos`: run, print what was found, and end with 1 when something is wrong."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections import Counter
from pathlib import Path

from tests.chaos.ground import SERVERS
from tests.chaos.run import Outcome, Plan, run


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Random operations of many clients while processes and servers fail; prints a "
        "table and a verdict, and ends with 1 when something is wrong.",
        epilog='Faults are named "kill api", "cut redis" and so on: kill, freeze, long-freeze, '
        "roll and disk of a process; restart, pause, cut, silent, late, errors, disk of a server.",
    )
    minutes = float(os.environ.get("CHARAFY_CHAOS_MINUTES", "3"))
    parser.add_argument(
        "--minutes", type=float, default=minutes, help="how long; or CHARAFY_CHAOS_MINUTES (3)"
    )
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(1_000_000), help="a similar run again"
    )
    parser.add_argument("--clients", type=int, default=6, help="accounts that ask (6)")
    parser.add_argument("--callers", type=int, default=1, help="visitors who talk (1)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument(
        "--fleet",
        action="store_true",
        help="two api, two worker, two talk on PostgreSQL and Redis",
    )
    parser.add_argument(
        "--also",
        choices=("redis", "s3", "livekit"),
        action="append",
        default=[],
        help="a server more; may be given again",
    )
    parser.add_argument(
        "--faults", default="*", help='which may happen: "kill *,cut redis"; all without it'
    )
    parser.add_argument("--log", type=Path, help="where to write what all processes said")
    given = parser.parse_args()
    plan = _plan(given)
    _say(f"Seed {plan.seed}, {given.minutes:g} minutes on {', '.join(plan.servers) or 'SQLite'}.")
    outcome = run(plan)
    _say(report(outcome))
    if given.log:
        given.log.write_text("\n".join(outcome.said))
    return 1 if outcome.wrong else 0


def _plan(given: argparse.Namespace) -> Plan:
    wanted = set(given.also)
    if given.database == "postgresql":
        wanted.add("postgresql")
    if given.fleet:
        wanted |= {"postgresql", "redis"}
    return Plan(
        given.minutes * 60,
        given.seed,
        given.clients,
        given.callers,
        each=2 if given.fleet else 1,
        servers=tuple(kind for kind in SERVERS if kind in wanted),
        faults=tuple(one.strip() for one in given.faults.split(",")),
    )


def report(outcome: Outcome) -> str:
    """Markdown."""
    faults = sum(outcome.faults.values())
    lines = [
        f"Seed {outcome.plan.seed}: {outcome.notes.answers.total()} requests, {faults} faults.",
        "",
        "| What | Seen | Wrong |",
        "|---|---|---|",
        *(f"| {one.what} | {one.seen} | {len(one.wrong)} |" for one in outcome.findings),
        "",
        f"Faults: {counted(outcome.faults)}",
        f"Conversations, as visitors saw them: {counted(outcome.calls)}",
        f"Answers: {counted(_by_status(outcome))}",
        *outcome.unasked,
        "",
        *outcome.wrong[:40],
        f"Said: {counted(_said(outcome))}",
        f"Verdict: {'WRONG' if outcome.wrong else 'everything is in its place'}.",
    ]
    return "\n".join(lines)


def counted(found: Counter[str]) -> str:
    return ", ".join(f"{what} {number}" for what, number in sorted(found.items())) or "none"


def _by_status(outcome: Outcome) -> Counter[str]:
    statuses: Counter[str] = Counter()
    for (_operation, status), number in outcome.notes.answers.items():
        statuses[str(status or "broken")] += number
    return statuses


def _said(outcome: Outcome) -> Counter[str]:
    """Events that processes logged as errors; a traceback is one, too."""
    events: Counter[str] = Counter()
    for line in outcome.said:
        if '"level": "error"' in line and '"event": "' in line:
            events[line.partition('"event": "')[2].partition('"')[0]] += 1
        elif line.endswith("Traceback (most recent call last):"):
            events["traceback"] += 1
    return events


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
