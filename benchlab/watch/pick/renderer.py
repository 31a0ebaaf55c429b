"""How a choice of runs is shown: as a widget, or where there is none, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from benchlab.display.markdown import result_markdown
from benchlab.display.result_card import result_card
from benchlab.display.result_view import ResultView
from benchlab.display.values import store
from benchlab.displayed import Renderer, Renderers
from benchlab.store.choice import RunChoice
from benchlab.text import plural
from benchlab.watch.pick.widget import PickWidget, pick_widget

__all__ = ["PICKER"]

_REMEDY = (
    'to choose by mouse: pip install "benchlab[lab]", and restart the kernel;'
    " until then: choice.choose(run_ids)"
)
_widgets: WeakKeyDictionary[RunChoice, PickWidget] = WeakKeyDictionary()


def _view(choice: RunChoice) -> ResultView:
    chosen = len(choice.run_ids)
    notes = (f"chosen: {', '.join(choice.run_ids)}",) if chosen else ()
    return ResultView(
        title="Stored runs to choose from",
        banner=f"{chosen:,} chosen",
        level="neutral",
        sentence=f"the latest {plural(len(choice.rows), 'run')}" if choice.rows else "no runs",
        tables=(store.runs_table(choice.rows),),
        notes=notes if _widget_of(choice) is not None else (*notes, _REMEDY),
    )


def _widget_of(choice: RunChoice) -> PickWidget | None:
    """The widget of a choice, of which every page shows the same state."""
    if choice not in _widgets:
        made = pick_widget(choice)
        if made is None:
            return None
        _widgets[choice] = made
    return _widgets[choice]


def _bundle(choice: RunChoice) -> Mapping[str, Any]:
    widget = _widget_of(choice)
    if widget is None:
        return {}
    shown = widget._repr_mimebundle_()
    contents = shown[0] if isinstance(shown, tuple) else shown or {}
    return {kind: content for kind, content in contents.items() if not kind.startswith("text/")}


PICKER: Renderers = {RunChoice: Renderer(_view, result_card, result_markdown, store.text, _bundle)}
