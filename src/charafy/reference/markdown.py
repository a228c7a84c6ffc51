"""Our own Markdown as HTML: prose, tables and runs of code blocks that become language tabs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from pygments import highlight as pygments_highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]

from charafy.reference.samples import Sample

LABELS = (
    ("bash", "curl"),
    ("sh", "Shell"),
    ("python", "Python"),
    ("javascript", "JavaScript"),
    ("html", "HTML"),
    ("json", "JSON"),
    ("http", "HTTP"),
    ("text", "Text"),
)


@dataclass(frozen=True, slots=True)
class Prose:
    html: Markup
    wide: bool
    """A table, which wants the whole width of the page."""


@dataclass(frozen=True, slots=True)
class Code:
    """Neighbouring code blocks: one thing in several languages."""

    samples: tuple[Sample, ...]


Block = Prose | Code


def blocks(text: str, anchor: str) -> tuple[Block, ...]:
    """Parse Markdown of ours (raw HTML is shown, not run); headings get ids under `anchor`."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    _anchor_headings(tokens, anchor)
    return tuple(_blocks(parser, tokens))


def inline(text: str) -> Markup:
    """One line of Markdown, such as the description of a parameter."""
    return Markup(MarkdownIt("commonmark", {"html": False}).renderInline(text))  # noqa: S704


def highlight(code: str, language: str) -> Markup:
    """Code as spans of class `t-*`; the stylesheet colours them."""
    formatter = HtmlFormatter(nowrap=True, classprefix="t-")
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    return Markup(pygments_highlight(code, lexer, formatter).rstrip("\n"))  # noqa: S704


def slug(text: str) -> str:
    return re.sub(r"[^\w]+", "-", text.lower()).strip("-")


def _blocks(parser: MarkdownIt, tokens: list[Token]) -> Iterator[Block]:
    for kind, group in groupby(_with_kinds(tokens), key=itemgetter(0)):
        found = [token for _, token in group]
        if kind == "code":
            yield _code(found)
        else:
            html = parser.renderer.render(found, parser.options, {})
            yield Prose(Markup(html), wide=kind == "table")  # noqa: S704


def _with_kinds(tokens: list[Token]) -> Iterator[tuple[str, Token]]:
    in_table = False
    for token in tokens:
        in_table = in_table or token.type == "table_open"
        yield "code" if token.type == "fence" else "table" if in_table else "prose", token
        in_table = in_table and token.type != "table_close"
        # Alignment comes as a style attribute, which our content security policy refuses.
        if token.attrs.pop("style", None) == "text-align:right":
            token.attrSet("class", "num")


def _code(fences: list[Token]) -> Code:
    labels = dict(LABELS)
    return Code(
        tuple(
            Sample(fence.info.strip() or "text", labels[fence.info.strip() or "text"], code)
            for fence in fences
            if (code := fence.content.rstrip("\n"))
        )
    )


def _anchor_headings(tokens: list[Token], anchor: str) -> None:
    for opening, content in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", f"{anchor}-{slug(content.content)}")
