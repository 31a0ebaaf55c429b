"""The documentation's Python, run: each page in one namespace that starts with benchlab as bl."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme

import benchlab
from benchlab import Store
from benchlab.bundled import TargetProcess, start_target
from benchlab.telemetry import ingest
from tests.docs.pages import DOCS, PAGES, ROOT, blocks, page_id

URL = "http://127.0.0.1:8000"  # what the pages measure
ACCESS_LOG = "".join(
    f'192.0.2.1 - - [14/Mar/2026:10:0{minute}:00 +0100] "{request} HTTP/1.1" 200 5 "-" "x"\n'
    for minute, request in enumerate(("GET /", "GET /items/7", "POST /cart", "GET /items/8?q=1"))
)
HAR = json.dumps(
    {
        "log": {
            "entries": [
                {
                    "startedDateTime": "2026-03-14T08:00:00Z",
                    "request": {"method": "GET", "url": "https://shop.example/"},
                }
            ]
        }
    }
)
GRPC_URL = "grpc://127.0.0.1:50051"
WITH_PYTHON = [page for page in PAGES if page != ROOT / "README.md" and blocks(page, "python")]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose store has a run with its server's telemetry."""
    directory = tmp_path_factory.mktemp("measured")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("BENCHLAB_DATA_DIR", str(directory))
        with start_target(otlp_dir=directory / "otlp") as target:
            run = benchlab.run(
                benchlab.Plan(
                    [benchlab.Request("POST", f"{target.url}/api/vector/add", json=_VECTORS)],
                    load=benchlab.ConstantRate(50),
                    duration_s=0.5,
                    trace_ratio=1,
                )
            )
        store = Store()
        store.save(run)
        with store.connect() as client:
            ingest(client, [directory / "otlp"])
    return directory


_VECTORS = {"a": [1, 2], "b": [3, 4]}


def test_ten_lines_of_the_readme_run(target: TargetProcess, tmp_path: Path) -> None:
    (block,) = blocks(ROOT / "README.md", "python")
    script = block.text.replace(URL, target.url)
    script = script.replace("duration_s=20, warmup_s=2", "duration_s=1")
    assert "duration_s=1)" in script
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    assert Store().load("latest").summary.count == 500
    assert (tmp_path / "report" / "report.html").exists()


@pytest.mark.parametrize("page", WITH_PYTHON, ids=page_id)
def test_examples_run(
    page: Path,
    target: TargetProcess,
    measured: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(measured, tmp_path / "data", symlinks=True)  # other pages save runs as well
    monkeypatch.setenv("BENCHLAB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "users.csv").write_text("name\nada\ngrace\n")
    (tmp_path / "access.log").write_text(ACCESS_LOG)
    (tmp_path / "shop.har").write_text(HAR)
    trustme.CA().cert_pem.write_to_path("ca.pem")
    (plan_file,) = blocks(DOCS / "plan-file.md", "toml")
    (tmp_path / "checkout.toml").write_text(plan_file.text)
    namespace: dict[str, Any] = {"__name__": "__main__", "bl": benchlab}
    for block in blocks(page, "python"):
        text = block.text.replace(URL, target.url).replace(GRPC_URL, target.grpc_url)
        text = text.replace(URL.replace("http", "ws"), target.url.replace("http", "ws"))
        code = compile(text, page_id(page), "exec")
        exec(code, namespace)
