"""Carry out trials and record them: the load is real, and so is the service."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import benchlab as bl
from benchlab import spool
from benchlab.runs.run import Run
from tests.trials import target_service
from tests.trials.corpus import Truth, truth_of
from tests.trials.disturbance import disturbed
from tests.trials.proxy_causes import PID
from tests.trials.strength import is_counted, strengths
from tests.trials.trial import Kind, Rates, Trial, draw

__all__ = ["carry_out", "record", "record_all"]

Draw = Callable[[int, Kind, Rates, int], Trial]

MOST_ATTEMPTS = 6
"""Draws of a trial whose cause turns out too weak, before its seed is given up."""


def plan_of(
    trial: Trial, requests: list[bl.Request], targets: dict[str, str], pid: int = 0
) -> bl.Plan:
    """The plan of a trial; ``pid`` is the service's process."""
    given = trial.plan
    load: bl.ClosedLoop | bl.PoissonRate | bl.ConstantRate
    if given["load"] == "closed":
        think_s = given.get("think_ms", 0.0) / 1e3
        load = bl.ClosedLoop(given["connections"], think_s, "exponential")
    elif given["load"] == "poisson":
        load = bl.PoissonRate(given["rate_rps"])
    else:
        load = bl.ConstantRate(given["rate_rps"])
    # The fault server knows its requests by their trace ids. The target pays for tracing.
    traces = trial.traced or trial.place != "target"
    return bl.Plan(
        requests,
        load,
        duration_s=trial.length_s,
        warmup_s=given["warmup_s"],
        trace_ratio=1.0 if traces else 0.0,
        timeout_s=30.0,
        max_connections=given.get("max_connections", 1000),
        driver=given.get("driver", "http"),
        transport=bl.Transport(verify=False, **given["transport"]),
        seed=given["seed"],
        targets=targets,
        faults=[text.replace(PID, str(pid)) for text in given.get("faults", ())],
        name="trial",
    )


def carry_out(trial: Trial, directory: Path) -> tuple[Run, Truth]:
    """Make the load of a trial; returns the run, and what the service did in truth."""
    file = directory / "truth.npz"
    if trial.place == "target":
        traces = directory / "otlp"
        with target_service.started(trial, traces) as url:
            plan = plan_of(trial, target_service.requests_of(trial, url), {})
            with target_service.with_faults(trial, url), disturbed(trial.beside, trial.seed):
                run = bl.run(plan)
        target_service.write_truth(run, traces, file)
    else:
        run = _run_at_server(trial, file)
    if run.spool is not None:
        spool.remove(run.spool)
    return run, truth_of(file)


def _run_at_server(trial: Trial, file: Path) -> Run:
    command = [sys.executable, "-m", "tests.trials.fault_server"]
    server = subprocess.Popen(
        [*command, json.dumps(trial.service), str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    scheme = "https" if trial.service["tls"] else "http"
    try:
        urls = [f"{scheme}://127.0.0.1:{port}" for port in json.loads(server.stdout.readline())]
        base = urls[0] if len(urls) == 1 else ""
        requests = [
            bl.Request("GET", f"{base}/e{number}", name=f"e{number}")
            for number in range(trial.plan["endpoints"])
        ]
        targets = {} if base else {f"shop-{number}": url for number, url in enumerate(urls)}
        with disturbed(trial.beside, trial.seed):
            run = bl.run(plan_of(trial, requests, targets, server.pid))
        server.stdin.close()
        if server.wait(60):
            raise RuntimeError("the fault server failed")
    finally:
        server.kill()
        server.wait()
        server.stdin.close()
        server.stdout.close()
    return run


def record(
    seed: int,
    kind: Kind,
    rates: Rates,
    path: Path,
    draw: Draw = draw,
    attempts: int = MOST_ATTEMPTS,
) -> dict[str, Any]:
    """Record the trial of a seed into ``path``; draws again while its cause is too weak."""
    for attempt in range(attempts):
        trial = draw(seed, kind, rates, attempt)
        with tempfile.TemporaryDirectory(dir=path.parent) as name:
            work = Path(name)
            before = os.getloadavg()[0]
            run, truth = carry_out(trial, work)
            found = strengths(run, trial.to_dict(), truth)
            data = trial.to_dict() | {
                "strengths": found,
                "counted": is_counted(found),
                "load_average": round(before, 2),
                "verdict": run.verdict,
            }
            if not data["counted"] and attempt + 1 < attempts:
                continue
            shutil.rmtree(work / "otlp", ignore_errors=True)
            bl.export_run(run, work / "run.parquet")
            (work / "trial.json").write_text(json.dumps(data, indent=1))
            shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(work, path)
            return data
    raise AssertionError("every attempt returns or continues")


def _say(text: str) -> None:
    print(text, flush=True)


def record_all(
    first: int,
    count: int,
    kind: Kind,
    rates: Rates,
    directory: Path,
    say: Callable[[str], None] = _say,
) -> None:
    """Record trials from the seed ``first`` on, one after the other, until ``count`` count.

    Those that are in ``directory`` already are not made again.
    """
    directory.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    seed = first
    counted = made = 0
    while counted < count:
        file = directory / str(seed) / "trial.json"
        if file.exists():
            counted += json.loads(file.read_text())["counted"]
            seed += 1
            continue
        data = record(seed, kind, rates, file.parent)
        counted += data["counted"]
        made += 1
        each = (time.monotonic() - start) / made
        strong = ", ".join(
            f"{cause} {item['alone_ratio']:.0%}/{item['tail_ratio']:.0%}"
            for cause, item in zip(data["causes"], data["strengths"], strict=True)
        )
        again = f", attempt {data['attempt'] + 1}" if data["attempt"] else ""
        say(
            f"{counted}/{count} {kind} {seed} ({data['place']}): {strong or 'healthy'}"
            f"{'' if data['counted'] else ', TOO WEAK'}{again}"
            f" · {each:.1f} s each, {each * (count - counted) / 60:.0f} min to go"
        )
        seed += 1
