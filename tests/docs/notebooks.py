"""The bundled notebooks: what each answers, and its parameters, from the notebooks themselves."""

from __future__ import annotations

import json
from pathlib import Path

from benchlab.notebook.headless.parameters import notebook_parameters
from tests.docs.pages import ROOT

__all__ = ["render_parameters", "render_questions"]

FOLDER = ROOT / "notebooks"


def render_questions() -> str:
    """A table of the notebooks and the questions that they answer."""
    rows = [
        f"| [{path.stem}](../notebooks/{path.name}) | {_question(path)} |" for path in _notebooks()
    ]
    return "\n".join(["| notebook | what it answers |", "|---|---|", *rows])


def render_parameters() -> str:
    """The parameters of each, as ``benchlab report NOTEBOOK --list-parameters`` prints them."""
    return "\n\n".join(f"### {path.stem}\n\n{_parameters(path)}" for path in _notebooks())


def _notebooks() -> list[Path]:
    return sorted(FOLDER.glob("*.ipynb"))


def _question(path: Path) -> str:
    first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
    return first.splitlines()[0].removeprefix("# ")


def _parameters(path: Path) -> str:
    lines = [
        f"{each.name}: {each.type} = {each.default}  # {each.help}"
        for each in notebook_parameters(path).values()
    ]
    return "\n".join(["```text", *lines, "```"])
