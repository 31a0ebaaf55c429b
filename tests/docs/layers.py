"""The picture of the architecture, from the import contract in pyproject.toml."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from tests.docs.pages import ROOT

__all__ = ["render"]


def render() -> str:
    """A table for each layers contract, top layer first, with what each package is."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layered = [item for item in settings["contracts"] if item["type"] == "layers"]
    return "\n\n".join("\n".join(_table(contract)) for contract in layered)


def _table(contract: Mapping[str, Any]) -> Iterator[str]:
    yield f"**{contract['name']}**"
    yield ""
    yield "| layer | package | content |"
    yield "|---|---|---|"
    for container in contract.get("containers", [""]):
        for number, layer in enumerate(contract["layers"], 1):
            for position, name in enumerate(_modules(layer)):
                module = f"{container}.{name}" if container else name
                shown = module.removeprefix("benchlab.")
                yield f"| {'' if position else number} | `{shown}` | {_first_sentence(module)} |"


def _modules(layer: str) -> list[str]:
    """The packages of one layer; those that are optional are in parentheses."""
    return [name.strip().strip("()") for name in re.split(r"[|:]", layer)]


def _first_sentence(module: str) -> str:
    path = ROOT.joinpath(*module.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = (ast.get_docstring(ast.parse(source.read_text())) or "").partition("\n\n")[0]
    assert text, f"{module} needs a docstring: the architecture page shows its first sentence"
    return " ".join(text.split()).replace("``", "`").replace("|", r"\|")
