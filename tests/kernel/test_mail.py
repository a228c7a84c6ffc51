"""Mail leaves through a real SMTP server, and a dead one hurts nobody."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from charafy.kernel.errors import UpstreamFailed
from charafy.kernel.mail import Letter, Mailer, MailServer
from tests.support.postbox import PASSWORD, USER, Postbox, html_of, text_of, trusting

LETTER = Letter(
    to="sora@example.com",
    subject="Charafy: メールアドレスの確認",
    text="こんにちは。\nhttps://charafy.example/verify?token=abc\n",
    html="<p>こんにちは。</p>",
)
LOGIN = f"{USER}:{quote(PASSWORD, safe='')}@"


@contextmanager
def postbox(**options: object) -> Iterator[Postbox]:
    box = Postbox(**options)  # type: ignore[arg-type]
    box.start()
    try:
        yield box
    finally:
        box.stop()


@contextmanager
def mailer(url: str | None, **options: object) -> Iterator[Mailer]:
    made = Mailer(url, "Charafy <hello@charafy.example>", **options)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.close(timeout_s=5)


def test_a_letter_arrives_as_text_and_html_in_japanese() -> None:
    with postbox() as box, mailer(box.url()) as sender:
        sender.send(LETTER)
        received = box.next()
    assert received["Subject"] == LETTER.subject
    assert received["To"] == "sora@example.com"
    assert received["From"] == "Charafy <hello@charafy.example>"
    assert received["Message-ID"].endswith("@charafy.example>")
    assert text_of(received).replace("\r\n", "\n") == LETTER.text
    assert html_of(received).strip() == LETTER.html


def test_it_logs_in_over_starttls_with_a_password_that_the_url_had_to_escape() -> None:
    with (
        postbox(encryption="starttls", auth=True) as box,
        mailer(box.url(login=LOGIN, query=""), tls=trusting()) as sender,
    ):
        sender.send(LETTER)
        assert box.next()["To"] == "sora@example.com"


def test_it_logs_in_over_tls_from_the_start() -> None:
    with (
        postbox(encryption="tls", auth=True) as box,
        mailer(box.url("smtps", LOGIN, ""), tls=trusting()) as sender,
    ):
        sender.send(LETTER)
        assert box.next()["To"] == "sora@example.com"


def test_a_server_without_starttls_gets_neither_password_nor_letter() -> None:
    with postbox() as box, mailer(box.url(login=LOGIN, query="")) as sender:
        with pytest.raises(UpstreamFailed):
            sender.send(LETTER)
        assert box.attempts == 0


def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    with postbox(encryption="tls") as box, mailer(box.url("smtps", query="")) as sender:
        with pytest.raises(UpstreamFailed):
            sender.send(LETTER)
        assert box.attempts == 0


def test_a_wrong_password_is_a_clear_failure_that_quotes_nothing() -> None:
    with (
        postbox(encryption="starttls", auth=True) as box,
        mailer(box.url(login="sora:wrong@", query=""), tls=trusting()) as sender,
        pytest.raises(UpstreamFailed) as failure,
    ):
        sender.send(LETTER)
    assert failure.value.status == 502
    assert "wrong" not in failure.value.message
    assert "sora" not in failure.value.message


def test_posting_to_a_dead_server_returns_and_fails_nobody() -> None:
    with mailer(f"smtp://localhost:{_closed_port()}?tls=off", retry_after_s=()) as sender:
        sender.post(LETTER)


def test_sending_to_a_dead_server_says_so() -> None:
    with (
        mailer(f"smtp://localhost:{_closed_port()}?tls=off") as sender,
        pytest.raises(UpstreamFailed),
    ):
        sender.send(LETTER)


def test_a_posted_letter_is_tried_again_after_a_passing_refusal() -> None:
    with (
        postbox(refusals=("451 later", "451 later")) as box,
        mailer(box.url(), retry_after_s=(0.0, 0.0)) as sender,
    ):
        sender.post(LETTER)
        assert box.next()["To"] == "sora@example.com"
        assert box.attempts == 3


def test_a_final_refusal_is_not_tried_again() -> None:
    with (
        postbox(refusals=("550 never",)) as box,
        mailer(box.url(), retry_after_s=(0.0, 0.0)) as sender,
    ):
        sender.post(LETTER)
        sender.post(LETTER)
        box.next()  # the second letter: the first was given up
        assert box.attempts == 2


def test_closing_gives_waiting_letters_a_last_try() -> None:
    with postbox() as box:
        sender = Mailer(box.url(), "hello@charafy.example")
        for _ in range(3):
            sender.post(LETTER)
        sender.close(timeout_s=5)
        assert box.inbox.qsize() == 3


def test_closing_does_not_wait_out_the_pause_before_a_retry() -> None:
    with postbox(refusals=("451 later",)) as box:
        sender = Mailer(box.url(), "hello@charafy.example", retry_after_s=(3600.0,))
        sender.post(LETTER)
        sender.close(timeout_s=5)
    assert not [thread for thread in threading.enumerate() if thread.name == "mail"]


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"smtp://localhost:{silent.getsockname()[1]}?tls=off"
        with mailer(url, timeout_s=0.2) as sender, pytest.raises(UpstreamFailed):
            sender.send(LETTER)


def test_an_address_with_a_line_break_adds_no_header() -> None:
    evil = Letter("a@example.com\nBcc: all@example.com", "Hello", "Hello", "<p>Hello</p>")
    with postbox() as box, mailer(box.url(), retry_after_s=()) as sender:
        with pytest.raises(UpstreamFailed):
            sender.send(evil)
        sender.post(evil)
        sender.post(LETTER)
        assert box.next()["To"] == "sora@example.com"
        assert box.attempts == 1


def test_without_a_server_posting_does_nothing_and_sending_says_so() -> None:
    with mailer(None) as sender:
        assert not sender.configured
        sender.post(LETTER)
        with pytest.raises(UpstreamFailed, match="no mail server"):
            sender.send(LETTER)


def test_a_server_is_named_by_a_url() -> None:
    assert MailServer.from_url("smtp://mail.example") == MailServer("mail.example", 587, "starttls")
    assert MailServer.from_url("smtps://mail.example").port == 465
    assert MailServer.from_url("smtp://localhost:1025?tls=off").encryption == "none"


@pytest.mark.parametrize("url", ["mail.example:25", "http://mail.example", "smtp://", ""])
def test_anything_else_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(ValueError, match="must be smtp://"):
        MailServer.from_url(url)


def test_a_password_never_shows_in_its_representation() -> None:
    assert "hunter" not in repr(MailServer.from_url("smtps://me:hunter@mail.example"))


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
