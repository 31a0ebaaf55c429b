"""The pages of the documentation: their code blocks, and parts that are generated."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "DOCS",
    "PAGES",
    "ROOT",
    "Block",
    "blocks",
    "commands",
    "marked",
    "page_id",
    "prose",
    "replace_marked",
]

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    *sorted(DOCS.rglob("*.md")),
    *sorted((ROOT / ".github").glob("*.md")),
]


class Block(NamedTuple):
    """A fenced code block."""

    language: str
    text: str


def page_id(page: Path) -> str:
    """Its path from the repository's root, for test ids and messages."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *languages: str) -> list[Block]:
    """The page's code blocks in these languages."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    return [Block(*pair) for pair in found if pair[0] in languages]


def commands(block: Block) -> list[str]:
    """The commands of a shell block, each as one line; comments on lines of their own are none."""
    lines = re.sub(r"\\\n\s*", "", block.text).splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def marked(text: str, name: str) -> str:
    """The text between ``<!-- name:begin -->`` and ``<!-- name:end -->``."""
    return _marks(text, name)[1]


def replace_marked(text: str, name: str, content: str) -> str:
    """``text`` with ``content`` between the marks of ``name``."""
    before, _, after = _marks(text, name)
    return f"{before}\n{content.strip()}\n{after}"


def _marks(text: str, name: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, rest = text.split(begin)
    content, after = rest.split(end)
    return before + begin, content, end + after
