"""What the site needs beyond the pages: links out of docs/, colours of code, no foreign assets."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from properdocs.exceptions import PluginError
from pygments.formatters import HtmlFormatter

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(((?!https?://)[^)#\s]+)(#[^)]*)?\)")
_FOREIGN = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//"""
    r"""|<link\b[^>]*\brel=["']?(?:stylesheet|preload|preconnect|icon)[^>]*\bhref=["']?(?:https?:)?//"""
    r"""|<link\b[^>]*\bhref=["']?(?:https?:)?//[^>]*\brel=["']?(?:stylesheet|preload|icon)"""
)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Leave the text of links to files that the site does not have, such as tests and notebooks."""
    folder = posixpath.dirname(page.file.src_uri)

    def unlinked(link: re.Match[str]) -> str:
        place = posixpath.normpath(posixpath.join(folder, link[2]))
        return link[1] if place.startswith("../") else link[0]

    return _LINK.sub(unlinked, markdown)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Refuse a page that loads anything from elsewhere: the site works offline."""
    if found := _FOREIGN.search(output):
        raise PluginError(f"{page.file.src_uri} loads something from elsewhere: {found[0]}")
    return output


def on_post_build(config: Any, **_: Any) -> None:
    """Write the colours of code blocks, by day and by night."""
    light = HtmlFormatter(style="default").get_style_defs(".codehilite")
    dark = HtmlFormatter(style="github-dark").get_style_defs("[data-bs-theme=dark] .codehilite")
    Path(config.site_dir, "css", "pygments.css").write_text(f"{light}\n{dark}\n")
