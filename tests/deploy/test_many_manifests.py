"""Several of each process, as `deploy/` has them: of one mind with the code. Nothing is run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]

from charafy import server
from charafy.cli import build
from charafy.kernel.settings import Settings
from charafy.supervisor import STOP_S
from charafy.talk.run import DRAIN_S

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
KNOWN: Final = {f"CHARAFY_{name.upper()}" for name in Settings.model_fields}
COMMANDS: Final = {command.name or "" for command in build().registered_commands}
PARTS: Final = ("api", "worker", "talk")


def compose() -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.many.yaml").read_text("utf-8"))
    return made


def cluster(kind: str) -> dict[str, Any]:
    """What there is of a kind, by name without its beginning."""
    made = yaml.safe_load((DEPLOY / "kubernetes/many.yaml").read_text("utf-8"))
    return {
        item["metadata"]["name"].removeprefix("charafy-"): item
        for item in made["items"]
        if item["kind"] == kind
    }


def pod(part: str) -> dict[str, Any]:
    found: dict[str, Any] = cluster("Deployment")[part]["spec"]["template"]["spec"]
    return found


def container(part: str) -> dict[str, Any]:
    (one,) = pod(part)["containers"]
    return dict(one)


def env(part: str) -> dict[str, str | None]:
    own = {entry["name"]: entry.get("value") for entry in container(part)["env"]}
    return {**cluster("ConfigMap")["charafy"]["data"], **own}


def seconds(period: str) -> float:
    return float(period.removesuffix("s"))


def needed(part: str, given: dict[str, Any]) -> float:
    """Seconds that a process may take to end."""
    if part == "api":
        return float(given["CHARAFY_DRAIN_S"]) + server.GRACE_S
    return STOP_S if part == "worker" else float(given["CHARAFY_TALK_DRAIN_S"]) + DRAIN_S


def ports(part: str, given: dict[str, Any]) -> set[int]:
    """Those that the settings open."""
    names = {
        "api": ["CHARAFY_PORT"],
        "worker": ["CHARAFY_WORKER_METRICS_PORT"],
        "talk": ["CHARAFY_TALK_PORT", "CHARAFY_TALK_METRICS_PORT"],
    }
    return {int(given[name]) for name in names[part]}


@pytest.mark.parametrize("part", PARTS)
def test_there_are_two_of_each_and_each_is_given_time_to_end(part: str) -> None:
    service = compose()["services"][part]
    assert service["deploy"]["replicas"] >= 2
    assert seconds(service["stop_grace_period"]) > needed(part, service["environment"])
    assert cluster("Deployment")[part]["spec"]["replicas"] >= 2
    assert pod(part)["terminationGracePeriodSeconds"] > needed(part, env(part))


@pytest.mark.parametrize("part", PARTS)
def test_ports_are_those_of_the_settings(part: str) -> None:
    declared = {port["name"]: port["containerPort"] for port in container(part)["ports"]}
    assert set(declared.values()) == ports(part, env(part))
    probes = [value for key, value in container(part).items() if key.endswith("Probe")]
    assert {(p.get("httpGet") or p["tcpSocket"])["port"] for p in probes} <= set(declared)
    service = compose()["services"][part]
    asked = set(map(int, re.findall(r"127\.0\.0\.1'?[:,] ?(\d+)", str(service["healthcheck"]))))
    assert asked
    assert asked <= ports(part, service["environment"])


@pytest.mark.parametrize("part", PARTS)
def test_every_process_is_told_of_everything_that_is_shared(part: str) -> None:
    made = compose()["services"][part]["environment"]
    for name in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL", "LIVEKIT_URL", "SECRET", "PUBLIC_URL"):
        assert f"CHARAFY_{name}" in made
    assert set(made) <= KNOWN
    assert set(env(part)) <= KNOWN
    sources = container(part)["envFrom"]
    assert sources == [{"configMapRef": {"name": "charafy"}}, {"secretRef": {"name": "charafy"}}]


def test_the_secret_is_described_whole() -> None:
    told = (DEPLOY / "kubernetes/many.yaml").read_text("utf-8").partition("apiVersion")[0]
    secrets = set(re.findall(r"CHARAFY_\w+", told))
    assert secrets <= KNOWN
    asked = {name for name, value in compose()["services"]["api"]["environment"].items()}
    configured = set(cluster("ConfigMap")["charafy"]["data"]) | set(env("api"))
    assert asked - configured - {"CHARAFY_STORAGE_LINKS"} == secrets


def test_no_secret_stands_in_a_file() -> None:
    for name, value in compose()["services"]["api"]["environment"].items():
        if re.search(r"SECRET|TOKEN|PASSWORD", name):
            assert value.startswith("${"), name
    for name in cluster("ConfigMap")["charafy"]["data"]:
        assert not re.search(r"SECRET|TOKEN|PASSWORD|KEY", name)


def test_commands_exist_and_the_schema_comes_first() -> None:
    services = compose()["services"]
    ours = {name: one for name, one in services.items() if one["image"] == "charafy:local"}
    assert {one["command"][1] for one in ours.values()} <= COMMANDS | {"models"}
    assert services["migrate"]["command"] == ["charafy", "migrate"]
    for part in PARTS:
        after = services[part]["depends_on"]["migrate"]["condition"]
        assert after == "service_completed_successfully"
        assert container(part)["command"][1] in COMMANDS
    (job,) = cluster("Job")["migrate"]["spec"]["template"]["spec"]["containers"]
    assert job["command"] == ["charafy", "migrate"]


def test_nobody_is_root_or_becomes_it() -> None:
    everybody = [pod(part) for part in PARTS]
    everybody.append(cluster("Job")["migrate"]["spec"]["template"]["spec"])
    for one in everybody:
        assert one["securityContext"]["runAsNonRoot"]
        assert not one["automountServiceAccountToken"]
        for each in [*one["containers"], *one.get("initContainers", [])]:
            assert not each["securityContext"]["allowPrivilegeEscalation"]
            assert each["resources"]["limits"]["memory"]
            assert each["resources"]["requests"]["cpu"]
    services = compose()["services"]
    for part in (*PARTS, "migrate", "models"):
        assert services[part]["cap_drop"] == ["ALL"]
    assert all(one["deploy"]["resources"]["limits"]["memory"] for one in services.values())


def test_images_of_others_are_pinned() -> None:
    for one in compose()["services"].values():
        name, _, tag = one["image"].rpartition(":")
        assert name == "charafy" or re.fullmatch(r"v?\d+\.\d+(\.\d+)?(-bookworm)?", tag), one[
            "image"
        ]


def test_talk_processes_are_reached_by_apis_alone() -> None:
    (policy,) = cluster("NetworkPolicy").values()
    doors = {
        port["port"]: rule.get("from")
        for rule in policy["spec"]["ingress"]
        for port in rule["ports"]
    }
    labels = {"app": "charafy", "part": "api"}
    assert doors[int(env("talk")["CHARAFY_TALK_PORT"] or 0)] == [
        {"podSelector": {"matchLabels": labels}}
    ]
    assert cluster("Deployment")["api"]["spec"]["template"]["metadata"]["labels"] == labels


def test_what_is_mounted_is_there() -> None:
    made = compose()
    named = {
        volume.split(":")[0]
        for service in made["services"].values()
        for volume in service.get("volumes", [])
    }
    assert {name for name in named if not name.startswith("./")} == set(made["volumes"])
    for name in named:
        assert not name.startswith("./") or (DEPLOY / name).exists()
    for part in PARTS:
        mounted = {mount["name"] for mount in container(part)["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod(part)["volumes"]}


def test_the_proxy_that_is_believed_is_the_one_that_is_there() -> None:
    services = compose()["services"]
    address = services["proxy"]["networks"]["inside"]["ipv4_address"]
    assert services["api"]["environment"]["CHARAFY_TRUSTED_PROXIES"] == address
    told = (DEPLOY / "nginx.conf").read_text("utf-8")
    assert f"server api:{services['api']['environment']['CHARAFY_PORT']} " in told
