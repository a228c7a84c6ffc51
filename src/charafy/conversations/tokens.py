"""Tokens that let a client into one conversation.

Each is a LiveKit access token (their claims, their signature, never an `aud`, which LiveKit's
server refuses) with a claim of our own, so that the same token serves whichever carries the media.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from charafy.conversations.models import Conversation
from charafy.kernel.clock import Clock
from charafy.kernel.errors import Unauthorized
from charafy.kernel.ids import is_id, new_id
from charafy.kernel.livekit_settings import LiveKitSettings
from charafy.kernel.traces import OFF, Traces

LIFE: Final = timedelta(hours=1)
"""How long a client may take to connect."""
MAX_CHARS: Final = 4_096
_VERSION: Final = 1
_ALGORITHMS: Final = ["HS256"]
_SKEW: Final = timedelta(seconds=10)
"""Machines of one house may differ by as much."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says, once it is believed."""

    conversation_id: str
    expires_at: datetime
    trace: str | None = None
    """The span that made it, as `traceparent`, where that was traced."""


class Tokens:
    """Makes and reads tokens. Thread-safe."""

    def __init__(
        self,
        secret: bytes,
        settings: LiveKitSettings,
        clock: Clock,
        room: Callable[[str | None], Mapping[str, Any]] | None = None,
        *,
        traces: Traces = OFF,
    ) -> None:
        """`secret`: the house's, of which key and secret derive where the settings name none.

        `room`: how LiveKit makes the room of a conversation once its visitor comes, told the span
        that makes the token.
        """
        given = settings.livekit_api_secret
        self._issuer = settings.livekit_api_key or _derived_name(secret)
        self._key = OctKey.import_key(given.get_secret_value() if given else _derived_key(secret))
        self._clock = clock
        self._room = room
        self._traces = traces

    def make(self, conversation: Conversation, name: str, url: str, life: timedelta = LIFE) -> str:
        """A token for it. `name`: of the visitor; `url`: where to connect, within `life`."""
        now, trace = self._clock.now(), self._traces.carried()
        claims = {
            "iss": self._issuer,
            "sub": visitor_of(conversation.conversation_id),
            "nbf": int((now - _SKEW).timestamp()),
            "exp": int((now + life).timestamp()),
            "jti": new_id(),
            "name": name,
            "metadata": "",
            "video": {
                "room": conversation.conversation_id,
                "roomJoin": True,
                "canPublish": True,
                "canPublishSources": ["microphone"],
                "canSubscribe": True,
                "canPublishData": True,
            },
            **({} if self._room is None else {"roomConfig": self._room(trace)}),
            "charafy": {
                "v": _VERSION,
                "cid": conversation.conversation_id,
                "mode": conversation.mode,
                "limit": conversation.limit_s,
                "url": url,
                **({} if trace is None else {"trace": trace}),
            },
        }
        return jwt.encode({"alg": "HS256"}, claims, self._key, algorithms=_ALGORITHMS)

    def read(self, token: str, *, even_expired: bool = False) -> Claims:
        """Raises `Unauthorized` unless it is one of ours, for now (or once was)."""
        claims = self._verified(token)
        about, expires = claims.get("charafy"), claims.get("exp")
        not_before = claims.get("nbf")
        if (
            claims.get("iss") != self._issuer
            or not isinstance(about, dict)
            or about.get("v") != _VERSION
            or not isinstance(about.get("cid"), str)
            or not is_id(about["cid"])
            or not isinstance(expires, int)
            or not isinstance(not_before, int)
            or self._clock.now().timestamp() < not_before
        ):
            raise _invalid()
        if self._clock.now().timestamp() >= expires and not even_expired:
            raise Unauthorized("This token has expired; get a new one.", code="token_expired")
        expires_at, trace = self._moment(expires), None
        if isinstance(about.get("trace"), str):
            trace = about["trace"]
        return Claims(about["cid"], expires_at, trace)

    def _moment(self, seconds: int) -> datetime:
        try:
            return datetime.fromtimestamp(seconds, self._clock.now().tzinfo)
        except (ValueError, OverflowError, OSError):  # later than the calendar goes
            raise _invalid() from None

    def _verified(self, token: str) -> dict[str, Any]:
        if len(token) > MAX_CHARS:
            raise _invalid()
        try:
            return jwt.decode(token, self._key, algorithms=_ALGORITHMS).claims
        except (JoseError, ValueError, TypeError):
            # The latter two: the library's words for what isn't base64, JSON or text in there.
            raise _invalid() from None


def visitor_of(conversation_id: str) -> str:
    """The identity of its visitor in a room of LiveKit: who comes twice takes their own place."""
    return f"visitor-{conversation_id}"


def _invalid() -> Unauthorized:
    return Unauthorized("This is no token of ours.", code="invalid_token")


def _derived_name(secret: bytes) -> str:
    mac = hmac.digest(secret, b"charafy conversation key", hashlib.sha256)
    return "CHR" + base64.b32encode(mac[:10]).decode()


def _derived_key(secret: bytes) -> str:
    return hmac.new(secret, b"charafy conversation secret", hashlib.sha256).hexdigest()
