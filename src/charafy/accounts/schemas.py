"""Bodies and answers of the account, key and operator routes."""

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict, JsonValue

from charafy.accounts.models import Account, KeyInfo, KeyKind, Role
from charafy.kernel.clock import iso
from charafy.kernel.http.schema import Answer, Body
from charafy.kernel.settings import Plan

_ID = "5d6f0f4e-6f0e-4b52-9f39-3f2a1c0f7a11"
_KEY_ID = "0b9c2f7e-8a55-4d0e-b1d3-6a1f6f2f0d42"
_TIME = "2026-01-01T00:00:00Z"

Name = Annotated[str, Field(max_length=100)]
Address = Annotated[str, Field(max_length=320)]


class AccountLimits(Answer):
    """What the account's plan allows at once, whatever its credits."""

    max_characters: int
    requests_per_minute: int
    test_requests_per_minute: int
    test_chars_per_day: int
    concurrent_speech: int


def _account(**more: JsonValue) -> JsonDict:
    return {
        "account_id": _ID,
        "email": "sora@example.com",
        "email_verified": True,
        "name": "Sora",
        "role": "member",
        "plan": "standard",
        "limits": {
            "max_characters": 50,
            "requests_per_minute": 600,
            "test_requests_per_minute": 60,
            "test_chars_per_day": 20_000,
            "concurrent_speech": 8,
        },
        "created_at": _TIME,
        **more,
    }


class AccountAnswer(Answer):
    """An account as its owner sees it."""

    model_config = ConfigDict(json_schema_extra={"example": _account()})

    account_id: str
    email: str
    email_verified: bool
    name: str
    role: Role
    plan: str
    limits: AccountLimits
    created_at: str

    @classmethod
    def of(cls, account: Account, plan: Plan) -> "AccountAnswer":
        return cls(
            account_id=account.account_id,
            email=account.email,
            email_verified=account.email_verified_at is not None,
            name=account.name,
            role=account.role,
            plan=account.plan,
            limits=AccountLimits(**plan.model_dump()),
            created_at=iso(account.created_at),
        )


class ChangeAccount(Body):
    """Only the fields that are sent change."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Sora"}})

    name: Name | None = Field(None, description="Name of the person or company.")
    email: Address | None = Field(
        None,
        description="New address. With a mail server it changes once its owner has confirmed it.",
    )


class DeleteAccount(Body):
    """Deleting needs the account's own address, so that no stray request does it."""

    model_config = ConfigDict(json_schema_extra={"example": {"confirmation": "sora@example.com"}})

    confirmation: Address = Field(description="The e-mail address of the account.")


class AccountDeleted(Answer):
    account_id: str
    deleted: bool


class KeyAnswer(Answer):
    """An API key without its secret."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "key_id": _KEY_ID,
                "name": "Website",
                "kind": "live",
                "hint": "ck_live_…x7Qa",
                "scopes": ["characters:read", "speech:write"],
                "created_at": _TIME,
                "last_used_at": None,
                "revoked_at": None,
            }
        }
    )

    key_id: str
    name: str
    kind: KeyKind
    hint: str
    scopes: tuple[str, ...]
    created_at: str
    last_used_at: str | None
    revoked_at: str | None

    @classmethod
    def of(cls, info: KeyInfo) -> "KeyAnswer":
        return cls(**key_fields(info))


class NewKeyAnswer(KeyAnswer):
    """The only answer that shows the key; a replay by Idempotency-Key has null there."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "key_id": _KEY_ID,
                "name": "Website",
                "kind": "live",
                "hint": "ck_live_…x7Qa",
                "scopes": ["characters:read", "speech:write"],
                "created_at": _TIME,
                "last_used_at": None,
                "revoked_at": None,
                "key": "ck_live_…",
            }
        }
    )

    key: str | None


class KeyList(Answer):
    keys: list[KeyAnswer]


class CreateKey(Body):
    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "Website", "scopes": ["speech:write"]}}
    )

    name: str = Field(min_length=1, max_length=100, description="To tell your keys apart.")
    kind: KeyKind = Field("live", description="A test key does everything and charges nothing.")
    scopes: list[str] | None = Field(
        None, max_length=32, description="Default: all that the key of this request may do."
    )


class AdminAccount(AccountAnswer):
    """An account as the operator sees it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": _account(status="active", last_seen_at=_TIME, credits_remaining=100)
        }
    )

    status: str
    last_seen_at: str | None
    credits_remaining: int


class AdminAccountList(Answer):
    accounts: list[AdminAccount]
    next_cursor: str | None = Field(description="Send as `cursor` for the next page; null: none.")


class GrantCredits(Body):
    model_config = ConfigDict(
        json_schema_extra={"example": {"amount": 500, "description": "Thank you"}}
    )

    amount: int = Field(ge=1, le=10_000_000, description="Credits to add.")
    description: str = Field(
        "Granted by the operator", min_length=1, max_length=200, description="Its owner sees it."
    )


class CreditsGranted(Answer):
    account_id: str
    credits_granted: int
    credits_remaining: int


class Invite(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"email": "sora@example.com"}})

    email: Address | None = Field(None, description="Where to mail it, if mail is configured.")


class Invitation(Answer):
    invitation_url: str = Field(description="Makes one account within seven days.")


def key_fields(info: KeyInfo) -> dict[str, object]:
    return {
        "key_id": info.key_id,
        "name": info.name,
        "kind": info.kind,
        "hint": info.hint,
        "scopes": info.scopes,
        "created_at": iso(info.created_at),
        "last_used_at": iso(info.last_used_at) if info.last_used_at else None,
        "revoked_at": iso(info.revoked_at) if info.revoked_at else None,
    }
