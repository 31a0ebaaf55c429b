"""Several distributions of durations in one figure, each as shares of its own total."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from benchlab.plots.canvas import legend
from benchlab.plots.scale import log_ms
from benchlab.plots.style import Look, dress
from benchlab.units import NS_PER_MS, format_ms

__all__ = ["Layer", "overlay"]


class Layer(NamedTuple):
    """One distribution: ``values`` in ms, how much each ``weights``, and its median in ms."""

    label: str
    look: Look
    alpha: float
    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    median_ms: float

    @property
    def text(self) -> str:
        """What the legend says of it."""
        return f"{self.label}, median {format_ms(round(self.median_ms * NS_PER_MS))}"


def overlay(ax: Axes, edges: NDArray[np.float64], layers: Sequence[Layer]) -> None:
    """Draw ``layers`` in bins with these ``edges`` (ms), with their medians and a legend.

    Values beyond the edges count in the outermost bins, so that shares add up to 100 %.
    """
    peak = 0.0
    for layer in layers:
        inside = np.clip(layer.values, edges[0], edges[-1])
        counts = np.histogram(inside, edges, weights=layer.weights)[0]
        share = 100 * counts / layer.weights.sum()
        color, dashes = layer.look
        ax.stairs(share, edges, fill=True, color=color, alpha=layer.alpha, linewidth=0)
        ax.stairs(
            share,
            edges,
            color=color,
            linestyle=dashes,
            linewidth=1.6,
            baseline=None,
            label=layer.text,
        )
        ax.axvline(layer.median_ms, color=color, linewidth=1.4, linestyle=dashes)
        peak = max(peak, float(share.max()))
    log_ms(ax, "x", float(edges[0]), float(edges[-1]))
    ax.set_ylim(0, peak * 1.15)
    legend(ax)
    dress(ax)
