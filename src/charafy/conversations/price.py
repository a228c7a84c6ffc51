"""What conversations cost, in whole credits. Pure."""

from __future__ import annotations

import math
from fractions import Fraction

from charafy.conversations.models import Conversation, Ending


def prepaid(rate: int, seconds: int) -> int:
    """What `seconds` at `rate` credits a minute cost."""
    return -(-rate * seconds // 60)


def affordable(available: int, rate: int, wanted_s: int) -> int:
    """How long a conversation may last: `wanted_s`, or the whole minutes that can be paid.

    0 when not even one minute can (a wish below a minute counts as one).
    """
    if prepaid(rate, wanted_s) <= available:
        return wanted_s
    return min(available // rate * 60, wanted_s // 60 * 60)


def owed(conversation: Conversation, ending: Ending) -> int:
    """What is taken of what was set aside: never more than that, nothing of a test key.

    Started credits, not started minutes: seconds cost their part of a minute, and the sum is
    rounded up.
    """
    lasted = within(ending.seconds, conversation.limit_s)
    billable = lasted - within(ending.dead_s, lasted)
    seen = billable if ending.video_seconds is None else within(ending.video_seconds, billable)
    # Fractions, so that 6 seconds at 10 a minute are 1 credit and not 1.0000000000000002.
    face = Fraction(seen).limit_denominator(1_000)
    voice = Fraction(billable - seen).limit_denominator(1_000)
    cost = (face * conversation.rate + voice * conversation.audio_rate) / 60
    return min(math.ceil(cost), conversation.held)


def within(value: float, most: float) -> float:
    """`value` as far as it can be believed: 0 to `most`, and 0 for what is no number."""
    return min(max(value, 0.0), most) if math.isfinite(value) else 0.0
