"""What `charafy doctor` looks at around the house: how clients reach it, and who carries media."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from charafy.cli.finding import Finding

if TYPE_CHECKING:
    from charafy.kernel.db import Database
    from charafy.kernel.settings import Settings

PATIENCE_S: Final = 5.0
APART_S: Final = 10.0
"""As much as tokens and leases bear between machines."""
SOON_DAYS: Final = 14
"""Whoever renews certificates by himself does it a month before their end."""
_LOCAL: Final = ("127.0.0.1", "localhost", "::1")
_PORT_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")


def public_address(settings: Settings, tls: ssl.SSLContext | None = None) -> Iterator[Finding]:
    """Whether the address that links name leads here, over a certificate that browsers take."""
    about = "public address"
    if settings.public_url is None:
        if settings.host not in _LOCAL:
            says = "not set: links will name this machine. Set CHARAFY_PUBLIC_URL to your https "
            yield Finding("note", about, says + "address")
        return
    url = urlsplit(settings.base_url)
    if url.scheme != "https" and url.hostname not in _LOCAL:
        says = f"{settings.base_url}: browsers give no microphone to http. Put TLS before it"
        yield Finding("missing", about, says)
    elif url.scheme == "https":
        found = certificate(url.hostname or "", url.port or 443, tls)
        yield found
        if found.state == "missing":
            return
    yield _leads_here(settings, tls)


def certificate(host: str, port: int, tls: ssl.SSLContext | None = None) -> Finding:
    """What a browser would say to it. `tls`: whom to believe, if not those of this machine."""
    about, trusting = "certificate", tls or ssl.create_default_context()
    try:
        with (
            socket.create_connection((host, port), PATIENCE_S) as plain,
            trusting.wrap_socket(plain, server_hostname=host) as line,
        ):
            shown = line.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        says = f"of {host}: browsers refuse it ({error.verify_message}). Renew or replace it"
        return Finding("missing", about, says)
    except ssl.SSLError as error:
        return Finding("missing", about, f"of {host}: no TLS at port {port} ({error.reason})")
    except OSError as error:
        why = error.strerror or type(error).__name__
        says = f"of {host}: can't be reached from this machine ({why}); look from outside"
        return Finding("note", about, says)
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
    days = (ends - datetime.now(UTC)).days
    if days < SOON_DAYS:
        return Finding("note", about, f"of {host}: ends in {days} days ({ends:%Y-%m-%d}): renew it")
    return Finding("ok", about, f"of {host}: good until {ends:%Y-%m-%d}")


def _leads_here(settings: Settings, tls: ssl.SSLContext | None) -> Finding:
    """Whether a Charafy answers there; that may be another than this process's."""
    import httpx

    about, where = "public address", settings.base_url
    try:
        answer = httpx.get(
            f"{where}/healthz",
            timeout=PATIENCE_S,
            trust_env=False,
            verify=tls or ssl.create_default_context(),
        )
    except httpx.HTTPError as error:
        says = f"{where} can't be reached from this machine ({type(error).__name__})"
        return Finding("note", about, says)
    if answer.status_code in (502, 503, 504):
        says = f"{where}: its proxy finds no server behind it ({answer.status_code}). Is one up?"
        return Finding("note", about, says)
    if answer.status_code != 200 or b'"alive"' not in answer.content[:100]:
        says = f"{where} leads to something else ({answer.status_code}): CHARAFY_PUBLIC_URL"
        return Finding("missing", about, says)
    return Finding("ok", about, f"{where} leads to a server of Charafy")


def livekit(settings: Settings) -> Iterator[Finding]:
    """Whether LiveKit is there, takes our key, and can be reached from pages."""
    from charafy.conversations.livekit import LiveKit
    from charafy.kernel.clock import SystemClock

    about = "LiveKit"
    server = LiveKit.of(settings, b"", SystemClock(), ssl.create_default_context())
    if server is None:
        return
    try:
        why = server.trouble()
    finally:
        server.close()
    if why is not None:
        yield Finding("missing", about, f"{server.url} {why}")
        return
    yield Finding("ok", about, f"{server.url} answers, and takes our key")
    host = urlsplit(server.url).hostname
    if server.url.startswith("ws:") and host not in _LOCAL:
        says = f"{server.url}: pages at an https address may only open wss (CHARAFY_LIVEKIT_URL)"
        safe = not settings.base_url.startswith("https:")
        yield Finding("note" if safe else "missing", about, says)


