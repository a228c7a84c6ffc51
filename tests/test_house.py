"""The rules of the house that neither the linter nor the type checker can see."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "charafy"
MODULES = sorted(SOURCE.rglob("*.py"))
FEATURES = {path.parent.name for path in SOURCE.glob("*/service.py")}
MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
CONSTANT = re.compile(r"^(Final|Mapping|Sequence|Collection|Iterable|AbstractSet)\b")
"""Annotations under which the type checker lets nobody change or rebind the value."""


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def module_level_state(path: Path) -> Iterator[str]:
    """Names bound at module level to something that can change."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, MUTABLE):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            yield from (name for name in names if name != "__all__")
        elif (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.value, MUTABLE)
            and not CONSTANT.match(ast.unparse(node.annotation))
        ):
            yield ast.unparse(node.target)


def test_there_are_modules_to_check() -> None:
    assert len(MODULES) > 50
    assert {"accounts", "credits", "characters", "voices", "speech"} <= FEATURES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_module_holds_state_that_can_change(path: Path) -> None:
    assert list(module_level_state(path)) == []


@pytest.mark.parametrize("feature", sorted(FEATURES))
def test_features_reach_each_other_only_through_their_services(feature: str) -> None:
    others = FEATURES - {feature}
    for path in (SOURCE / feature).rglob("*.py"):
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "charafy" and len(parts) > 1 and parts[1] in others:
                assert parts[2:3] in (["service"], ["schemas"]), f"{path.name} imports {name}"


def test_engines_know_neither_http_nor_database_nor_settings() -> None:
    forbidden = ("fastapi", "starlette", "sqlalchemy", "charafy.kernel.settings", "charafy.app")
    for path in (SOURCE / "engines").rglob("*.py"):
        for name in imports(path):
            assert not name.startswith(forbidden), f"{path} imports {name}"


def test_importing_an_engine_loads_no_model_and_no_web_server() -> None:
    code = (
        "import sys, charafy.engines.voice, charafy.engines.voice.kokoro;"
        "sys.exit(any(m in sys.modules for m in ('onnxruntime', 'fastapi', 'pyopenjtalk')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_no_file_names_a_registry_host_or_a_path_of_the_machine_it_was_written_on() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    suspicious = re.compile(
        r"(?<![\w.])/(?:work|farm|root)/|index-url|https?://(?!127\.0\.0\.1)\S+\.(?:whl|tgz|tar\.gz)|hosted\.org"
    )
    texts = (".py", ".md", ".toml", ".txt", ".lock", ".html", ".css", ".js", ".sh", ".json", ".svg")
    for name in tracked:
        if name.endswith(texts) and name != "tests/test_house.py":
            text = (ROOT / name).read_text(encoding="utf-8")
            assert not suspicious.search(text), name
