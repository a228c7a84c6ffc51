"""A fake of the small part of Stripe that sells credits: it is not Stripe, and takes no money.

It answers `POST /v1/checkout/sessions` over HTTP, remembers what it was asked, and makes the
signed events that Stripe would send.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

SECRET_KEY = "sk_test_fake"
WEBHOOK_SECRET = "whsec_fake"


@dataclass
class FakeStripe:
    """What was asked of it, and how it shall behave."""

    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    failing: int | None = None
    """A status to answer with instead of a session."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, form: dict[str, str], idempotency_key: str) -> dict[str, Any]:
        """A new session, or the same one for the same key, as Stripe does."""
        with self.lock:
            for session in self.sessions.values():
                if session["fake_key"] == idempotency_key:
                    return session
            number = len(self.sessions) + 1
            cents = int(form["line_items[0][price_data][unit_amount]"])
            quantity = int(form["line_items[0][quantity]"])
            session = {
                "id": f"cs_test_{number}",
                "object": "checkout.session",
                "mode": form["mode"],
                "url": f"{self.url}/pay/cs_test_{number}",
                "payment_status": "unpaid",
                "payment_intent": None,
                "amount_total": cents * quantity,
                "currency": form["line_items[0][price_data][currency]"],
                "client_reference_id": form["client_reference_id"],
                "metadata": {"purchase_id": form["metadata[purchase_id]"]},
                "fake_key": idempotency_key,
            }
            self.sessions[session["id"]] = session
            return session

    def pay(self, session_id: str, **changes: Any) -> dict[str, Any]:
        """The session after its buyer has paid."""
        session = self.sessions[session_id]
        payment = {"payment_status": "paid", "payment_intent": f"pi_{session_id}"}
        session.update(payment | changes)
        return session

    def charge(self, session_id: str, refunded: int, **changes: Any) -> dict[str, Any]:
        """The charge behind a paid session, of which `refunded` cents in all went back."""
        session = self.sessions[session_id]
        charge = {
            "id": f"ch_{session_id}",
            "object": "charge",
            "amount": session["amount_total"],
            "amount_refunded": refunded,
            "payment_intent": f"pi_{session_id}",
            "metadata": session["metadata"],
        }
        return charge | changes


def event(kind: str, about: dict[str, Any]) -> bytes:
    """An event as Stripe posts it."""
    return json.dumps(
        {
            "id": f"evt_{kind}",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "type": kind,
            "data": {"object": about},
        },
        indent=2,
    ).encode()


def signature(payload: bytes, secret: str = WEBHOOK_SECRET, age_s: float = 0) -> str:
    """Stripe's scheme: HMAC-SHA256 over "time.payload"."""
    moment = int(time.time() - age_s)
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + payload, hashlib.sha256)
    return f"t={moment},v1={digest.hexdigest()}"


@contextmanager
def fake_stripe() -> Iterator[FakeStripe]:
    """A fake on a free port of this machine."""
    fake = FakeStripe()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            form = {k: v[0] for k, v in parse_qs(self.rfile.read(length).decode()).items()}
            fake.asked.append(form)
            fake.headers.append({k.lower(): v for k, v in self.headers.items()})
            if self.headers["Authorization"] != f"Bearer {SECRET_KEY}":
                self.answer(401, {"error": {"type": "invalid_request_error", "message": "Key?"}})
            elif self.path != "/v1/checkout/sessions":
                self.answer(404, {"error": {"type": "invalid_request_error", "message": "Path?"}})
            elif fake.failing is not None:
                self.answer(fake.failing, {"error": {"type": "api_error", "message": "No."}})
            else:
                self.answer(200, fake.open(form, self.headers["Idempotency-Key"]))

        def answer(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Stripe-Should-Retry", "false")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
