"""Let values show themselves in notebooks without knowing any HTML.

A value inherits `Displayed`, or `Result` if it is the answer of an analysis. Its renderer is in
`benchlab.display`, which is loaded when the first value is shown: ``import benchlab`` says where
the renderers are, and loads none of them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Displayed", "Renderer", "Renderers", "Result", "set_renderers"]


def _no_widget(_value: object) -> Mapping[str, Any]:
    return {}


class Renderer(NamedTuple):
    """The forms of a value: each is made from its ``view``, which is made once.

    ``widget`` makes what a notebook shows instead, from the value itself: MIME types to contents,
    empty where there is no widget.
    """

    view: Callable[[Any], Any]
    html: Callable[[Any], str]
    markdown: Callable[[Any], str]
    text: Callable[[Any], str]
    widget: Callable[[Any], Mapping[str, Any]] = _no_widget


Renderers: TypeAlias = Mapping[type, Renderer]


def _none() -> Renderers:
    return {}


_load: Callable[[], Renderers] = _none


def set_renderers(load: Callable[[], Renderers]) -> None:
    """Show values by what ``load`` returns; it is called whenever one is shown."""
    global _load  # noqa: PLW0603  # one place for the process, set once when benchlab is imported
    _load = load


def _renderer_of(value: object) -> Renderer | None:
    renderers = _load()
    return next((renderers[kind] for kind in type(value).__mro__ if kind in renderers), None)


class Displayed:
    """A value that a notebook shows by the renderer for its type, or the nearest base of it.

    Without a renderer it is shown as any object is; inside a list or dict as its ``repr``.
    """

    __slots__ = ()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """HTML, Markdown and plain text of the value, for Jupyter, which takes those it needs."""
        del include, exclude
        renderer = _renderer_of(self)
        if renderer is None:
            return {}
        view = renderer.view(self)
        return {
            "text/plain": renderer.text(view),
            "text/markdown": renderer.markdown(view),
            "text/html": renderer.html(view),
            **renderer.widget(self),
        }

    def _repr_html_(self) -> str | None:
        """HTML of the value, for what knows no bundles."""
        renderer = _renderer_of(self)
        return None if renderer is None else renderer.html(renderer.view(self))

    def _repr_markdown_(self) -> str | None:
        """Markdown of the value, for what knows no bundles."""
        renderer = _renderer_of(self)
        return None if renderer is None else renderer.markdown(renderer.view(self))


class Result(Displayed):
    """The answer of an analysis: it shows itself, and becomes a frame or JSON.

    ``str(result)`` is its summary as text, which IPython shows on a terminal too.
    """

    __slots__ = ()

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON-ready dict, in full precision."""

    @abstractmethod
    def to_pandas(self) -> pd.DataFrame:
        """The figures of the result as a frame; its columns are named with their units."""

    def __str__(self) -> str:
        renderer = _renderer_of(self)
        return repr(self) if renderer is None else renderer.text(renderer.view(self))
