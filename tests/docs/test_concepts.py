"""The figures of docs/concepts.md are the ones on the page, and its numbers are theirs."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.concepts import FIGURES, draw_all, numbers
from tests.docs.pages import DOCS

PAGE = (DOCS / "concepts.md").read_text()
_LARGEST_BYTES = 250_000


def test_every_figure_is_on_the_page_and_can_be_drawn_again(tmp_path: Path) -> None:
    draw_all(tmp_path)
    shown = re.findall(r"\]\(images/(\S+)\)", PAGE)
    assert sorted(shown) == sorted(FIGURES) == sorted(path.name for path in tmp_path.iterdir())
    for name in shown:
        assert (DOCS / "images" / name).stat().st_size < _LARGEST_BYTES
        assert "fill: #ffffff" in (tmp_path / name).read_text()[:8_000]  # light in dark mode too


def test_the_numbers_of_the_page_are_those_of_the_figures() -> None:
    text = " ".join(PAGE.split())
    assert [number for number in numbers() if number not in text] == []
