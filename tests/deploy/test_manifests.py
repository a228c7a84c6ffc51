"""What `deploy/` names exists in the code: settings, commands, ports, paths. Nothing is run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml  # type: ignore[import-untyped]

from charafy.cli import build
from charafy.kernel.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
TEXTS = [*FILES, ROOT / "docs" / "operate.md"]
KNOWN = {f"CHARAFY_{name.upper()}" for name in Settings.model_fields}


def kubernetes() -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes/charafy.yaml").read_text("utf-8")))


def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    assert set(re.findall(r"CHARAFY_[A-Z_]*[A-Z]", path.read_text("utf-8"))) <= KNOWN


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_says_how_far_it_was_run(path: Path) -> None:
    beginning = path.read_text("utf-8")[:300]  # JSON has no comments: there it is the description
    assert beginning.startswith("# Written, not ") or '"description": "Written, not ' in beginning


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_command_exists(path: Path) -> None:
    commands = typer.main.get_command(build())
    known = set(getattr(commands, "commands", {}))
    text = path.read_text("utf-8")
    named = set(re.findall(r"(?:bin/charafy |`charafy |\"charafy\", \")([a-z][a-z-]*)", text))
    assert named <= known


def test_the_cluster_probes_paths_and_ports_that_the_server_has() -> None:
    pod = kubernetes()[0]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert env["CHARAFY_PORT"] == str(ports["http"]) == str(Settings.model_fields["port"].default)
    probes = {
        container[f"{kind}Probe"]["httpGet"]["path"]
        for kind in ("startup", "readiness", "liveness")
    }
    health = (ROOT / "src/charafy/kernel/http/health.py").read_text("utf-8")
    assert all(f'"{path}"' in health for path in probes)


def test_what_is_mounted_is_claimed() -> None:
    spec = kubernetes()[0]["spec"]
    claimed = {claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]}
    (container,) = spec["template"]["spec"]["containers"]
    assert {mount["name"] for mount in container["volumeMounts"]} == claimed


def test_the_image_can_back_up_the_database_that_stands_beside_it() -> None:
    """Debian 12 has PostgreSQL 15, and pg_dump refuses a server that is newer."""
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert "-slim-bookworm" in dockerfile and " postgresql-client " in dockerfile
    for name in ("compose.yaml", "compose.many.yaml"):
        text = (DEPLOY / name).read_text("utf-8")
        assert re.findall(r"image: postgres:(\d+)", text) == ["15"], name


def test_the_image_copies_files_that_exist_and_compose_builds_it() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    for line in re.findall(r"^COPY (.+) \S+$", dockerfile, re.M):
        assert all((ROOT / name).exists() for name in line.split()), line
    service = compose()["services"]["charafy"]
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).exists()
    (container,) = kubernetes()[0]["spec"]["template"]["spec"]["containers"]
    assert service["image"] == container["image"]


def test_compose_declares_the_volumes_that_it_mounts() -> None:
    made = compose()
    mounted = {
        volume.split(":")[0]
        for service in made["services"].values()
        for volume in service["volumes"]
    }
    assert mounted == set(made["volumes"])
