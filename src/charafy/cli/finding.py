"""What `charafy doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "missing"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `missing` means that something will not work."""

    state: State
    about: str
    says: str
