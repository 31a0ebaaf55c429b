"""What holds for every figure: units, text inside, the palette, contrast, prints without colour."""

from __future__ import annotations

import inspect
import re
from functools import cache
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest
from matplotlib._pylab_helpers import Gcf
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchlab import plots
from benchlab.errors import InputError
from benchlab.plots import style
from benchlab.report.figures import PLOT_COLORS
from tests.plots.examples import EXAMPLES
from tests.plots.recorder import Found, record

UNIT = re.compile(
    r"\((ms|s|%|bytes)[,)]|(request|step|error|connection)s(/s|\b)|percentile of|ratio|×"
    r"|unit as given|date \(UTC\)"
)
NUMBER = re.compile(r"[−\d.,]+")
CARD = {"light": "#ffffff", "dark": "#181c21"}

each_example = pytest.mark.parametrize("name", EXAMPLES)


@cache
def example(name: str) -> tuple[Figure, Found]:
    figure = EXAMPLES[name]()
    return figure, record(figure)


@cache
def themes() -> dict[str, dict[str, str]]:
    """The palette as a page shows it, by theme: colour of the figures to colour on the screen."""
    css = files("benchlab.report").joinpath("templates/page.css").read_text()
    shown = re.findall(r"--plot-([\w-]+): (#[0-9a-f]{6});", css)
    count = len(PLOT_COLORS)
    assert len(shown) == 2 * count
    parts = {"light": dict(shown[:count]), "dark": dict(shown[count:])}
    return {
        theme: {color: values[name] for color, name in PLOT_COLORS.items()}
        for theme, values in parts.items()
    }


def luminance(color: str) -> float:
    """Relative luminance as in WCAG 2."""
    part = np.array(to_rgb(color))
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    """Contrast ratio as in WCAG 2: 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_figure_has_an_example() -> None:
    assert {name.partition(":")[0] for name in EXAMPLES} == set(plots.__all__)


@pytest.mark.parametrize("name", plots.__all__)
def test_what_cannot_be_drawn_is_refused(name: str) -> None:
    draw = getattr(plots, name)
    required = [
        parameter
        for parameter in inspect.signature(draw).parameters.values()
        if parameter.default is parameter.empty
    ]
    for value in (3, "latest", None):
        with pytest.raises(InputError):
            draw(*[value] * len(required))


@each_example
def test_every_axis_has_a_unit(name: str) -> None:
    figure, _ = example(name)
    for ax in _axes(figure):
        for axis, label in ((ax.xaxis, ax.get_xlabel()), (ax.yaxis, ax.get_ylabel())):
            shown = [tick.label1 for tick in axis.get_major_ticks() if tick.label1.get_visible()]
            if ax.axison and any(NUMBER.fullmatch(text.get_text()) for text in shown):
                assert UNIT.search(label), f"{label!r} has no unit"


@each_example
def test_all_text_is_inside_the_figure(name: str) -> None:
    figure, found = example(name)
    width, height = figure.get_size_inches() * figure.dpi
    assert found.texts
    for text in found.texts:
        assert min(text.left, text.top) >= -1, text
        assert text.right <= width + 1, text
        assert text.bottom <= height + 1, text


@each_example
def test_colours_are_those_of_the_palette(name: str) -> None:
    _, found = example(name)
    colors = {*found.inks, *(text.color for text in found.texts)}
    assert colors <= set(PLOT_COLORS)


@pytest.mark.parametrize("theme", CARD)
@each_example
def test_text_and_lines_stand_out_from_the_page(name: str, theme: str) -> None:
    _, found = example(name)
    shown = themes()[theme]
    for text in found.texts:
        back = CARD[theme]
        if text.color == style.PAPER:  # on the mark of a run that is not valid
            back = shown[style.WARNING]
        if text.alpha > 0.5:  # all but the watermark
            assert contrast(shown[text.color], back) >= 4.5, text
    for color, opacity in found.inks.items():
        if opacity > 0.5 and color not in (style.PAPER, style.GRID):
            # 2, not 3: the orange of the palette has 2.2 on white.
            assert contrast(shown[color], CARD[theme]) >= 2, color


@each_example
def test_series_differ_without_colour(name: str) -> None:
    figure, _ = example(name)
    legends = [*figure.legends, *(ax.get_legend() for ax in _axes(figure))]
    for legend in legends:
        if legend is None:
            continue
        handles = [handle for handle in legend.legend_handles if handle is not None]
        for one, other in combinations(handles, 2):
            assert differ(one, other), f"{one.get_label()} and {other.get_label()}"


def _axes(figure: Figure) -> list[Axes]:
    return [ax for ax in figure.findobj(Axes) if isinstance(ax, Axes)]


def differ(one: Artist, other: Artist) -> bool:
    """Whether two entries of a legend can be told apart in grey."""
    if type(one) is not type(other):
        return True
    if isinstance(one, Line2D) and isinstance(other, Line2D):
        shapes = [
            (vars(line)["_dash_pattern"], line.get_linestyle(), line.get_marker())
            for line in (one, other)
        ]
        widths = sorted((one.get_linewidth(), other.get_linewidth()))
        return shapes[0] != shapes[1] or widths[1] > 1.5 * widths[0] or light(one, other)
    looks = [(part.get_hatch(), part.get_fill(), part.get_linestyle()) for part in (one, other)]  # type: ignore[attr-defined]
    return looks[0] != looks[1] or light(one, other)


def light(one: Artist, other: Artist) -> bool:
    """Whether one of two artists is clearly lighter than the other."""
    return contrast(_ink(one), _ink(other)) >= 1.25


def _ink(artist: Artist) -> str:
    color = artist.get_color() if isinstance(artist, Line2D) else artist.get_facecolor()  # type: ignore[attr-defined]
    alpha = artist.get_alpha() or 1.0
    red, green, blue = (part * alpha + 1 - alpha for part in to_rgb(color))
    return to_hex((red, green, blue))


@pytest.mark.parametrize("theme", CARD)
def test_the_map_goes_evenly_from_the_paper_to_its_opposite(theme: str) -> None:
    shown = [themes()[theme][color] for color in style.HEAT]
    steps = [contrast(color, CARD[theme]) for color in shown]
    assert steps == sorted(steps)
    assert steps[0] >= 2.5  # one request alone can be seen
    assert min(np.divide(steps[1:], steps[:-1])) > 1.2


def test_no_pyplot_state_is_touched() -> None:
    before = dict(Gcf.figs)
    for name in ("ecdf", "heatmap", "in_flight"):
        EXAMPLES[name]()
    assert dict(Gcf.figs) == before
