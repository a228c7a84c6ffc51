"""A real PostgreSQL of the tests' own: started once in a session, thrown away afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import sqlalchemy as sa

from charafy.kernel.db import Database
from charafy.kernel.migrate import migrate
from tests.support.processes import family

_DEBIANS = Path("/usr/lib/postgresql")
_TEMPLATE = "charafy_template"
_PATIENCE_S = 60
_PASSWORD = "pass/word"


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, the newest version's; None where there is none."""
    folders = sorted(_DEBIANS.glob("*/bin"), key=lambda folder: int(folder.parent.name))
    found = shutil.which("initdb")
    if found:
        folders.insert(0, Path(found).resolve().parent)
    usable = [one for one in folders if (one / "initdb").exists() and (one / "pg_ctl").exists()]
    return usable[-1] if usable else None


@dataclass(frozen=True, slots=True)
class Server:
    """One running cluster; everything in it may be broken."""

    bin: Path
    folder: Path
    port: int

    def url(self, name: str) -> str:
        return f"postgresql://charafy:{quote(_PASSWORD, safe='')}@127.0.0.1:{self.port}/{name}"

    def new(self, *, migrated: bool = True) -> str:
        """URL of a database nobody has used, with this version's schema or with nothing in it."""
        name = f"t{uuid4().hex}"
        template = f" TEMPLATE {_TEMPLATE}" if migrated else ""
        self._run(f"CREATE DATABASE {name}{template}")
        return self.url(name)

    def drop(self, url: str) -> None:
        self._run(f"DROP DATABASE IF EXISTS {sa.make_url(url).database} WITH (FORCE)")

    def stop(self) -> None:
        """Without waiting for anybody's unit of work."""
        self.control("stop", "-m", "immediate")

    def start(self) -> None:
        log = str(self.folder / "log")
        self.control("start", "-w", "-l", log, "-o", f"-p {self.port} -k {self.folder}")

    def hang(self) -> None:
        """All of its processes stand still: it takes connections, but answers nobody."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def fill(self, most: int) -> None:
        """No file may grow beyond so many bytes until it is started again: as on a full disk."""
        for pid in self.pids:
            with suppress(RuntimeError):  # it has just ended
                # By the owner of the process: root may not where it lacks CAP_SYS_RESOURCE.
                _as_nobody(["prlimit", "--pid", str(pid), f"--fsize={most}:"], self.folder)

    @property
    def pids(self) -> list[int]:
        """Of the server and of all that it started; none while it is stopped."""
        try:
            return family(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]))
        except (OSError, IndexError):
            return []

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def control(self, *words: str) -> None:
        _as_nobody([str(self.bin / "pg_ctl"), "-D", str(self.folder / "data"), *words], self.folder)

    def prepare(self) -> None:
        """Make the database that all others are copied from."""
        self._run(f"CREATE DATABASE {_TEMPLATE}")
        database = Database(self.url(_TEMPLATE))
        migrate(database)
        database.close()

    def _run(self, statement: str) -> None:
        engine = sa.create_engine(
            self.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)


@contextmanager
def running(bin_: Path, *, durable: bool = False) -> Iterator[Server]:
    """A fresh cluster that listens on loopback only.

    It syncs nothing, as nothing in it matters, unless it is to take as long as one that does.
    """
    folder = Path(tempfile.mkdtemp(prefix="charafy-pg-"))
    try:
        server = _made(bin_, folder, durable=durable)
        server.start()
        try:
            server.prepare()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _made(bin_: Path, folder: Path, *, durable: bool) -> Server:
    word = folder / "password"
    word.write_text(_PASSWORD)
    if os.getuid() == 0:
        user = pwd.getpwnam(_unprivileged())
        for path in (folder, word):
            os.chown(path, user.pw_uid, user.pw_gid)
    _as_nobody(
        [
            str(bin_ / "initdb"),
            *("-D", str(folder / "data"), "-U", "charafy", "-A", "scram-sha-256"),
            *("--pwfile", str(word), "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
        ],
        folder,
    )
    with (folder / "data" / "postgresql.conf").open("a") as config:
        config.write(
            f"listen_addresses = '127.0.0.1'\nfsync = {'on' if durable else 'off'}\n"
            "shared_buffers = 64MB\n"
            "max_connections = 100\nlog_lock_waits = on\n"
        )
    return Server(bin_, folder, _free_port())


def _unprivileged() -> str:
    """Who may run a server that refuses to run as root."""
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _as_nobody(command: list[str], folder: Path) -> None:
    user = _unprivileged() if os.getuid() == 0 else None
    # Into a file: the server keeps open what it was started with.
    with (folder / "out").open("ab") as words:
        done = subprocess.run(
            command,
            cwd=folder,
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE_S,
            check=False,
        )
    if done.returncode:
        raise RuntimeError((folder / "out").read_text(errors="replace")[-2000:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
