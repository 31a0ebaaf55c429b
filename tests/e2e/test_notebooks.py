"""Every notebook in the folder: its form, what it measures, and that it can be shown again.

They run in one kernel, each in an empty namespace: starting kernels would take most of the time.
How `benchlab report` runs a notebook is tested with one of them, in `test_notebook`.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

import benchlab as bl
from benchlab.notebook import events
from benchlab.notebook.headless import notebook_parameters
from benchlab.notebook.headless.translator import PythonLiterals
from benchlab.notebook.helpers import RECORDING_PARAMETERS
from benchlab.plan.drivers import describe_drivers
from tests.slot_server import SlotServer

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LONGEST_S = 240.0

CLOSED = {"rate_rps": 0.0, "connections": 1}
SHORT = {**CLOSED, "duration_s": 0.5, "warmup_s": 0.0}
PARAMETERS: dict[str, dict[str, Any]] = {
    "01_benchmark": {**SHORT, "url": "FAST", "trace_ratio": 0.0},
    "02_compare": {
        **CLOSED,
        "url_a": "FAST",
        "url_b": "SLOW",
        "blocks": 2,
        "block_s": 0.2,
        "washout_s": 0.0,
    },
    "03_sweep": {
        "url": "FAST",
        "connections": [1, 2, 4],
        "duration_s": 0.3,
        "warmup_s": 0.0,
        "measured_by": "POINT",
        "sweep_dir": "sweep",
    },
    "04_tail": {**SHORT},
    "05_capacity": {"url": "FAST", "budget_s": 1.5, "from_rps": 50.0, "to_rps": 60.0},
    "06_targets": {
        **SHORT,
        "targets": {"fast": "FAST", "slow": "SLOW"},
        "path": "/",
        "blocks": 2,
        "block_s": 0.2,
        "washout_s": 0.0,
    },
    "07_history": {**SHORT, "fewest": 2, "run_count": 2, "duration_s": 0.3},
    "08_your_service": {**SHORT, "url": "FAST"},
    "09_resilience": {
        **SHORT,
        "duration_s": 2.5,  # however busy the machine is, the fault begins within it
        "faults": ["latency 20ms at 0.2s for 0.3s"],
        "slo": ["p99<30s"],
    },
    "10_retry_storm": {
        "trigger_at_s": 0.2,
        "trigger_s": 0.2,
        "duration_s": 0.7,
        "warmup_s": 0.0,
        "rate_rps": 30.0,
        "from_rps": 20.0,
        "timeout_s": 30.0,  # nothing fails: what is shown does not hang on how fast it is
    },
}
"""What makes each of them short: at most 2 s of load. FAST and SLOW are services."""

IDS = {
    "01_benchmark": "[run.id]",
    "02_compare": "list(comparison.base[:1])",  # one of its runs stands for it
    "03_sweep": "[sweep.experiment_id]",
    "04_tail": "[run.id]",
    "05_capacity": "[capacity.experiment_id]",
    "06_targets": "[run.id, *(each.experiment_id for each in comparisons)]",
    "07_history": "[trend.points[0].run_id]",
    "08_your_service": "[run.id]",
    "09_resilience": "[run.id]",
    "10_retry_storm": "[storm.id, *(each.id for each in [*search, *cures])]",
}
"""What shows the same result again: the `run_ids`, as an expression of the notebook's names."""

STORED = "sorted(bl.Store().runs()['run_id'])"

OF_PLANS = {*inspect.signature(bl.Plan.from_options).parameters, *RECORDING_PARAMETERS}

# A machine that is busy with other tests makes no run invalid, and so changes no result.
PATIENT = """
import benchlab.runs.verdict
benchlab.runs.verdict.LAG_P99_LIMIT_NS = 3_600 * 10**9
benchlab.runs.verdict.STALL_LIMIT_RATIO = 1_000.0
"""

POINT = {
    "parameters": """
url: str = ""
method: str = "GET"
headers: dict = {}
body: str = ""
rate_rps: float = 0.0
connections: int = 1
duration_s: float = 1.0
warmup_s: float = 0.0
workers: int = 1
trace_ratio: float = 0.0
report_dir: str = ""
""",
    "run": f"""{PATIENT}
import pathlib
import benchlab as bl
from benchlab.notebook import events, plan_parameters

run = bl.run(bl.Plan.from_options(**plan_parameters(globals(), url)))
bl.Store().save(run)
page = pathlib.Path(report_dir) / "report.html"
page.parent.mkdir(parents=True, exist_ok=True)
page.write_text("<html></html>")
events.write({{"report": str(page), "run_id": run.id}})
""",
}
"""What a sweep measures here, at each point: a run, and nothing of its figures."""


@dataclass
class Executed:
    """What the cells of a notebook showed, by cell, and the events that it reported."""

    shown: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """What the last cell shows, without the link to the page."""
        *_, last = self.shown.values()
        html = [data["text/html"] for data in last if "text/html" in data]
        return "".join(text for text in html if "report.html" not in text)

    @property
    def reported(self) -> dict[str, Any]:
        (event,) = (event for event in self.events if "report" in event)
        return event


