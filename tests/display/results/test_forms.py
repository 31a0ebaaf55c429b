"""The forms in which any result is shown."""

from __future__ import annotations

import re

import pytest

from benchlab.display.markdown import result_markdown
from tests.display.results.example import Example, register, view


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def test_a_card_has_all_of_it_and_escapes_it() -> None:
    html = str(Example()._repr_html_())
    assert "<script" not in html
    for text in (
        "slower",
        "&lt;script&gt;",
        "warned",
        "blocks",
        "Metrics",
        "a note",
        "made by hand",
    ):
        assert text in html
    assert 'class="bl-text bl-bad">slower' in html


def test_text_has_all_of_it_and_no_control_characters() -> None:
    text = str(Example())
    assert "\x1b" not in text
    assert re.search(r"^  slower: sentence", text, re.MULTILINE)
    assert re.search(r"^  warning: warned", text, re.MULTILINE)
    assert re.search(r"^  p50 +slower +1\.25$", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 100


def test_a_notebook_without_html_shows_the_text() -> None:
    assert Example()._repr_mimebundle_()["text/plain"] == str(Example())


def test_markdown_has_all_of_it_and_names_nobody_and_no_issue() -> None:
    text = result_markdown(view(Example()))
    assert text.startswith("### title")
    assert "@someone" not in text
    assert "#1" not in text
    assert "<script" not in text
    assert r"\[b\](c)" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows[2] == "| p50 | slower | 1.25 |"
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}
