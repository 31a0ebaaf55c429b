"""Find the level at which a service stops coping, from probes of which some mislead.

The threshold θ is where good turns into bad, on the logarithm of the rate. A probe at rate r is
good with the probability

    (1 − λ) (1 − F(x)) + γ F(x),   x = (log r − log θ − b) / s,   F(x) = 1 / (1 + e^−x)

which is the psychometric function of QUEST (Watson and Pelli, Perception & Psychophysics 33, 1983):
a logistic curve with a rate λ of lapses, here probes that something else spoiled, and γ of lucky
ones. b and s are the resolution of the probe. The posterior over θ starts uniform in log r. Taking
the next probe where it tells most is probabilistic bisection (Horstein, IEEE Trans. Inf. Theory 9,
1963; Waeber, Frazier and Henderson, SIAM J. Control Optim. 51, 2013): it converges as fast as
bisection does, but a probe that misleads excludes nothing for ever.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Evidence", "Threshold"]

_LAPSE_RATIO = 0.25
"""λ: of four probes below the threshold one may be spoiled."""

_LUCK_RATIO = 0.02
"""γ: of fifty probes well above the threshold one may look good."""

_POINTS_PER_OCTAVE = 300
_NEAR_BEST = 0.95
_LEAST_WEIGHT = 1e-4
_CANDIDATES = np.linspace(0.02, 0.98, 25)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one probe says: ``probability`` (0 to 1) is how likely it was good.

    ``shift`` and ``scale`` are b and s on the natural logarithm of the rate: an excess of 1 % over
    the threshold is 0.01.
    """

    rate_rps: float
    probability: float
    shift: float = 0.0
    scale: float = 0.005


class Threshold:
    """The posterior of the threshold, in requests/s, within ``low_rps`` and ``high_rps``."""

    def __init__(self, low_rps: float, high_rps: float, evidence: Iterable[Evidence] = ()) -> None:
        octaves = math.log2(high_rps / low_rps)
        count = max(int(octaves * _POINTS_PER_OCTAVE), 2)
        self._log_rates = np.linspace(math.log(low_rps), math.log(high_rps), count)
        log_weights = np.zeros(count)
        for item in evidence:
            log_weights += np.log(self._likelihood(item))
        weights = np.exp(log_weights - log_weights.max())
        self._weights = weights / weights.sum()
        self._cumulative = np.cumsum(self._weights)

    def _likelihood(self, item: Evidence) -> NDArray[np.float64]:
        log_rate = np.float64(math.log(item.rate_rps))
        good = self._good(log_rate, item.shift, item.scale, self._log_rates)
        found: NDArray[np.float64] = item.probability * good + (1 - item.probability) * (1 - good)
        return found

    def _good(
        self,
        log_rate: NDArray[np.float64] | np.float64,
        shift: float,
        scale: float,
        thresholds: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """The probability of a good probe, for each of the ``thresholds``."""
        beyond = 0.5 * (1 + np.tanh((log_rate - thresholds - shift) / scale / 2))
        found: NDArray[np.float64] = (1 - _LAPSE_RATIO) * (1 - beyond) + _LUCK_RATIO * beyond
        return found

    def informative_rates(self, shift: float = 0.0, scale: float = 0.005) -> list[float]:
        """Rates at which a probe is expected to say the most; at least one, ascending.

        Those whose expected information is at least `_NEAR_BEST` of the best one's. It is the
        mutual information of the probe's outcome and the threshold, by which the Psi method
        (Kontsevich and Tyler, Vision Research 39, 1999) chooses.
        """
        places = np.unique(np.searchsorted(self._cumulative, _CANDIDATES))
        likely = np.flatnonzero(self._weights > _LEAST_WEIGHT * self._weights.max())
        weights = self._weights[likely] / self._weights[likely].sum()
        log_rates = self._log_rates[places]
        good = self._good(log_rates[:, None], shift, scale, self._log_rates[likely])
        gains = _entropy(good @ weights) - _entropy(good) @ weights
        best = log_rates[gains >= _NEAR_BEST * gains.max()]
        return [float(rate) for rate in np.exp(best)]

    def quantile(self, ratio: float) -> float:
        """The rate below which the threshold lies with the probability ``ratio``."""
        index = int(np.searchsorted(self._cumulative, ratio))
        return math.exp(float(self._log_rates[min(index, len(self._log_rates) - 1)]))

    def below(self, rate_rps: float) -> float:
        """The probability that the threshold is below ``rate_rps``."""
        index = int(np.searchsorted(self._log_rates, math.log(rate_rps)))
        return float(self._cumulative[index - 1]) if index else 0.0


def _entropy(share: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = -(share * np.log(share) + (1 - share) * np.log1p(-share))
    return found
