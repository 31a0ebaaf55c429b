"""A page from sections, whatever they are about."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from benchlab.report.section import Section, templates
from benchlab.version import __version__

__all__ = ["render_page"]


def render_page(title: str, sections: Iterable[Section]) -> str:
    """HTML of a page that is complete in itself: it opens offline and loads nothing."""
    environment = templates()
    assert environment.loader is not None
    css = environment.loader.get_source(environment, "page.css")[0]
    return environment.get_template("page.html.j2").render(
        title=f"{title} · benchlab report",
        version=__version__,
        css=Markup(css),
        sections=[section.render() for section in sections],
    )
