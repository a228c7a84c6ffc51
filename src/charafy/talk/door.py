"""Where a talk process listens for APIs, and the address that it tells them."""

from __future__ import annotations

import ipaddress
import socket
from typing import Final

from charafy.kernel.refused import StartRefused
from charafy.kernel.settings import Settings

_ANYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - recognised here, not bound


class DoorRefused(StartRefused):
    """APIs could not come in there; the message says what to do."""


def listen(settings: Settings) -> tuple[str, socket.socket]:
    """The address for APIs, and the socket, which does not accept yet. Raises `DoorRefused`."""
    host = settings.talk_host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        sock = socket.create_server((host, settings.talk_port), family=family)
    except OSError as error:
        raise DoorRefused(
            f"Port {settings.talk_port} on {host} can't be used for APIs "
            f"({error.strerror or type(error).__name__}): set CHARAFY_TALK_PORT or "
            "CHARAFY_TALK_HOST to another."
        ) from None
    try:
        url = settings.talk_url or f"http://{_reached(host)}:{sock.getsockname()[1]}"
    except BaseException:
        sock.close()
        raise
    return url, sock


def _reached(host: str) -> str:
    """Who listens anywhere is reached where the machine's name leads: in a container, to it."""
    if host in _ANYWHERE:
        host = _named_address()
    return f"[{host}]" if ":" in host else host


def _named_address() -> str:
    name = socket.gethostname()
    try:
        address = socket.gethostbyname(name)
    except OSError:
        address = ""
    if not address or ipaddress.ip_address(address).is_loopback:
        raise DoorRefused(
            f"This machine's name, {name}, leads nobody else to it: set CHARAFY_TALK_HOST to the "
            "address at which APIs reach it, or say that in CHARAFY_TALK_URL."
        )
    return address
