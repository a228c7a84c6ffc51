"""Names of what the `charafy-conversation` module tells a page, for which a page has words."""

from __future__ import annotations

from typing import Final

STATES: Final = ("connecting", "listening", "thinking", "speaking", "reconnecting", "ended")
ENDS: Final = ("hang_up", "limit", "idle", "disconnected", "failed", "deleted")
"""Reasons of an end that anybody may be told."""
TROUBLES: Final = (
    "insecure_context",
    "microphone_blocked",
    "microphone_missing",
    "microphone_busy",
    "playback_blocked",
    "unreachable",
    "no_route",
    "silent",
    "at_capacity",
    "livekit_unavailable",
)
"""Why there is no conversation, or none by voice."""
