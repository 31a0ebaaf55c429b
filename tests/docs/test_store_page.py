"""The tables and views that docs/store.md explains are those that there are."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import DOCS, ROOT

PAGE = (DOCS / "store.md").read_text()
SCHEMA = "\n".join(path.read_text() for path in (ROOT / "benchlab").rglob("migrations/*.sql"))


@pytest.mark.parametrize(
    ("kind", "section"), [("TABLE", "Tables"), ("VIEW", "Views")], ids=["tables", "views"]
)
def test_what_a_store_has_is_explained(kind: str, section: str) -> None:
    made = set(re.findall(rf"^CREATE {kind} IF NOT EXISTS (\w+)", SCHEMA, re.MULTILINE))
    made = {"otel_" if name.startswith("otel_") else name for name in made}
    first_table = PAGE.split(f"## {section}\n\n")[1].split("\n\n")[0]
    cells = re.findall(r"^\| (`.+?) \|", first_table, re.MULTILINE)
    shown = {name for cell in cells for name in re.findall(r"`(otel_|\w+)", cell)}
    assert shown == made
