"""axe-core in a test's browser: what it finds serious on a page, or in a frame of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

AXE: Final = (Path(__file__).parent / "axe" / "axe.min.js").read_text("utf-8")
_FOUND: Final = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => [id, ...nodes.slice(0, 4).map((node) => node.html.slice(0, 160))]);
}"""


def problems(evaluate: Callable[[str], Any]) -> list[Any]:
    """`evaluate`: of a `Tab` or a `Framed`, opened with `bypass_csp=True`."""
    evaluate(f"() => {{ {AXE} }}")
    found: list[Any] = evaluate(_FOUND)
    return found
