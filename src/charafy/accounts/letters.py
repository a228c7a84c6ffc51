"""The letters that accounts send, in English and Japanese."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlencode

from charafy.kernel.mail import Letter

Language = Literal["en", "ja"]
Topic = Literal["verify", "reset", "exists", "invitation", "address_changed"]

_PATHS: Mapping[Topic, str] = MappingProxyType(
    {
        "verify": "/verify",
        "reset": "/reset",
        "exists": "/sign-in",
        "invitation": "/sign-up",
        "address_changed": "/reset",
    }
)


@dataclass(frozen=True, slots=True)
class _Words:
    subject: str
    body: str
    button: str
    closing: str


_WORDS: Mapping[tuple[Topic, Language], _Words] = MappingProxyType(
    {
        ("verify", "en"): _Words(
            "Confirm your address",
            "Someone, hopefully you, gave this e-mail address for an account at {server}.",
            "Confirm this address",
            "The link works once, for 24 hours. If it wasn't you, ignore this mail: "
            "nothing happens without the link.",
        ),
        ("verify", "ja"): _Words(
            "メールアドレスの確認",
            "{server} のアカウントに、このメールアドレスが登録されました。",
            "アドレスを確認する",
            "リンクは24時間、1回だけ有効です。お心当たりがない場合は、このメールを無視してください。",
        ),
        ("reset", "en"): _Words(
            "Choose a new password",
            "Someone, hopefully you, asked for a new password for your account at {server}.",
            "Choose a new password",
            "The link works once, for one hour. If it wasn't you, ignore this mail: "
            "your password stays as it is.",
        ),
        ("reset", "ja"): _Words(
            "パスワードの再設定",
            "{server} のアカウントで、パスワードの再設定が申し込まれました。",
            "新しいパスワードを決める",
            "リンクは1時間、1回だけ有効です。お心当たりがない場合は、このメールを無視してください。"
            "パスワードは変わりません。",
        ),
        ("exists", "en"): _Words(
            "You have an account already",
            "Someone, hopefully you, tried to use this e-mail address for a new account at "
            "{server}. There is one already.",
            "Sign in",
            "If you forgot the password, you can choose a new one there. If it wasn't you, "
            "there is nothing to do.",
        ),
        ("exists", "ja"): _Words(
            "アカウントはすでにあります",
            "{server} で、このメールアドレスを使った登録が申し込まれましたが、"
            "アカウントはすでにあります。",
            "ログインする",
            "パスワードをお忘れの場合は、そこから再設定できます。お心当たりがない場合、"
            "することは何もありません。",
        ),
        ("invitation", "en"): _Words(
            "You are invited",
            "You are invited to make an account at {server}, where characters speak.",
            "Make my account",
            "The link works once, for seven days.",
        ),
        ("invitation", "ja"): _Words(
            "ご招待",
            "キャラクターが話す {server} に、アカウントを作るよう招待されました。",
            "アカウントを作る",
            "リンクは7日間、1回だけ有効です。",
        ),
        ("address_changed", "en"): _Words(
            "Your address was changed",
            "The e-mail address of your account at {server} is now another one.",
            "It wasn't me",
            "If you changed it yourself, there is nothing to do. If not, ask the operator of the "
            "server for help.",
        ),
        ("address_changed", "ja"): _Words(
            "メールアドレスが変わりました",
            "{server} のアカウントのメールアドレスが変更されました。",
            "心当たりがない場合",
            "ご自身で変更された場合、することは何もありません。"
            "そうでない場合は、サーバーの運営者にご連絡ください。",
        ),
    }
)


class Letters:
    """Writes letters with links to this server."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def write(
        self, topic: Topic, to: str, language: Language, *, token: str | None = None
    ) -> Letter:
        words = _WORDS[topic, language]
        server = self._base_url.partition("://")[2]
        body = words.body.format(server=server)
        link = self._base_url + _PATHS[topic]
        if token is not None:
            name = "invitation" if topic == "invitation" else "token"
            link += "?" + urlencode({name: token})
        return Letter(
            to=to,
            subject=f"Charafy: {words.subject}",
            text=f"{body}\n\n{words.button}:\n{link}\n\n{words.closing}\n",
            html=_page(language, body, words, link),
        )


def _page(language: Language, body: str, words: _Words, link: str) -> str:
    """Inline styles only: mail programs drop anything else."""
    escaped = html.escape(link)
    return (
        f'<!doctype html><html lang="{language}"><body style="margin:0;background:#f6f1e7">'
        '<div style="max-width:32em;margin:0 auto;padding:40px 24px;color:#1d2433;'
        'font:16px/1.6 system-ui,sans-serif">'
        '<p style="font:600 22px Georgia,serif;margin:0 0 24px">Charafy</p>'
        f"<p>{html.escape(body)}</p>"
        f'<p style="margin:28px 0"><a href="{escaped}" style="display:inline-block;'
        "padding:12px 20px;border-radius:6px;background:#c8401f;color:#fff;"
        f'text-decoration:none">{html.escape(words.button)}</a></p>'
        f'<p style="color:#5c6270;font-size:14px">{html.escape(words.closing)}</p>'
        f'<p style="color:#5c6270;font-size:13px;word-break:break-all">{escaped}</p>'
        "</div></body></html>\n"
    )
