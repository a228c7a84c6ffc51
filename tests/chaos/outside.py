"""Afterwards, as whoever stands outside sees it: answers, webhooks, keys, limits, processes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from tests.chaos.audit import Finding
from tests.chaos.clients import Notes
from tests.chaos.fleet import FINE
from tests.chaos.probes import Probed, exceeded


def answers(notes: Notes, excuses: Callable[[float], bool]) -> Finding:
    """`excuses`: whether a 500 was an honest answer at that time."""
    unexcused = [what for at, what in notes.improper if not excuses(at)]
    wrong = [f"{what}, {n} times, with nothing broken" for what, n in Counter(unexcused).items()]
    seen = f"{notes.answers.total()}, of them {len(notes.improper)} of status 500"
    return Finding("requests", seen, tuple(wrong + notes.wrong))


def told(exchanges: Iterable[tuple[str, bytes]], ended: set[str]) -> Finding:
    """Heads and bodies that the ear heard. An event may be told again, but under its own id.

    `ended`: the videos that are over, by the rows.
    """
    ids: dict[str, set[str]] = {}
    for head, body in exchanges:
        about = json.loads(body)
        found = re.search(r"^webhook-id: (\S+)", head, re.IGNORECASE | re.MULTILINE)
        if found and about["type"].startswith("video."):
            ids.setdefault(about["data"]["video_id"], set()).add(found[1])
    wrong = [f"{video_id} ended {len(one)} times" for video_id, one in ids.items() if len(one) > 1]
    wrong += [f"nobody heard that {video_id} ended" for video_id in sorted(ended - ids.keys())]
    return Finding("videos whose end was heard of", str(len(ids)), tuple(wrong))


def stopped(ends: Mapping[str, int]) -> Finding:
    wrong = [f"{name} ended with {code}" for name, code in ends.items() if code not in FINE]
    return Finding("processes that stopped when asked", str(len(ends)), tuple(wrong))


def lasted(unasked: Sequence[tuple[float, str]], explains: Callable[[float], bool]) -> Finding:
    """What ended by itself; `explains`: whether a fault was fatal at that time."""
    wrong = [f"{what}, with nothing broken" for at, what in unasked if not explains(at)]
    return Finding("processes that ended by themselves", str(len(unasked)), tuple(wrong))


def keys(probed: Probed, still: Sequence[str]) -> Finding:
    """`still`: what was opened by any of them at the very end."""
    wrong = [f"{what}, {n} times" for what, n in Counter((*probed.outlived, *still)).items()]
    return Finding("keys that were revoked", str(len(probed.revoked)), tuple(wrong))


def limits(probed: Probed, lost: Callable[[float, float], int]) -> Finding:
    """`lost`: see `exceeded`."""
    wrong = [*exceeded(probed, lost), *probed.too_many]
    seen = f"{len(probed.counted)} requests within them, {probed.refused} refused"
    return Finding("limits of a plan", seen, tuple(wrong))
