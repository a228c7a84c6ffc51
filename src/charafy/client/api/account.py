"""The account, its keys, and an operator's view of all accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from charafy.client.api.given import OMITTED, Omitted, without_none, without_omitted
from charafy.client.api.pages import Pages
from charafy.client.api.transport import Transport, at


@dataclass(frozen=True, slots=True)
class AccountLimits:
    max_characters: int
    requests_per_minute: int
    test_requests_per_minute: int
    test_chars_per_day: int
    concurrent_speech: int


@dataclass(frozen=True, slots=True)
class AccountInfo:
    account_id: str
    email: str
    email_verified: bool
    name: str
    role: Literal["owner", "member"]
    plan: str
    limits: AccountLimits
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeletedAccount:
    account_id: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class Key:
    key_id: str
    name: str
    kind: Literal["live", "test"]
    hint: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewKey(Key):
    """`key` is shown this once, and None where the answer is a repeated one."""

    key: str | None


@dataclass(frozen=True, slots=True)
class AnyAccount(AccountInfo):
    """As an operator sees it."""

    status: str
    last_seen_at: datetime | None
    credits_remaining: int


@dataclass(frozen=True, slots=True)
class GrantedCredits:
    account_id: str
    credits_granted: int
    credits_remaining: int


@dataclass(frozen=True, slots=True)
class Invitation:
    invitation_url: str


class Account:
    def __init__(self, api: Transport) -> None:
        self._api = api

    def get(self) -> AccountInfo:
        return self._api.ask(AccountInfo, "GET", "/account")

    def update(
        self, *, name: str | Omitted = OMITTED, email: str | Omitted = OMITTED
    ) -> AccountInfo:
        body = without_omitted(name=name, email=email)
        return self._api.ask(AccountInfo, "PATCH", "/account", json=body)

    def delete(self, *, confirmation: str) -> DeletedAccount:
        """For ever, with all that is in it. `confirmation`: its e-mail address."""
        body = {"confirmation": confirmation}
        return self._api.ask(DeletedAccount, "DELETE", "/account", json=body)

    def keys(self) -> Pages[Key]:
        return self._api.pages(Key, "/keys", "keys")

    def create_key(
        self,
        name: str,
        *,
        kind: Literal["live", "test"] | None = None,
        scopes: Sequence[str] | None = None,
        idempotency_key: str | None = None,
    ) -> NewKey:
        body = without_none(name=name, kind=kind, scopes=scopes)
        return self._api.ask(NewKey, "POST", "/keys", json=body, key=idempotency_key)

    def revoke_key(self, key_id: str) -> Key:
        return self._api.ask(Key, "DELETE", at("/keys/{}", key_id))


class Admin:
    """For the owner of the server."""

    def __init__(self, api: Transport) -> None:
        self._api = api

    def accounts(self, *, limit: int | None = None) -> Pages[AnyAccount]:
        return self._api.pages(AnyAccount, "/admin/accounts", "accounts", {"limit": limit})

    def get_account(self, account_id: str) -> AnyAccount:
        return self._api.ask(AnyAccount, "GET", at("/admin/accounts/{}", account_id))

    def suspend(self, account_id: str) -> AnyAccount:
        return self._api.ask(AnyAccount, "POST", at("/admin/accounts/{}/suspend", account_id))

    def unsuspend(self, account_id: str) -> AnyAccount:
        return self._api.ask(AnyAccount, "POST", at("/admin/accounts/{}/unsuspend", account_id))

    def grant(
        self,
        account_id: str,
        amount: int,
        *,
        description: str | None = None,
        idempotency_key: str | None = None,
    ) -> GrantedCredits:
        """Give credits; a negative `amount` takes them back."""
        path = at("/admin/accounts/{}/credits", account_id)
        body = without_none(amount=amount, description=description)
        return self._api.ask(GrantedCredits, "POST", path, json=body, key=idempotency_key)

    def invite(self, email: str | None = None) -> Invitation:
        body = without_none(email=email)
        return self._api.ask(Invitation, "POST", "/admin/invitations", json=body)
