"""A page of sections, whatever they are about. A section is a template and the values it shows."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from benchlab.report.cells import number_of
from benchlab.text import printable
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
    script = _source("page.js")
    return (
        _templates()
        .get_template("page.html.j2")
        .render(
            title=f"{title} · benchlab report",
            version=__version__,
            css=Markup(_source("page.css")),
            script=Markup(script),
            policy=_policy(script),
            sections=[section.render() for section in sections],
        )
    )


def _policy(script: str) -> str:
    """What a browser lets the page do: show its own styles, and run this script. Nothing else."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline';"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )


def _shown(value: Any) -> Any:
    """``value`` as it is written; no foreign text turns round what stands beside it."""
    return printable(value) if type(value) is str else value


@cache
def _source(name: str) -> str:
    """The text of a template as it is."""
    environment = _templates()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


@cache
def _templates() -> jinja2.Environment:
    """The templates of reports; a value that is missing is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("benchlab.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number_of"] = number_of
    return environment
