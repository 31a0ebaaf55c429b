"""The target and the notebooks, in a checkout and in a wheel."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import benchlab
from benchlab.bundled import target_home
from benchlab.errors import InputError
from benchlab.notebook.shipped import copy_notebooks, notebook_path
from tests.wheel import build_wheel

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_notebooks_are_found_by_path_and_by_name() -> None:
    path = ROOT / "notebooks" / "01_benchmark.ipynb"
    assert notebook_path(str(path)) == path
    assert notebook_path("01_benchmark").samefile(path)
    assert notebook_path("01_benchmark.ipynb").samefile(path)
    with pytest.raises(InputError, match="01_benchmark"):
        notebook_path("02_nothing")


def test_notebooks_are_copied_and_never_overwrite_files(tmp_path: Path) -> None:
    copies = copy_notebooks(tmp_path / "new")
    assert [copy.name for copy in copies] == NOTEBOOKS
    for copy in copies:
        assert copy.read_bytes() == (ROOT / "notebooks" / copy.name).read_bytes()
    with pytest.raises(InputError, match="exists already"):
        copy_notebooks(tmp_path / "new")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        copy_notebooks(tmp_path / "file" / "sub")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it is built where it is released."""
    github = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "some/where"}
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"), **github)


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """What a wheel puts into site-packages."""
    site = wheel.parent / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def test_the_index_would_accept_a_wheel_and_show_its_readme(wheel: Path) -> None:
    command = [sys.executable, "-m", "twine", "check", "--strict", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_metadata_leads_to_the_repository_that_built_it(installed: Path) -> None:
    (path,) = installed.glob("*.dist-info/METADATA")
    metadata = Parser().parsestr(path.read_text())
    assert metadata["Version"] == benchlab.__version__
    assert metadata["License-Expression"] == "MIT"
    urls = dict(line.split(", ") for line in metadata.get_all("Project-URL"))
    assert urls["Documentation"] == "https://some.github.io/where/"
    tag = f"v{benchlab.__version__}"
    assert urls["Changelog"] == f"https://github.com/some/where/blob/{tag}/CHANGELOG.md"
    # The index has nothing but this text: every link in it is whole.
    readme = metadata.get_payload()
    assert isinstance(readme, str)
    links = re.findall(r"\]\(([^)\s]+)\)", readme)
    assert len(links) > 30
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
    assert f"https://github.com/some/where/raw/{tag}/docs/images/report.png" in links
    for link in links:
        name = link.partition(f"/{tag}/")[2]
        assert (ROOT / name).exists(), link


def test_a_wheel_has_one_top_level_package(installed: Path) -> None:
    names = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert names == {"benchlab"}


def test_a_wheel_has_every_file_that_is_needed(installed: Path) -> None:
    ours = {
        path.relative_to(ROOT)
        for path in (ROOT / "benchlab").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {path for path in ours if not (installed / path).is_file()} == set()


def test_a_wheel_starts_the_target_and_copies_the_notebooks(
    installed: Path, tmp_path: Path
) -> None:
    script = """
import httpx, benchlab, sys
from pathlib import Path
from benchlab.bundled import start_target, target_home
from benchlab.notebook.shipped import copy_notebooks
assert benchlab.__file__.startswith(sys.argv[1]), benchlab.__file__
assert str(target_home()).startswith(sys.argv[1])
with start_target() as target:
    body = {"a": [1, 2], "b": [3, 4]}
    assert httpx.post(f"{target.url}/api/vector/add", json=body).json() == {"result": [4, 6]}
print(*(copy.name for copy in copy_notebooks(Path("notebooks"))))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(installed)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == NOTEBOOKS


def test_the_target_is_found_beside_the_package_in_a_checkout() -> None:
    assert target_home() == ROOT
