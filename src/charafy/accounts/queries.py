"""Reading accounts: the SQL that several parts of the feature share."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from charafy.accounts.models import Account
from charafy.accounts.tables import accounts, api_keys
from charafy.kernel.db import Tx
from charafy.kernel.errors import NotFound
from charafy.kernel.ids import is_id


def account_of(row: Any) -> Account:
    return Account(
        account_id=row.id,
        email=row.email,
        name=row.name,
        role=row.role,
        status=row.status,
        plan=row.plan,
        has_password=row.password_hash is not None,
        email_verified_at=row.email_verified_at,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
    )


def account_by_id(tx: Tx, account_id: str) -> Account:
    """Raises `NotFound`, also for an account that is being deleted."""
    if is_id(account_id):
        query = sa.select(accounts).where(
            accounts.c.id == account_id, accounts.c.status != "deleting"
        )
        if row := tx.execute(query).one_or_none():
            return account_of(row)
    raise NotFound("There is no such account.")


def account_by_email(tx: Tx, email: str) -> Account | None:
    """`email` is already normalised."""
    row = tx.execute(sa.select(accounts).where(accounts.c.email == email)).one_or_none()
    return account_of(row) if row else None


def password_of(tx: Tx, account_id: str) -> str | None:
    query = sa.select(accounts.c.password_hash).where(accounts.c.id == account_id)
    return tx.execute(query).scalar_one_or_none()


def list_page(tx: Tx, limit: int, after: str | None) -> list[Account]:
    """Newest first, those after the account named `after`."""
    query = (
        sa.select(accounts)
        .where(accounts.c.status != "deleting")
        .order_by(accounts.c.created_at.desc(), accounts.c.id.desc())
        .limit(limit)
    )
    if after is not None:
        last = account_by_id(tx, after)
        query = query.where(
            sa.tuple_(accounts.c.created_at, accounts.c.id)
            < sa.tuple_(sa.literal(last.created_at, accounts.c.created_at.type), last.account_id)
        )
    return [account_of(row) for row in tx.execute(query)]


def never_entered(tx: Tx, account: Account) -> bool:
    """Whether a sign-up was never completed: nobody has proved the address or used the account."""
    if account.is_owner or account.email_verified_at or account.last_seen_at:
        return False
    keys = sa.select(api_keys.c.id).where(api_keys.c.account_id == account.account_id).limit(1)
    return tx.execute(keys).first() is None


def update_account(tx: Tx, account_id: str, **values: Any) -> Account:
    tx.execute(accounts.update().where(accounts.c.id == account_id).values(**values))
    return account_by_id(tx, account_id)
