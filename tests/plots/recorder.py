"""A canvas that records what a figure really draws: texts with their place, and colours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

__all__ = ["DrawnText", "Found", "record"]


@dataclass(frozen=True)
class DrawnText:
    """A text in pixels from the upper left corner."""

    text: str
    color: str
    alpha: float
    left: float
    top: float
    right: float
    bottom: float


@dataclass
class Found:
    texts: list[DrawnText] = field(default_factory=list)
    inks: dict[str, float] = field(default_factory=dict)


class Recorder(RendererAgg):
    """Draws as PNG files are drawn. ``found`` has texts, and colours with their highest opacity."""

    def __init__(self, width: float, height: float, dpi: float) -> None:
        super().__init__(width, height, dpi)
        self.found = Found()
        agg = self._renderer  # which RendererAgg calls directly
        self.draw_path_collection: Any = self._noting(agg.draw_path_collection)
        self.draw_markers: Any = self._noting_markers(agg.draw_markers)

    def draw_text(
        self,
        gc: Any,
        x: Any,
        y: Any,
        s: Any,
        prop: Any,
        angle: Any,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        width, height, descent = self.get_text_width_height_descent(s, prop, ismath)
        ascent = height - descent
        if angle == 90:
            box = x - ascent, y - width, x + descent, y
        else:
            assert angle == 0
            box = x, y - ascent, x + width, y + descent
        color = gc.get_rgb()
        self.found.texts.append(DrawnText(s, to_hex(color), color[3], *box))
        super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)

    def draw_path(self, gc: Any, path: Any, transform: Any, rgbFace: Any = None) -> None:
        self._note(gc, rgbFace)
        super().draw_path(gc, path, transform, rgbFace)

    def _note(self, gc: Any, face: Any) -> None:
        if gc.get_linewidth() > 0:
            self._ink(gc.get_rgb())
        if face is not None:
            self._ink(face)
        if gc.get_hatch():
            self._ink(gc.get_hatch_color())

    def _ink(self, color: Any) -> None:
        opacity = color[3] if len(color) > 3 else 1.0
        if opacity > 0:
            name = to_hex(color[:3])
            self.found.inks[name] = max(self.found.inks.get(name, 0), opacity)

    def _noting(self, draw: Any) -> Any:
        def noted(*args: Any, **options: Any) -> None:
            for colors in args[6:8]:  # of faces and of edges
                for color in colors:
                    self._ink(color)
            draw(*args, **options)

        return noted

    def _noting_markers(self, draw: Any) -> Any:
        def noted(gc: Any, *args: Any) -> None:
            self._note(gc, args[4] if len(args) > 4 else None)
            draw(gc, *args)

        return noted


def record(figure: Figure) -> Found:
    """What ``figure`` draws, at its own size."""
    dpi = figure.dpi
    width, height = figure.get_size_inches() * dpi
    recorder = Recorder(width, height, dpi)
    figure.draw(recorder)
    return recorder.found
