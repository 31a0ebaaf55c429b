"""The promises between files: what one says, the others must say too."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import tomllib
from itertools import chain
from pathlib import Path

import nbformat
import pytest
import yaml

import benchlab
import benchlab.extras
import target
from benchlab.notebook.headless import notebook_parameters
from benchlab.plan.drivers import DRIVERS
from tests.wheel_trial import TRIALS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FIXED_BY_THE_USER = {
    "jupyterlab",
    "papermill",
    "pandas",
    "matplotlib",
    "httpx",
    "fastapi",
    "uvicorn",
    "clickhouse-connect",
    "opentelemetry-sdk",
    "opentelemetry-exporter-otlp",
    "nest-asyncio",
}


def distribution(entry: str) -> str:
    """The name of the distribution that a requirement is about."""
    return re.split(r"[\[<>=;]", entry)[0]


def foreign(entries: list[str]) -> list[str]:
    """The requirements that are not extras of our own."""
    return [entry for entry in entries if distribution(entry) != "benchlab"]


def test_conda_and_pip_install_the_same() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (pip,) = [entry["pip"] for entry in environment if isinstance(entry, dict)]
    assert sorted(pip) == sorted(foreign([*PROJECT["dependencies"], *chain(*EXTRAS.values())]))
    assert f"python{PROJECT['requires-python']}" in environment


def test_every_dependency_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    entries = [line for line in lines if re.match(r'    "[a-z][\w\[\]-]+[>=<]', line)]
    assert len(entries) == len(foreign([*PROJECT["dependencies"], *chain(*EXTRAS.values())]))
    assert [line for line in entries if not re.search(r"#\s*\w+", line)] == []


def test_the_packages_fixed_by_the_user_are_there() -> None:
    everything = foreign([*PROJECT["dependencies"], *EXTRAS["lab"], *EXTRAS["target"]])
    assert EXTRAS["all"] == ["benchlab[lab,target,grpc,cluster]"]
    assert {distribution(entry) for entry in everything} >= FIXED_BY_THE_USER


@pytest.mark.parametrize("extra", ["lab", "target", "grpc"])
def test_an_extra_is_recognised_by_all_its_packages(extra: str) -> None:
    modules = set(benchlab.extras.EXTRAS[extra])
    for entry in EXTRAS[extra]:
        files = {
            str(path.parent).replace("/", ".")
            for path in importlib.metadata.distribution(distribution(entry)).files or []
        }
        # opentelemetry-exporter-otlp only requires the two packages that have the code.
        assert modules & files or entry.startswith("opentelemetry-exporter-otlp>"), entry


def test_the_wheel_is_tried_with_every_extra() -> None:
    assert set(TRIALS) == {"", *EXTRAS} - {"dev"}


def test_public_names_can_be_loaded_and_are_all_that_dir_shows() -> None:
    assert benchlab.__all__ == sorted(benchlab.__all__)
    assert {name: getattr(benchlab, name) for name in benchlab.__all__}
    assert dir(benchlab) == sorted(["__version__", *benchlab.__all__])
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = benchlab.no_such_name  # type: ignore[attr-defined]  # which mypy sees too


def test_public_names_are_the_same_for_python_and_for_type_checkers() -> None:
    tree = ast.parse((ROOT / "benchlab" / "__init__.py").read_text())
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Attribute)
    ]
    typed = {
        alias.asname: f"benchlab.{alias.name}" if node.module == "benchlab" else node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == benchlab._MODULES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_thin_and_stored_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            assert not re.search(r"^\s*(async )?(def|class) ", cell.source, re.MULTILINE)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_parameter_has_a_type_and_help(path: Path) -> None:
    parameters = notebook_parameters(path)
    assert parameters
    for parameter in parameters.values():
        assert parameter.type != "None", f"{parameter.name} has no type"
        assert parameter.help, f"{parameter.name} has no help"


def test_notebook_parameters_are_those_of_plan_from_options() -> None:
    parameters = set(notebook_parameters(ROOT / "notebooks" / "01_benchmark.ipynb"))
    options = set(benchlab.Plan.from_options.__annotations__) - {"return", "tags", "recording"}
    assert options <= parameters


def test_the_notebook_explains_the_drivers() -> None:
    parameter = notebook_parameters(ROOT / "notebooks" / "01_benchmark.ipynb")["driver"]
    assert parameter.help == "; ".join(f"{name}: {one.help}" for name, one in DRIVERS.items())


def test_what_cannot_read_the_version_repeats_it() -> None:
    version = benchlab.__version__
    assert target.__version__ == version
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    images = {service["image"] for service in compose.values()}
    ours = {image for image in images if re.match(r"benchlab-(lab|target):", image)}
    assert ours == {f"benchlab-lab:{version}", f"benchlab-target:{version}"}
    pages = "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
    assert set(re.findall(r"\bbenchlab-(?:lab|target):([0-9][\w.]*)", pages)) <= {version}
    heading = rf"^## {re.escape(version)} – (unreleased|\d{{4}}-\d\d-\d\d)$"
    assert len(re.findall(heading, (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)) == 1
    assert "version" in PROJECT["dynamic"]


def test_notebooks_are_plain_json_with_a_final_newline() -> None:
    for path in NOTEBOOKS:
        text = path.read_text()
        assert json.loads(text)
        assert text.endswith("}\n")
