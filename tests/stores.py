"""Fixtures of empty stores. An embedded one is made once and copied for every test; on a server a
test has a database of its own. Import `empty_store` with whichever of the others is used.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from filelock import FileLock

from benchlab.store import Store
from benchlab.telemetry.client import Client
from tests.clickhouse_front import Front

__all__ = ["closed_store", "empty_database", "empty_store", "empty_tables", "new_database"]


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a store with its schema and nothing in it."""
    # By name: for each directory of tests that imports it, this is another fixture, and tests may
    # run in several processes, whose directories are beside each other.
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    directory = shared / "empty" / "store"
    with FileLock(shared / "empty.lock"):
        if not directory.exists():
            with Store(f"chdb://{directory}").connect():
                pass
    return directory


@pytest.fixture
def closed_store(own_data: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The default store, of this test alone; nobody has it open."""
    monkeypatch.delenv("BENCHLAB_STORE_WAIT_S", raising=False)
    shutil.copytree(empty_store, own_data / "store", symlinks=True)
    return Store()


@contextmanager
def new_database(front: Front) -> Iterator[str]:
    """The DSN of a new database on the server of ``BENCHLAB_TEST_DSN``, or else on ``front``."""
    from benchlab.store.client import connection, dsn

    server = urlsplit(os.environ.get("BENCHLAB_TEST_DSN") or front.dsn())
    name = f"benchlab_test_{secrets.token_hex(6)}"
    with connection.opened(dsn.parse_dsn(server.geturl())) as client:
        client.command(f"CREATE DATABASE {name}")
        try:
            yield server._replace(path=f"/{name}").geturl()
        finally:
            client.command(f"DROP DATABASE {name}")


def empty_database(dsn: str) -> None:
    """Take everything out of a database with the schema, except that it has it."""
    from benchlab.store.client import connection
    from benchlab.store.client.dsn import parse_dsn

    with connection.opened(parse_dsn(dsn)) as client:
        empty_tables(client)


def empty_tables(client: Client) -> None:
    """The same, by a client that is open."""
    ((database,),) = client.query("SELECT currentDatabase()").result_rows
    client.command(f"TRUNCATE ALL TABLES FROM {database} NOT LIKE 'schema_migrations'")
