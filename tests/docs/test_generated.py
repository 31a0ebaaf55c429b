"""The parts of the documentation that follow from the code."""

from __future__ import annotations

import re
import subprocess
import sys

import benchlab
from tests.docs.pages import DOCS, ROOT, marked

# Between two processes of benchlab's, between a shell's completion script and benchlab; and what
# the command of --before-block is given (docs/ab.md).
OWN = {
    "BENCHLAB_ARM",
    "BENCHLAB_BLOCK",
    "BENCHLAB_COMPLETE",
    "BENCHLAB_EXPERIMENT_TAGS",
    "BENCHLAB_NOTEBOOK_EVENTS",
}


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


def test_the_drawn_tree_has_every_package() -> None:
    drawn: list[str] = []
    parents: list[str] = []
    for line in marked((DOCS / "architecture.md").read_text(), "tree").splitlines():
        if found := re.match(r"( *)(\w+)/(?: |$)", line):
            parents = [*parents[: len(found[1]) // 2], found[2]]
            drawn.append("/".join(parents))
    packages = [path.parent for path in (ROOT / "benchlab").rglob("__init__.py")]
    assert sorted(drawn) == sorted(path.relative_to(ROOT).as_posix() for path in packages)


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
