"""API keys: made once, checked on every request."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from charafy.accounts.credentials import Digests, key_kind, new_key
from charafy.accounts.models import KeyInfo, KeyKind, NewKey
from charafy.accounts.revocations import Revocations
from charafy.accounts.tables import accounts, api_keys
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import BadRequest, Forbidden, NotFound, Unauthorized
from charafy.kernel.http.caller import ALL_SCOPES, Caller
from charafy.kernel.ids import is_id, new_id

REMEMBERED_S = 1.0
REMEMBERED_KEYS = 10_000
FLUSH_EVERY_S = 60.0
MAX_KEYS = 100
"""Keys in use at the same time, per account."""
LISTED_KEYS = 200

_FIND = (
    sa.select(
        api_keys.c.id,
        api_keys.c.account_id,
        api_keys.c.kind,
        api_keys.c.scopes,
        api_keys.c.revoked_at,
        accounts.c.status,
        accounts.c.plan,
        accounts.c.role,
    )
    .join(accounts, accounts.c.id == api_keys.c.account_id)
    .where(api_keys.c.hash == sa.bindparam("hash"))
)


@dataclass(frozen=True, slots=True)
class _Remembered:
    caller: Caller
    until: float
    mark: bytes


class Keys:
    """Thread-safe. A key that was let in is remembered for one second.

    What this process revokes or suspends it forgets at once. What another process (the CLI)
    revokes ends here within that second, or with `revocations` that are shared at once.
    """

    def __init__(
        self, db: Database, clock: Clock, secret: bytes, revocations: Revocations | None = None
    ) -> None:
        self._revocations = revocations or Revocations(None)
        self._db = db
        self._clock = clock
        self._digests = Digests(secret, "api key")
        self._remembered: dict[str, _Remembered] = {}
        self._generation = 0
        self._lock = threading.Lock()
        self._used: dict[str, tuple[str, datetime]] = {}
        self._flushed_at = clock.monotonic()

    def remembers(self, key: str) -> bool:
        """Whether `authenticate` would, most likely, not ask the database. Takes microseconds."""
        if key_kind(key) is None:
            return False
        known = self._remembered.get(self._digests.of(key))
        return known is not None and self._clock.monotonic() < known.until

    def authenticate(self, key: str) -> Caller:
        """The caller behind a key. Raises `Unauthorized`, or `Forbidden` for a suspended one."""
        if key_kind(key) is None:
            raise Unauthorized("This is not an API key of this server, or it has a typo.")
        digest = self._digests.of(key)
        mark = self._revocations.mark()
        known = self._remembered.get(digest)
        now = self._clock.monotonic()
        if known and now < known.until and known.mark == mark:
            caller = known.caller
        else:
            caller = self._look_up(digest, now, mark)
        if caller.key_id:
            self._used[caller.key_id] = (caller.account_id, self._clock.now())
        return caller

    def create(
        self,
        account_id: str,
        name: str,
        *,
        kind: KeyKind = "live",
        scopes: Iterable[str] = ALL_SCOPES,
    ) -> NewKey:
        with self._db.write() as tx:
            return self.add(tx, account_id, name, kind=kind, scopes=scopes)

    def add(
        self,
        tx: Tx,
        account_id: str,
        name: str,
        *,
        kind: KeyKind = "live",
        scopes: Iterable[str] = ALL_SCOPES,
    ) -> NewKey:
        """Make a key as part of a bigger unit of work. Raises `BadRequest`, `Forbidden`."""
        wanted = _checked_scopes(scopes)
        name = name.strip()
        if not 1 <= len(name) <= 100 or not name.isprintable():
            raise BadRequest(
                "name: must have between 1 and 100 printable characters.", param="name"
            )
        in_use = sa.select(sa.func.count()).where(
            api_keys.c.account_id == account_id, api_keys.c.revoked_at.is_(None)
        )
        if tx.execute(in_use).scalar_one() >= MAX_KEYS:
            raise Forbidden(
                f"An account may have {MAX_KEYS} API keys: revoke one first.", code="key_limit"
            )
        key = new_key(kind)
        info = KeyInfo(
            new_id(), account_id, name, kind, key[-4:], wanted, self._clock.now(), None, None
        )
        tx.execute(
            api_keys.insert().values(
                id=info.key_id,
                account_id=account_id,
                name=name,
                kind=kind,
                hash=self._digests.of(key),
                last4=info.last4,
                scopes=list(wanted),
                created_at=info.created_at,
            )
        )
        return NewKey(key, info)

    def list(self, account_id: str) -> Sequence[KeyInfo]:
        """The newest keys of an account, revoked ones too."""
        query = (
            sa.select(api_keys)
            .where(api_keys.c.account_id == account_id)
            .order_by(api_keys.c.created_at.desc(), api_keys.c.id)
            .limit(LISTED_KEYS)
        )
        with self._db.read() as tx:
            return [_info(row) for row in tx.execute(query)]

    def get(self, account_id: str, key_id: str) -> KeyInfo:
        """Raises `NotFound`, also for a stranger's key."""
        with self._db.read() as tx:
            return _owned(tx, account_id, key_id)

    def revoke(self, account_id: str, key_id: str) -> KeyInfo:
        """End a key at once; ending it again changes nothing. Raises `NotFound`."""
        with self._db.write() as tx:
            info = _owned(tx, account_id, key_id)
            if info.revoked_at is None:
                info = replace(info, revoked_at=self._clock.now())
                ended = api_keys.update().where(api_keys.c.id == key_id)
                tx.execute(ended.values(revoked_at=info.revoked_at))
        self.forget()
        return info

    def forget(self) -> None:
        """Ask the database again for every key; call it after a commit that took rights away."""
        with self._lock:
            self._generation += 1
            self._remembered.clear()
        self._revocations.change()

    def flush_last_used(self, *, now: bool = False) -> int:
        """Write down when keys were last used: a chore, at most once a minute unless `now`.

        Returns how many keys it wrote.
        """
        moment = self._clock.monotonic()
        if not now and moment - self._flushed_at < FLUSH_EVERY_S:
            return 0
        self._flushed_at = moment
        replaced, self._used = self._used, {}
        used = dict(replaced)  # A request that began before the swap may still write to the old.
        if used:
            with self._db.write() as tx:
                _record_use(tx, used)
        return len(used)

    def _look_up(self, digest: str, now: float, mark: bytes | None) -> Caller:
        """`mark` was read before: what is revoked from then on changes it."""
        generation = self._generation
        with self._db.read() as tx:
            row = tx.execute(_FIND, {"hash": digest}).one_or_none()
        if row is None or row.revoked_at is not None or row.status == "deleting":
            raise Unauthorized("This API key is not known here or was revoked.")
        if row.status == "suspended":
            raise Forbidden("This account is suspended.", code="account_suspended")
        caller = Caller(
            account_id=row.account_id,
            plan=row.plan,
            key_id=row.id,
            is_test=row.kind == "test",
            scopes=frozenset(row.scopes),
            # What an operator does is real, so a test key never makes one.
            is_operator=row.role == "owner" and row.kind == "live",
        )
        if mark is not None:
            self._remember(digest, _Remembered(caller, now + REMEMBERED_S, mark), generation)
        return caller

    def _remember(self, digest: str, entry: _Remembered, generation: int) -> None:
        with self._lock:
            if generation != self._generation:
                return  # Something was revoked while we read: what we read may be outdated.
            if len(self._remembered) >= REMEMBERED_KEYS:
                self._remembered.clear()
            self._remembered[digest] = entry


