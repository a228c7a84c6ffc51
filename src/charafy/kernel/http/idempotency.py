"""`Idempotency-Key`: a request that is sent again is answered again, and its work is done once.

A key belongs to one account, mode (live or test), method and route for 24 hours. While the first
request runs, another with the same key gets 409 `idempotency_in_flight`; afterwards it gets the
first answer with `Idempotent-Replayed: true`; with other parameters it gets 409
`idempotency_key_reused`. A request that failed leaves nothing, so it can be tried again. The
record of a running request is a lease: if its process dies, a retry may run once that ends.
See docs/decisions/ledger-and-idempotency.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

import structlog
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import BadRequest, Conflict
from charafy.kernel.http import idempotency_tables as records
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.schema import Answer
from charafy.kernel.ids import new_id
from charafy.kernel.observe import describe

log = structlog.get_logger("charafy.idempotency")

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LIFE_S = 24 * 3600
LEASE_S = 120
RETRY_AFTER_S = 2
_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_JSON: Mapping[str, str] = MappingProxyType({"content-type": "application/json"})

Fingerprint = BaseModel | bytes | None
"""What makes two requests the same besides method, path and query: the parsed body (so that
spelling and defaults don't matter), or bytes that stand for it (the digest of an upload)."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to do the work of one request; ends with `finish` or `abandon`, else by its lease."""

    id: str
    """Empty when the client sent no key: then nothing is recorded."""
    token: str


@dataclass(frozen=True, slots=True)
class Replay:
    """The answer that was given before: its body is here, or in storage under `storage_key`."""

    status: int
    headers: dict[str, str]
    body: bytes | None
    storage_key: str | None

    def response(self, body: bytes | None = None) -> Response:
        """The answer again; `body` is what the caller read from storage, if it lies there."""
        content = self.body if body is None else body
        return Response(content, self.status, {**self.headers, REPLAYED: "true"})


class Idempotency:
    """Thread-safe; shared by processes through the database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def run(
        self,
        caller: Caller,
        request: Request,
        body: Fingerprint,
        work: Callable[[], Answer],
        *,
        lease_s: float = LEASE_S,
        key: str | None = None,
    ) -> Response:
        """Do `work` unless this request was answered before; the JSON of its answer, or a replay.

        `lease_s` must outlast the work: once it ends, a retry runs the work again. `key`: as in
        `begin`. Raises `BadRequest` for a bad key, `Conflict` for one in use, and whatever the
        work raises.
        """
        ticket = self.begin(caller, request, body, lease_s=lease_s, key=key)
        if isinstance(ticket, Replay):
            return ticket.response()
        try:
            content = _json(work())
        except BaseException:  # whatever stopped the work, the key must be free for a retry
            self.abandon(ticket)
            raise
        try:
            self.finish(ticket, 200, _JSON, body=content)
        except SQLAlchemyError as error:
            # The work is done and may be charged: its answer must not be lost as well.
            log.error("idempotency_not_recorded", **describe(error))
        return Response(content, 200, _JSON)

    def run_in_tx(
        self,
        caller: Caller,
        request: Request,
        body: Fingerprint,
        work: Callable[[Tx], Answer],
        *,
        key: str | None = None,
    ) -> Response:
        """As `run`, for work that is nothing but database: it and its record commit together.

        Exactly once even when the process dies, and one commit instead of three.
        """
        with self._db.write() as tx:
            ticket = self._begin(tx, caller, request, body, key=key)
            if isinstance(ticket, Replay):
                return ticket.response()
            content = _json(work(tx))
            self.finish(ticket, 200, _JSON, body=content, tx=tx)
        return Response(content, 200, _JSON)

    def begin(
        self,
        caller: Caller,
        request: Request,
        body: Fingerprint,
        *,
        lease_s: float = LEASE_S,
        key: str | None = None,
    ) -> Ticket | Replay:
        """Claim the request's key, or `key`, which stands in forms of ours that have no header.

        Raises `BadRequest` for a bad key, `Conflict` for one in use.
        """
        if key is None and HEADER not in request.headers:
            return Ticket("", "")
        with self._db.write() as tx:
            return self._begin(tx, caller, request, body, lease_s=lease_s, key=key)

    def renew(self, ticket: Ticket, lease_s: float = LEASE_S) -> bool:
        """Keep the claim `lease_s` seconds from now; False when another attempt has taken over."""
        values = {"expires_at": self._after(lease_s)}
        with self._db.write() as tx:
            return self._update(tx, ticket, values)

    def finish(
        self,
        ticket: Ticket,
        status: int,
        headers: Mapping[str, str],
        *,
        body: bytes | None = None,
        storage_key: str | None = None,
        tx: Tx | None = None,
    ) -> bool:
        """Keep the answer for 24 hours, within the caller's unit of work if given one.

        False when nothing was kept: no key was sent, or another attempt has taken over (then a
        file under `storage_key` is the caller's to delete).
        """
        values = {
            "status": status,
            "headers": dict(headers),
            "body": body,
            "storage_key": storage_key,
            "expires_at": self._after(LIFE_S),
        }
        if tx is not None:
            return self._update(tx, ticket, values)
        if not ticket.id:
            return False
        with self._db.write() as own:
            return self._update(own, ticket, values)

    def abandon(self, ticket: Ticket) -> None:
        """Free the key: the work failed. Does nothing after `finish`."""
        if ticket.id:
            with self._db.write() as tx:
                tx.execute(records.ABANDON, {"key": ticket.id, "attempt": ticket.token})

    def sweep(self) -> list[str]:
        """Forget what has expired; the storage keys whose files are now to be deleted."""
        with self._db.write() as tx:
            gone = tx.execute(records.SWEEP, {"now": self._clock.now()}).scalars().all()
        return [key for key in gone if key]

    def stored(self, account_id: str) -> list[str]:
        """The storage keys of an account's answers."""
        with self._db.read() as tx:
            return list(tx.execute(records.STORED, {"account": account_id}).scalars())

    def forget(self, tx: Tx, account_id: str) -> list[str]:
        """Forget an account's requests; the storage keys whose files are now to be deleted."""
        gone = tx.execute(records.FORGET, {"account": account_id}).scalars().all()
        return [key for key in gone if key]

    def _begin(
        self,
        tx: Tx,
        caller: Caller,
        request: Request,
        body: Fingerprint,
        *,
        lease_s: float = LEASE_S,
        key: str | None = None,
    ) -> Ticket | Replay:
        key = key or _key(request)
        if key is None:
            return Ticket("", "")
        ticket = Ticket(_scope(caller, request, key), new_id())
        fingerprint = _fingerprint(request, body)
        row = {
            "id": ticket.id,
            "account_id": caller.account_id,
            "fingerprint": fingerprint,
            "token": ticket.token,
            "expires_at": self._after(lease_s),
        }
        while tx.execute(records.CLAIM[tx.dialect.name], row).first() is None:
            if not self._set_aside(tx, ticket.id):
                return _answer_again(tx, ticket.id, fingerprint)
        return ticket

    def _set_aside(self, tx: Tx, record_id: str) -> bool:
        """Move an expired record out of the way; the sweeper still needs it for its file."""
        params = {"key": record_id, "aside": new_id(), "now": self._clock.now()}
        return tx.execute(records.SET_ASIDE, params).first() is not None

    def _update(self, tx: Tx, ticket: Ticket, values: Mapping[str, object]) -> bool:
        if not ticket.id:
            return False
        statement = records.MINE.values(**values).returning(records.requests.c.id)
        params = {"key": ticket.id, "attempt": ticket.token}
        return tx.execute(statement, params).first() is not None

    def _after(self, seconds: float) -> datetime:
        return self._clock.now() + timedelta(seconds=seconds)


def _answer_again(tx: Tx, record_id: str, fingerprint: str) -> Replay:
    row = tx.execute(records.FOUND, {"key": record_id}).first()
    if row is not None and row.fingerprint != fingerprint:
        raise Conflict(
            f"This {HEADER} was used with other parameters: send a new key with a new request.",
            code="idempotency_key_reused",
        )
    if row is None or row.status is None:  # None: it was abandoned this very moment
        raise Conflict(
            f"The first request with this {HEADER} is still running: ask again shortly.",
            code="idempotency_in_flight",
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )
    return Replay(row.status, row.headers, row.body, row.storage_key)


def _key(request: Request) -> str | None:
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise BadRequest(
            f"{HEADER} must be one value of 1-255 printable ASCII characters.",
            code="invalid_idempotency_key",
        )
    return given[0]


def _scope(caller: Caller, request: Request, key: str) -> str:
    route = getattr(request.scope.get("route"), "path", request.url.path)
    return _digest(caller.limit_key, request.method, route, key)


def _fingerprint(request: Request, body: Fingerprint) -> str:
    if isinstance(body, BaseModel):
        body = body.model_dump_json().encode()
    return _digest(request.url.path, request.url.query, body or b"")


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def _json(answer: Answer) -> bytes:
    return answer.model_dump_json(by_alias=True).encode()
