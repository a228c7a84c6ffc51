"""What `charafy doctor` asks STUN and TURN servers, as the client of a conversation would."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from aioice.stun import Message

PATIENCE_S: Final = 5.0
"""For one server, with what is sent again because UDP lost it."""
_TRIES_S: Final = (0.5, 1.0, 3.5)
"""How long each of three requests waits for its answer."""
_PORTS: Final = {"stun": 3478, "turn": 3478, "stuns": 5349, "turns": 5349}
_LIFETIME_S: Final = 60
_UNKNOWN: Final = (401, 403, 438)


@dataclass(frozen=True, slots=True)
class Relay:
    """Where a STUN or TURN server listens."""

    host: str
    port: int
    transport: str
    """udp or tcp."""
    tls: bool
    relays: bool
    """Whether it is a TURN server."""

    @classmethod
    def of(cls, url: str) -> Relay | None:
        """The one of `turn:host:port?transport=tcp` and the like; None of anything else."""
        scheme, _, rest = url.partition(":")
        place, _, query = rest.partition("?")
        host, colon, port = place.rpartition(":")
        if not colon or place.endswith("]"):
            host, port = place, ""
        if scheme not in _PORTS or not host.strip("[]") or (port and not port.isdigit()):
            return None
        tls = scheme.endswith("s")
        transport = query.removeprefix("transport=") or ("tcp" if tls else "udp")
        if transport not in ("udp", "tcp"):
            return None
        at = int(port or _PORTS[scheme])
        return cls(host.strip("[]"), at, transport, tls, scheme.startswith("turn"))


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of it: either why it can't be used, or the address that it gave us."""

    fails: str | None = None
    address: str = ""


def ask_relay(
    url: str,
    username: str = "",
    password: str = "",
    tls: ssl.SSLContext | None = None,
    patience_s: float = PATIENCE_S,
) -> Asked:
    """A STUN server is asked for our address, a TURN server for a place that it relays from.

    `username` and `password` are those that a client would get; `tls`: whom to believe, if not
    those whom this machine does.
    """
    relay = Relay.of(url)
    if relay is None:
        return Asked("is no address like turn:host:port")
    try:
        if relay.relays:
            given = asyncio.run(_within(_allocated(relay, username, password, tls), patience_s))
        else:
            given = asyncio.run(_within(_bound(relay, tls), patience_s))
    except TimeoutError:
        return Asked(f"does not answer by {relay.transport.upper()}")
    except ssl.SSLCertVerificationError as error:
        return Asked(f"shows a certificate that can't be trusted ({error.verify_message})")
    except OSError as error:  # of aioice's, too: its ConnectionError
        return Asked(f"can't be reached ({error.strerror or error or type(error).__name__})")
    return given


async def _within(work: Any, patience_s: float) -> Asked:
    async with asyncio.timeout(patience_s):
        asked: Asked = await work
        return asked


def local_only(address: str) -> bool:
    """Whether nobody outside of this network can send to it."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return found.is_private or found.is_loopback


async def _allocated(
    relay: Relay, username: str, password: str, tls: ssl.SSLContext | None
) -> Asked:
    """A place is taken and given back."""
    from aioice import stun
    from aioice.turn import create_turn_endpoint

    try:
        transport, _ = await create_turn_endpoint(
            asyncio.DatagramProtocol,
            (relay.host, relay.port),
            username,
            password,
            lifetime=_LIFETIME_S,
            ssl=(tls or True) if relay.tls else None,
            transport=relay.transport,
        )
    except stun.TransactionFailed as error:
        return Asked(_refusal(error.response))
    except stun.TransactionTimeout:
        raise TimeoutError from None
    given = str(transport.get_extra_info("sockname")[0])
    await transport._close()
    return Asked(address=given)


def _refusal(said: Message) -> str:
    code = said.error_code
    if code in _UNKNOWN:
        return (
            "refuses our credentials: is CHARAFY_TURN_SECRET its static-auth-secret, has it "
            "use-auth-secret, and is its clock right?"
        )
    return f"answers with error {code}"


async def _bound(relay: Relay, tls: ssl.SSLContext | None) -> Asked:
    """Our address, as the server sees it."""
    from aioice import stun

    asking = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    if relay.transport == "udp":
        said = await _by_udp(relay, bytes(asking))
    else:
        said = await _by_tcp(relay, bytes(asking), (tls or True) if relay.tls else None)
    try:
        answer = stun.parse_message(said)
    except ValueError:
        return Asked("answers, but not as a STUN server does")
    address = answer.attributes.get("XOR-MAPPED-ADDRESS") or answer.attributes.get("MAPPED-ADDRESS")
    if answer.transaction_id != asking.transaction_id or address is None:
        return Asked("answers, but not as a STUN server does")
    return Asked(address=str(address[0]))


async def _by_udp(relay: Relay, message: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(relay.host, relay.port, type=socket.SOCK_DGRAM)
    family, kind, protocol, _, place = found[0]
    with socket.socket(family, kind, protocol) as line:
        line.setblocking(False)
        line.connect(place)
        for wait_s in _TRIES_S:
            await loop.sock_sendall(line, message)
            try:
                async with asyncio.timeout(wait_s):
                    return await loop.sock_recv(line, 2048)
            except TimeoutError:
                continue
    raise TimeoutError


async def _by_tcp(relay: Relay, message: bytes, tls: ssl.SSLContext | bool | None) -> bytes:
    reading, writing = await asyncio.open_connection(relay.host, relay.port, ssl=tls)
    try:
        writing.write(message)
        await writing.drain()
        head = await reading.readexactly(20)
        return head + await reading.readexactly(int.from_bytes(head[2:4], "big"))
    except asyncio.IncompleteReadError:
        return b""
    finally:
        writing.close()
