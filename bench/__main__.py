"""`make bench`: every figure that the README quotes, measured in one run on this machine."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import http, ledger, roundtrip, serving, voice

PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "voice": voice.run,
    "roundtrip": roundtrip.measure,
    "serving": serving.run,
    "http": http.measure,
    "ledger": ledger.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    parser.add_argument("--json", type=Path, default=Path("var/bench.json"))
    arguments = parser.parse_args()
    results: dict[str, Any] = {"machine": machine()}
    for name in arguments.parts or PARTS:
        print(f"\n== {name}", flush=True)
        began = time.perf_counter()
        results[name] = PARTS[name]()
        print(f"({time.perf_counter() - began:.0f} s)", flush=True)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    print(f"\nWritten to {arguments.json}.")
