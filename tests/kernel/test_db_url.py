"""An address of a database is taken, or refused in one sentence that tells no secret."""

from __future__ import annotations

import os
import socket
import sys

import pytest
import sqlalchemy as sa
from pydantic import SecretStr, ValidationError

from charafy.cli import refusal
from charafy.kernel.db import Database
from charafy.kernel.db_url import DEAD_AFTER_S, DatabaseRefused, patient, proper_url, shown
from charafy.kernel.migrate import migrate
from charafy.kernel.settings import Settings
from tests.support.postgresql import Server

TCP_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", 18)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_common_way_to_write_postgresql_is_taken(scheme: str) -> None:
    url = f"{scheme}://me:p%2Fw@db.example:5433/charafy?sslmode=require"
    expected = "postgresql+psycopg://me:p%2Fw@db.example:5433/charafy?sslmode=require"
    assert proper_url(url, "IT") == expected


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://me:hunter2@db.example/charafy", "mysql://"),
        ("postgresql://me:hunter2@db.example", "names no database"),
        ("postgresql://me:hunter2@/charafy", "names no host"),
        ("postgresql://db.example/charafy", "names no user"),
        ("me:hunter2@db.example", "is no database address"),
        ("postgresql://me:hunter2@db.example:port/charafy", "is no database address"),
    ],
)
def test_settings_refuse_any_other_without_its_password(url: str, reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(database_url=SecretStr(url))
    sentence = refusal(refused.value)
    assert reason in sentence
    assert "CHARAFY_DATABASE_URL" in sentence
    assert "hunter2" not in sentence + str(refused.value)


def test_jobs_are_where_everything_else_is_or_on_a_database_of_the_same_kind() -> None:
    shared = SecretStr("postgresql://me:hunter2@db.example/charafy")
    settings = Settings(database_url=shared)
    assert settings.jobs_db_url == settings.db_url
    assert "hunter2" not in repr(settings)
    with pytest.raises(ValidationError, match="different kinds"):
        Settings(jobs_database_url=shared)


def test_what_is_shown_has_no_password() -> None:
    url = "postgresql+psycopg://me:hunter2@db.example:5433/charafy?password=hunter2"
    assert shown(url) == "postgresql://db.example:5433/charafy"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what was asked of it")
@pytest.mark.parametrize("way", ["ours", "of the jobs"])
def test_a_line_that_is_cut_without_a_word_is_given_up_in_half_a_minute(
    postgres: Server, way: str
) -> None:
    """Whether something is waited for that was sent, or nothing is."""
    url = proper_url(postgres.new(), "IT")
    engine = Database(url).engine if way == "ours" else sa.create_engine(patient(url))
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        line = socket.socket(fileno=os.dup(raw.fileno()))
    with line:
        idle_s = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
        each_s = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL)
        times = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT)
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert idle_s + each_s * times <= DEAD_AFTER_S
        assert line.getsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT) == DEAD_AFTER_S * 1000
    engine.dispose()


def test_what_an_address_says_itself_stays() -> None:
    asked = patient("postgresql+psycopg://me:p%2Fw@db.example/charafy?tcp_user_timeout=5000")
    assert "tcp_user_timeout=5000" in asked
    assert "keepalives_count=3" in asked
    assert "me:p%2Fw@" in asked
    assert patient("sqlite:////tmp/charafy.db") == "sqlite:////tmp/charafy.db"


def test_a_server_that_is_not_there_is_said_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # never listened on
        port = taken.getsockname()[1]
        url = proper_url(f"postgresql://me:hunter2@127.0.0.1:{port}/charafy", "IT")
        with pytest.raises(DatabaseRefused, match=f"127.0.0.1:{port}/charafy can't be") as refused:
            migrate(Database(url))
    assert "hunter2" not in str(refused.value)
    assert str(refused.value).count("\n") == 0


def test_a_wrong_password_and_a_missing_database_are_told_apart(postgres: Server) -> None:
    right = postgres.url("nowhere")
    for url, reason in (
        (right, "no database or no user"),
        (right.replace("pass%2Fword", "hunter2"), "password"),
    ):
        with pytest.raises(DatabaseRefused, match=reason):
            migrate(Database(proper_url(url, "IT")))
