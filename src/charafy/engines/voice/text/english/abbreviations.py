"""What is written short and spoken in full."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..wordlists import words


def _table(text: str) -> Mapping[str, str]:
    pairs = (line.split(":", 1) for line in text.strip().splitlines() for line in line.split(";"))
    return MappingProxyType({short.strip(): full.strip() for short, full in pairs})


ALWAYS = _table("""
mr: mister; mrs: missus; ms: miz; prof: professor; gen: general; col: colonel; sgt: sergeant
capt: captain; lt: lieutenant; rev: reverend; hon: honorable; pres: president; gov: governor
sen: senator; rep: representative; jr: junior; sr: senior; mt: mount; ft: fort
incl: including; excl: excluding; avg: average; vs: versus; etc: et cetera
approx: approximately; dept: department; est: established
inc: incorporated; ltd: limited; corp: corporation; fig: figure; vol: volume; vols: volumes
ave: avenue; blvd: boulevard; hwy: highway; apt: apartment; tel: telephone; ext: extension
e.g: for example; i.e: that is; a.k.a: also known as; p.s: P S; ph.d: P H D; cf: compare
jan: January; feb: February; apr: April; aug: August; sept: September; sep: September
oct: October; nov: November; dec: December; mon: Monday; tues: Tuesday; tue: Tuesday
wed: Wednesday; thurs: Thursday; thu: Thursday; fri: Friday; min: minutes; max: maximum
hr: hour; hrs: hours; misc: miscellaneous; govt: government; assn: association; bros: brothers
""")
"""Read in full when a full stop follows (keys lower case, without the last full stop)."""

BARE = _table("""
Mr: mister; Mrs: missus; Ms: miz; Dr: doctor; Prof: professor; vs: versus; etc: et cetera
AT&T: ay T and T; Wi-Fi: wifi; wi-fi: wifi
w/: with; w/o: without; b/c: because; c/o: care of; aka: also known as; approx: approximately
""")
"""Read in full even without a full stop."""

MONTHS = words(
    "January February March April May June July August September October November December"
)

MONTH_NUMBERS: Mapping[str, int] = MappingProxyType(
    {name.lower(): n for n, name in enumerate(MONTHS, 1)}
    | {name[:3].lower(): n for n, name in enumerate(MONTHS, 1)}
    | {"sept": 9}
)

# singular|plural, "|" left out where both are alike
_UNITS = """
km: kilometer|kilometers; m: meter|meters; cm: centimeter|centimeters; mm: millimeter|millimeters
mi: mile|miles; ft: foot|feet; yd: yard|yards; kg: kilogram|kilograms; g: gram|grams
mg: milligram|milligrams; lb: pound|pounds; lbs: pound|pounds; oz: ounce|ounces; l: liter|liters
L: liter|liters; ml: milliliter|milliliters; mL: milliliter|milliliters; dB: decibel|decibels
Hz: hertz; kHz: kilohertz; MHz: megahertz; GHz: gigahertz; W: watt|watts; kW: kilowatt|kilowatts
MW: megawatt|megawatts; kWh: kilowatt hour|kilowatt hours; V: volt|volts; mAh: milliamp hours
B: byte|bytes; KB: kilobyte|kilobytes; kB: kilobyte|kilobytes; MB: megabyte|megabytes
GB: gigabyte|gigabytes; TB: terabyte|terabytes; PB: petabyte|petabytes; Mbps: megabits per second
Gbps: gigabits per second; kbps: kilobits per second; fps: frames per second; px: pixels
mph: mile per hour|miles per hour; kph: kilometer per hour|kilometers per hour
km/h: kilometer per hour|kilometers per hour; m/s: meter per second|meters per second
MB/s: megabytes per second; GB/s: gigabytes per second; ms: millisecond|milliseconds
sec: second|seconds; secs: seconds; s: second|seconds; min: minute|minutes; mins: minutes
yr: year|years; yrs: years
h: hour|hours; hr: hour|hours; hrs: hours; kcal: kilocalorie|kilocalories; cal: calorie|calories
°C: degree Celsius|degrees Celsius; °F: degree Fahrenheit|degrees Fahrenheit; °: degree|degrees
km²: square kilometer|square kilometers; m²: square meter|square meters; sqm: square meters
cm²: square centimeter|square centimeters; m³: cubic meter|cubic meters; ha: hectare|hectares
km2: square kilometer|square kilometers; m2: square meter|square meters; rpm: R P M
bpm: beats per minute
USD: dollar|dollars; EUR: euro|euros; GBP: pound|pounds; JPY: yen; CNY: yuan; KRW: won
CAD: Canadian dollars
tsp: teaspoon|teaspoons; tbsp: tablespoon|tablespoons
yen: yen; x: times; ppm: parts per million; pt: points; pts: points
K: K; M: million; k: thousand; bn: billion
"""


def _units() -> Mapping[str, tuple[str, str]]:
    units: dict[str, tuple[str, str]] = {}
    for short, full in _table(_UNITS).items():
        one, _, many = full.partition("|")
        units[short] = (one, many or one)
    return MappingProxyType(units)


UNITS: Mapping[str, tuple[str, str]] = _units()
"""Unit as written -> singular and plural as spoken."""

NEEDS_NO_SPACE = frozenset(words("B x K M k h s l L V W pt in"))
"""Units that are read as such only when they touch the number."""

CURRENCIES: Mapping[str, tuple[str, str, str, str]] = MappingProxyType(
    {
        "$": ("dollar", "dollars", "cent", "cents"),
        "£": ("pound", "pounds", "penny", "pence"),
        "€": ("euro", "euros", "cent", "cents"),
        "¥": ("yen", "yen", "sen", "sen"),
        "₩": ("won", "won", "jeon", "jeon"),
        "₹": ("rupee", "rupees", "paisa", "paise"),
        "¢": ("cent", "cents", "", ""),
    }
)

SCALES: Mapping[str, str] = MappingProxyType(
    {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "B": "billion"}
    | {"b": "billion", "bn": "billion", "T": "trillion", "tn": "trillion"}
)

OPERATORS: Mapping[str, str] = MappingProxyType(
    {"+": "plus", "=": "equals", "<": "is less than", ">": "is greater than", "×": "times"}
    | {"*": "times", "÷": "divided by", "±": "plus or minus", "≤": "is at most"}
    | {"≥": "is at least", "≠": "is not equal to", "≈": "is about", "-": "minus", "−": "minus"}
    | {"/": "divided by", "^": "to the power of"}
)
"""Read only between two operands."""

ALONE: Mapping[str, str] = MappingProxyType(
    {"&": "and", "%": "percent", "°": "degrees", "√": "square root of", "∞": "infinity"}
    | {"‰": "per mille", "$": "dollars", "€": "euros", "£": "pounds", "¥": "yen", "@": "at"}
    | {"²": "squared", "³": "cubed"}
)
"""Read wherever they stand."""

MODERN: Mapping[str, str] = MappingProxyType(
    {
        "wifi": "wˈIfˌI", "iphone": "ˈIfˌOn", "ipad": "ˈIpˌæd", "ios": "ˌIˌOˈɛs",
        "github": "ɡˈɪthˌʌb", "macbook": "mˈækbˌʊk", "tiktok": "tˈɪktˌɑk",
        "chatgpt": "ʧˌætʤˌipˌitˈi", "openai": "ˈOpᵊnˌAˌI", "linkedin": "lɪŋktˈɪn",
        "whatsapp": "wˈʌtsˌæp", "kubernetes": "kˌubəɹnˈɛtiz", "lol": "lˈɑl", "json": "ʤˈAsən",
        "gif": "ɡˈɪf", "jpeg": "ʤˈApˌɛɡ", "png": "pˌiˌɛnʤˈi", "btw": "bˌI ðə wˈA",
        "tokyo": "tˈOkiˌO", "charafy": "kˈɛɹəfˌI", "anthropic": "ænθɹˈɑpɪk",
        "postgresql": "pˈOstɡɹɛs kjˌuˈɛl", "mysql": "mˌI sˈikwəl", "sqlite": "ˌɛskjˌuˈɛl lˌIt",
        "nginx": "ˈɛnʤən ˈɛks", "ubuntu": "ubˈuntu", "nguyen": "wˈɪn", "mx": "mˈɪks",
        "emojis": "ɪmˈOʤiz", "miz": "mˈɪz", "omg": "ˌOˌɛmʤˈi", "faq": "ˌɛfˌAkjˈu",
        "ok": "ˌOkˈA", "vs": "vˈɜɹsəs", "covid": "kˈOvˌɪd", "abc": "ˌAbˌisˈi",
    }
)  # fmt: skip
"""Pronunciations of words that the dictionary is too old for (American; ours)."""
