"""The operator's page of health: what works, what waits, who works, and what isn't set up."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.watching import Watchers
from charafy.kernel.http.health import Check
from charafy.kernel.readings import Readings, Values
from charafy.kernel.roll import Roll
from charafy.kernel.settings import Settings

State = Literal["good", "warn", "bad"]

_LITTLE_GB: Final = 2.0
_TOO_LITTLE_GB: Final = 0.5
_LATE_S: Final = 300.0
"""What waits for longer than this is told as a trouble."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """Where the page reads from."""

    checks: Mapping[str, Check]
    """What `/readyz` asks, by name."""
    readings: Readings
    """What `/metrics` tells of the whole house."""

    def figures(self) -> Mapping[str, Values]:
        """By the gauge's name; without those that could not be read."""
        return {
            family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
            for family in self.readings.collect()
        }


@dataclass(frozen=True, slots=True)
class Part:
    """One line: what it is (of the page's words) and how it goes."""

    name: str
    state: State
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Work of one kind that is still to be done."""

    kind: str
    waiting: int
    running: int | None
    """None where nobody counts what is under way."""
    oldest_s: float

    @property
    def late(self) -> bool:
        return self.waiting > 0 and self.oldest_s > _LATE_S


@dataclass(frozen=True, slots=True)
class Talker:
    """A process that leads conversations."""

    name: str
    sessions: int
    limit: int


class OperatorHealth:
    """The handler of this page."""

    def __init__(self, door: Door, settings: Settings, watchers: Watchers, vitals: Vitals) -> None:
        self._door = door
        self._settings = settings
        self._vitals = vitals
        self._roll = Roll(watchers.db, watchers.clock)

    def add_to(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/operator/health")
        def health(
            request: Request, visitor: Annotated[Visitor, Depends(door.operator)]
        ) -> Response:
            figures = self._vitals.figures()
            return door.page(
                request,
                visitor,
                "health",
                parts=[*self._parts(), self._disk()],
                work=_work(figures),
                live=_one(figures, "charafy_conversations_open", "live"),
                held=_one(figures, "charafy_credits_held"),
                balance=_one(figures, "charafy_credits_balance"),
                talkers=_talkers(figures),
                workers=sorted(self._roll.entries()[0], key=lambda one: one.name),
                missing=_missing(self._settings),
            )

    def _parts(self) -> list[Part]:
        return [
            Part(name, "good" if check() is None else "bad")
            for name, check in self._vitals.checks.items()
        ]

    def _disk(self) -> Part:
        free_gb = shutil.disk_usage(self._settings.home).free / 1e9
        state: State = "good" if free_gb >= _LITTLE_GB else "warn"
        return Part("disk", "bad" if free_gb < _TOO_LITTLE_GB else state, f"{free_gb:,.1f} GB")


def _talkers(figures: Mapping[str, Values]) -> list[Talker]:
    limits = figures.get("charafy_talk_node_limit", {})
    return [
        Talker(name, int(_one(figures, "charafy_talk_node_sessions", name)), int(limit))
        for (name,), limit in sorted(limits.items())
    ]


def _work(figures: Mapping[str, Values]) -> list[Waiting]:
    jobs = figures.get("charafy_jobs_waiting", {})
    work = [
        Waiting(
            kind,
            int(count),
            int(figures["charafy_jobs_running"][kind,]),
            figures["charafy_jobs_oldest_seconds"][kind,],
        )
        for (kind,), count in jobs.items()
    ]
    told = figures.get("charafy_webhook_backlog", {})
    oldest = _one(figures, "charafy_webhook_oldest_seconds")
    return work + [Waiting("webhook", int(count), None, oldest) for count in told.values()]


def _one(figures: Mapping[str, Values], name: str, *labels: str) -> float:
    return figures.get(name, {}).get(labels, 0.0)


def _missing(settings: Settings) -> list[str]:
    """What isn't set up, of the page's words: none of it is an error."""
    found = {
        "mail": settings.smtp_url is None,
        "purchases": settings.stripe_secret_key is None,
        "language_model": settings.llm_base_url is None,
        "metrics_token": settings.metrics_token is None,
    }
    return [name for name, isnt in found.items() if isnt]
