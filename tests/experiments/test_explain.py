"""What made a run slow, measured: a service with spans, and a cause that is planted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import benchlab as bl
from benchlab.cli.main import cli
from benchlab.errors import InputError, RunNotFoundError
from benchlab.plan.tracing import trace_id
from benchlab.store import Store
from benchlab.telemetry import ingest
from tests.stores import closed_store, empty_store
from tests.target.server import ADD, serving

__all__ = ["closed_store", "empty_store"]


def test_a_slow_look_up_is_named_in_what_was_measured(closed_store: Store, tmp_path: Path) -> None:
    """Three requests in a hundred wait 300 ms in a span, longer than a busy machine lasts."""
    directory = tmp_path / "otlp"
    with serving(tmp_path, BENCHLAB_TARGET_OTLP_DIR=str(directory)) as server:
        url = f"{server.url}{ADD}?lookup_ms=300&miss_ratio=0.03"
        request = bl.Request("POST", url, json={"a": [1], "b": [2]}, name="add")
        # A closed loop waits where the machine is busy; few of its users wait in a span at once.
        plan = bl.Plan(
            [request], bl.ClosedLoop(8), duration_s=120, request_count=600, trace_ratio=1.0
        )
        run = bl.run(plan)
        server.stop()
    unsaved = bl.explain(run, store=closed_store, force=True)
    assert unsaved.span_count == 0
    assert "child_span" not in {each.cause for each in unsaved.causes}

    closed_store.save(run)
    with closed_store.connect() as client:
        ingest(client, [directory])
    found = bl.explain("latest", store=closed_store, force=True)
    assert found.span_count == found.count == len(run.measured)
    assert "child_span" in {each.cause for each in found.causes}
    assert "lookup" in str(found)
    example = next(each for each in found.examples if each.cause == "child_span")
    assert example.trace_id == trace_id(run.id, example.seq)
    assert example.latency_ns > 300_000_000
    assert bl.explain(run, endpoint="add", store=closed_store, force=True).causes == found.causes

    done = CliRunner().invoke(
        cli, ["explain", run.id, "--force", "--json", "-", "--report", str(tmp_path / "page")]
    )
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert data["nothing_found"] is False
    assert "child_span" in {cause["cause"] for cause in data["causes"]}
    page = (tmp_path / "page" / "report.html").read_text()
    assert "What to try next" in page
    assert "<svg" in page
    text = CliRunner().invoke(cli, ["explain", run.id, "--force"])
    assert text.exit_code == 0, text.output
    assert "Example requests" in text.stdout


def test_what_cannot_be_explained_is_refused(closed_store: Store) -> None:
    with pytest.raises(RunNotFoundError):
        bl.explain("latest", store=closed_store)
    with pytest.raises(InputError, match="is a int"):
        bl.explain(3, store=closed_store)  # type: ignore[arg-type]
