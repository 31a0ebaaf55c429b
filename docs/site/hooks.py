"""What the site needs beyond the pages: links out of docs/, colours of code, and a last look.

The last look reads the site as a browser does: every link and anchor leads somewhere, and no page
or style sheet loads anything from elsewhere, so that the site works offline and reports no reader.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from properdocs.exceptions import PluginError
from pygments.formatters import HtmlFormatter

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(((?!https?://)[^)#\s]+)(#[^)]*)?\)")
_LOADED_BY_CSS = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")
# What a browser loads of itself, by element; of <link> only some.
_LOADING = {"audio", "embed", "iframe", "img", "input", "script", "source", "video"}
_LOADING_RELS = {"icon", "modulepreload", "preconnect", "prefetch", "preload", "stylesheet"}


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Leave the text of links to files that the site does not have, such as tests and notebooks."""
    folder = posixpath.dirname(page.file.src_uri)

    def unlinked(link: re.Match[str]) -> str:
        place = posixpath.normpath(posixpath.join(folder, link[2]))
        return link[1] if place.startswith("../") else link[0]

    return _LINK.sub(unlinked, markdown)


def on_post_build(config: Any, **_: Any) -> None:
    """Write the colours of code blocks, by day and by night; and look at all that was written."""
    site = Path(config.site_dir).resolve()
    light = HtmlFormatter(style="default").get_style_defs(".codehilite")
    dark = HtmlFormatter(style="github-dark").get_style_defs("[data-bs-theme=dark] .codehilite")
    (site / "css" / "pygments.css").write_text(f"{light}\n{dark}\n")
    pages = {path: _Page(path.read_text()) for path in sorted(site.rglob("*.html"))}
    under = urlsplit(config.site_url or "").path or "/"
    problems = [*_broken(site, pages, under), *_foreign(site, pages)]
    if problems:
        raise PluginError("\n".join(problems))


class _Page(HTMLParser):
    """What a page refers to, what it loads, and the ids that others refer to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called for each element."""
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        loads = tag in _LOADING or bool(_LOADING_RELS & {*given.get("rel", "").split()})
        for name in ("href", "src"):
            if name in given:
                (self.loads if loads else self.links).append(given[name])


def _broken(site: Path, pages: dict[Path, _Page], under: str) -> Iterator[str]:
    for path, page in pages.items():
        for link in (*page.links, *page.loads):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            place = unquote(parts.path)
            if place.startswith("/"):  # the page for what is not found; it may be shown anywhere
                target = site / place.removeprefix(under).removeprefix("/")
            else:
                target = path.parent / place if place else path
            target = (target / "index.html" if target.is_dir() else target).resolve()
            section = unquote(parts.fragment)
            if not target.exists():
                yield f"{path.relative_to(site)}: {link} leads nowhere"
            elif section and target in pages and section not in pages[target].ids:
                yield f"{path.relative_to(site)}: {link}: that page has no such section"


def _foreign(site: Path, pages: dict[Path, _Page]) -> Iterator[str]:
    loads = [(path, link) for path, page in pages.items() for link in page.loads]
    for path in site.rglob("*.css"):
        loads += [(path, link) for link in _LOADED_BY_CSS.findall(path.read_text())]
    for path, link in loads:
        if urlsplit(link).netloc:
            yield f"{path.relative_to(site)} loads something from elsewhere: {link}"
