"""Which URLs events may be sent to."""

from __future__ import annotations

import ipaddress

from charafy.kernel.addresses import is_public
from charafy.kernel.errors import BadRequest
from charafy.kernel.outside import Outside, Refused


def checked_url(outside: Outside, url: str) -> str:
    """The URL, if its own words allow sending events there.

    An early word to its owner and no guard: where its name leads is judged at every attempt.
    Raises `BadRequest` (`url_refused`).
    """
    try:
        target = outside.judge(url)
        if not outside.allows(target):
            if target.scheme != "https":
                raise Refused("must start with https://")
            if _is_private(target.host):
                raise Refused("leads to an address that is not on the public Internet")
    except Refused as refusal:
        raise BadRequest(f"url: {refusal.why}.", code="url_refused", param="url") from None
    return str(target)


def _is_private(host: str) -> bool:
    try:
        return not is_public(str(ipaddress.ip_address(host.strip("[]"))))
    except ValueError:
        return False
