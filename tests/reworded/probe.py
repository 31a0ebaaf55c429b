"""Does what can go wrong, and prints what a program can tell of it, and what people read.

Usage: ``python probe.py DIRECTORY URL`` with a service at URL that answers 200.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from attrs import evolve

import benchlab as bl
from benchlab import spool
from benchlab.cli.main import cli
from benchlab.decoding import decode
from benchlab.errors import BenchlabError, InputError
from benchlab.plan.scenario import Scenario
from benchlab.runs import health, verdict
from benchlab.units import parse_duration_s

PLANS = {
    "zero.toml": 'duration = 0\n[[requests]]\nurl = "{url}"\n',
    "kind.toml": 'duration = 1\n[[requests]]\nurl = "{url}"\n[load]\nkind = "cosed"\n',
    "weight.toml": '[[requests]]\nurl = "{url}"\nweight = 0\n',
    "good.toml": 'duration = 1\n[[requests]]\nurl = "{url}"\n',
}
RUN = "run {url} --no-save --warmup 0 "
COMMANDS = [
    RUN + "--duration 0",
    RUN + "--duration soon",
    RUN + "--rate -1",
    RUN + "--think-time soon",
    RUN + "--slo p99<x",
    RUN + "--abort-on error_ratio>200%",
    RUN + "--abort-on p99[x]<5ms",
    RUN + "--stages 10s",
    RUN + "--spike base=1",
    RUN + "--key gone.pem",
    RUN + "--cert gone.pem",
    RUN + "--ca-file gone.pem",
    RUN + "--workers 100 -c 2",
    RUN + "--trace-ratio 2",
    RUN + "--resolve a=b:x",
    RUN + "--method A/B",
    RUN + "--header a/b:c",
    RUN + "--feed gone.csv",
    RUN + "--target {url}",
    RUN + "--expect-json x",
    RUN + "--requests 20 --slo p99<1ns --json -",
    RUN + "--requests 20 --expect-status 404 --slo error_count<1 --json -",
    RUN + "--duration 30s --abort-on error_count>=1 --expect-status 404 --json -",
    "run nonsense",
    "run http://127.0.0.1:1/ --no-save",
    "run gone.toml",
    "run zero.toml",
    "run zero.toml --duration 0",
    "run kind.toml",
    "run weight.toml",
    "run good.toml --connections 0",
    "show 0123456789abcdef",
    "query SELEC",
    "query SELECT+nope",
    "query DROP+TABLE+runs",
    "query SELECT+1+SETTINGS+readonly=0",
    "query SELECT+throwIf(1)",
    "import broken.csv",
    "notebooks /proc/x",
]


class Kills:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> Any:
        return os._exit, (3,)


def call_table(url: str) -> dict[str, Callable[[], Any]]:
    plan = bl.Plan([bl.Request("GET", url)], duration_s=1)
    scenario = Scenario(url, "visit", code=pickle.dumps(print)[:-3])
    killing = evolve(scenario, code=pickle.dumps(Kills()))
    return {
        "duration": lambda: bl.Plan([bl.Request("GET", url)], duration_s=0),
        "nothing": bl.Plan,
        "think time": lambda: bl.ClosedLoop(1, -1),
        "stage": lambda: bl.Stages([(1, 1), (1, -1)]),
        "tags": lambda: evolve(plan, tags=["x"]),  # type: ignore[list-item]
        "transport": lambda: bl.Transport(client_key="k"),
        "unit": lambda: parse_duration_s("5x"),
        "a worker cannot load the code": lambda: bl.run(bl.Plan(scenario=scenario)),
        "a worker ends": lambda: bl.run(bl.Plan(scenario=killing)),
        "no server there": lambda: bl.Store("http://127.0.0.1:1/lab", wait_s=0).runs(),
        "no such spool": lambda: spool.read_run(Path("gone")),
    }


def error_facts(exc: BaseException) -> dict[str, Any]:
    facts: dict[str, Any] = {"class": type(exc).__name__}
    if isinstance(exc, BenchlabError):
        facts["exit_code"] = exc.exit_code
    if isinstance(exc, InputError):
        facts |= {"field": exc.field, "value": repr(exc.value)}
    if isinstance(exc, click.BadParameter):
        facts |= {"param": exc.param and exc.param.opts}
    return facts


def result_facts(text: str) -> dict[str, Any]:
    """What does not depend on how busy the machine is, as the verdict does."""
    result = json.loads(text)
    return {
        "keys": list(result),
        "errors": list(result["errors"]),
        "objectives": [item["met"] for item in result.get("slo", [])],
    }


def of_command(command: str, url: str) -> tuple[Any, str]:
    arguments = [part.replace("+", " ") for part in command.format(url=url).split(" ")]
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            status = cli.main(arguments, standalone_mode=False)
    except (BenchlabError, click.ClickException) as exc:
        return error_facts(exc), str(exc)
    return {"status": status, **(result_facts(out.getvalue()) if "--json" in command else {})}, ""


def of_call(function: Callable[[], Any]) -> tuple[Any, str]:
    try:
        return repr(function()), ""
    except BenchlabError as exc:
        return error_facts(exc), str(exc)


def of_problem(kind: health.ProblemKind, url: str) -> tuple[Any, str]:
    plan = bl.Plan([bl.Request("GET", url)], duration_s=1)
    lost = health.Health((health.WorkerHealth(0, problem="x", problem_kind=kind),))
    lost = decode(json.dumps(lost.to_dict()), health.Health, where="")
    reason = verdict.decide_verdict(plan, bl.Samples.empty(["x"]), lost)
    chosen = [name for name, hint in verdict._HINTS.items() if hint == reason.hint]
    return [reason.verdict, chosen], str(reason.hint)


def main(directory: str, url: str) -> None:
    os.chdir(directory)
    os.environ["BENCHLAB_DATA_DIR"] = tempfile.mkdtemp(dir=directory)
    for name, text in PLANS.items():
        Path(name).write_text(text.format(url=url))
    Path("broken.csv").write_text("timeStamp,elapsed,label,responseCode,success\n1,2,a\n")
    found = {command: of_command(command, url) for command in COMMANDS}
    found |= {name: of_call(function) for name, function in call_table(url).items()}
    found |= {f"problem {kind}": of_problem(kind, url) for kind in verdict._HINTS}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