class Kernel:
    """A kernel with a data directory of its own, in which notebooks are executed."""

    def __init__(self, client: BlockingKernelClient, home: Path) -> None:
        self._client, self._events, self._offset = client, home / "events", 0

    def run(self, code: str) -> list[dict[str, Any]]:
        """Run ``code``; returns what it showed, each by its type."""
        shown: list[dict[str, Any]] = []

        def keep(message: dict[str, Any]) -> None:
            content = message["content"]
            match message["header"]["msg_type"]:
                case "stream":
                    shown.append({"text/plain": content["text"]})
                case "display_data" | "execute_result" | "update_display_data":
                    shown.append(content["data"])

        reply = self._client.execute_interactive(
            code, timeout=LONGEST_S, output_hook=keep, store_history=False
        )["content"]
        assert reply["status"] == "ok", "\n".join(reply.get("traceback", ()))
        return shown

    def execute(self, notebook: Path, **parameters: Any) -> Executed:
        """Run the cells of ``notebook`` with ``parameters``."""
        done = Executed()
        self.run("%reset -f")
        for cell in cells(notebook):
            if cell["cell_type"] == "code":
                done.shown[cell["id"]] = self.run("".join(cell["source"]))
            if "parameters" in cell["metadata"].get("tags", ()):
                values = {name: PythonLiterals.translate(parameters[name]) for name in parameters}
                self.run("\n".join(f"{name} = {value}" for name, value in values.items()))
        done.events, self._offset = events.read(self._events, self._offset)
        return done

    def value_of(self, expression: str) -> Any:
        """A value of the notebook that was executed last."""
        (shown,) = self.run(f"print({expression})")
        return ast.literal_eval(shown["text/plain"])


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    home = tmp_path_factory.mktemp("kernel")
    own = {"BENCHLAB_DATA_DIR": str(home / "data"), events.VARIABLE: str(home / "events")}
    manager, client = start_new_kernel(
        startup_timeout=LONGEST_S, cwd=str(home), env={**os.environ, **own}
    )
    try:
        running = Kernel(client, home)
        running.run(PATIENT)
        yield running
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A service that takes 2 ms, and one that takes 6; and the notebook of a sweep."""
    point = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(source, metadata={"tags": [name]})
            for name, source in POINT.items()
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
    )
    path = tmp_path_factory.mktemp("point") / "point.ipynb"
    nbformat.write(point, path)
    with ExitStack() as stack:
        fast, slow = (stack.enter_context(SlotServer(4, service_s)) for service_s in (0.002, 0.006))
        yield {"FAST": fast.url, "SLOW": slow.url, "POINT": str(path)}


def cells(notebook: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return found


def code_of(notebook: Path) -> str:
    return "\n".join(
        "".join(cell["source"]) for cell in cells(notebook) if cell["cell_type"] == "code"
    )


def of_each(function: Any) -> Any:
    return pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)(function)


def test_none_is_forgotten_here() -> None:
    assert [notebook.stem for notebook in NOTEBOOKS] == list(PARAMETERS)
    assert len(NOTEBOOKS) >= 8


@of_each
def test_its_form(notebook: Path) -> None:
    first, *_ = found = cells(notebook)
    question = "".join(first["source"]).splitlines()[0]
    assert (first["cell_type"], question[:2], question[-1]) == ("markdown", "# ", "?")
    headings = [cell for cell in found if "".join(cell["source"]).startswith("## ")]
    assert "".join(headings[-1]["source"]).startswith("## The verdict\n")
    assert found.index(headings[-1]) == len(found) - 2  # and one cell that shows it
    for cell in found:
        assert not cell.get("outputs"), f"{cell['id']} has outputs"
        assert cell.get("execution_count") is None
    kinds = {type(node) for node in ast.walk(ast.parse(code_of(notebook)))}
    assert not kinds & {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Try}
    assert len(code_of(notebook).splitlines()) < 120


@of_each
def test_its_parameters_are_typed_and_explained(notebook: Path) -> None:
    parameters = notebook_parameters(notebook)
    for parameter in parameters.values():
        assert parameter.is_annotated
        assert parameter.kind is not None
        assert len(parameter.help) > 5
    assert parameters["run_ids"].default == "[]"
    assert parameters["report_dir"].default == "''"
    used = {
        node.id
        for node in ast.walk(ast.parse(code_of(notebook)))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    assert set(parameters) <= used | OF_PLANS, "a parameter that nothing reads"
    if "driver" in parameters:
        assert parameters["driver"].help == describe_drivers()


@of_each
def test_it_measures_and_is_shown_again_without_load(
    notebook: Path, kernel: Kernel, services: dict[str, str], tmp_path: Path
) -> None:
    given = parameters_of(notebook, services)
    first = kernel.execute(notebook, **given, report_dir=f"{tmp_path / 'first'}")
    assert first.reported["report"] == f"{tmp_path / 'first' / 'report.html'}"
    assert first.verdict
    stored = kernel.value_of(STORED)
    run_ids = kernel.value_of(IDS[notebook.stem])
    assert kernel.value_of("[str(each) != '' for each in globals().get('comparisons', [])]") in (
        [],
        [True],
    )

    again = kernel.execute(notebook, run_ids=run_ids, report_dir=f"{tmp_path / 'again'}")
    assert kernel.value_of(STORED) == stored  # no run was made
    assert not any("pid" in event for event in again.events)
    assert again.verdict == first.verdict
    assert again.reported == first.reported | {"report": f"{tmp_path / 'again' / 'report.html'}"}
    for directory in ("first", "again"):
        assert "</html>" in (tmp_path / directory / "report.html").read_text()


def parameters_of(notebook: Path, services: dict[str, str]) -> dict[str, Any]:
    """The parameters that make it short, with the services that are running."""
    short = PARAMETERS[notebook.stem]
    given: dict[str, Any] = {
        name: {key: services[url] for key, url in value.items()}
        if isinstance(value, dict)
        else services.get(value, value)
        if isinstance(value, str)
        else value
        for name, value in short.items()
    }
    plain = {"method": "GET", "body": ""} if given != short else {}  # not the bundled service
    return plain | given
