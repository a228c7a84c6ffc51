"""What proves who someone is, the address and the password, and how each is replaced.

Never tells whether an address has an account: known and unknown ones get the same answer for the
same work, and only the owner of an address gets a letter.
"""

from __future__ import annotations

from charafy.accounts.addresses import normalise_email
from charafy.accounts.letters import Language, Letters
from charafy.accounts.links import Links, Purpose
from charafy.accounts.models import Account
from charafy.accounts.passwords import Passwords
from charafy.accounts.queries import (
    account_by_email,
    account_by_id,
    password_of,
    update_account,
)
from charafy.accounts.sessions import Sessions
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import BadRequest, Conflict, Forbidden
from charafy.kernel.mail import Mailer


class Identity:
    """Thread-safe."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        sessions: Sessions,
        links: Links,
        passwords: Passwords,
        mailer: Mailer,
        letters: Letters,
    ) -> None:
        self._db = db
        self._clock = clock
        self._sessions = sessions
        self._links = links
        self._passwords = passwords
        self._mailer = mailer
        self._letters = letters

    def verify(self, token: str) -> Account:
        """The address that a letter reached is theirs: confirm it, or move the account to it.

        Raises `BadRequest` for a used or expired link, `Conflict` when the address was taken
        meanwhile.
        """
        with self._db.write() as tx:
            link = self._links.redeem(tx, token, "verify")
            account = account_by_id(tx, link.account_id or "")
            address = link.email or account.email
            self._check_free(tx, address, account)
            moved = update_account(
                tx, account.account_id, email=address, email_verified_at=self._clock.now()
            )
        if moved.email != account.email:
            self._mailer.post(self._letters.write("address_changed", account.email, "en"))
        return moved

    def send_verification(self, email: str, language: Language = "en") -> None:
        """Send the letter again, if there is an account that waits for it."""
        address = normalise_email(email)
        with self._db.write() as tx:
            account = account_by_email(tx, address)
            waiting = account if account and account.email_verified_at is None else None
            token = self._issue(tx, "verify", waiting, address)
        if waiting:
            self._mailer.post(self._letters.write("verify", address, language, token=token))

    def send_reset(self, email: str, language: Language = "en") -> None:
        """Send a link to choose a new password, if there is such an account."""
        address = normalise_email(email)
        with self._db.write() as tx:
            account = account_by_email(tx, address)
            known = account if account and account.status == "active" else None
            token = self._issue(tx, "reset", known, address)
        if known:
            self._mailer.post(self._letters.write("reset", address, language, token=token))

    def reset(self, token: str, password: str) -> Account:
        """Set a new password by a link from a letter, which also proves the address.

        Ends all sessions. Raises `BadRequest`.
        """
        if self._links.valid(token, "reset") is None:
            raise BadRequest(
                "This link was used already or has expired: ask for a new one.",
                code="link_invalid",
            )
        password_hash = self._passwords.hash(password)
        with self._db.write() as tx:
            link = self._links.redeem(tx, token, "reset")
            account = account_by_id(tx, link.account_id or "")
            proved = account.email_verified_at or self._clock.now()
            self._replace_password(tx, account.account_id, password_hash, keep_session=None)
            return update_account(tx, account.account_id, email_verified_at=proved)

    def change_password(
        self, account_id: str, current: str, new: str, *, keep_session: str | None = None
    ) -> None:
        """Set a new password and end all other sessions. Raises `Forbidden`, `BadRequest`.

        An account that never had a password sets its first one without a current one.
        """
        with self._db.read() as tx:
            stored = password_of(tx, account_id)
        if stored is not None and not self._passwords.matches(current, stored):
            raise Forbidden("The current password is wrong.", code="wrong_password")
        password_hash = self._passwords.hash(new)
        with self._db.write() as tx:
            self._replace_password(tx, account_id, password_hash, keep_session=keep_session)

    def change_email(self, account_id: str, email: str, language: Language = "en") -> Account:
        """Move an account to another address: when that is confirmed, or at once without mail."""
        address = normalise_email(email)
        with self._db.write() as tx:
            account = account_by_id(tx, account_id)
            if address == account.email:
                return account
            if not self._mailer.configured:
                self._check_free(tx, address, account)
                return update_account(tx, account_id, email=address, email_verified_at=None)
            taken = account_by_email(tx, address) is not None
            token = self._issue(tx, "verify", account, address)
        if taken:
            self._mailer.post(self._letters.write("exists", address, language))
        else:
            self._mailer.post(self._letters.write("verify", address, language, token=token))
        return account

    def _issue(self, tx: Tx, purpose: Purpose, account: Account | None, address: str) -> str:
        """Without an account: a token that nobody ever sees, so that all answers cost the same."""
        return self._links.issue(tx, purpose, account.account_id if account else None, address)

    def _check_free(self, tx: Tx, address: str, account: Account) -> None:
        other = account_by_email(tx, address)
        if other is not None and other.account_id != account.account_id:
            raise Conflict("Another account has this e-mail address.", code="email_taken")

    def _replace_password(
        self, tx: Tx, account_id: str, password_hash: str, *, keep_session: str | None
    ) -> None:
        update_account(tx, account_id, password_hash=password_hash)
        self._sessions.end_all(tx, account_id, keep=keep_session)
        self._links.revoke(tx, account_id)
