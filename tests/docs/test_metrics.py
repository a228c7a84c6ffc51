"""`docs/metrics.md` tells what the code tells; dashboard and alerts ask for nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from charafy.counting import readings_of
from charafy.house import build_house
from charafy.kernel.observe import Metrics
from charafy.kernel.settings import Settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "charafy.json"
NAME = re.compile(r"\b((?:charafy|process)_\w+)")
SUFFIX = re.compile(r"_(?:bucket|count|sum|total)$")


@pytest.fixture
def kept(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The labels of everything that is told, by name without `_total`."""
    values = vars(Metrics()).values()
    own = [value for value in values if hasattr(value, "_labelnames")]
    house = build_house(settings)
    readings = readings_of(house.ground)
    gauges = [gauge for reading in readings._readings for gauge in reading.gauges]
    house.close()
    return (
        {value._name: tuple(value._labelnames) for value in own}
        | {gauge.name: gauge.labels for gauge in gauges}
        | {"charafy_database_up": ()}
    )


def test_its_tables_have_every_metric_with_its_labels(kept: dict[str, tuple[str, ...]]) -> None:
    told = {
        name.removesuffix("_total"): tuple(re.findall(r"`(\w+)`", labels))
        for name, labels in re.findall(r"^\| `(charafy_\w+)` \|([^|]*)\|", TEXT, re.M)
    }
    assert told == kept


def test_no_label_could_hold_an_id_or_an_address(kept: dict[str, tuple[str, ...]]) -> None:
    labels = {label for names in kept.values() for label in names}
    assert not {label for label in labels if re.search("id$|account|key|email|url|ip", label)}


def expressions() -> list[str]:
    rules = yaml.safe_load(ALERTS.read_text("utf-8"))
    alerts = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    panels: list[Any] = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return alerts + [target["expr"] for panel in panels for target in panel.get("targets", ())]


def test_alerts_and_dashboard_ask_for_metrics_that_are_told(
    kept: dict[str, tuple[str, ...]],
) -> None:
    usual = {"process_resident_memory_bytes", "process_start_time_seconds", "process_open_fds"}
    usual |= {"process_max_fds", "process_cpu_seconds"}
    known = {*kept, *usual}
    asked = [name for expr in expressions() for name in NAME.findall(expr)]
    assert len(asked) > 40
    for name in asked:
        assert name in known or SUFFIX.sub("", name) in known, name


def test_labels_that_are_asked_for_belong_to_their_metric(kept: dict[str, tuple[str, ...]]) -> None:
    for expr in expressions():
        for name, inside in re.findall(r"(charafy_\w+)\{([^}]*)\}", expr):
            labels = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside)
            assert set(labels) <= {*kept[SUFFIX.sub("", name)], "instance"}, expr


def test_every_expression_closes_what_it_opens() -> None:
    for expr in expressions():
        for opening, closing in ("()", "{}", "[]"):
            assert expr.count(opening) == expr.count(closing), expr


def test_every_alert_says_what_it_is_and_what_to_do() -> None:
    rules = yaml.safe_load(ALERTS.read_text("utf-8"))
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in alerts}) == len(alerts) >= 12
    for rule in alerts:
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert all(rule["annotations"][word].endswith(".") for word in ("summary", "description"))


def test_panels_stand_beside_each_other_and_not_on_one_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
