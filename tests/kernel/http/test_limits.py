"""Who counts as one and the same where limits count by address."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from charafy.kernel.http.limits import address_of


def _from(host: str | None) -> Request:
    client = None if host is None else (host, 50_000)
    return Request({"type": "http", "headers": [], "client": client})


@pytest.mark.parametrize(
    ("host", "counts_as"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("made up", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_one_user_is_one_ipv4_address_or_one_ipv6_network(host: str | None, counts_as: str) -> None:
    assert address_of(_from(host)) == counts_as
