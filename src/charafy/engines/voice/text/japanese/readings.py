"""Words with two readings, told apart by their neighbours where the dictionary does not try."""

from __future__ import annotations

import re
from collections.abc import Callable

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]]

_READINGS = (
    (r"(?<=[あこそど]の)方(?=[はもとにへ]|が(?!いい|良|よ|好|多|少|早|速|安|高|楽|大|小))", "かた"),
    (r"人気(?=の?がな[いく]|のな[いく])(?=.{2,4}(?:道|夜道|路地|場所|所|森|公園|通り))", "ひとけ"),
    (r"(?<=[^あ-ん])風(?=の[家店味服庭髪料絵曲])", "ふう"),
    (r"空(?=の(?:箱|缶|瓶|びん|コップ|グラス|ペット|容器|袋|財布|皿))|空(?=っぽ)", "から"),
    (r"空(?=[いくけきか])(?<=[がもは席]空)", "あ"),
    (r"開(?=い[てた])(?<=が開|は開|も開|ら開)", "あ"),
    (r"表(?=[をにが]?(?:作|見せ|まとめ|計算|グラフ))", "ヒョー"),
    (r"金(?=の?メダル)", "きん"),
    (r"床(?=につ[いくけか])", "とこ"),
    (
        r"辛(?=[いくか](?:.{0,2}(?:カレー|料理|もの|物|味|食べ|スープ|ラーメン|ソース|鍋|麻婆|キムチ|です|口)))",
        "から",
    ),
    (r"今日(?=的)", "こんにち"),
    (r"(?<![株式金融])市場(?=[でにへ].{0,6}(?:魚|野菜|果物|買い?に?|行))", "いちば"),
    (r"最中(?=[をがは](?:食|買|甘|おいし|美味))", "もなか"),
    (r"明後日", "あさって"),
    (r"一昨日", "おととい"),
)


def _always(kana: str) -> Callable[[re.Match[str]], str | None]:
    return lambda _: kana


RULES: tuple[Rule, ...] = tuple((re.compile(form), _always(kana)) for form, kana in _READINGS)
"""Context -> kana. All look at most a few characters around."""
