"""What keeps a process from starting."""

from __future__ import annotations


class StartRefused(RuntimeError):
    """Something it needs is missing or can't be used: the message is one sentence for whoever
    starts it, says what to do, and holds no secret.
    """
