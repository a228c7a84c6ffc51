"""LiveKit's server as far as the API and talk processes ask it themselves: rooms, and who enters.

Its requests are Twirp's: JSON over HTTP, with an access token that allows just that one thing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Final, Self

import httpx
import structlog
from joserfc import jwt
from joserfc.jwk import OctKey

from charafy.conversations.tokens import visitor_of
from charafy.kernel.clock import Clock
from charafy.kernel.errors import UpstreamFailed
from charafy.kernel.livekit_settings import LiveKitSettings
from charafy.kernel.observe import describe

log = structlog.get_logger("charafy.conversations")

CHARACTER: Final = "character"
"""The identity of the character in every room."""
TOPIC: Final = "charafy"
"""Of the messages on the data channel."""
_TIMEOUT: Final = httpx.Timeout(connect=2.0, write=2.0, read=5.0, pool=2.0)
_SKEW: Final = timedelta(seconds=10)
_BRIEFLY: Final = timedelta(minutes=1)
_JOIN: Final = timedelta(minutes=10)
_EMPTY_S: Final = 20
"""How long a room waits for somebody to come, and for who left: as long as a conversation does."""


class LiveKit:
    """Thread-safe; each call waits for the server, bounded. `close` ends its connections."""

    def __init__(
        self, url: str, key: str, secret: str, *, house: bytes, clock: Clock, tls: ssl.SSLContext
    ) -> None:
        """`url`: ws or wss. `house`: the house's own secret, of which the name of its agents is."""
        self.url = url
        self.http_url = "http" + url.removeprefix("ws")
        self.agents = _agents(house)
        """What LiveKit knows the talk processes by; houses that share a server don't mix them."""
        self._key = OctKey.import_key(secret)
        self._issuer = key
        self._clock = clock
        self._client = httpx.Client(
            base_url=self.http_url, timeout=_TIMEOUT, verify=tls, trust_env=False
        )

    @classmethod
    def of(
        cls, settings: LiveKitSettings, house: bytes, clock: Clock, tls: ssl.SSLContext
    ) -> Self | None:
        """The one that the settings name, or None."""
        url, key, secret = (
            settings.livekit_ws_url,
            settings.livekit_api_key,
            settings.livekit_api_secret,
        )
        if url is None or key is None or secret is None:
            return None
        return cls(url, key, secret.get_secret_value(), house=house, clock=clock, tls=tls)

    def close(self) -> None:
        self._client.close()

    def room(self, trace: str | None) -> Mapping[str, Any]:
        """How the room of a conversation is made: for one visitor, and a character is sent for.

        `trace` comes to whoever leads the conversation, first or later, as the room's metadata.
        """
        return {
            "emptyTimeout": _EMPTY_S,
            "departureTimeout": _EMPTY_S,
            "maxParticipants": 2,
            "metadata": trace or "",
            "agents": [{"agentName": self.agents}],
        }

    def require(self) -> None:
        """Raise `UpstreamFailed` unless the server is there and knows our key."""
        try:
            self._ask("ListRooms", {"names": [self.agents]}, {"roomList": True})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.error("livekit_unreachable", **describe(error))
            raise UpstreamFailed(
                "What carries conversations can't be reached; nothing was charged. Try again "
                "shortly.",
                code="livekit_unavailable",
            ) from None

    def trouble(self) -> str | None:
        """What keeps us from using it, for its operator; None: nothing."""
        try:
            self._ask("ListRooms", {"names": [self.agents]}, {"roomList": True})
        except httpx.HTTPStatusError as error:
            if error.response.status_code != 401:
                return f"answers {error.response.status_code}: is it LiveKit's? CHARAFY_LIVEKIT_URL"
            return (
                "refuses our key: do CHARAFY_LIVEKIT_API_KEY, CHARAFY_LIVEKIT_API_SECRET and the "
                "clocks of both machines agree with it?"
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"can't be reached ({type(error).__name__}): CHARAFY_LIVEKIT_URL"
        return None

    def close_room(self, conversation_id: str) -> None:
        """Send everybody out; nothing where there is no such room, or no server."""
        body = {"room": conversation_id}
        try:
            self._ask("DeleteRoom", body, {"roomCreate": True})
        except httpx.HTTPStatusError as error:
            if error.response.status_code != 404:
                log.warning("room_not_closed", **describe(error))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("room_not_closed", **describe(error))

    def tell(self, conversation_id: str, event: Mapping[str, Any]) -> None:
        """A message to its visitor from outside of the room; lost where there is none."""
        body = {
            "room": conversation_id,
            "data": base64.b64encode(json.dumps(event).encode()).decode(),
            "kind": "RELIABLE",
            "topic": TOPIC,
            "destinationIdentities": [visitor_of(conversation_id)],
        }
        try:
            self._ask("SendData", body, {"roomAdmin": True, "room": conversation_id})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("visitor_not_told", **describe(error))

    def waited_in(self, conversation_ids: Collection[str]) -> list[str]:
        """Those of them in whose rooms the visitor is. Raises httpx's errors."""
        rooms = self._ask("ListRooms", {"names": list(conversation_ids)}, {"roomList": True})
        return [room["name"] for room in rooms.get("rooms", []) if self._is_waited_in(room["name"])]

    def _is_waited_in(self, conversation_id: str) -> bool:
        grants = {"roomAdmin": True, "room": conversation_id}
        there = self._ask("ListParticipants", {"room": conversation_id}, grants)
        visitor = visitor_of(conversation_id)
        return any(one["identity"] == visitor for one in there.get("participants", []))

    def agent_token(self) -> str:
        """Lets a talk process offer itself for conversations."""
        return self._token({"agent": True}, _BRIEFLY)

    def character_token(self, conversation_id: str, name: str) -> str:
        """Lets a talk process join as the character, called `name`.

        Whoever joins next takes the place of the one before.
        """
        grants = {
            "room": conversation_id,
            "roomJoin": True,
            "canPublish": True,
            "canSubscribe": True,
            "canPublishData": True,
        }
        return self._token(grants, _JOIN, sub=CHARACTER, name=name, kind="agent")

    def _ask(self, method: str, body: Mapping[str, Any], grants: Mapping[str, Any]) -> Any:
        """Its answer. Raises httpx's errors, also for an answer that is none of success."""
        answer = self._client.post(
            f"/twirp/livekit.RoomService/{method}",
            json=body,
            headers={"Authorization": f"Bearer {self._token(grants, _BRIEFLY)}"},
        )
        answer.raise_for_status()
        return answer.json()

    def _token(self, grants: Mapping[str, Any], life: timedelta, **more: str) -> str:
        now = self._clock.now()
        claims = {
            "iss": self._issuer,
            "nbf": int((now - _SKEW).timestamp()),
            "exp": int((now + life).timestamp()),
            "video": dict(grants),
            **more,
        }
        return jwt.encode({"alg": "HS256"}, claims, self._key, algorithms=["HS256"])


def _agents(house: bytes) -> str:
    mac = hmac.digest(house, b"charafy livekit agents", hashlib.sha256)
    return "charafy-" + mac[:6].hex()
