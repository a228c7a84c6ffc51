"""What leaves the accounts feature: frozen values, never rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from charafy.kernel.http.caller import ALL_SCOPES, Caller

Role = Literal["owner", "member", "demo"]
"""`demo`: the house's own account, at whose expense strangers try its characters; one at most."""
Status = Literal["active", "suspended", "deleting"]
KeyKind = Literal["live", "test"]


@dataclass(frozen=True, slots=True)
class Account:
    """One customer of this server. `deleting`: its data is being erased, nobody gets in."""

    account_id: str
    email: str
    name: str
    role: Role
    status: Status
    plan: str
    has_password: bool
    email_verified_at: datetime | None
    created_at: datetime
    last_seen_at: datetime | None

    @property
    def is_owner(self) -> bool:
        return self.role == "owner"

    def caller(self) -> Caller:
        """This account as a person who signed in, without an API key."""
        return Caller(
            account_id=self.account_id,
            plan=self.plan,
            key_id=None,
            is_test=False,
            scopes=frozenset(ALL_SCOPES),
            is_operator=self.is_owner,
        )


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """An API key as its owner may see it after it was made."""

    key_id: str
    account_id: str
    name: str
    kind: KeyKind
    last4: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def hint(self) -> str:
        """Enough to recognise the key, too little to use it."""
        return f"ck_{self.kind}_…{self.last4}"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: the only time that `key` itself is seen."""

    key: str
    info: KeyInfo


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just begun; `token` goes into the cookie and is stored nowhere."""

    token: str
    csrf: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A valid session and whose it is."""

    account: Account
    csrf: str
