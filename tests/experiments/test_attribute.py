"""Where the latency comes from, measured: a service with spans, and a cause that is planted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import benchlab as bl
from benchlab.cli.main import cli
from benchlab.errors import InputError, RunNotFoundError
from benchlab.store import Store
from benchlab.store.spans.attribution import request_parts
from benchlab.telemetry import ingest
from tests.stores import closed_store, empty_store
from tests.target.server import ADD, serving

__all__ = ["closed_store", "empty_store"]


def test_a_slow_endpoint_is_found_in_what_was_measured(closed_store: Store, tmp_path: Path) -> None:
    """One request in eight adds long vectors: the service computes and reads for longer."""
    directory = tmp_path / "otlp"
    with serving(tmp_path, BENCHLAB_TARGET_OTLP_DIR=str(directory)) as server:
        short = bl.Request("POST", server.url + ADD, json={"a": [1], "b": [2]}, name="short")
        values = list(range(20_000))
        long = bl.Request(
            "POST", server.url + ADD, json={"a": values, "b": values}, name="long", weight=1 / 7
        )
        plan = bl.Plan(
            [short, long], bl.ClosedLoop(1), duration_s=60, request_count=700, trace_ratio=1.0
        )
        run = bl.run(plan)
        server.stop()
    unsaved = bl.attribute(run, store=closed_store, force=True)
    assert unsaved.span_count == 0
    assert "waiting for the response" in str(unsaved)
    closed_store.save(run)
    with closed_store.connect() as client:
        ingest(client, [directory])
        parts, _ = request_parts(client, run.id)
    columns = [name for name in parts.columns if name.endswith("_part")]
    total = parts[columns].sum(axis=1) + parts["path_ns"].map(sum)
    assert total.tolist() == run.measured.latency_ns.tolist()

    found = bl.attribute("latest", store=closed_store, force=True)
    assert found.span_count == found.split_count == len(run.measured)
    assert found.tail_ratio == 0.9
    assert found.clock is not None
    assert not found.clock.applied
    names = {(each.attribute, each.value) for each in found.attributes}
    assert ("endpoint", "long") in names
    assert next(iter(found.effects())).where in ("service", "network")
    # One endpoint alone has nothing to tell its requests apart.
    alone = bl.attribute(run, endpoint="short", store=closed_store, force=True)
    assert alone.count < found.count
    assert "endpoint" not in {each.attribute for each in alone.attributes}

    done = CliRunner().invoke(
        cli, ["attribute", run.id, "--force", "--json", "-", "--report", str(tmp_path / "page")]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["span_count"] == found.span_count
    page = (tmp_path / "page" / "report.html").read_text()
    assert "What slow requests have in common" in page
    assert "<svg" in page


def test_what_cannot_be_attributed_is_refused(closed_store: Store) -> None:
    with pytest.raises(RunNotFoundError):
        bl.attribute("latest", store=closed_store)
    with pytest.raises(InputError, match="is a int"):
        bl.attribute(3, store=closed_store)  # type: ignore[arg-type]
