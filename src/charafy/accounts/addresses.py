"""E-mail addresses in the one form that accounts are unique by."""

from __future__ import annotations

import re

from email_validator import EmailNotValidError, validate_email

from charafy.kernel.errors import BadRequest

_ON_THIS_MACHINE = re.compile(r"[a-z0-9._+-]{1,64}@localhost")
"""The first account's default address: nobody can be mailed there, it only names the owner."""


def normalise_email(text: str, param: str = "email") -> str:
    """Lower case, with an ASCII domain. Raises `BadRequest` when it can't be an address."""
    address = text.strip()
    if _ON_THIS_MACHINE.fullmatch(address.lower()):
        return address.lower()
    try:
        valid = validate_email(
            address, check_deliverability=False, allow_smtputf8=False, test_environment=True
        )
    except EmailNotValidError:
        raise BadRequest(f"{param}: must be an e-mail address.", param=param) from None
    return (valid.ascii_email or valid.normalized).lower()
