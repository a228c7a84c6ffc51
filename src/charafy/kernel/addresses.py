"""Which IP addresses belong to the public Internet."""

from __future__ import annotations

import ipaddress

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NEVER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.88.99.0/24",  # 6to4 relays
        "2001::/32",  # Teredo: wraps an IPv4 address
        "2002::/16",  # 6to4: wraps an IPv4 address
        "64:ff9b:1::/48",  # NAT64 inside a network
    )
)


def is_public(address: str) -> bool:
    """Whether anyone on the Internet could be meant; an address that wraps another is judged by it.

    Stricter than `ipaddress.is_global`, which calls multicast and some transition ranges global.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:  # also what carries a zone (fe80::1%eth0)
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip.is_site_local or ip.scope_id is not None:
            return False
    if any(ip in network for network in _NEVER):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
