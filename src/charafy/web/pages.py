"""Rendering of pages: one Jinja environment, the reader's language, safe headers."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

PageLanguage = Literal["en", "ja"]
PAGE_LANGUAGES: Final[tuple[PageLanguage, ...]] = get_args(PageLanguage)
LANGUAGE_COOKIE: Final = "charafy_lang"
_YEAR_S: Final = 365 * 24 * 3600
_WORTH_PACKING: Final = 16_000
"""Characters from which a page is sent compressed."""

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

Translate = Callable[[str], str]


class Pages:
    """Renders templates of `charafy.web` and of the features. Thread-safe."""

    def __init__(self, carriers: Sequence[str] = ()) -> None:
        """`carriers`: addresses besides our own that scripts of pages may connect to."""
        self.policy = policy_with(CONTENT_SECURITY_POLICY, carriers)
        """The Content-Security-Policy of a page."""
        self._environment = Environment(
            loader=PackageLoader("charafy.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._words = {language: _words(language) for language in PAGE_LANGUAGES}

    def translate(self, language: PageLanguage) -> Translate:
        """A key -> the text in that language; a missing key raises `KeyError`, as a bug should."""
        return self._words[language].__getitem__

    def render(
        self, request: Request, template: str, status: int = 200, /, **context: Any
    ) -> HTMLResponse:
        """The page in the reader's language; a `?lang=` is remembered in a cookie."""
        language = language_of(request)
        html = self._environment.get_template(template).render(
            lang=language, _=self.translate(language), **context
        )
        secret = "csrf_token" in context
        headers = {
            "content-security-policy": self.policy,
            "vary": "accept-language, accept-encoding, cookie",
            "cache-control": "no-store" if secret else "private, no-cache",
        }
        content: str | bytes = html
        # Never where a secret stands beside what a visitor sent: lengths would tell it (BREACH).
        if not secret and len(html) > _WORTH_PACKING and accepts_gzip(request):
            content = gzip.compress(html.encode(), compresslevel=5)
            headers["content-encoding"] = "gzip"
        response = HTMLResponse(content, status, headers)
        if request.query_params.get("lang") == language:
            response.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_S, samesite="lax")
        return response


def policy_with(policy: str, carriers: Sequence[str]) -> str:
    """It, with these addresses to connect to; they hold nothing that ends a directive."""
    if not carriers:
        return policy
    rest = [part for part in policy.split("; ") if not part.startswith("connect-src")]
    return "; ".join((rest[0], " ".join(("connect-src 'self'", *carriers)), *rest[1:]))


def accepts_gzip(request: Request) -> bool:
    accepted = request.headers.get("accept-encoding", "")
    return re.search(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))", accepted[:500]) is not None


def language_of(request: Request) -> PageLanguage:
    """What the reader chose (`?lang=`, then the cookie), else what the browser prefers."""
    for chosen in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        for language in PAGE_LANGUAGES:
            if chosen == language:
                return language
    return preferred(request.headers.get("accept-language", ""))


def preferred(accept_language: str) -> PageLanguage:
    """The best of our languages by `Accept-Language`; English when it names none of them."""
    best: tuple[float, PageLanguage] = (0.0, "en")
    for part in accept_language[:200].split(","):
        tag, _, parameter = part.partition(";q=")
        try:
            weight = float(parameter) if parameter else 1.0
        except ValueError:
            continue
        for language in PAGE_LANGUAGES:
            if tag.strip().lower().split("-")[0] == language and weight > best[0]:
                best = (weight, language)
    return best[1]


def _words(language: PageLanguage) -> Mapping[str, str]:
    """All files of the language: `en.json` and those of page families, as `studio.en.json`."""
    folder = resources.files("charafy.web") / "i18n"
    files = [file for file in folder.iterdir() if file.name.split(".")[-2:] == [language, "json"]]
    return MappingProxyType(
        {key: text for file in files for key, text in json.loads(file.read_text("utf-8")).items()}
    )
