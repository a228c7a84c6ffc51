"""A language model elsewhere, and all that can go wrong on the way: against a real server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, cast

import pytest

from charafy.engines.language import Asked, ChatFailed, ChatStalled, Message
from charafy.engines.language.remote import MOST_BYTES, RemoteChat, Waits
from tests.support.fake_llm import HEAD, Script, Server, chunk, event, saying, silent_after

ASKED = Asked((Message("system", "You are Mio."), Message("user", "Hi!")), "en", max_tokens=7)
KEY = "sk-very-secret"
QUICK = Waits(connect_s=2, first_s=0.4, between_s=0.3)


@contextmanager
def talking(script: Script, waits: Waits | None = None) -> Iterator[tuple[RemoteChat, Server]]:
    server = Server(script)
    chat = RemoteChat(server.url + "/", "small-model", KEY, waits=waits)
    try:
        yield chat, server
    finally:
        chat.close()
        server.close()


def test_words_come_piece_by_piece_up_to_the_end() -> None:
    done = b"data: [DONE]\n\n"
    with talking(saying(event(""), event("Hello"), event(", you."), event(None, "stop"), done)) as (
        chat,
        _,
    ):
        assert list(chat.reply(ASKED)) == ["Hello", ", you."]


def test_the_service_is_asked_as_its_clients_ask_it() -> None:
    with talking(saying(event("Yes.", "stop"))) as (chat, server):
        list(chat.reply(ASKED))
        ((head, body),) = server.requests
    assert head.startswith("POST /v1/chat/completions HTTP/1.1\r\n")
    assert f"Authorization: Bearer {KEY}" in head
    assert body == {
        "model": "small-model",
        "messages": [
            {"role": "system", "content": "You are Mio."},
            {"role": "user", "content": "Hi!"},
        ],
        "max_tokens": 7,
        "temperature": 0.7,
        "stream": True,
    }


def test_a_service_is_told_everything_before_the_conversation() -> None:
    said = Message("user", "Hi!"), Message("assistant", "Hello."), Message("user", "And?")
    told = Message("system", "You are Mio."), Message("system", "They like tea.")
    with talking(saying(event("Yes.", "stop"))) as (chat, server):
        list(chat.reply(Asked((told[0], *said[:2], told[1], said[2]), "en")))
        ((_, body),) = server.requests
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "user"]
    assert body["messages"][0]["content"] == "You are Mio.\nThey like tea."


def test_pieces_may_be_cut_anywhere_even_within_a_letter() -> None:
    body = b": ping\r\n\r\n" + event("雨").replace(b"\\u96e8", "雨".encode())
    bodies = [bytes([byte]) for byte in body + event("です。", "stop")]
    with talking(saying(*bodies)) as (chat, _):
        assert "".join(chat.reply(ASKED)) == "雨です。"


def test_a_second_question_uses_the_connection_of_the_first() -> None:
    with talking(saying(event("Yes.", "stop"), b"data: [DONE]\n\n")) as (chat, server):
        assert list(chat.reply(ASKED)) == ["Yes."]
        until = time.monotonic() + 5
        while not _idle(chat) and time.monotonic() < until:
            time.sleep(0.005)
        assert list(chat.reply(ASKED)) == ["Yes."]
        assert server.connections == 1


def _idle(chat: RemoteChat) -> bool:
    """Whether the reader has read the answer to its end: it does so beside whoever asked."""
    return not [t for t in threading.enumerate() if t.name == "remote-chat"]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(silent_after(), id="nothing but a head"),
        pytest.param(silent_after(event("")), id="an empty word"),
        pytest.param(silent_after(event("Well")), id="one word"),
        pytest.param(silent_after(keep_alive=b": ping\n\n"), id="comments for ever"),
        pytest.param(silent_after(event("Well"), keep_alive=event("")), id="empty words for ever"),
    ],
)
def test_who_says_nothing_for_too_long_has_stalled(script: Script) -> None:
    with talking(script, QUICK) as (chat, _), pytest.raises(ChatStalled):
        list(chat.reply(ASKED))


def test_the_first_word_may_take_longer_than_the_next() -> None:
    def script(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(HEAD)
        over.wait(0.3)
        connection.sendall(chunk(event("Well")))
        over.wait(5)

    waits = Waits(connect_s=2, first_s=4, between_s=0.1)
    with talking(script, waits) as (chat, _):
        reply = chat.reply(ASKED)
        assert next(reply) == "Well"
        with pytest.raises(ChatStalled):
            next(reply)


@pytest.mark.parametrize(
    "data",
    [
        b"data: {not json\n\n",
        b"data: [1, 2]\n\n",
        b"data: 7\n\n",
        b'data: {"choices": "none"}\n\n',
        b'data: {"choices": [7]}\n\n',
        b'data: {"error": {"message": "quota of sk-very-secret exceeded"}}\n\n',
        b"data: " + b"[" * 100_000 + b"\n\n",
        b"data: [DONE]\n\n",
        b"<html>hello</html>",
        b"",
    ],
)
def test_an_answer_that_is_none_fails_in_our_own_words(data: bytes) -> None:
    script = saying(*([data] if data else []))
    with talking(script) as (chat, _), pytest.raises(ChatFailed) as caught:
        list(chat.reply(ASKED))
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("data", [b'data: {"error": null, "choices": []}\n\n', b"event: x\n\n"])
def test_what_says_nothing_is_passed_over(data: bytes) -> None:
    with talking(saying(data, event("Yes.", "stop"))) as (chat, _):
        assert list(chat.reply(ASKED)) == ["Yes."]


@pytest.mark.parametrize("status", [301, 401, 404, 429, 500])
def test_a_refusal_is_a_failure_with_its_number_only(status: int) -> None:
    body = f'{{"error": "key {KEY} is unknown"}}'.encode()
    head = (
        f"HTTP/1.1 {status} Word\r\nlocation: http://127.0.0.1:9/\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    ).encode()
    with talking(saying(head=head, end=body)) as (chat, server):
        with pytest.raises(ChatFailed) as caught:
            list(chat.reply(ASKED))
        assert len(server.requests) == 1
    assert str(caught.value) == f"The language model answered with {status}."


@pytest.mark.parametrize(
    "head", [HEAD, b"HTTP/1.1 200 OK\r\n\r\n"], ids=["chunked", "until it closes"]
)
def test_who_hangs_up_in_the_middle_has_failed_after_what_was_said(head: bytes) -> None:
    def script(connection: socket.socket, _: threading.Event) -> None:
        body = event("I was")
        connection.sendall(head + (chunk(body) if b"chunked" in head else body))
        connection.shutdown(socket.SHUT_RDWR)

    with talking(script) as (chat, _):
        reply = chat.reply(ASKED)
        assert next(reply) == "I was"
        with pytest.raises(ChatFailed):
            next(reply)


def test_nobody_at_the_address_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    chat = RemoteChat(f"http://127.0.0.1:{port}/v1", "m", KEY)
    with closing(chat), pytest.raises(ChatFailed) as caught:
        list(chat.reply(ASKED))
    assert str(port) not in str(caught.value)


def test_far_more_than_a_reply_is_not_read() -> None:
    body = b": " + b"x" * (MOST_BYTES // 4) + b"\n"
    script = saying(*[body] * 5, event("Yes.", "stop"))
    with talking(script) as (chat, _), pytest.raises(ChatFailed, match="far more"):
        list(chat.reply(ASKED))


def test_a_packed_answer_is_not_unpacked() -> None:
    head = HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n")
    with talking(saying(event("Yes.", "stop"), head=head)) as (chat, server):
        with pytest.raises(ChatFailed, match="packed"):
            list(chat.reply(ASKED))
        assert "accept-encoding: identity" in server.requests[0][0].lower()


def test_who_leaves_hangs_up_on_the_service() -> None:
    def script(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(HEAD)
        while not over.wait(0.005):
            connection.sendall(chunk(event("and on ")))

    with talking(script) as (chat, server):
        reply = cast("Generator[str]", chat.reply(ASKED))
        assert next(reply) == "and on "
        reply.close()
        assert server.hung_up.wait(5)


def test_a_reply_that_is_never_taken_is_never_asked_for() -> None:
    with talking(saying(event("Yes.", "stop"))) as (chat, server):
        chat.reply(ASKED)
        chat.warm(ASKED)
        assert server.connections == 0


def test_who_waits_for_words_is_let_go_at_once_by_whoever_leaves() -> None:
    with talking(silent_after(), Waits(first_s=30)) as (chat, server):
        reply = cast("Any", chat.reply(ASKED))
        taken: list[str] = []
        waiting = threading.Thread(target=lambda: taken.extend(reply))
        waiting.start()
        while not server.requests:
            time.sleep(0.005)
        reply.leave()
        waiting.join(2)
        assert not waiting.is_alive()
        assert taken == list(reply) == []
