"""Grafana's user of ClickHouse, tried out: the engine is given otel/clickhouse/grafana-user.xml.

The embedded engine serves only the user ``default`` and does not know ``changeable_in_readonly``,
so the file's user gets that name, and the constraint is left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchlab.store.client import connection
from benchlab.store.client.dsn import parse_dsn
from benchlab.store.schema import migrate

ROOT = Path(__file__).parents[2]
CONFIG = """
<clickhouse>
<user_directories><users_xml><path>{users}</path></users_xml></user_directories>
</clickhouse>
"""
ASK = """
import json, sys
import chdb
connection = chdb.connect(f"{sys.argv[1]}?config-file={sys.argv[2]}")
found = []
for sql in json.loads(sys.argv[3]):
    try:
        found.append(connection.query(sql, "TabSeparated").bytes().decode())
    except Exception as exc:
        found.append(str(exc))
print(json.dumps(found))
"""

MAY = [
    "SELECT count() FROM benchlab.runs",
    "SELECT count() FROM benchlab.per_second",
    "SELECT count() FROM benchlab.otel_traces",
    "SELECT getSetting('readonly')",
    "SELECT getSetting('max_execution_time')",
]
MAY_NOT = [
    "SELECT count() FROM private.diary",
    "INSERT INTO benchlab.runs (id) VALUES ('x')",
    "ALTER TABLE benchlab.runs DELETE WHERE 1",
    "DROP TABLE benchlab.runs",
    "CREATE TABLE benchlab.mine (a UInt8) ENGINE = Memory",
    "TRUNCATE TABLE benchlab.samples",
    "SYSTEM FLUSH LOGS",
    "SET readonly = 0",
    "SET max_execution_time = 61",
    "SET max_memory_usage = 1",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM remote('127.0.0.1:1', system.one)",
    "DESCRIBE url('http://127.0.0.1:1/')",
    "DESCRIBE file('/etc/passwd')",
    "CREATE USER mallory",
    "GRANT ALL ON *.* TO default",
]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    directory = tmp_path_factory.mktemp("grafana")
    users = ET.parse(ROOT / "otel/clickhouse/grafana-user.xml")
    (user,) = users.iterfind("users/grafana")
    user.tag = "default"
    (password,) = user.iterfind("password")
    password.attrib.clear()
    for limit in users.iterfind("profiles/grafana/constraints/max_execution_time"):
        (changeable,) = limit.iterfind("changeable_in_readonly")
        limit.remove(changeable)
    for parent in (*users.iterfind("profiles"), ET.SubElement(users.getroot(), "quotas")):
        ET.SubElement(parent, "default")
    (directory / "users-of-test.xml").write_text(ET.tostring(users.getroot(), encoding="unicode"))
    config = directory / "config-of-test.xml"
    config.write_text(CONFIG.format(users=directory / "users-of-test.xml"))

    with connection.opened(parse_dsn(f"chdb://{directory / 'engine'}")) as client:
        client.command("CREATE DATABASE benchlab")
        client.command("CREATE DATABASE private")
        client.command("CREATE TABLE private.diary (a UInt8) ORDER BY a")
        client.command("USE benchlab")
        migrate.migrate(client)

    questions = MAY + MAY_NOT
    command = [sys.executable, "-c", ASK, str(directory / "engine"), str(config)]
    done = subprocess.run(
        [*command, json.dumps(questions)], stdout=subprocess.PIPE, text=True, check=True
    )
    return dict(zip(questions, json.loads(done.stdout.splitlines()[-1]), strict=True))


def test_it_reads_its_database_under_limits(results: dict[str, str]) -> None:
    assert [results[sql].strip() for sql in MAY] == ["0", "0", "0", "1", "30"]


@pytest.mark.parametrize("sql", MAY_NOT)
def test_it_changes_nothing_and_sees_nothing_else(results: dict[str, str], sql: str) -> None:
    assert any(
        word in results[sql]
        for word in ("ACCESS_DENIED", "READONLY", "SETTING_CONSTRAINT_VIOLATION")
    ), results[sql]
