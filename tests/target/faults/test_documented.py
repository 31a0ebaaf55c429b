"""The page that documents the kinds of faults names each, with all of its settings."""

from __future__ import annotations

from typing import get_args

from target.faults.kinds import AnyPeriodicFault, AnyRequestFault
from tests.target.server import ROOT

PAGE = (ROOT / "docs/telemetry.md").read_text()


def test_every_kind_is_documented_with_its_settings() -> None:
    for kind in (*get_args(AnyRequestFault), *get_args(AnyPeriodicFault)):
        (name,) = get_args(kind.model_fields["kind"].annotation)
        (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
        for setting in kind.__annotations__.keys() - {"kind", "amount"}:
            assert f"`{setting}`" in row, (name, setting)


def test_common_settings_are_documented() -> None:
    for setting in ("lease_s", "route", "ratio", "seed", "distribution", "spread_ms", "shape"):
        assert f"`{setting}`" in PAGE
