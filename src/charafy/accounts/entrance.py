"""How people get in: sign-up, sign-in, invitations and one-time links.

With a mail server a sign-up never tells whether its address has an account: the answer is the
same, takes the same work, and what is true is said by mail to whoever reads that address.
"""

from __future__ import annotations

import sqlalchemy as sa

from charafy.accounts.addresses import normalise_email
from charafy.accounts.directory import Accounts
from charafy.accounts.letters import Language, Letters, Topic
from charafy.accounts.links import Links
from charafy.accounts.models import Account
from charafy.accounts.passwords import Passwords
from charafy.accounts.queries import (
    account_by_email,
    account_by_id,
    account_of,
    never_entered,
    password_of,
    update_account,
)
from charafy.accounts.tables import accounts
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import Conflict, Forbidden, Unauthorized
from charafy.kernel.mail import Mailer
from charafy.kernel.settings import Settings


class Entrance:
    """Thread-safe. Decides who gets in; whoever asks then begins the session."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        *,
        accounts: Accounts,
        links: Links,
        passwords: Passwords,
        mailer: Mailer,
        letters: Letters,
    ) -> None:
        self._db = db
        self._settings = settings
        self._accounts = accounts
        self._links = links
        self._passwords = passwords
        self._mailer = mailer
        self._letters = letters

    @property
    def sends_mail(self) -> bool:
        return self._mailer.configured

    def sign_up(
        self,
        email: str,
        password: str,
        *,
        name: str = "",
        invitation: str | None = None,
        language: Language = "en",
    ) -> Account | None:
        """A new account that may enter now; None when a letter tells how it goes on.

        Raises `BadRequest`, `Forbidden` as the sign-up policy says, and without a mail server
        `Conflict` for an address that is taken.
        """
        address = normalise_email(email)
        self._check_policy(invitation)
        password_hash = self._passwords.hash(password)
        repeated = self._repeated_password(address, password)
        topic: Topic
        token: str | None
        with self._db.write() as tx:
            existing = account_by_email(tx, address)
            if existing is None:
                account = self._join(tx, address, name, password_hash, invitation)
                if account.email_verified_at or not self.sends_mail:
                    return account
                topic, token = "verify", self._verification(tx, account)
            elif self.sends_mail:
                topic, token = self._join_again(tx, existing, name, repeated)
            else:
                raise Conflict(
                    "There is an account with this e-mail address already.", code="email_taken"
                )
        self._mailer.post(self._letters.write(topic, address, language, token=token))
        return None

    def sign_in(self, email: str, password: str) -> Account:
        """Raises `Unauthorized`; `Forbidden` tells more, but only to who knows the password."""
        address = normalise_email(email)
        with self._db.read() as tx:
            row = tx.execute(sa.select(accounts).where(accounts.c.email == address)).one_or_none()
        stored: str | None = row.password_hash if row else None
        if not self._passwords.matches(password, stored) or row is None or stored is None:
            raise Unauthorized("The e-mail address or the password is wrong.", code="sign_in")
        account = account_of(row)
        if account.status != "active":
            raise _suspended()
        if self.sends_mail and not account.is_owner and account.email_verified_at is None:
            raise Forbidden(
                "Confirm your e-mail address first: the link is in the mail we sent.",
                code="email_unverified",
            )
        if self._passwords.outdated(stored):
            fresh = self._passwords.hash(password)
            with self._db.write() as tx:
                update_account(tx, account.account_id, password_hash=fresh)
        return account

    def sign_in_by_link(self, token: str) -> Account:
        """Use up a sign-in link. Raises `BadRequest`, `Forbidden`."""
        with self._db.write() as tx:
            link = self._links.redeem(tx, token, "sign_in")
            account = account_by_id(tx, link.account_id or "")
            if account.status != "active":
                raise _suspended()
            return account

    def invite(self, email: str | None = None, language: Language = "en") -> str:
        """A token for one sign-up, mailed to `email` if that is given and mail is configured."""
        with self._db.write() as tx:
            token = self.invite_in(tx, email)
        self.send_invitation(email, token, language)
        return token

    def invite_in(self, tx: Tx, email: str | None) -> str:
        """As `invite`, within the caller's unit of work; `send_invitation` is to follow it."""
        return self._links.issue(tx, "invitation", None, normalise_email(email) if email else None)

    def send_invitation(self, email: str | None, token: str, language: Language) -> None:
        """Nothing is sent without an address or a mail server."""
        if email:
            address = normalise_email(email)
            self._mailer.post(self._letters.write("invitation", address, language, token=token))

    def _check_policy(self, invitation: str | None) -> None:
        policy = self._settings.sign_up
        if policy == "closed":
            raise Forbidden("This server takes no new accounts.", code="sign_up_closed")
        invited = bool(invitation and self._links.valid(invitation, "invitation"))
        if policy == "invitation" and not invited:
            raise Forbidden(
                "New accounts are by invitation: this invitation is missing, used or expired.",
                code="invitation_required",
            )

    def _join(
        self, tx: Tx, address: str, name: str, password_hash: str, invitation: str | None
    ) -> Account:
        proved = False
        if invitation:
            link = self._links.redeem(tx, invitation, "invitation")
            # Who has the token that was mailed to an address reads that address.
            proved = self.sends_mail and link.email == address
        return self._accounts.add(
            tx, address, name=name, password_hash=password_hash, verified=proved
        )

    def _repeated_password(self, address: str, password: str) -> str | None:
        """The address's stored password hash, if this is that password; takes the same time."""
        with self._db.read() as tx:
            account = account_by_email(tx, address)
            stored = password_of(tx, account.account_id) if account else None
        return stored if self._passwords.matches(password, stored) else None

    def _join_again(
        self, tx: Tx, existing: Account, name: str, repeated: str | None
    ) -> tuple[Topic, str | None]:
        if not never_entered(tx, existing):
            # A token that nobody sees, so that both answers cost the same write.
            self._links.issue(tx, "verify", None, existing.email)
            return "exists", None
        if repeated is not None and repeated == password_of(tx, existing.account_id):
            return "verify", self._verification(tx, existing)
        # Two people may have signed up with one address. Neither's password may be the one that
        # its reader confirms: who reads the address chooses the password.
        update_account(tx, existing.account_id, name=name, password_hash=None)
        return "reset", self._links.issue(tx, "reset", existing.account_id, existing.email)

    def _verification(self, tx: Tx, account: Account) -> str:
        return self._links.issue(tx, "verify", account.account_id, account.email)


def _suspended() -> Forbidden:
    return Forbidden("This account is suspended.", code="account_suspended")
