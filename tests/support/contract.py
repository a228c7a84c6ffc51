"""The contract as data: its curl lines, parameter tables and answers, read out of its own text.

`tests/contract/charafy-api.txt` is the published page as plain text, where a heading may stick to
the end of the line before it (`--output speech.mp3Request Body`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

TEXT = (Path(__file__).parents[1] / "contract" / "charafy-api.txt").read_text(encoding="utf-8")

HOST = "https://charafy.ai"
_HEADINGS = ("Request Body", "Response 200", "API Endpoints")
_METHOD = re.compile(r"-X (POST|PUT|PATCH|DELETE)")
_ADDRESS = re.compile(r"https://charafy\.ai/api(/v1/\S+)")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A row of a table of parameters."""

    name: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation: its curl line, its parameters and its example answer."""

    method: str
    path: str
    """As in the curl line: `/v1/characters/CHAR_ID/embed`."""
    curl: str
    parameters: tuple[Parameter, ...]
    answer: Any
    """The parsed JSON of the example, keys in its order; None where the answer is audio."""

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def endpoints() -> dict[str, Endpoint]:
    """Every operation of the contract by `METHOD /path`."""
    reference = TEXT[TEXT.index("API Endpoints\nCharacters") : TEXT.index("Error Handling")]
    starts = [match.start() for match in re.finditer(r"curl ", reference)]
    parts = [reference[a:b] for a, b in pairwise([*starts, len(reference)])]
    return {entry.name: entry for entry in map(_endpoint, parts)}


def quick_start() -> list[str]:
    """The curl lines of the quick start, in order."""
    text = TEXT[TEXT.index("Quick Start") : TEXT.index("API Endpoints\nCharacters")]
    return [_command(text[match.start() :]) for match in re.finditer(r"^curl ", text, re.M)]


def prices() -> dict[str, str]:
    """The price table: endpoint -> credits, as written (`1/ 100 chars (min 1)`)."""
    table = TEXT[TEXT.index("| Endpoint | Credits |") : TEXT.index("Quick Start")]
    rows = [_cells(line) for line in table.splitlines() if line.startswith("| ")]
    return {row[0]: row[1] for row in rows[1:]}


def statuses() -> dict[int, str]:
    """The status table: code -> description."""
    return {int(code): text for code, text in re.findall(r"^\| (\d{3}) \| (.+?) \|$", TEXT, re.M)}


def _endpoint(text: str) -> Endpoint:
    curl = _command(text)
    method = _METHOD.search(curl)
    address = _ADDRESS.search(curl)
    assert address, curl
    parameters = tuple(_parameters(text))
    return Endpoint(
        method=method[1] if method else "GET",
        path=address[1].rstrip('"'),
        curl=curl,
        parameters=parameters,
        answer=_answer(text),
    )


def _command(text: str) -> str:
    """The shell command at the start of `text`, up to a newline neither quoted nor escaped."""
    quote, end = "", len(text)
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "\n" and text[index - 1] != "\\":
            end = index
            break
    command = text[:end]
    for heading in _HEADINGS:
        command = command.removesuffix(heading)
    return command


def _parameters(text: str) -> Iterator[Parameter]:
    for line in text.splitlines():
        row = _cells(line) if line.startswith("| ") else []
        if len(row) < 4 or row[0] == "Parameter":
            continue
        # `"ja" | "en"` has the table's own bar inside a cell: the requirement ends the type.
        at = next(i for i, cell in enumerate(row) if cell in ("req", "opt"))
        yield Parameter(row[0], " | ".join(row[1:at]), row[at] == "req", " | ".join(row[at + 1 :]))


def _answer(text: str) -> Any:
    body = text[text.index("Response 200") + len("Response 200") :].lstrip()
    return json.JSONDecoder().raw_decode(body)[0] if body.startswith("{") else None


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
