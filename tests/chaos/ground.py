"""Where the house of a run stands: its servers, and the ways that its processes take to them."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import sqlalchemy as sa
from pydantic import SecretStr

from charafy.kernel.settings import Plan as Limits
from charafy.kernel.settings import Settings
from charafy.kernel.storage_settings import Bucket
from tests.support import livekit, postgresql, redis, s3
from tests.support.network import Network, Way

ServerKind = Literal["postgresql", "redis", "s3", "livekit"]
SERVERS: Final[tuple[ServerKind, ...]] = ("postgresql", "redis", "s3", "livekit")
HASTY: Final = Limits(max_characters=2, requests_per_minute=40, video_queue_limit=2)
"""The plan of an account that always asks for more than it may."""
PLANS: Final = {"owner": Limits(max_characters=10_000, requests_per_minute=1_000_000)}


@dataclass(slots=True)
class Servers:
    """Those that run; each may be killed, frozen and started again."""

    postgresql: postgresql.Server | None = None
    redis: redis.Redis | None = None
    s3: s3.Server | None = None
    livekit: livekit.Server | None = None

    @property
    def kinds(self) -> list[ServerKind]:
        return [kind for kind in SERVERS if getattr(self, kind) is not None]


@dataclass(slots=True)
class Ground:
    """`settings`: those of a house that nothing troubles, for who looks from outside."""

    settings: Settings
    servers: Servers
    network: Network
    env: dict[str, str]
    """What every process is told."""
    url: str = ""
    bucket: Bucket | None = None
    ways: dict[tuple[str, ServerKind], Way] = field(default_factory=dict)
    """From a process, by its name, to a server."""

    def env_of(self, member: str) -> dict[str, str]:
        """What that process is told: each has ways of its own."""
        env, servers = dict(self.env), self.servers
        if servers.postgresql is not None:
            port = self._way(member, "postgresql", servers.postgresql.port).port
            through = sa.make_url(self.url).set(port=port)
            env["CHARAFY_DATABASE_URL"] = through.render_as_string(hide_password=False)
        if servers.redis is not None:
            port = self._way(member, "redis", servers.redis.port).port
            env["CHARAFY_REDIS_URL"] = f"redis://:{redis.PASSWORD}@127.0.0.1:{port}/0"
        if self.bucket is not None and servers.s3 is not None:
            port = self._way(member, "s3", servers.s3.port).port
            env |= s3.environment_of(s3.through(self.bucket, port))
        if servers.livekit is not None:
            port = self._way(member, "livekit", servers.livekit.port).port
            env["CHARAFY_LIVEKIT_URL"] = f"ws://127.0.0.1:{port}"
            env["CHARAFY_LIVEKIT_API_KEY"] = livekit.KEY
            env["CHARAFY_LIVEKIT_API_SECRET"] = livekit.SECRET
        return env

    def _way(self, member: str, kind: ServerKind, port: int) -> Way:
        if (member, kind) not in self.ways:
            self.ways[member, kind] = self.network.way(port)
        return self.ways[member, kind]


@contextlib.contextmanager
def ground(home: Path, kinds: Collection[ServerKind]) -> Iterator[Ground]:
    """An empty house. Raises `LookupError` where a server that is asked for is not installed."""
    home.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        home=home,
        voice_engine="scripted",
        portrait_engine="still",
        demo=False,
        plans={**PLANS, "hasty": HASTY},
    )
    plans = json.dumps({name: plan.model_dump() for name, plan in settings.plans.items()})
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network())
        where = Ground(settings, Servers(), network, {"CHARAFY_PLANS": plans})
        if "postgresql" in kinds:
            _on_postgresql(stack, where)
        if "redis" in kinds:
            if not (shutil.which("redis-server") or shutil.which("valkey-server")):
                raise LookupError("neither redis-server nor valkey-server is installed")
            where.servers.redis = stack.enter_context(redis.running())
        if "s3" in kinds:
            _on_s3(stack, where)
        if "livekit" in kinds:
            found = livekit.program()
            if found is None:
                raise LookupError("no LiveKit server is there (scripts/livekit builds one)")
            where.servers.livekit = stack.enter_context(livekit.running(found))
        yield where


def _on_postgresql(stack: contextlib.ExitStack, where: Ground) -> None:
    programs = postgresql.programs()
    if programs is None:
        raise LookupError("PostgreSQL's server programs (initdb, pg_ctl) are not installed")
    server = stack.enter_context(postgresql.running(programs))
    where.servers.postgresql, where.url = server, server.new()
    where.settings = where.settings.model_copy(update={"database_url": SecretStr(where.url)})


def _on_s3(stack: contextlib.ExitStack, where: Ground) -> None:
    found = s3.program()
    if found is None:
        raise LookupError("no S3 server is there (scripts/s3 builds one where Go is)")
    server = stack.enter_context(s3.running(found))
    where.servers.s3, where.bucket = server, server.new()
    where.settings = where.settings.model_copy(update=s3.settings_of(where.bucket))
