"""Files that a plan names reach the hosts, and leave them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from benchlab import Plan, Request, Transport
from benchlab.errors import InputError
from benchlab.load.cluster.plan_files import files_of, placed, remove_files

REQUEST = Request("GET", "https://127.0.0.1:1/")


def test_certificates_and_keys_travel(tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text(f"the {name}")
    transport = Transport(
        ca_file=str(tmp_path / "ca"),
        client_cert=str(tmp_path / "cert"),
        client_key=str(tmp_path / "key"),
    )
    plan = Plan(REQUEST, transport=transport)
    files = files_of(plan)
    host = tmp_path / "host"
    host.mkdir()
    there = Plan.from_dict(placed(plan.to_dict(), files, host))
    for name, content in (
        (there.transport.ca_file, "the ca"),
        (there.transport.client_cert, "the cert"),
        (there.transport.client_key, "the key"),
    ):
        path = Path(name)
        assert path.parent == host
        assert path.read_text() == content
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    remove_files(host)
    assert list(host.iterdir()) == []


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "none.pem")
    with pytest.raises(InputError, match="No such file") as raised:
        files_of(Plan(REQUEST, transport=Transport(ca_file=missing)))
    assert raised.value.field == "ca_file"
    assert raised.value.value == missing


def test_a_plan_without_files_stays_as_it_is(tmp_path: Path) -> None:
    plan = Plan(REQUEST)
    assert files_of(plan) == {}
    assert Plan.from_dict(placed(plan.to_dict(), {}, tmp_path)) == plan
