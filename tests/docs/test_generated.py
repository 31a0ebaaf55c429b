"""The parts of the documentation that follow from the code."""

from __future__ import annotations

import re
import subprocess
import sys

import benchlab
from tests.docs.pages import DOCS, ROOT

OWN = {"BENCHLAB_NOTEBOOK_EVENTS"}  # between two processes of benchlab's


def test_generated_parts_are_up_to_date() -> None:
    # A process of its own: click keeps what a command's help looked like when it was first used.
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs", "--check"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"run python -m tests.docs: {done.stderr}"


def test_every_variable_that_is_read_is_documented() -> None:
    page = (DOCS / "cli.md").read_text()
    sources = [path for part in ("benchlab", "target") for path in (ROOT / part).rglob("*.py")]
    read = {name for path in sources for name in re.findall(r"BENCHLAB_\w+", path.read_text())}
    assert read - OWN == {name for name in read if f"| `{name}` |" in page}


def test_every_public_name_has_a_place_in_the_api_reference() -> None:
    text = "\n".join(page.read_text() for page in (DOCS / "api").glob("*.md"))
    shown = re.findall(r"^::: benchlab\.(\w+)$", text, re.MULTILINE)
    assert sorted(shown) == sorted(benchlab.__all__)


def test_every_page_is_in_both_tables_of_contents() -> None:
    pages = {
        page.relative_to(DOCS).as_posix()
        for page in DOCS.rglob("*.md")
        if page != DOCS / "index.md" and (page.parent == DOCS or page.stem == "index")
    }
    index, readme = (DOCS / "index.md").read_text(), (ROOT / "README.md").read_text()
    assert pages == {page for page in pages if f"]({page})" in index}
    assert pages == {page for page in pages if f"](docs/{page})" in readme}


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
