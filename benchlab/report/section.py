"""A section of a report: a template, and the values that it shows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

__all__ = ["Section", "templates"]


class Section(NamedTuple):
    """``template`` names a file of ``templates/sections``, without its ending."""

    template: str
    values: Mapping[str, Any]

    def render(self) -> Markup:
        """HTML of the section; values are escaped unless they are `Markup`."""
        template = templates().get_template(f"sections/{self.template}.html.j2")
        return Markup(template.render(self.values))


@cache
def templates() -> jinja2.Environment:
    """The templates of reports; a value that is missing is an error."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("benchlab.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
