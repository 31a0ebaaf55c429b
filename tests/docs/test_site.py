"""The last look at the site that is built: broken links, and what loads from elsewhere."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest
from properdocs.exceptions import PluginError

from tests.docs.pages import DOCS

SPEC = importlib.util.spec_from_file_location("hooks", DOCS / "site" / "hooks.py")
assert SPEC is not None
assert SPEC.loader is not None
hooks = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(hooks)


def look(site: Path, body: str, css: str = "", site_url: str = "") -> None:
    """Let the hooks look at a page with this body, beside another one."""
    (site / "css").mkdir(exist_ok=True)
    (site / "css" / "own.css").write_text(css)
    (site / "other.html").write_text("<h2 id='räume'>Räume</h2>")
    (site / "index.html").write_text(f"<h1 id=top>Home</h1>{body}")
    hooks.on_post_build(SimpleNamespace(site_dir=str(site), site_url=site_url))


@pytest.mark.parametrize(
    "body",
    [
        "<a href='other.html#r%C3%A4ume'>a section</a>",
        "<a href='#top'>up</a> <a href='#'>here</a>",
        "<a href='https://elsewhere.example/page'>a reader decides to go there</a>",
        "<link rel=canonical href='https://docs.example/benchlab/index.html'>",
        "<img src='data:image/png;base64,AA'> <link rel=stylesheet href='css/pygments.css'>",
        "<link rel=stylesheet href='/benchlab/css/own.css'>",
    ],
)
def test_what_leads_somewhere_is_accepted(tmp_path: Path, body: str) -> None:
    look(tmp_path, body, site_url="https://docs.example/benchlab/")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<a href='nothing.html'>x</a>", "index.html: nothing.html leads nowhere"),
        ("<img src='images/x.png'>", "index.html: images/x.png leads nowhere"),
        ("<a href='other.html#flur'>x</a>", "that page has no such section"),
        ("<a href='#flur'>x</a>", "that page has no such section"),
        ("<script src='//cdn.example/x.js'></script>", "loads something from elsewhere"),
        ("<link rel='preload stylesheet' href='https://f.example/f.css'>", "from elsewhere"),
        ("<img src=https://pictures.example/x.png>", "from elsewhere"),
    ],
)
def test_a_broken_link_or_a_foreign_asset_ends_the_build(
    tmp_path: Path, body: str, message: str
) -> None:
    with pytest.raises(PluginError, match=message):
        look(tmp_path, body)


@pytest.mark.parametrize("css", ["@import 'https://f.example/f.css';", "a{src:url(//f.example/f)}"])
def test_a_style_sheet_that_loads_a_font_ends_the_build(tmp_path: Path, css: str) -> None:
    with pytest.raises(PluginError, match=r"css/own.css loads something from elsewhere"):
        look(tmp_path, "", css)
