"""The dashboards, and a client of ClickHouse that may do what Grafana's may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from clickhouse_connect.driver.client import Client

from benchlab.store.client import connection
from benchlab.store.client.dsn import parse_dsn

__all__ = ["DASHBOARDS", "GRAFANA", "panels", "reading", "variables"]

GRAFANA = Path(__file__).parents[2] / "otel/grafana"
DASHBOARDS = {
    path.stem: json.loads(path.read_text()) for path in sorted(GRAFANA.glob("dashboards/*.json"))
}


def panels() -> Iterator[Any]:
    for name, dashboard in DASHBOARDS.items():
        for panel in dashboard["panels"]:
            if panel["type"] != "row":
                yield pytest.param(panel, id=f"{name}: {panel['title']}")


def variables() -> Iterator[Any]:
    for name, dashboard in DASHBOARDS.items():
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                yield pytest.param(variable, id=f"{name}: {variable['name']}")


def profile() -> dict[str, str]:
    """The settings of Grafana's user in ClickHouse, those last that allow no further ones."""
    root = ET.fromstring((GRAFANA.parent / "clickhouse/grafana-user.xml").read_text())
    (found,) = root.findall("profiles/*")
    settings = {entry.tag: str(entry.text) for entry in found if entry.tag != "constraints"}
    return dict(sorted(settings.items(), key=lambda item: item[0] == "readonly"))


@contextmanager
def reading(dsn: str) -> Iterator[Client]:
    """A client under the settings of Grafana's user."""
    with connection.opened(parse_dsn(dsn)) as reader:
        for name, value in profile().items():
            reader.command(f"SET {name} = {value}")
        yield reader
