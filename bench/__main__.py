"""`make bench`: every figure that the README quotes, measured in one run on this machine."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench import (
    align,
    cloning,
    heard,
    hearing,
    http,
    language,
    ledger,
    lips_films,
    long_session,
    pages,
    portrait,
    queries,
    queue,
    recovery,
    replies,
    roundtrip,
    serving,
    sessions,
    talk,
    videos,
    voice,
    wire,
)
from bench.report import table

PARTS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "voice": voice.run,
    "roundtrip": roundtrip.measure,
    "heard": heard.run,
    "hearing": hearing.run,
    "align": align.run,
    "cloning": cloning.run,
    "clones_understood": cloning.understood,
    "language": language.run,
    "portrait": portrait.run,
    "lips": lips_films.run,
    "videos": videos.run,
    "serving": serving.run,
    "replies": replies.run,
    "talk": talk.run,
    "sessions": sessions.run,
    "long_session": long_session.run,
    "pages": pages.run,
    "http": http.measure,
    "ledger": ledger.run,
    "queue": queue.run,
    "queries": queries.run,
    "wire": wire.run,
    "recovery": recovery.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--json", type=Path, default=Path("var/bench.json"))
    parser.add_argument("--show-json", action="store_true", help="print each part as JSON, too")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    results: dict[str, Any] = {"machine": machine()}
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    for name in arguments.parts or PARTS:
        began = time.perf_counter()
        results[name] = measured(name)
        for title, figures in grouped(name, results[name]):
            table(title, figures)
        if arguments.show_json:
            print(written({name: results[name]}))
        print(f"({name}: {time.perf_counter() - began:.0f} s)", flush=True)
        # After each part: hours of measuring must not be lost with the last of them.
        arguments.json.write_text(written(results) + "\n", encoding="utf-8")
    print(f"\nWritten to {arguments.json}.")
    if any("did_not_run" in results[name] for name in results):
        raise SystemExit(1)


def measured(name: str) -> dict[str, Any]:
    """The figures of a part, or why there are none: the other parts are measured all the same."""
    try:
        return PARTS[name]()
    except Exception as error:  # noqa: BLE001 - told in the result
        traceback.print_exc()
        return {"did_not_run": f"{type(error).__name__}: {error}"}


def written(results: Mapping[str, Any]) -> str:
    return json.dumps(results, indent=2, ensure_ascii=False, default=str)


def grouped(title: str, figures: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Nested groups of figures as tables of their own."""
    own = {name: value for name, value in figures.items() if not isinstance(value, dict)}
    groups: list[tuple[str, Mapping[str, Any]]] = [(title, own)] if own else []
    for name, value in figures.items():
        if isinstance(value, dict):
            groups += grouped(f"{title}: {name.replace('_', ' ')}", value)
    return groups


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


if __name__ == "__main__":
    main()
