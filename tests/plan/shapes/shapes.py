"""Any load shape with a schedule, for tests that hold for all of them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from benchlab.plan.shapes import (
    ConstantRate,
    OpenLoop,
    PoissonRate,
    Replay,
    Spike,
    Stages,
    Steps,
)

rates = st.floats(0.5, 20_000)
levels_rps = st.one_of(st.just(0.0), rates)
lengths_s = st.floats(0.01, 5)
arrivals = st.sampled_from(["constant", "poisson"])


def _levels(smallest: int = 1) -> st.SearchStrategy[list[tuple[float, float]]]:
    return st.lists(st.tuples(lengths_s, levels_rps), min_size=smallest, max_size=4).filter(
        lambda pairs: any(rate > 0 for _, rate in pairs)
    )


stages = st.builds(Stages, _levels(), start_rps=levels_rps, arrivals=arrivals)
steps = st.builds(Steps, _levels(), arrivals=arrivals)
spikes = st.builds(
    lambda base, peak, at_s, length_s, after_s, spacing: Spike(
        base, peak, at_s, length_s, at_s + length_s + after_s, spacing
    ),
    *(levels_rps, rates, lengths_s, lengths_s, lengths_s, arrivals),
)
replays = st.builds(Replay, st.lists(st.floats(0, 10), min_size=1, max_size=50))
varying = st.one_of(stages, steps, spikes)
shapes = st.one_of(st.builds(ConstantRate, rates), st.builds(PoissonRate, rates), varying, replays)


def offsets_of(load: OpenLoop, duration_ns: int, seed: int = 1) -> np.ndarray:
    """The whole schedule at once."""
    blocks = list(load.offsets(duration_ns, seed))
    return np.concatenate([np.empty(0, dtype=np.int64), *blocks])
