"""A list of the API: item by item, page by page, or whole."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: tuple[T, ...]
    next_cursor: str | None
    """None: there is no further page."""


class Pages(Generic[T]):
    """Iterating asks for page after page, as far as one reads; each time anew.

    for video in client.videos.list(): ...
    """

    def __init__(self, load: Callable[[str | None], Page[T]]) -> None:
        self._load = load

    def page(self, cursor: str | None = None) -> Page[T]:
        """One page: the first, or the one at a page's `next_cursor`."""
        return self._load(cursor)

    def pages(self) -> Iterator[Page[T]]:
        cursor = None
        while True:
            page = self._load(cursor)
            yield page
            if page.next_cursor is None or page.next_cursor == cursor:
                return  # a server that says the same again would have us go round for ever
            cursor = page.next_cursor

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def all(self, most: int | None = None) -> tuple[T, ...]:
        """The whole list, or its first `most`."""
        return tuple(itertools.islice(self, most))
