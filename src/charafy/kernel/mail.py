"""Mail out through an SMTP server: in the background, a few tries, off when not configured.

Whoever posts a letter never waits for the mail server, so a slow or dead one can't fail a
sign-up, and how long an answer takes doesn't tell whether a letter was sent. A letter that could
not be delivered is logged and lost: every page that promises one offers to send it again.
"""

from __future__ import annotations

import queue
import smtplib
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from types import MappingProxyType
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

import structlog

from charafy.kernel.errors import UpstreamFailed
from charafy.kernel.observe import describe

log = structlog.get_logger("charafy.mail")

TIMEOUT_S = 10.0
RETRY_AFTER_S = (2.0, 10.0, 60.0)
WAITING_LETTERS = 200

_FAILURES = (OSError, smtplib.SMTPException, ValueError)
"""The network, the server's no, and (`ValueError`) a letter that can't be a mail."""

Encryption = Literal["starttls", "tls", "none"]
_DEFAULT_PORTS: Mapping[Encryption, int] = MappingProxyType(
    {"starttls": 587, "tls": 465, "none": 25}
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to one person, as plain text and as HTML with the same words."""

    to: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail goes out. `smtps://` speaks TLS at once; `smtp://` insists on STARTTLS, except
    with `?tls=off`, which is for a relay on the same machine."""

    host: str
    port: int
    encryption: Encryption
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str) -> MailServer:
        """Raises `ValueError` with a sentence that doesn't quote the address."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("The mail server must be smtp://host:port or smtps://host:port.")
        encryption: Encryption = "tls" if parts.scheme == "smtps" else "starttls"
        if parts.scheme == "smtp" and parse_qs(parts.query).get("tls") == ["off"]:
            encryption = "none"
        return cls(
            parts.hostname,
            parts.port or _DEFAULT_PORTS[encryption],
            encryption,
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
        )


class Mailer:
    """Owns one thread from the first letter until `close`. Thread-safe."""

    def __init__(
        self,
        url: str | None,
        sender: str,
        *,
        tls: ssl.SSLContext | None = None,
        retry_after_s: Sequence[float] = RETRY_AFTER_S,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._server = MailServer.from_url(url) if url else None
        self._sender = sender
        self._tls = tls
        self._retry_after_s = tuple(retry_after_s)
        self._timeout_s = timeout_s
        self._waiting: queue.Queue[Letter | None] = queue.Queue(WAITING_LETTERS)
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def configured(self) -> bool:
        return self._server is not None

    def post(self, letter: Letter) -> None:
        """Send in the background; does nothing when no mail server is configured.

        Raises `UpstreamFailed` only when too many letters wait already.
        """
        if not self.configured:
            return
        self._start()
        try:
            self._waiting.put_nowait(letter)
        except queue.Full:
            raise UpstreamFailed(
                "The mail server is not keeping up. Try again in a few minutes."
            ) from None

    def send(self, letter: Letter) -> None:
        """Send now and wait for it, once. Raises `UpstreamFailed`."""
        try:
            self._deliver(letter)
        except _FAILURES as error:
            log.warning("mail_failed", **describe(error))
            raise UpstreamFailed("The mail server did not take the mail.") from None

    def close(self, timeout_s: float = TIMEOUT_S) -> None:
        """Give waiting letters one last try, within `timeout_s`, and end the thread."""
        with self._lock:
            self._closing.set()
            thread, self._thread = self._thread, None
        if thread is None:
            return
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            log.warning("mail_lost", letters=self._waiting.qsize())
        thread.join(timeout_s)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name="mail", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (letter := self._waiting.get()) is not None:
            self._try_to_deliver(letter)

    def _try_to_deliver(self, letter: Letter) -> None:
        for pause_s in (*self._retry_after_s, None):
            try:
                self._deliver(letter)
                return
            except _FAILURES as error:
                last_try = pause_s is None or _refused(error) or self._closing.is_set()
                log.warning("mail_failed", will_retry=not last_try, **describe(error))
                if last_try:
                    return
                self._closing.wait(pause_s)

    def _deliver(self, letter: Letter) -> None:
        server = self._server
        if server is None:
            raise UpstreamFailed("This server has no mail server configured.")
        message = _message(letter, self._sender)
        with self._connect(server) as smtp:
            if server.encryption == "starttls":
                smtp.starttls(context=self._context())
            if server.user is not None:
                smtp.login(server.user, server.password or "")
            smtp.send_message(message)
        log.info("mail_sent")

    def _connect(self, server: MailServer) -> smtplib.SMTP:
        if server.encryption == "tls":
            return smtplib.SMTP_SSL(
                server.host, server.port, timeout=self._timeout_s, context=self._context()
            )
        return smtplib.SMTP(server.host, server.port, timeout=self._timeout_s)

    def _context(self) -> ssl.SSLContext:
        return self._tls or ssl.create_default_context()


def _refused(error: BaseException) -> bool:
    """Whether another try would change nothing."""
    if isinstance(error, ValueError):
        return True
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500


def _message(letter: Letter, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].strip("> ") or None)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message
