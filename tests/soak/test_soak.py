"""The instrument at work for a minute: it reaches everything, and everything answers."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.soak.__main__ import report
from tests.soak.gauges import ROLES
from tests.soak.run import Plan, run

pytestmark = pytest.mark.slow


def test_a_minute_of_mixed_traffic() -> None:
    outcome = run(Plan(seconds=60, seed=7))
    said = report(outcome)
    assert outcome.wrong == [], said
    assert "Verdict: flat (too short a run to judge memory, threads and latency)." in said
    done = Counter(operation for operation, _, _ in outcome.notes.waits)
    assert done.keys() >= {"speech", "look", "change", "order a film", "film", "greeted", "reply"}
    for role in ROLES:
        seen = [one for one in outcome.looks if one.role == role]
        assert min(one.resident_mb for one in seen) > 20
        assert min(one.files for one in seen) > 3
        assert min(one.threads for one in seen) > 1
