"""What voices say while they are looked for. No sentence serves two purposes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from charafy.engines.voice import Language

SOUGHT: Final[Mapping[Language, str]] = MappingProxyType(
    {
        "en": "The quick brown fox was easily fooled by a weary old hound. "
        "Why, she always chose joy.",
        "ja": "今日はとても良い天気なので、ゆっくり公園まで散歩に行って、お茶を飲みました。",
    }
)
"""What is said at every look: five to six seconds. Shorter ones find voices that suit only them."""
TRIED: Final[Mapping[Language, str]] = MappingProxyType(
    {
        "en": "We measured every angle of the yellow house. "
        "Put five thin sheets of paper beside the chocolate cake.",
        "ja": "駅前のパン屋で新しいケーキを買ってきました。"
        "来週の会議は火曜日の午後三時から始まります。",
    }
)
"""What the spectrum is compared with: every sound of the language."""
TUNED: Final[Mapping[Language, str]] = MappingProxyType(
    {
        "en": "The yellow house was always quiet at night.",
        "ja": "今年の夏は、とても暑かったですね。",
    }
)
"""What the pitch in the other language is measured by."""
JUDGED: Final[Mapping[Language, str]] = MappingProxyType(
    {
        "en": "Over there the old bridge crosses a narrow river near the mill, and nobody "
        "expected a museum.",
        "ja": "昨日の夜は雨が強くて、なかなか眠れなかったので、本を読みました。",
    }
)
"""What similarity is told by: nothing of it was said before."""
PROVED: Final[Mapping[Language, tuple[str, ...]]] = MappingProxyType(
    {
        "en": (
            "Whatever the weather, the ferry leaves the harbour at a quarter past nine.",
            "My brother thought the judge would surely choose a smaller room.",
        ),
        "ja": (
            "来週の土曜日に、友達と一緒に動物園へ行くつもりです。",
            "電車が遅れたので、会議に間に合いませんでした。",
        ),
    }
)
"""What the jury hears of a refined voice."""