def relays(settings: Settings) -> Iterator[Finding]:
    """Whether each server of the settings does for us what it is to do for clients."""
    from charafy.cli.doctor_relays import ask_relay, local_only
    from charafy.conversations.ice import ice_servers
    from charafy.kernel.clock import SystemClock

    if not settings.turn_urls and settings.livekit_url is None:
        says = "none: conversations fail where a firewall lets no UDP through (CHARAFY_TURN_URLS)"
        yield Finding("note", "relays", says)
    for server in ice_servers(settings, SystemClock(), "doctor"):
        for url in server.urls:
            asked = ask_relay(url, server.username or "", server.credential or "")
            if asked.fails is not None:
                yield Finding("missing", "relay", f"{url} {asked.fails}")
            elif not url.startswith("turn"):
                yield Finding("ok", "relay", f"{url} answers: it sees us at {asked.address}")
            elif local_only(asked.address):
                says = f"{url} relays from {asked.address}, which only this network reaches "
                yield Finding("note", "relay", says + "(coturn: external-ip)")
            else:
                yield Finding("ok", "relay", f"{url} relays, from {asked.address}")


def talk_ports(settings: Settings) -> Iterator[Finding]:
    """Whether conversations get UDP ports here, and which a firewall has to let through."""
    if settings.livekit_url is not None:
        return
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("0.0.0.0", 0))  # noqa: S104 - nothing is read from it
            given = int(probe.getsockname()[1])
    except OSError as error:
        yield Finding("missing", "talk ports", f"no UDP port can be had ({error.strerror})")
        return
    try:
        first, last = map(int, _PORT_RANGE.read_text().split())
        says = f"UDP {first}-{last} (net.ipv4.ip_local_port_range)"
    except (OSError, ValueError):
        says = f"UDP, any that is free, such as {given}"
    yield Finding("ok", "talk ports", f"{says}: let them in from clients or from the TURN server")


def collector(settings: Settings) -> Iterator[Finding]:
    """Whether traces are taken, where they are sent somewhere."""
    import httpx

    where = settings.otlp_endpoint
    if where is None:
        return
    headers = settings.otlp_header_map | {"content-type": "application/x-protobuf"}
    try:
        # An empty message is one with no spans.
        answer = httpx.post(where, content=b"", headers=headers, timeout=PATIENCE_S)
        fails = None if answer.is_success else f"answers {answer.status_code}"
    except httpx.HTTPError as error:
        fails = f"can't be reached ({type(error).__name__})"
    if fails is None:
        yield Finding("ok", "traces", f"{where} takes them")
    else:
        says = f"{where} {fails}: CHARAFY_OTLP_URL, CHARAFY_OTLP_HEADERS"
        yield Finding("missing", "traces", says)


def clock_fails(db: Database, now: datetime) -> str | None:
    """Why this machine's clock can't be right, by the database's; None if it may be."""
    import sqlalchemy as sa

    from charafy.credits.tables import entries

    with db.read() as tx:
        if tx.dialect.name == "postgresql":
            theirs = tx.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
            apart_s = (now - theirs.astimezone(UTC)).total_seconds()
            if abs(apart_s) > APART_S:
                word = "ahead of" if apart_s > 0 else "behind"
                return f"{abs(apart_s):.0f} seconds {word} the database's: synchronise both (NTP)"
        newest = sa.select(entries.c.created_at).order_by(entries.c.seq.desc()).limit(1)
        last = tx.execute(newest).scalar()
    if last is not None and (last - now).total_seconds() > APART_S:
        return f"behind the last entry of the ledger ({last:%Y-%m-%d %H:%M}): synchronise it (NTP)"
    return None
