"""The door to the accounts feature: what other features and the app may use of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from charafy.accounts.directory import Accounts, EraseFiles, EraseRows
from charafy.accounts.entrance import Entrance
from charafy.accounts.identity import Identity
from charafy.accounts.keys import Keys
from charafy.accounts.letters import Letters
from charafy.accounts.links import Links
from charafy.accounts.models import Account, KeyInfo, KeyKind, NewKey, NewSession, SignedIn
from charafy.accounts.passwords import Passwords
from charafy.accounts.revocations import Revocations
from charafy.accounts.sessions import SESSION_DAYS, Sessions
from charafy.credits.service import Credits
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.mail import Mailer
from charafy.kernel.settings import Settings
from charafy.kernel.shared import Shared

__all__ = [
    "SESSION_DAYS",
    "Account",
    "AccountServices",
    "Accounts",
    "Entrance",
    "EraseFiles",
    "EraseRows",
    "Identity",
    "KeyInfo",
    "KeyKind",
    "Keys",
    "Letters",
    "Links",
    "NewKey",
    "NewSession",
    "Passwords",
    "Sessions",
    "SignedIn",
]


@dataclass(frozen=True, slots=True)
class AccountServices:
    """All parts of the feature, joined to each other."""

    accounts: Accounts
    keys: Keys
    sessions: Sessions
    links: Links
    entrance: Entrance
    identity: Identity

    @classmethod
    def build(
        cls,
        db: Database,
        clock: Clock,
        settings: Settings,
        secret: bytes,
        *,
        credits: Credits,
        mailer: Mailer,
        shared: Shared | None = None,
        passwords: Passwords | None = None,
        on_delete: Sequence[EraseRows] = (),
        erase_files: EraseFiles = lambda _account_id: None,
    ) -> AccountServices:
        """`on_delete` runs in order, rows that point at others first; it needs `credits.close`."""
        keys = Keys(db, clock, secret, Revocations(shared))
        sessions = Sessions(db, clock, secret)
        links = Links(db, clock, secret)
        passwords = passwords or Passwords()
        letters = Letters(settings.base_url)
        accounts = Accounts(
            db,
            clock,
            settings,
            credits=credits,
            keys=keys,
            sessions=sessions,
            links=links,
            passwords=passwords,
            on_delete=on_delete,
            erase_files=erase_files,
        )
        entrance = Entrance(
            db,
            settings,
            accounts=accounts,
            links=links,
            passwords=passwords,
            mailer=mailer,
            letters=letters,
        )
        identity = Identity(
            db,
            clock,
            sessions=sessions,
            links=links,
            passwords=passwords,
            mailer=mailer,
            letters=letters,
        )
        return cls(accounts, keys, sessions, links, entrance, identity)

    def chores(self) -> dict[str, Callable[[], object]]:
        """What the sweeper must run now and then."""
        return {
            "keys_last_used": self.keys.flush_last_used,
            "sessions": self.sessions.sweep,
            "links": self.links.sweep,
            "deletions": self.accounts.finish_deletions,
        }
