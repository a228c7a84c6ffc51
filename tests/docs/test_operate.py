"""What `docs/operate.md` promises to operators is what the code has."""

from __future__ import annotations

import re
from pathlib import Path

from charafy.kernel.http.intake import MAX_BODY_BYTES, STRANGERS_BODY_BYTES
from charafy.server import GRACE_S
from charafy.supervisor import STOP_S

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
CODE = "\n".join(path.read_text("utf-8") for path in (ROOT / "src/charafy").rglob("*.py"))


def test_log_lines_to_watch_for_are_written_somewhere() -> None:
    named = re.findall(r"`(request_failed|[a-z]+_[a-z_]+)`", TEXT.partition("## Alerts")[2])
    assert len(named) >= 6
    for event in named:
        assert f'"{event}"' in CODE, event


def test_bodies_and_pauses_are_those_of_the_code() -> None:
    assert f"client_max_body_size {MAX_BODY_BYTES // 1024**2}m" in TEXT
    assert f"strangers from {STRANGERS_BODY_BYTES // 1024} KB on" in TEXT
    assert f"{GRACE_S} seconds to finish" in TEXT
    assert f"a worker {STOP_S:.0f} seconds" in TEXT


def test_there_really_are_no_sockets_or_event_streams_to_let_through() -> None:
    assert not re.search(r"text/event-stream|\.websocket\(|WebSocketRoute", CODE)


def test_scripts_and_files_that_it_names_exist() -> None:
    for name in re.findall(r"(?:scripts|deploy)/[\w./-]*\w", TEXT):
        assert (ROOT / name).exists(), name
