"""What benchlab does where only its own dependencies are installed, without any extra."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
import venv
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchlab.bundled import TargetProcess
from benchlab.extras import EXTRAS

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that sees benchlab and what ``pip install benchlab`` installs, only."""
    home = tmp_path_factory.mktemp("core")
    venv.create(home, symlinks=True)
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "benchlab").symlink_to(ROOT / "benchlab")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for package in closure(Requirement(entry) for entry in project["dependencies"]):
        for name in {path.parts[0] for path in package.files or () if path.parts[0] != ".."}:
            link = packages / name
            if not link.exists():
                link.symlink_to(Path(str(package.locate_file(name))))
    return home / "bin" / "python"


def closure(requirements: Iterable[Requirement]) -> list[Distribution]:
    """The distributions that satisfy ``requirements``, with all that these require."""
    found: dict[tuple[str, str], Distribution] = {}
    waiting = [(each, extra) for each in requirements for extra in ("", *each.extras)]
    while waiting:
        requirement, extra = waiting.pop()
        key = (canonicalize_name(requirement.name), extra)
        if key in found:
            continue
        found[key] = distribution(requirement.name)
        for entry in found[key].requires or ():
            below = Requirement(entry)
            if below.marker is None or below.marker.evaluate({"extra": extra}):
                waiting += [(below, inner) for inner in ("", *below.extras)]
    return list(found.values())


def run(python: Path, *arguments: str, place: Path) -> subprocess.CompletedProcess[str]:
    """``benchlab`` with ``arguments``, by that interpreter."""
    return subprocess.run(
        [python, "-m", "benchlab", *arguments],
        cwd=place,
        env={**os.environ, "BENCHLAB_DATA_DIR": str(place / "data"), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_extras_are_not_there(python: Path) -> None:
    """Otherwise the tests below would prove nothing."""
    modules = json.dumps([module.split(".")[0] for names in EXTRAS.values() for module in names])
    code = f"from importlib.util import find_spec as f; print([m for m in {modules} if f(m)])"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_measuring_storing_and_reporting_need_no_extra(
    python: Path, target: TargetProcess, tmp_path: Path
) -> None:
    measured = run(python, "run", target.url, "--requests", "20", "--warmup", "0", place=tmp_path)
    assert measured.returncode in {0, 1}, measured.stderr  # 1: the machine was too busy
    for command in (["history"], ["show", "latest"], ["report", "latest", "-o", "page"]):
        done = run(python, *command, place=tmp_path)
        assert done.returncode in {0, measured.returncode}, (command, done.stderr)
    assert (tmp_path / "page" / "report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["report", "01_benchmark"], "lab"),
        (["sweep", "01_benchmark", "-g", "rate=1,2"], "lab"),
        (["target"], "target"),
        (["run", "grpc://127.0.0.1:1/a.B/C", "--proto", "a.proto"], "grpc"),
    ],
)
def test_what_needs_an_extra_names_it(
    python: Path, tmp_path: Path, arguments: list[str], extra: str
) -> None:
    done = run(python, *arguments, place=tmp_path)
    assert done.returncode == 2
    assert f'pip install "benchlab[{extra}]"' in done.stderr
    assert "Traceback" not in done.stderr
