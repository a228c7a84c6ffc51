"""Tests of what really takes its time may fail once where the machine stands still, and say so.

Browsers, processes and servers of their own wait for each other by the wall clock, which no test
can take in its hand. Such a test may be tried a second time; what the first try said is printed at
the end, with what every thread was doing, so that a fault that comes seldom can be found all the
same. Everything else has one try: see docs/decisions/second-try.md.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Generator
from typing import Any, Final

import pytest

_BY_THE_CLOCK: Final = ("tests/chaos/", "tests/many/", "tests/soak/", "tests/talk/")
"""Folders whose tests run processes and conversations in real time."""

_BROWSER: Final = "chromium"


def allow_second_try(items: list[pytest.Item]) -> None:
    for item in items:
        in_browser = _BROWSER in getattr(item, "fixturenames", ())
        if in_browser or item.nodeid.startswith(_BY_THE_CLOCK):
            item.add_marker(pytest.mark.flaky(reruns=1))


class FirstTries:
    """A plugin that keeps what the first of two tries said, and tells it at the end."""

    def __init__(self) -> None:
        self._failed: list[pytest.TestReport] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.failed and item.get_closest_marker("flaky") is not None:
            report.sections.append(("What the threads were doing", _threads()))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if str(report.outcome) == "rerun":
            self._failed.append(report)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not self._failed:
            return
        terminalreporter.section("tried a second time")
        for report in self._failed:
            terminalreporter.line(f"{report.nodeid} ({report.when}), the first time:")
            terminalreporter.line(report.longreprtext)
            for title, said in report.sections:
                terminalreporter.line(f"--- {title} ---\n{said}")


def _threads() -> str:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return "\n".join(
        f"{names.get(ident, ident)}:\n" + "".join(traceback.format_stack(frame)[-12:])
        for ident, frame in sys._current_frames().items()
    )
