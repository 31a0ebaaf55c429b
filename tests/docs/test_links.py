"""Links between pages, to sections, and to files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, page_id, prose

LINK = re.compile(r"\]\((?!https?://)([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PATH = re.compile(r"\b(?:benchlab|docs|notebooks|otel|target|tests)/[\w./-]*\w")
PLACEHOLDER = re.compile(r"NAME|NNNN")


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        path, _, section = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{link} leads nowhere"
        if section:
            assert section in _sections(target), f"{link}: the page has no such section"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_files_that_are_named_exist(page: Path) -> None:
    for code in re.findall(r"`([^`\n]+)`", prose(page)):
        for path in PATH.findall(code):
            exists = (ROOT / path).exists() or PLACEHOLDER.search(path)
            assert exists, f"{path} does not exist"


def _sections(page: Path) -> set[str]:
    """The ids of a page's headings, as GitHub and the site make them."""
    return {
        re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading.strip().lower()))
        for heading in HEADING.findall(prose(page))
    }
