"""The guides: Markdown files beside this module, filled with this server's address and prices."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.resources import files

from jinja2 import BaseLoader, Environment, StrictUndefined

from charafy.kernel.settings import Prices, Settings
from charafy.reference.errors import ERRORS
from charafy.reference.markdown import Block, blocks

_CODE = re.compile(r"(?:^```\w.*?^```\n+)+", re.DOTALL | re.MULTILINE)

NAMES = (
    "quick-start",
    "authentication",
    "credits",
    "speech",
    "timestamps",
    "clone-a-voice",
    "give-it-a-face",
    "make-a-video",
    "show-the-face",
    "live-conversation",
    "embed",
    "python",
    "javascript",
    "openai",
    "errors",
    "idempotency",
    "webhooks",
    "rate-limits",
    "test-keys",
)
"""In reading order; each is `guides/<language>/<name>.md`."""

SCOPES = (
    ("characters:read", "See characters and their embed settings"),
    ("characters:write", "Create, change and delete characters; avatars and embed settings"),
    ("voices:read", "See voices and models"),
    ("voices:write", "Clone, change and delete voices of your own"),
    ("speech:write", "Speak"),
    ("videos:read", "See videos"),
    ("videos:write", "Make, cancel and delete videos"),
    ("conversations:read", "See conversations and what was said in them"),
    ("conversations:write", "Begin and delete conversations"),
    ("credits:read", "See the balance and its history"),
    ("credits:write", "Buy credits"),
    ("account:read", "See the account and its keys"),
    ("account:write", "Change and delete the account, create and revoke keys"),
    ("webhooks:read", "See webhook endpoints and their deliveries"),
    ("webhooks:write", "Create, change, test and delete webhook endpoints"),
)
"""What each scope of a key allows."""


@dataclass(frozen=True, slots=True)
class Price:
    """A row of the price table."""

    what: str
    path: str
    credits: str
    usd: str


@dataclass(frozen=True, slots=True)
class Guide:
    name: str
    title: str
    blocks: tuple[Block, ...]


def guides(settings: Settings, language: str) -> tuple[Guide, ...]:
    """All guides in `language`, filled in; English where there is no translation."""
    return tuple(_guide(name, settings, language) for name in NAMES)


def text(name: str, settings: Settings, language: str = "en") -> str:
    """One guide as Markdown, filled in."""
    folder = files("charafy.reference") / "guides"
    source = folder / language / f"{name}.md"
    if not source.is_file():
        source = folder / "en" / f"{name}.md"
    # Markdown of ours filled with settings; HTML is made of it later, with escaping.
    environment = Environment(  # noqa: S701
        loader=BaseLoader(), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(source.read_text(encoding="utf-8"))
    english = "" if language == "en" else text(name, settings)
    return (
        template.render(
            code=partial(_code, _CODE.findall(english)),
            base_url=settings.base_url,
            prices=settings.prices,
            price_rows=price_rows(settings.prices),
            plans=settings.plans,
            plan=settings.plan(settings.sign_up_plan),
            scopes=SCOPES,
            errors=ERRORS,
        ).strip()
        + "\n"
    )


def titles(language: str) -> Mapping[str, str]:
    """Titles of operations by their names, where the language has its own; may be empty."""
    source = files("charafy.reference") / "guides" / language / "operations.json"
    found: dict[str, str] = json.loads(source.read_text("utf-8")) if source.is_file() else {}
    return found


def price_rows(prices: Prices) -> tuple[Price, ...]:
    """The price table in the contract's order and words."""

    def row(what: str, path: str, amount: int, unit: str) -> Price:
        return Price(what, path, f"{amount:,} / {unit}", f"${amount / 100:,.2f}")

    talk = "/v1/conversation/token"
    least = f"second (min {prices.video_per_second})"
    return (
        row("Text-to-Speech", "/v1/tts", prices.tts_per_100_chars, "100 chars (min 1)"),
        row("Conversation, audio only", talk, prices.conversation_audio_per_minute, "minute"),
        row("Conversation, video", talk, prices.conversation_video_per_minute, "minute"),
        row("Avatar generation", "/v1/characters/:id/avatar", prices.avatar, "request"),
        row("Video generation", "/v1/video", prices.video_per_second, least),
        row("Voice clone", "/v1/voice/clone", prices.voice_clone, "request"),
    )


def _code(runs: list[str], number: int) -> str:
    """The English guide's nth run of code blocks: a translation repeats no code."""
    return runs[number - 1].strip()


def _guide(name: str, settings: Settings, language: str) -> Guide:
    heading, _, rest = text(name, settings, language).partition("\n")
    return Guide(name, heading.removeprefix("# "), blocks(rest, name))
