"""Whether the data folder can be used, found out before anything is begun in it."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Final

from charafy.kernel.refused import StartRefused

PROBE_BYTES: Final = 1024 * 1024
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class HomeRefused(StartRefused):
    """The data folder can't be used; the message says why and what to do."""


def require_home(home: Path) -> None:
    """Make the folder if it isn't there, and write into it. Raises `HomeRefused`."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as probe:
            probe.write(bytes(PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise HomeRefused(
                f"The data folder {home} has no room left: make some, or set CHARAFY_HOME to a "
                "folder on another disk."
            ) from error
        raise HomeRefused(
            f"The data folder {home} can't be written ({error.strerror}): give this user the "
            "right to, or set CHARAFY_HOME to another folder."
        ) from error
