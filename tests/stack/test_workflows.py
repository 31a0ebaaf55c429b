"""GitHub's workflows: what they may do, what they build, and that they agree with the project."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text())
    for path in sorted((ROOT / ".github/workflows").glob("*.yml"))
}
# By job, what it may do beyond reading the code.
MAY = {
    ("pages", "deploy"): {"id-token": "write", "pages": "write"},
    ("release", "notes"): {"contents": "write"},
    ("release", "pypi"): {"id-token": "write"},
    ("release", "images"): {"contents": "read", "packages": "write"},
}
# A tag can be moved, a commit cannot; the comment is for people and for Dependabot.
PINNED = re.compile(r"uses: (\./\.github/workflows/[\w.-]+|[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$")


def jobs() -> list[Any]:
    return [
        pytest.param(name, job, content, id=f"{name}: {job}")
        for name, workflow in WORKFLOWS.items()
        for job, content in workflow["jobs"].items()
    ]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_pinned_to_a_commit(name: str) -> None:
    text = (ROOT / f".github/workflows/{name}.yml").read_text()
    used = re.findall(r"uses: .*", text)
    assert used
    assert [line for line in used if not PINNED.match(line)] == []


def test_tools_are_pinned() -> None:
    """What a job installs to build, check or publish is of one version, kept by Dependabot."""
    lines = (ROOT / ".github/tools/requirements.txt").read_text().splitlines()
    tools = [line for line in lines if not line.startswith("#")]
    assert {re.sub(r"==[\d.]+$", "", line) for line in tools} >= {"build", "pip-audit", "twine"}
    assert all(re.fullmatch(r"[\w-]+==[\d.]+", line) for line in tools)
    assert all("pipx" not in str(workflow) for workflow in WORKFLOWS.values())


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_have_read_only_permissions(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}


@pytest.mark.parametrize(("workflow", "name", "job"), jobs())
def test_jobs_have_timeouts_and_no_foreign_text_in_scripts(
    workflow: str, name: str, job: dict[str, Any]
) -> None:
    assert job.get("permissions") == MAY.get((workflow, name))
    if "uses" in job:  # a workflow of ours
        assert (ROOT / job["uses"]).is_file()
        return
    assert job["timeout-minutes"] <= 90
    assert re.fullmatch(r"ubuntu-\d+\.\d+", job["runs-on"])
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        # What somebody else named must not become part of a script.
        assert "${{" not in step.get("run", "")


def test_publishing_needs_all_checks() -> None:
    workflow = WORKFLOWS["release"]
    assert workflow[True] == {"push": {"tags": ["v*"]}}  # YAML reads "on" as true
    jobs = workflow["jobs"]
    for name in ("pypi", "images"):
        assert set(jobs[name]["needs"]) == {"ci", "trial"}
    assert jobs["trial"]["needs"] == "package"
    assert set(jobs["notes"]["needs"]) == {"pypi", "images"}
    assert "workflow_call" in WORKFLOWS["ci"][True]
    assert "secrets" not in str(jobs["pypi"]), "a trusted publisher needs no token"


def test_compose_uses_the_published_images() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    built = {
        service["image"].split(":")[0]: service["build"]["dockerfile"]
        for service in compose.values()
        if "build" in service
    }
    images = WORKFLOWS["release"]["jobs"]["images"]
    published = {
        entry["image"]: entry["dockerfile"] for entry in images["strategy"]["matrix"]["include"]
    }
    # The Collector's is the official one with a health check.
    assert published == {name: path for name, path in built.items() if name != "benchlab-collector"}
    push = images["steps"][-1]["with"]
    assert push["platforms"] == "linux/amd64,linux/arm64"
    assert push["sbom"] is True
    assert push["provenance"] == "mode=max"


def test_the_tag_is_compared_with_the_version_as_it_is_written() -> None:
    text = (ROOT / "benchlab/version.py").read_text()
    assert re.search(r'^__version__ = "[^"]+"$', text, re.MULTILINE)
    steps = WORKFLOWS["release"]["jobs"]["package"]["steps"]
    (check,) = [step for step in steps if "TAG" in step.get("env", {})]
    version_line = check["run"].splitlines()[0]
    assert version_line == r'grep -qxF "__version__ = \"${TAG#v}\"" benchlab/version.py'


def test_dependabot_covers_every_pinned_dependency() -> None:
    config = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())
    places: dict[str, set[str]] = {}
    for update in config["updates"]:
        found = update.get("directories") or [update["directory"]]
        places.setdefault(update["package-ecosystem"], set()).update(found)
        assert update["schedule"]["interval"]
    dockerfiles = [*ROOT.glob("*/Dockerfile"), *ROOT.glob(".docker/*.Dockerfile")]
    requirements = [
        ROOT / "pyproject.toml",
        *ROOT.glob("*/requirements.txt"),
        *ROOT.glob(".github/*/requirements.txt"),
    ]

    def directories(paths: list[Path]) -> set[str]:
        return {f"/{path.parent.relative_to(ROOT)}".removesuffix(".") for path in paths}

    assert places == {
        "pip": directories(requirements),
        "github-actions": {"/"},
        "docker": directories(dockerfiles),
        "docker-compose": {"/"},
    }
