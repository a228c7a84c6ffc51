"""The accounts themselves: made, found, suspended, deleted with everything they own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from charafy.accounts.addresses import normalise_email
from charafy.accounts.keys import Keys
from charafy.accounts.links import Links
from charafy.accounts.models import Account, Role
from charafy.accounts.passwords import Passwords
from charafy.accounts.queries import account_by_email, account_by_id, account_of, list_page
from charafy.accounts.sessions import Sessions
from charafy.accounts.tables import accounts, api_keys
from charafy.credits.service import Credits
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import BadRequest, Conflict
from charafy.kernel.ids import new_id
from charafy.kernel.settings import Settings
from charafy.kernel.stores import StorageUnavailable

EraseRows = Callable[[Tx, str], object]
"""Deletes what a feature keeps of an account; runs in the transaction that ends the account."""
EraseFiles = Callable[[str], None]
"""Deletes an account's files. May run again after a crash, so it must not mind their absence."""


class Accounts:
    """Thread-safe. Makes, finds, changes and ends accounts."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: Settings,
        *,
        credits: Credits,
        keys: Keys,
        sessions: Sessions,
        links: Links,
        passwords: Passwords,
        on_delete: Sequence[EraseRows] = (),
        erase_files: EraseFiles = lambda _account_id: None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._credits = credits
        self._keys = keys
        self._sessions = sessions
        self._links = links
        self._passwords = passwords
        self._on_delete = tuple(on_delete)
        self._erase_files = erase_files

    def create(
        self,
        email: str,
        *,
        name: str = "",
        password: str | None = None,
        role: Role = "member",
        plan: str | None = None,
        credits: int | None = None,
    ) -> Account:
        """Make an account on the operator's word, whatever the sign-up policy.

        `plan` and `credits` default to the settings' for sign-ups. Without a password the account
        is entered by a sign-in link or a password reset. Raises `BadRequest`, `Conflict`.
        """
        password_hash = self._passwords.hash(password) if password is not None else None
        with self._db.write() as tx:
            return self.add(
                tx,
                normalise_email(email),
                name=name,
                password_hash=password_hash,
                role=role,
                plan=plan,
                credits=credits,
            )

    def add(
        self,
        tx: Tx,
        email: str,
        *,
        name: str = "",
        password_hash: str | None = None,
        role: Role = "member",
        plan: str | None = None,
        credits: int | None = None,
        verified: bool = False,
    ) -> Account:
        """As `create`, inside a unit of work, with a normalised address and a hashed password."""
        now = self._clock.now()
        account_id = new_id()
        row = accounts.insert().values(
            id=account_id,
            email=email,
            name=_checked_name(name),
            password_hash=password_hash,
            role=role,
            status="active",
            plan=plan or self._settings.sign_up_plan,
            email_verified_at=now if verified else None,
            created_at=now,
        )
        try:
            tx.execute(row)
        except IntegrityError:
            raise Conflict(
                "There is an account with this e-mail address already.", code="email_taken"
            ) from None
        self._open_credits(tx, account_id, credits)
        return account_by_id(tx, account_id)

    def get(self, account_id: str) -> Account:
        """Raises `NotFound`."""
        with self._db.read() as tx:
            return account_by_id(tx, account_id)

    def by_email(self, email: str) -> Account | None:
        address = normalise_email(email)
        with self._db.read() as tx:
            return account_by_email(tx, address)

    def owner(self) -> Account | None:
        """The first owner of this server; None before its first start."""
        return self._first("owner")

    def demo(self) -> Account | None:
        """The house's own account, of which strangers try the characters."""
        return self._first("demo")

    def _first(self, role: Role) -> Account | None:
        query = (
            sa.select(accounts)
            .where(accounts.c.role == role, accounts.c.status != "deleting")
            .order_by(accounts.c.created_at, accounts.c.id)
            .limit(1)
        )
        with self._db.read() as tx:
            row = tx.execute(query).one_or_none()
        return account_of(row) if row else None

    def list(self, limit: int = 50, after: str | None = None) -> list[Account]:
        """A page of all accounts, newest first, continuing behind the account `after`."""
        with self._db.read() as tx:
            return list_page(tx, limit, after)

    def rename(self, account_id: str, name: str) -> Account:
        with self._db.write() as tx:
            account = account_by_id(tx, account_id)
            mine = accounts.c.id == account.account_id
            tx.execute(accounts.update().where(mine).values(name=_checked_name(name)))
            return account_by_id(tx, account_id)

    def sign_in_link(self, account_id: str) -> str:
        """A token that signs in as this account once within 15 minutes."""
        with self._db.write() as tx:
            return self._links.issue(tx, "sign_in", account_by_id(tx, account_id).account_id)

    def suspend(self, account_id: str) -> Account:
        """Shut an account out at once: its keys answer 403, its sessions end."""
        with self._db.write() as tx:
            account = account_by_id(tx, account_id)
            if account.is_owner:
                raise Conflict("An owner can't be suspended.", code="owner")
            self._set_status(tx, account_id, "suspended")
            self._sessions.end_all(tx, account_id)
            self._links.revoke(tx, account_id)
            suspended = account_by_id(tx, account_id)
        self._keys.forget()
        return suspended

    def unsuspend(self, account_id: str) -> Account:
        with self._db.write() as tx:
            account_by_id(tx, account_id)
            self._set_status(tx, account_id, "active")
            return account_by_id(tx, account_id)

    def delete(self, account_id: str) -> None:
        """Erase an account and all its data; the ledger keeps its anonymous entries.

        Nobody gets in from the first moment, and `finish_deletions` completes what a crash or
        a storage that is away interrupts. Raises `NotFound`, `Conflict` for an owner.
        """
        with self._db.write() as tx:
            account = account_by_id(tx, account_id)
            if account.is_owner:
                raise Conflict("The owner's account can't be deleted.", code="owner")
            self._retire(tx, account_id)
        self._keys.forget()
        with suppress(StorageUnavailable):
            self._erase(account_id)

    def finish_deletions(self) -> int:
        """Complete interrupted deletions: a chore. Returns how many there were."""
        with self._db.read() as tx:
            query = sa.select(accounts.c.id).where(accounts.c.status == "deleting")
            unfinished = list(tx.execute(query).scalars())
        for account_id in unfinished:
            self._erase(account_id)
        return len(unfinished)

    def _open_credits(self, tx: Tx, account_id: str, amount: int | None) -> None:
        self._credits.open(tx, account_id)
        self._credits.grant(
            tx,
            account_id,
            self._settings.sign_up_credits if amount is None else amount,
            kind="grant",
            reference=f"signup:{account_id}",
            description="Welcome credits",
        )

    def _set_status(self, tx: Tx, account_id: str, status: str) -> None:
        mine = accounts.c.id == account_id
        tx.execute(accounts.update().where(mine).values(status=status))

    def _shut(self, tx: Tx, account_id: str) -> None:
        self._sessions.end_all(tx, account_id)
        self._links.revoke(tx, account_id)
        tx.execute(api_keys.delete().where(api_keys.c.account_id == account_id))

    def _retire(self, tx: Tx, account_id: str) -> None:
        self._shut(tx, account_id)
        tx.execute(
            accounts.update()
            .where(accounts.c.id == account_id)
            # Frees the address, and nothing personal stays even if the rest takes a while.
            .values(status="deleting", email=f"deleted:{account_id}", name="", password_hash=None)
        )

    def _erase(self, account_id: str) -> None:
        self._erase_files(account_id)
        with self._db.write() as tx:
            for erase_rows in self._on_delete:
                erase_rows(tx, account_id)
            self._shut(tx, account_id)  # A sign-in may have passed while the first step ran.
            tx.execute(accounts.delete().where(accounts.c.id == account_id))


def _checked_name(name: str) -> str:
    name = name.strip()
    if len(name) > 100 or not name.isprintable():
        raise BadRequest("name: must have at most 100 printable characters.", param="name")
    return name
