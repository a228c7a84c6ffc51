"""Report modules and functions that outgrow the house's aims; fail where they are far beyond.

Run as `python -m tests.support.sizes`. A grown module is telling about a missing room.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

AIM_MODULE, MOST_MODULE = 300, 360
AIM_FUNCTION, MOST_FUNCTION = 40, 60


def functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Names and lengths in lines; a router factory counts by its endpoints, not as a whole."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            inner = [c for c in node.body if isinstance(c, ast.FunctionDef | ast.AsyncFunctionDef)]
            nested = sum((c.end_lineno or c.lineno) - c.lineno + 1 for c in inner)
            yield node.name, node.end_lineno - node.lineno + 1 - nested


def main(root: Path = Path("src")) -> int:
    over, worst = [], False
    for path in sorted(root.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        lines = source.count("\n")
        if lines > AIM_MODULE:
            over.append(f"{path}: {lines} lines")
            worst |= lines > MOST_MODULE
        for name, length in functions(ast.parse(source)):
            if length > AIM_FUNCTION and "migrations" not in path.parts:
                over.append(f"{path}: {name} has {length} lines")
                worst |= length > MOST_FUNCTION
    print("\n".join(["Over the aims:", *over]) if over else "Sizes are within the aims.")  # noqa: T201
    return int(worst)


if __name__ == "__main__":
    sys.exit(main())
