"""The page of the reference: the document and the guides in the product's own design."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from charafy.kernel.settings import Settings
from charafy.reference.guides import guides, titles
from charafy.reference.markdown import blocks, highlight, inline
from charafy.reference.openapi import API_PREFIX, Json
from charafy.reference.operations import chapters
from charafy.reference.samples import samples
from charafy.web.pages import Translate


class Reference:
    """Renders the body of the page once per language. Thread-safe."""

    def __init__(self, document: Callable[[], Json], settings: Settings) -> None:
        self._document = document
        self._settings = settings
        self._environment = _environment()
        self._bodies: dict[str, Markup] = {}
        self._lock = threading.Lock()

    def body(self, language: str, translate: Translate) -> Markup:
        """What stands between the header and the footer; about 0.3 s of work the first time."""
        with self._lock:
            if language not in self._bodies:
                self._bodies[language] = self._render(language, translate)
            return self._bodies[language]

    def _render(self, language: str, translate: Translate) -> Markup:
        found = chapters(self._document())
        base_url = self._settings.base_url
        template = self._environment.get_template("reference/body.html")
        html = template.render(
            _=translate,
            base_url=base_url,
            api_prefix=API_PREFIX,
            guides=guides(self._settings, language),
            chapters=found,
            titles=titles(language),
            samples={
                operation.id: samples(operation, base_url)
                for chapter in found
                for operation in chapter.operations
            },
        )
        return Markup(html)  # noqa: S704 - made by a template that escapes


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("charafy.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        highlight=highlight, inline=inline, markdown=blocks, breakable=breakable
    )
    return environment


def breakable(text: str) -> Markup:
    """Long names may break after their separators, and nowhere else."""
    return Markup(re.sub(r"(?<=[/._])(?=\w|{)", "<wbr>", str(escape(text))))  # noqa: S704
