"""Compiled bookkeeping: what is not a number is never lost on the way to a verdict on a step or to a reported error."""

import numpy as np
import pytest

import bounds
import simulate
from simulate.solve.observables import MOVEMENT, OUTPUT, SCALARS, VECTORS, add_rounding, differences
from simulate.solve.step_sums import error_ratios, stop_reasons

N = 3


def blocks(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random((1, len(SCALARS))), rng.random((1, len(VECTORS), N))


def reported(values: np.ndarray, vectors: np.ndarray, twins: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, ...]:
    residual = np.ones((1, N))
    scalars, points = np.empty(values.shape), np.empty((1, len(VECTORS), 1))
    differences(values, twins, vectors, others, residual, np.zeros((1, N)), scalars, points)
    around = np.repeat(points, N, axis=2)
    moved = np.array([True])
    add_rounding(1e-16, 1.0, values, vectors, residual, np.zeros((1, N)), np.ones(1), moved, scalars, around)
    return scalars, around


def test_differences_are_those_of_numpy() -> None:
    (values, vectors), (twins, others) = blocks(0), blocks(1)
    scalars, points = reported(values, vectors, twins, others)
    gaps = np.abs(vectors - others)
    assert scalars[0, 1:] == pytest.approx(np.abs(values - twins)[0, 1:])
    assert points[0, MOVEMENT] == pytest.approx(np.full(N, gaps[0, MOVEMENT].max()))
    assert points[0, OUTPUT] == pytest.approx(np.full(N, np.linalg.norm(gaps[0, OUTPUT])))


def test_the_power_is_as_exact_as_the_largest_eigenvalue() -> None:
    """Opposite targets at one point, twice: by symmetry the kernel has no power over them, whatever rounding says."""
    X, y = np.array([[1.0, 2.0], [1.0, 2.0]]), np.array([0.3, -0.3])
    network = {"width": 8, "seed": 0, "scale": 2.0, "init": "antisymmetric"}
    run = simulate.gradient_flow(bounds.Problem(X, y), **network, t_max=1.0, max_steps=20)
    assert run.power[0] <= run.errors["power"][0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("a", range(N))
@pytest.mark.parametrize("twin", ["same", "finite"])
def test_an_observable_that_is_not_finite_has_no_finite_error(bad: float, a: int, twin: str) -> None:
    values, vectors = blocks(0)
    others = vectors.copy()
    vectors[0, :, a] = bad
    values[0, :] = bad
    scalars, points = reported(values, vectors, values, vectors if twin == "same" else others)
    assert not np.isfinite(points[0, :, a]).any()
    assert not np.isfinite(scalars[0, 1:]).any()


@pytest.mark.parametrize("a", range(N))
@pytest.mark.parametrize("where", range(4))
def test_a_step_with_an_error_that_is_not_a_number_is_not_accepted(a: int, where: int) -> None:
    given = [np.ones((1, N)), np.ones((1, N)), np.full((1, N), 1e-9), np.full((1, N), 1e-9)]
    ratios = np.empty(1)
    error_ratios(*given, np.ones(N), 1e-3, np.zeros(1), 1, ratios)
    assert ratios[0] < 1
    given[where][0, a] = np.nan
    error_ratios(*given, np.ones(N), 1e-3, np.zeros(1), 1, ratios)
    assert ratios[0] == np.inf


def test_a_run_that_is_not_finite_ends_before_anything_else() -> None:
    reasons = np.empty(1, dtype=np.int64)
    one = np.ones(1)
    for residual, rate in ((np.nan, 1.0), (1.0, np.nan), (np.inf, 1.0)):
        r, rates = np.array([[residual, 1.0]]), np.array([[rate, 2.0]])
        assert stop_reasons(r, rates, one, one, 1e9 * one, one, np.ones(1, dtype=np.int64), 0.5, 1, True, reasons)
        assert reasons[0] == 0
