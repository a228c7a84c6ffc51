"""A real SMTP server in a thread, whose inbox tests wait on."""

from __future__ import annotations

import queue
import re
import ssl
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""Self-signed for localhost, with its key, for tests alone; valid until 2126."""

USER, PASSWORD = "sora", "p@ss/word"


def trusting() -> ssl.SSLContext:
    """A client that trusts the test certificate."""
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def _serving() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(CERTIFICATE))
    return context


class Postbox(Controller):
    """`encryption`: none, starttls (required) or tls. `refusals` are answered first, in order."""

    def __init__(
        self, *, encryption: str = "none", auth: bool = False, refusals: tuple[str, ...] = ()
    ) -> None:
        self.inbox: queue.Queue[EmailMessage] = queue.Queue()
        self.attempts = 0
        self._refusals = list(refusals)
        options: dict[str, Any] = {"auth_required": auth, "auth_require_tls": True}
        if auth:
            options["authenticator"] = _authenticate
        if encryption == "tls":
            options["ssl_context"] = _serving()
            options["auth_require_tls"] = False  # the whole connection is encrypted already
        if encryption == "starttls":
            options |= {"tls_context": _serving(), "require_starttls": True}
        super().__init__(self, hostname="127.0.0.1", port=0, **options)

    def url(self, scheme: str = "smtp", login: str = "", query: str = "?tls=off") -> str:
        return f"{scheme}://{login}localhost:{self.port}{query}"

    def next(self) -> EmailMessage:
        """The next letter; fails when none comes within five seconds."""
        return self.inbox.get(timeout=5)

    def is_empty(self) -> bool:
        return self.inbox.empty()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.attempts += 1
        if self._refusals:
            return self._refusals.pop(0)
        message = BytesParser(policy=default).parsebytes(envelope.content)
        assert isinstance(message, EmailMessage)
        self.inbox.put(message)
        return "250 OK"

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def _authenticate(_server: Any, _session: Any, _envelope: Any, _method: str, data: Any) -> Any:
    known = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=data == known, handled=False)


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def html_of(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def token_in(message: EmailMessage) -> str:
    """The token of the link in a letter."""
    found = re.search(r"(?:token|invitation)=([\w-]+)", text_of(message))
    assert found, text_of(message)
    return found[1]
