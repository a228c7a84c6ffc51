"""What lets somebody into a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Ticket:
    """What `POST /api/v1/conversation/token` answers of use here."""

    token: str
    connect_url: str
    ice_servers: Sequence[Mapping[str, Any]] = ()