def _checked_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    wanted = set(scopes)
    if not wanted or not wanted.issubset(ALL_SCOPES):
        raise BadRequest(f"scopes: must be some of {', '.join(ALL_SCOPES)}.", param="scopes")
    return tuple(scope for scope in ALL_SCOPES if scope in wanted)


def _record_use(tx: Tx, used: dict[str, tuple[str, datetime]]) -> None:
    tx.execute(
        api_keys.update()
        .where(api_keys.c.id == sa.bindparam("key"))
        .values(last_used_at=sa.bindparam("moment")),
        [{"key": key_id, "moment": moment} for key_id, (_, moment) in used.items()],
    )
    seen: dict[str, datetime] = {}
    for account_id, moment in used.values():
        seen[account_id] = max(moment, seen.get(account_id, moment))
    tx.execute(
        accounts.update()
        .where(accounts.c.id == sa.bindparam("account"))
        .values(last_seen_at=sa.bindparam("moment")),
        [{"account": account_id, "moment": moment} for account_id, moment in seen.items()],
    )


def _owned(tx: Tx, account_id: str, key_id: str) -> KeyInfo:
    if is_id(key_id):
        query = sa.select(api_keys).where(
            api_keys.c.id == key_id, api_keys.c.account_id == account_id
        )
        if row := tx.execute(query).one_or_none():
            return _info(row)
    raise NotFound("There is no such API key.")


def _info(row: Any) -> KeyInfo:
    return KeyInfo(
        key_id=row.id,
        account_id=row.account_id,
        name=row.name,
        kind=row.kind,
        last4=row.last4,
        scopes=tuple(row.scopes),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
