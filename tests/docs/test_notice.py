"""Everything that a server installs or ships is named with its licence."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from charafy.engines.weights import MANIFEST

ROOT = Path(__file__).parents[2]
NOTICE = (ROOT / "NOTICE").read_text(encoding="utf-8")
SERVER_LOCKS = ("requirements.lock", "requirements-refine.lock")
NEVER_INSTALLED = {"sudachidict-core"}
"""Excluded by a marker that no platform meets."""


def test_every_locked_package_is_named_with_a_licence() -> None:
    lock = "".join((ROOT / name).read_text(encoding="utf-8") for name in SERVER_LOCKS)
    locked = set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", lock, re.MULTILINE))
    named = dict(re.findall(r"^    ([a-z0-9][a-z0-9._-]*) \(([^)]+)\)$", NOTICE, re.MULTILINE))
    assert len(locked) > 50
    assert locked - NEVER_INSTALLED == named.keys()
    assert all(named.values())


def test_every_package_in_a_lock_is_pinned_by_hash_and_names_no_host() -> None:
    for name in (*SERVER_LOCKS, "requirements-dev.lock"):
        lock = (ROOT / name).read_text(encoding="utf-8")
        entries = [line for line in lock.splitlines() if re.match(r"[a-z0-9]", line)]
        assert all(re.match(r"[a-z0-9._-]+==[^ ]+ .*\\$", line) for line in entries)
        assert "http://" not in lock
        assert "https://" not in lock
        assert lock.count("--hash=sha256:") >= len(entries)


def test_every_model_is_named() -> None:
    for model in MANIFEST.values():
        assert model.licence
        assert model.name.split("-")[0].lower() in NOTICE.lower()


def test_vendored_folders_carry_their_licence() -> None:
    assert (ROOT / "src/charafy/assets/voices/NOTICE").is_file()
    assert list((ROOT / "src/charafy/web/static/fonts").glob("*OFL*"))


def test_the_client_of_livekit_is_the_published_one() -> None:
    """Between our two lines, which make a module of it."""
    folder = ROOT / "src/charafy/web/static/livekit"
    lines = (folder / "livekit-client.js").read_bytes().splitlines(keepends=True)
    published = b"".join(lines[1:-1])
    version, pinned = re.findall(r"livekit-client ([\d.]+).*?sha256 (\w+)", NOTICE, re.S)[0]
    assert hashlib.sha256(published).hexdigest() == pinned
    assert f"livekit-client {version}," in lines[0].decode()
    assert "Apache License" in (folder / "LICENSES.txt").read_text("utf-8")


def test_refining_adds_packages_to_a_server_and_changes_none() -> None:
    """So that it can be installed beside what already runs, and left out again."""
    plain, refining = (
        set(re.findall(r"^([a-z0-9].*?==.*?) \\$", (ROOT / name).read_text(), re.MULTILINE))
        for name in SERVER_LOCKS
    )
    assert len(plain) > 50
    assert plain < refining
    assert {entry.split("==")[0] for entry in refining - plain} >= {"jax", "jaxlib"}
