"""A language model elsewhere, as far as a server sees it: OpenAI's protocol on the loopback, as
quick as hosted models are, always with another answer."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
import threading
from collections.abc import Iterator
from typing import Final

from tests.support.servers import LocalServer

FIRST_TOKEN_S: Final = 0.35
TOKENS_PER_S: Final = 60.0
_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
_WHAT: Final = {
    "en": ("an old garden", "the river at night", "a small bakery", "the first snow", "my window"),
    "ja": ("古い庭", "夜の川", "小さなパン屋", "初雪", "窓からの景色"),
}
_SAID: Final = {
    "en": "That makes me think of {what}. {how}, and I could talk about it for hours. What about "
    "you?",
    "ja": "それを聞くと{what}を思い出します。{how}、何時間でも話せそうです。あなたはどうですか。",
}
_HOW: Final = {
    "en": ("It is quiet there", "I was there in spring", "Nobody else knows it", "It smells good"),
    "ja": ("とても静かで", "春に行ったことがあって", "誰も知らない場所で", "いい香りがして"),
}


@contextlib.contextmanager
def answering() -> Iterator[dict[str, str]]:
    """The settings of a server that asks it."""
    turns = itertools.count()
    server: LocalServer

    def answer(connection: socket.socket, stop: threading.Event) -> None:
        language = "ja" if re.search(r"[ぁ-ん]|\\u30[4-9a-f]", server.bodies[-1].decode()) else "en"
        connection.sendall(_HEAD)
        stop.wait(FIRST_TOKEN_S)
        for token in _tokens(language, next(turns)):
            delta = {"choices": [{"index": 0, "delta": {"content": token}}]}
            connection.sendall(f"data: {json.dumps(delta)}\n\n".encode())
            if stop.wait(1 / TOKENS_PER_S):
                return
        connection.sendall(b"data: [DONE]\n\n")

    server = LocalServer(answer)
    with server:
        yield {
            "CHARAFY_LLM_ENGINE": "remote",
            "CHARAFY_LLM_BASE_URL": f"http://127.0.0.1:{server.port}/v1",
            "CHARAFY_LLM_MODEL": "canned",
        }


def _tokens(language: str, number: int) -> list[str]:
    what, how = _WHAT[language], _HOW[language]
    said = _SAID[language].format(what=what[number % len(what)], how=how[number % len(how)])
    return re.findall(r"\s?\w{1,4}|\W", said)
