"""What importing benchlab loads: little, because it is imported in every worker and notebook."""

from __future__ import annotations

import subprocess
import sys


def test_importing_benchlab_loads_nothing_heavy() -> None:
    script = "import sys, benchlab; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "benchlab" in loaded
    assert not loaded & {"numpy", "pandas", "matplotlib", "httpx", "chdb", "clickhouse_connect"}


def test_a_plan_needs_no_numpy() -> None:
    script = "import sys, benchlab.plan.plan; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_worker_loads_httpx_without_its_command_line() -> None:
    script = "import sys, benchlab.load.worker.__main__, httpx; httpx.Client; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not {"click", "pygments", "rich", "distributed"} & set(done.stdout.split())


def test_only_a_cluster_loads_dask() -> None:
    script = "import sys, benchlab.load.run, benchlab.cli.run, benchlab.cli.recover"
    check = "assert not {'dask', 'distributed'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"{script}; {check}"], check=True)


def test_drawing_never_loads_pyplot() -> None:
    code = (
        "import sys; from tests.runs.synthetic import make_run; from benchlab import plots;"
        "plots.timeline(make_run()).savefig(sys.stdout.buffer, format='svg');"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, capture_output=True)
