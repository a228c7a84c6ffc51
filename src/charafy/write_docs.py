"""`python -m charafy.write_docs docs` writes the parts of the documentation that the code knows.

They are filled with the default settings, whatever this machine's environment says.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from charafy.app import build_app
from charafy.house import build_house
from charafy.kernel.settings import Settings
from charafy.reference import guides, openapi, settings_table


def documents() -> dict[str, str]:
    """Texts by their path inside `docs/`."""
    # Built without validation, which would read the environment.
    settings = Settings.model_construct()
    texts = {f"guides/{name}.md": guides.text(name, settings) for name in guides.NAMES}
    texts["settings.md"] = settings_table.markdown()
    texts["openapi.json"] = _openapi()
    return texts


def _openapi() -> str:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_construct(home=Path(folder))
        house = build_house(settings)
        try:
            document = openapi.build(build_app(house), settings)
        finally:
            house.close()
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main(folder: Path) -> None:
    for name, text in documents().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
