"""A page of sections, whatever they are about. A section is a template and the values it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from benchlab.version import __version__

__all__ = ["Section", "render_page"]


class Section(NamedTuple):
    """``template`` names a file of ``templates/sections``, without its ending."""

    template: str
    values: Mapping[str, Any]

    def render(self) -> Markup:
        """HTML of the section; values are escaped unless they are `Markup`."""
        template = _templates().get_template(f"sections/{self.template}.html.j2")
        return Markup(template.render(self.values))


def render_page(title: str, sections: Iterable[Section]) -> str:
    """HTML of a page that is complete in itself: it opens offline and loads nothing."""
    environment = _templates()
    assert environment.loader is not None
    css = environment.loader.get_source(environment, "page.css")[0]
    return environment.get_template("page.html.j2").render(
        title=f"{title} · benchlab report",
        version=__version__,
        css=Markup(css),
        sections=[section.render() for section in sections],
    )


@cache
def _templates() -> jinja2.Environment:
    """The templates of reports; a value that is missing is an error."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("benchlab.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
