"""Let values show themselves in notebooks without knowing any HTML.

A value inherits `Displayed`. Its renderer is in `benchlab.display`, which is loaded when the first
value is shown: ``import benchlab`` says where the renderers are, and loads none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

__all__ = ["Displayed", "Renderer", "Renderers", "set_renderers"]

Renderer: TypeAlias = Callable[[Any], str]
"""A value to its HTML."""

Renderers: TypeAlias = Mapping[type, Renderer]


def _none() -> Renderers:
    return {}


_load: Callable[[], Renderers] = _none


def set_renderers(load: Callable[[], Renderers]) -> None:
    """Show values by what ``load`` returns; it is called whenever one is shown."""
    global _load  # noqa: PLW0603  # one place for the process, set once when benchlab is imported
    _load = load


class Displayed:
    """A value that a notebook shows by the renderer for its type, or the nearest base of it."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        """HTML of the value; None, for which a notebook shows the ``repr``, without a renderer."""
        renderers = _load()
        for kind in type(self).__mro__:
            if kind in renderers:
                return renderers[kind](self)
        return None
