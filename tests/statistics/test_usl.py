"""The Universal Scalability Law on published measurements.

Loads, throughputs and coefficients: Gunther's ray tracer and SPEC SDM91, as in the tests of the R
package usl 3 (S. Moeding). Its intervals take the 95 % quantile of t with n − 1 degrees of freedom;
of a 95 % interval it is the 97.5 % quantile with n − 3, which covers in 95 % of cases.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from benchlab.statistics.usl import Fit, fit_law, unbounded_coherency

RAYTRACER = (
    np.array([1, 4, 8, 12, 16, 20, 24, 28, 32, 48, 64], dtype=float),
    np.array([20, 78, 130, 170, 190, 200, 210, 230, 260, 280, 310], dtype=float),
)
SDM91 = (
    np.array([1, 18, 36, 72, 108, 144, 216], dtype=float),
    np.array([64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775.0, 1702.2]),
)


def errors_of(fit: Fit) -> dict[str, float]:
    assert fit.covariance is not None
    gamma, alpha, beta = np.sqrt(np.diag(fit.covariance))
    return {"gamma": gamma, "alpha": alpha, "beta": beta}


def test_the_first_six_points_of_the_ray_tracer() -> None:
    fit = fit_law(RAYTRACER[0][:6], RAYTRACER[1][:6])
    published = {
        "alpha": (0.02444, 0.00754, 0.04135, 5),
        "beta": (0.00163, 0.00110, 0.00215, 5),
        "gamma": (20.856, 19.267, 22.445, 3),
    }
    quantile = t.ppf(0.95, 5)
    for name, (value, low, high, digits) in published.items():
        found, error = getattr(fit, name), errors_of(fit)[name]
        assert round(found, digits) == value
        assert round(found - quantile * error, digits) == low
        assert round(found + quantile * error, digits) == high


def test_the_whole_ray_tracer_shows_no_coherency() -> None:
    beta, error = unbounded_coherency(*RAYTRACER)
    assert round(beta, 6) == -0.000201
    assert error is not None
    fit = fit_law(*RAYTRACER)
    assert (fit.beta, fit.has_coherency, fit.has_contention) == (0.0, False, True)
    assert (round(fit.alpha, 4), round(fit.gamma, 4)) == (0.0578, 21.8488)
    amdahl = fit_law(*RAYTRACER, "amdahl")
    assert (fit.alpha, fit.gamma, fit.sse) == (amdahl.alpha, amdahl.gamma, amdahl.sse)


def test_sdm91_with_its_errors() -> None:
    fit = fit_law(*SDM91)
    errors = errors_of(fit)
    assert (round(fit.alpha, 7), round(errors["alpha"], 7)) == (0.0277285, 0.0091217)
    assert (round(fit.beta, 7), round(errors["beta"], 7)) == (0.0001044, 0.0000199)
    assert (round(fit.gamma, 4), round(errors["gamma"], 4)) == (89.9952, 14.2135)
    assert fit.rse is not None
    assert round(fit.rse, 1) == 82.8


@pytest.mark.parametrize("law", ["usl", "amdahl", "linear"])
def test_throughput_without_noise_gives_the_coefficients_back(law: str) -> None:
    load = np.array([1.0, 2, 5, 10, 40, 100, 300])
    alpha, beta = {"usl": (0.05, 2e-4), "amdahl": (0.05, 0.0), "linear": (0.0, 0.0)}[law]
    throughput = 1e5 * load / (1 + alpha * (load - 1) + beta * load * (load - 1))
    fit = fit_law(load, throughput)
    assert fit.gamma == pytest.approx(1e5, rel=1e-6)
    assert fit.alpha == pytest.approx(alpha, abs=1e-7)
    assert fit.beta == pytest.approx(beta, abs=1e-9)


def test_coefficients_stay_within_their_bounds() -> None:
    load = np.array([1.0, 2, 4, 8, 16])
    faster = fit_law(load, 10 * load**1.2)
    assert (faster.alpha, faster.beta, len(faster.free)) == (0.0, 0.0, 1)
    slower = fit_law(load, 100 / load**0.5)
    assert slower.alpha <= 1
    assert slower.beta >= 0


def test_throughput_that_falls_without_contention_has_its_coherency() -> None:
    load = np.array([1.0, 2, 4, 8, 16, 32, 64])
    throughput = 10 * load / (1 - 0.01 * (load - 1) + 0.002 * load * (load - 1))
    fit = fit_law(load, throughput)
    assert (fit.has_contention, fit.has_coherency, fit.alpha) == (False, True, 0.0)
    assert fit.beta == pytest.approx(0.002, rel=0.2)
    assert fit.sse < 0.05 * fit_law(load, throughput, "amdahl").sse


def test_intervals_cover_the_truth() -> None:
    load = np.array([1.0, 2, 4, 8, 16, 32, 48, 64])
    truth = {"gamma": 100.0, "alpha": 0.05, "beta": 5e-4}
    exact = 100 * load / (1 + 0.05 * (load - 1) + 5e-4 * load * (load - 1))
    rng = np.random.default_rng(90_211)
    inside = dict.fromkeys(truth, 0)
    count = 200
    quantile = t.ppf(0.975, len(load) - 3)
    for _ in range(count):
        fit = fit_law(load, exact + rng.normal(0, 10, len(load)))
        if len(fit.free) < 3:
            continue
        for name, value in truth.items():
            error = errors_of(fit)[name]
            inside[name] += abs(getattr(fit, name) - value) <= quantile * error
    assert all(hits >= 0.9 * count for hits in inside.values()), inside


def test_too_few_points_have_no_errors() -> None:
    fit = fit_law(np.array([1.0, 2, 4]), np.array([10.0, 18, 28]))
    assert fit.covariance is None
    assert fit.rse is None
    assert fit.aicc is None
    assert fit.sse == pytest.approx(0, abs=1e-9)
