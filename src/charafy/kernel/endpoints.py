"""Which addresses of users we send to again and again: for events, and for answers of models."""

from __future__ import annotations

import ipaddress

import httpx

from charafy.kernel.addresses import is_public
from charafy.kernel.errors import BadRequest
from charafy.kernel.outside import Outside, Refused


def permitted(outside: Outside, url: str) -> httpx.URL:
    """The URL, if its own words allow sending there: https, or vouched for by the operator.

    Raises `Refused`. Where its name leads is judged at every attempt.
    """
    target = outside.judge(url)
    if target.scheme != "https" and not outside.allows(target):
        raise Refused("must start with https://")
    return target


def checked_url(outside: Outside, url: str, param: str = "url") -> str:
    """As `permitted`, with an early word to its owner. Raises `BadRequest` (`url_refused`)."""
    try:
        target = permitted(outside, url)
        if _is_private(target.host) and not outside.allows(target):
            raise Refused("leads to an address that is not on the public Internet")
    except Refused as refusal:
        raise BadRequest(f"The {param} {refusal.why}.", code="url_refused", param=param) from None
    return str(target)


def _is_private(host: str) -> bool:
    try:
        return not is_public(str(ipaddress.ip_address(host.strip("[]"))))
    except ValueError:
        return False
