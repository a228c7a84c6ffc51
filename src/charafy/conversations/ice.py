"""Servers that help a client and a node find each other through NATs."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

from charafy.conversations.schemas import IceServer
from charafy.kernel.clock import Clock
from charafy.kernel.conversation_settings import ConversationSettings

LIFE_S: Final = 3_600


def ice_servers(
    settings: ConversationSettings, clock: Clock, conversation_id: str
) -> list[IceServer]:
    """Those of the settings; for TURN with credentials of this conversation's own.

    As coturn's REST API has them: the name says until when, the password proves that we said so.
    """
    servers = [IceServer(urls=list(settings.stun_urls))] if settings.stun_urls else []
    if settings.turn_urls and settings.turn_secret is not None:
        username = f"{int(clock.now().timestamp()) + LIFE_S}:{conversation_id}"
        secret = settings.turn_secret.get_secret_value().encode()
        mac = hmac.digest(secret, username.encode(), hashlib.sha1)
        servers.append(
            IceServer(
                urls=list(settings.turn_urls),
                username=username,
                credential=base64.b64encode(mac).decode(),
            )
        )
    return servers
