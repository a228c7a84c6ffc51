"""A person at a browser without scripts: reads pages, fills in their forms, follows the answers."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from fastapi.testclient import TestClient


class _Forms(HTMLParser):
    """The forms of a page, by action, with the values that their fields start with."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self._open: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = self.forms.setdefault(given["action"], {})
        elif tag == "input" and self._open is not None and _counts(given):
            self._open.setdefault(given["name"], given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def _counts(given: dict[str, str]) -> bool:
    return "name" in given and (given.get("type") != "radio" or "checked" in given)


class Browser:
    """Keeps cookies and the page it is at; redirects are followed."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.page: Any = None

    @property
    def html(self) -> str:
        assert self.page is not None
        return str(self.page.text)

    @property
    def path(self) -> str:
        assert self.page is not None
        return str(self.page.url.path)

    def forms(self) -> dict[str, dict[str, str]]:
        parser = _Forms()
        parser.feed(self.html)
        return parser.forms

    def open(self, path: str, language: str = "en") -> Any:
        self.page = self.client.get(path, headers={"accept-language": language})
        return self.page

    def submit(self, action: str, **fields: str) -> Any:
        """Send a form of the current page; a field that it does not have is a mistake."""
        form = self.forms()[action]
        assert set(fields) <= set(form), f"{action} has only {sorted(form)}"
        self.page = self.client.post(action, data=form | fields)
        return self.page
