"""docs/ci.md, tried: its commands, its recipes, and the steps of the action."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import click
import pytest
import yaml

from benchlab.bundled import TargetProcess
from benchlab.cli.main import cli
from benchlab.store import Store
from tests.cli.in_process import Benchlab, benchlab_here
from tests.docs.pages import DOCS, ROOT, blocks, marked
from tests.experiments.test_compare import level
from tests.report.blank_figures import blank_figures

__all__ = ["benchlab_here"]

PAGE = DOCS / "ci.md"
ACTION = ROOT / ".github/actions/benchlab"
DEFINITION = yaml.safe_load((ACTION / "action.yml").read_text())
STEPS: list[dict[str, Any]] = DEFINITION["runs"]["steps"]
GITHUB, GITLAB = (yaml.safe_load(block.text) for block in blocks(PAGE, "yaml"))
PROGRAMS = Path(sys.executable).parent
PINNED = re.compile(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
PLAN = """
request_count = 20
warmup = "0s"

[[requests]]
url = "{url}/health"

[load]
kind = "closed_loop"
connections = 1
"""
# Records what it is asked, and ends as RESULTS says: "run run check".
STAND_IN = """#!/bin/bash
echo "$*" >>asked
read -ra results <<<"$RESULTS"
exit "${results[$(wc -l <asked) - 1]}"
"""

# Nothing was asked, and nothing made but the directory of the report.
REFUSED = {"benchlab", "output", "summary", "benchlab-report"}


@pytest.fixture
def plan(target: TargetProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A short plan in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "plan.toml"
    path.write_text(PLAN.format(url=target.url))
    return path


def test_the_gates_work_as_written(plan: Path, benchlab_here: Benchlab) -> None:
    store = Store()
    with store.connect():
        for number in range(1, 7):  # the same level: what a busy machine measures is not in it
            store.save(level(number, tags={"build": "main" if number % 2 else "fix"}))
    lines = [line for block in blocks(PAGE, "sh") for line in block.text.splitlines()]
    runs = [line for line in lines if line.startswith("benchlab run ")]
    checks = [line for line in lines if line.startswith("benchlab baseline ")]
    assert (len(runs), len(checks)) == (3, 2)
    codes = {benchlab_here(*shlex.split(line)[1:], "--no-save").returncode for line in runs}
    assert codes <= {0, 1, 3}
    with blank_figures():
        for line in checks:
            done = benchlab_here(*shlex.split(line)[1:])
            assert done.returncode == 0, done.stderr
    for name, suite in (("objectives.xml", "benchlab.run"), ("compare.xml", "benchlab.compare")):
        cases = list(ET.parse(plan.with_name(name)).iter("testcase"))
        assert len(cases) >= 3
        assert {case.get("classname") for case in cases} == {suite}
    assert plan.with_name("comment.md").read_text().startswith("### ")
    assert (plan.parent / "reports" / "gate" / "report.html").exists()
    assert "gate" in (plan.parent / "reports" / "index.html").read_text()


def test_actions_are_pinned_and_scripts_have_no_foreign_text() -> None:
    text = (ACTION / "action.yml").read_text()
    used = re.findall(r"uses: .*", text)
    assert [line for line in used if not PINNED.match(line)] == []
    pinned = set(re.findall(r"[\w/-]+@\w{40}", text))
    workflows = "".join(path.read_text() for path in (ROOT / ".github/workflows").glob("*.yml"))
    assert pinned <= set(re.findall(r"[\w/-]+@\w{40}", workflows))
    for step in STEPS:
        assert "${{" not in step.get("run", "")
        assert "run" not in step or step["shell"] == "bash"


def test_the_page_has_the_inputs_of_the_action() -> None:
    rows = re.findall(
        r"^\| `([\w-]+)` \| (.*?) ?\| (.+) \|$", marked(PAGE.read_text(), "inputs"), re.M
    )
    assert rows == [
        (name, f"`{value['default']}`" if value.get("default") else "", value["description"])
        for name, value in DEFINITION["inputs"].items()
    ]
    (step,) = [step for step in GITHUB["jobs"]["performance"]["steps"] if "id" in step]
    assert (ROOT / step["uses"]).resolve() == ACTION
    assert set(step["with"]) <= set(DEFINITION["inputs"])
    assert {"plan"} == {
        name for name, value in DEFINITION["inputs"].items() if value.get("required")
    }


def test_the_recipe_for_gitlab_collects_what_its_command_writes() -> None:
    job = GITLAB["performance"]
    words = shlex.split(job["script"][-1])
    command = cli.get_command(click.Context(cli), words[1])
    assert command is not None
    values = command.make_context(words[1], words[2:]).params
    assert values["junit_file"] == job["artifacts"]["reports"]["junit"]
    assert job["artifacts"]["paths"] == [f"{values['report_dir']}/", values["markdown_file"]]
    assert job["artifacts"]["when"] == "always"


def act(
    directory: Path, programs: Path = PROGRAMS, *, code: int = 0, **inputs: str
) -> tuple[dict[str, str], str]:
    """Carry out the step that measures, with ``programs`` first; returns outputs and summary.

    It ends with ``code``: not 0 if it refuses its inputs.
    """
    (directory / "summary").touch()
    given = {name: str(value.get("default", "")) for name, value in DEFINITION["inputs"].items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    (step,) = [step for step in STEPS if step.get("id") == "measure"]
    variables = {
        name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: given[found[1]], value)
        for name, value in step["env"].items()
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=directory,
        env={
            **os.environ,
            **variables,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "GITHUB_ACTION_PATH": str(ACTION),
            "GITHUB_OUTPUT": str(directory / "output"),
            "GITHUB_STEP_SUMMARY": str(directory / "summary"),
            "GITHUB_RUN_ID": "7",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    lines = (directory / "output").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines), (directory / "summary").read_text()


def stand_in(directory: Path) -> None:
    (directory / "benchlab").write_text(STAND_IN)
    (directory / "benchlab").chmod(0o755)


def gate(outputs: dict[str, str]) -> int:
    (step,) = [step for step in STEPS if step.get("name") == "Gate"]
    return subprocess.run(
        ["bash", "-c", step["run"]], env={"CODE": outputs["exit-code"]}, check=False
    ).returncode


def test_the_action_reports_and_then_closes_the_gate(plan: Path) -> None:
    options = "--slo 'p50<1us' --tag \"who=a b; $(touch pwned)\" --no-save"
    outputs, summary = act(plan.parent, plan="plan.toml", options=options)
    # 1 if this machine was too busy to make the load, and 3 for the objective.
    assert outputs["exit-code"] == str(gate(outputs))
    assert gate(outputs) in (1, 3)
    assert "1 of 1 objective broken" in summary
    cases = ET.parse(plan.parent / outputs["junit"]).getroot()
    assert (cases.get("failures"), cases.get("errors")) in {("1", "0"), ("0", "1")}
    assert (plan.parent / outputs["report"] / "report.html").exists()
    assert summary == (plan.parent / outputs["markdown"]).read_text()
    assert not (plan.parent / "pwned").exists()


@pytest.mark.parametrize(
    ("results", "asked", "code"),
    [
        ("0 0 0", "run run check", 0),
        ("0 3 0", "run run check", 3),
        ("3 0 3", "run run check", 3),
        ("0 0 2", "run run check", 2),
        ("1", "run", 1),
        ("0 129", "run run", 129),
    ],
)
def test_the_action_makes_runs_and_checks_them(
    results: str, asked: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path)
    monkeypatch.setenv("RESULTS", results)
    outputs, _ = act(tmp_path, tmp_path, plan="p.toml", baseline="b.json", runs="2")
    assert (outputs["exit-code"], gate(outputs)) == (str(code), code)
    lines = (tmp_path / "asked").read_text().splitlines()
    found = " ".join("check" if line.startswith("baseline check ") else "run" for line in lines)
    assert found == asked
    (tag,) = set(re.findall(r"ci=7-[\w-]+", "\n".join(lines)))
    assert f"run --tag {tag} -- p.toml" in lines
    if "check" in found:
        assert lines[-1].endswith(f" -- b.json tag:{tag}")


def test_the_action_measures_two_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path)
    monkeypatch.setenv("RESULTS", "3")
    outputs, _ = act(
        tmp_path, tmp_path, plan="p.toml", against="http://b", options="--blocks 20 --name 'a b'"
    )
    assert gate(outputs) == 3
    (line,) = (tmp_path / "asked").read_text().splitlines()
    words = line.partition(" --markdown")[0]
    assert words == "ab --against http://b --fail-on slower --blocks 20 --name a b"
    assert line.endswith(" -- p.toml")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("runs", "HOME[$(touch pwned)]"),
        ("runs", "0"),
        ("runs", "08"),
        ("report", "there\nexit-code=0"),
        ("report", ""),
        ("options", "--tag 'a"),
    ],
)
def test_the_action_refuses_inputs_that_mean_something_else(
    name: str, value: str, tmp_path: Path
) -> None:
    stand_in(tmp_path)
    inputs = {"plan": "p.toml", "baseline": "b.json", name: value}
    outputs, _ = act(tmp_path, tmp_path, code=2, **inputs)
    assert outputs == {"exit-code": "2"}
    assert {path.name for path in tmp_path.iterdir()} <= REFUSED


def test_inputs_of_the_action_are_no_options_unless_they_are_meant_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path)
    monkeypatch.setenv("RESULTS", "0")
    act(tmp_path, tmp_path, plan="--help", report="-r", options="--body ''")
    (line,) = (tmp_path / "asked").read_text().splitlines()
    files = "--markdown -r/summary.md --junit -r/junit.xml --report -r"
    assert line == f"run --body  {files} -- --help"


def test_the_action_says_that_nothing_was_measured(tmp_path: Path) -> None:
    outputs, summary = act(tmp_path, plan="none.toml")
    assert (outputs["exit-code"], gate(outputs)) == ("2", 2)
    assert "exit code 2" in summary
