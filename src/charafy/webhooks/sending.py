"""One request to one endpoint: bounded, guarded, signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import httpcore

from charafy import __version__
from charafy.kernel.clock import Clock
from charafy.kernel.endpoints import permitted
from charafy.kernel.outside import Deadline, Outside, Refused, Unreachable
from charafy.webhooks.models import RESPONSE_BYTES
from charafy.webhooks.outbox import Claim
from charafy.webhooks.signing import Secrets, sign

TIMEOUT_S = 15.0
"""For all of one attempt; connecting has five seconds of it for each address."""
GONE = 410
RETRY_AFTER_CHARS = 9


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt."""

    duration_ms: int
    response_status: int | None = None
    response_body: str | None = None
    """At most the first 2 KB, without zero characters."""
    retry_after_s: int = 0
    error: str | None = None
    """Why there was no answer, as a sentence."""

    @property
    def is_delivered(self) -> bool:
        return self.response_status is not None and 200 <= self.response_status < 300

    @property
    def is_gone(self) -> bool:
        return self.response_status == GONE


class Sender:
    """Thread-safe."""

    def __init__(
        self, clock: Clock, secrets: Secrets, outside: Outside, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._clock = clock
        self._secrets = secrets
        self._outside = outside
        self._timeout_s = timeout_s

    def send(self, claim: Claim) -> Outcome:
        """Tell the endpoint once. Follows no redirect; raises nothing for what goes wrong there."""
        started = self._clock.monotonic()
        deadline = Deadline(self._clock, self._timeout_s)
        try:
            target = permitted(self._outside, claim.endpoint.url)
            with self._outside.exchange(
                "POST", target, deadline, headers=self._headers(claim), content=claim.body
            ) as response:
                status, retry_after_s = response.status, _retry_after(response)
                body = _beginning(response, deadline)
        except Refused as refusal:
            return Outcome(self._ms_since(started), error=f"The URL {refusal.why}.")
        except Unreachable as failure:
            return Outcome(self._ms_since(started), error=f"There was no answer: {failure.why}.")
        return Outcome(self._ms_since(started), status, body, retry_after_s)

    def _headers(self, claim: Claim) -> Mapping[str, str]:
        now = self._clock.now()
        timestamp = int(now.timestamp())
        endpoint = claim.endpoint
        keys = [
            self._secrets.key(endpoint.endpoint_id, generation)
            for generation in endpoint.generations(now)
        ]
        return {
            "Content-Type": "application/json",
            "Content-Length": str(len(claim.body)),
            "User-Agent": f"charafy-webhooks/{__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "webhook-id": claim.event_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(keys, claim.event_id, timestamp, claim.body),
        }

    def _ms_since(self, started: float) -> int:
        return round((self._clock.monotonic() - started) * 1000)


def _beginning(response: httpcore.Response, deadline: Deadline) -> str:
    """The beginning of the body. What is wrong with it doesn't undo the status."""
    found = bytearray()
    try:
        for piece in response.iter_stream():
            found += piece
            if len(found) >= RESPONSE_BYTES:
                break
            deadline.left()
    except (Unreachable, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        pass
    return found[:RESPONSE_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd")


def _retry_after(response: httpcore.Response) -> int:
    for name, value in response.headers:
        if name.lower() == b"retry-after" and value.isdigit() and len(value) < RETRY_AFTER_CHARS:
            return int(value)
    return 0
