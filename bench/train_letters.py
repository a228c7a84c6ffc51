"""Learn letter-to-sound rules from misaki's dictionary: `python bench/train_letters.py`.

Writes the tables that `english/letters.py` reads. Letters are aligned with sounds by expectation
maximisation; a rule is a letter with its neighbours, kept only where it says something else than
the next shorter one. About five minutes a variety.
"""

from __future__ import annotations

import gzip
import importlib.resources
import json
import math
import sys
from collections import Counter, defaultdict
from pathlib import Path

from charafy.engines.voice.text.english.letters import WINDOWS, context

VOWELS = frozenset("AIOQWYaiuæɑɒɔəɛɜɪʊʌᵻᵊ")
STRESSES = "ˈˌ"
ROUNDS = 3
MIN_COUNT = 3
UNSEEN = 14.0
TARGET = Path("src/charafy/engines/voice/text/english/data")

Sounds = tuple[str, ...]
Costs = dict[tuple[str, Sounds], float]


def dictionary(name: str) -> tuple[dict[str, str], frozenset[str]]:
    """Lower-case words with their main pronunciation, and which of them are curated."""
    data = importlib.resources.files("misaki.data")
    words: dict[str, str] = {}
    curated: set[str] = set()
    for part in ("silver", "gold"):
        for word, entry in json.loads((data / f"{name}_{part}.json").read_bytes()).items():
            sound = entry["DEFAULT"] if isinstance(entry, dict) else entry
            plain = word.isascii() and word.isalpha() and not word.isupper() and len(word) > 2
            if sound and " " not in sound and plain:
                words[word.lower()] = sound
                curated |= {word.lower()} if part == "gold" else set()
    return words, frozenset(curated)


def sounds(phonemes: str) -> Sounds:
    """Single sounds, a stress mark joined to the vowel after it."""
    out: list[str] = []
    stress = ""
    for symbol in phonemes:
        if symbol in STRESSES:
            stress = symbol
        elif symbol in VOWELS:
            out.append(stress + symbol)
            stress = ""
        else:
            out.append(symbol)
    return tuple(out)


def first_cost(letter: str, said: Sounds) -> float:
    cost = (2.5, 1.0, 3.0, 6.0)[len(said)]
    if len(said) == 1:
        cost += 0 if (letter in "aeiouy") == (said[0] in VOWELS) else 3
        cost -= letter == said[0] or (letter, said[0]) in {("g", "ɡ"), ("r", "ɹ")}
    return cost


def align(word: str, said: Sounds, costs: Costs | None) -> list[Sounds] | None:
    """The cheapest way to give each letter up to three sounds in order."""
    plain = tuple(sound.lstrip(STRESSES) for sound in said)
    best = [[math.inf] * (len(said) + 1) for _ in range(len(word) + 1)]
    taken = [[0] * (len(said) + 1) for _ in range(len(word) + 1)]
    best[0][0] = 0.0
    for i, letter in enumerate(word):
        for j, so_far in enumerate(best[i]):
            if so_far == math.inf:
                continue
            for k in range(min(3, len(said) - j) + 1):
                some = plain[j : j + k]
                step = (
                    first_cost(letter, some) if costs is None else costs.get((letter, some), UNSEEN)
                )
                if so_far + step < best[i + 1][j + k]:
                    best[i + 1][j + k] = so_far + step
                    taken[i + 1][j + k] = k
    if best[-1][-1] == math.inf:
        return None
    parts: list[Sounds] = []
    j = len(said)
    for i in range(len(word), 0, -1):
        k = taken[i][j]
        parts.append(said[j - k : j])
        j -= k
    return parts[::-1]


def alignments(words: dict[str, str]) -> dict[str, list[Sounds]]:
    costs: Costs | None = None
    found: dict[str, list[Sounds]] = {}
    for _ in range(ROUNDS):
        counts: Counter[tuple[str, Sounds]] = Counter()
        letters: Counter[str] = Counter()
        for word, phonemes in words.items():
            parts = align(word, sounds(phonemes), costs)
            if parts is None:
                continue
            found[word] = parts
            for letter, part in zip(word, parts, strict=True):
                counts[letter, tuple(sound.lstrip(STRESSES) for sound in part)] += 1
                letters[letter] += 1
        costs = {pair: -math.log(n / letters[pair[0]]) for pair, n in counts.items()}
    return found


def rules(aligned: dict[str, list[Sounds]], curated: frozenset[str]) -> dict[str, str]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for word, parts in aligned.items():
        for at, part in enumerate(parts):
            for window in WINDOWS:
                counts[context(word, at, window)]["".join(part)] += 2 if word in curated else 1
    table: dict[str, str] = {}
    for left, right in WINDOWS:
        for key, labels in counts.items():
            before, _, after = key.partition("|")
            if (len(before), len(after) - 1) != (left, right):
                continue
            label, n = labels.most_common(1)[0]
            if n >= MIN_COUNT and _inherited(table, before, after) != label:
                table[key] = label
    return table


def _inherited(table: dict[str, str], before: str, after: str) -> str | None:
    for left, right in reversed(WINDOWS):
        if (left, right) != (len(before), len(after) - 1) and left <= len(before):
            key = f"{before[len(before) - left :]}|{after[: 1 + right]}"
            if key in table:
                return table[key]
    return None


def main() -> None:
    TARGET.mkdir(exist_ok=True)
    for name in sys.argv[1:] or ("us", "gb"):
        words, curated = dictionary(name)
        table = rules(alignments(words), curated)
        lines = "".join(f"{key}\t{label}\n" for key, label in sorted(table.items()))
        path = TARGET / f"letters_{name}.tsv.gz"
        path.write_bytes(gzip.compress(lines.encode(), mtime=0))
        print(path, len(table), "rules", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
