"""The client needs httpx and Python, nothing else of ours."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import importlib.abc, sys

class Nothing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BANNED:
            raise ImportError(name)

BANNED = set(sys.argv[1].split(","))
sys.meta_path.insert(0, Nothing())
from charafy.client import Client, verify_webhook
Client("http://127.0.0.1", "ck_live_x").close()
print(*[name for name in sys.modules if name.startswith("charafy.")])
"""


def test_it_is_imported_without_what_a_server_needs() -> None:
    banned = "aiortc,av,numpy,pydantic,sqlalchemy,starlette,fastapi,structlog,typer,onnxruntime"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, banned], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    ours = done.stdout.split()
    assert "charafy.client.api.client" in ours
    assert [n for n in ours if not n.startswith("charafy.client")] == [
        "charafy.kernel",
        "charafy.kernel.errors",
    ]
