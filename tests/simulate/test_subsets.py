"""The product with slopes that are 0 or 1, by tables of sums of columns, is that of numpy, and so is a step of descent
that takes it."""

import numpy as np
import pytest
from numba import njit

from bounds import Problem
from simulate.field.arrays import Arrays
from simulate.field.elementwise import aligned
from simulate.field.flow import Flow
from simulate.field.stages import Stages
from simulate.field.subsets import BAND, BLOCK, LEAST, TABLE, TABLES, columns_of, find_places, subset_product
from simulate.field.tiles import STRIP
from simulate.network import scaling_of

EPS = np.finfo(float).eps


@njit
def placed(slopes, start, w):
    """(whether all are 0 or 1, the places), of find_places, which only compiled code calls."""
    n = len(slopes)
    places = np.zeros(((n + BLOCK - 1) // BLOCK, STRIP, TABLES), dtype=np.uint16)
    return find_places(slopes, places, n, start, w), places


def on_or_off(n: int, m: int, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((n, m)) > 0).astype(float)


@pytest.mark.parametrize("n", [LEAST, LEAST + 1, LEAST + 31, 300])
@pytest.mark.parametrize(("start", "w"), [(0, 1), (3, 7), (5, STRIP)])
def test_product(n: int, start: int, w: int) -> None:
    rng, slopes = np.random.default_rng(n), on_or_off(n, start + w, w)
    G, r = rng.standard_normal((n + 3, n)), rng.standard_normal(n)
    columns = columns_of(G)
    weights = np.zeros(columns.shape[1])
    weights[:n] = r
    plain, places = placed(slopes, start, w)
    assert plain
    for rows in (n, n + 3):
        p = np.full((rows, STRIP), np.nan)
        subset_product(columns, weights, places, aligned(TABLE), aligned(STRIP * BAND).reshape(STRIP, BAND), p, rows, w)
        factor = r[:, None] * slopes[:, start:]
        exact, scale = G[:rows] @ factor, np.abs(G[:rows]) @ np.abs(factor)
        assert (np.abs(p[:, :w] - exact) <= n * EPS * scale).all()
        assert np.isnan(p[:, w:]).all()  # nothing else is written


@pytest.mark.parametrize("other", [0.5, -1.0, 2.0, np.nan])
def test_slopes_that_are_neither_0_nor_1_are_seen(other: float) -> None:
    slopes = on_or_off(LEAST, 9, 0)
    assert placed(slopes, 2, 6)[0]
    slopes[LEAST - 1, 7] = other
    assert not placed(slopes, 2, 6)[0]
    assert placed(slopes, 2, 5)[0]  # beyond the last neuron


def test_few_data_points_have_no_tables() -> None:
    assert columns_of(np.eye(LEAST - 1)).shape[0] == 0


def test_only_relu_takes_the_tables() -> None:
    """Tables of what is no number show in h where they are used."""
    X = np.random.default_rng(0).standard_normal((LEAST, 20)) / 4
    for activation in ("relu", "tanh"):
        problem = Problem(X, np.ones(LEAST), activation=activation)
        flow = Flow(problem, np.ones((1, 8)), scaling_of("ours", 8), Arrays("float64", "cpu"))
        flow.backend.columns[...] = np.nan
        h, slopes = np.ones((1, LEAST, 8)), np.ones((1, LEAST, 8))
        Stages(flow, h, slopes).advance([np.ones((1, LEAST))], slopes=slopes, gram=False, work=True)
        assert np.isnan(h).any() == (activation == "relu")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("mixed", [False, True])
def test_a_step_of_descent(dtype: str, *, mixed: bool) -> None:
    """h - c G (r * slopes) and the power, with test rows; mixed: where some slopes are neither 0 nor 1, for some strips
    of neurons and not for others."""
    n, m, k = LEAST + 2, 2 * STRIP + 9, 3
    rng = np.random.default_rng(5)
    X = rng.standard_normal((n, 20)) / 4
    problem, cross = Problem(X, rng.standard_normal(n), activation="relu"), rng.standard_normal((k, n))
    signs = np.where(np.arange(m) % 3, 1.0, -1.0)[None]
    flow = Flow(problem, signs, scaling_of("ours", m), Arrays(dtype, "cpu"), cross=cross)
    h, slopes = flow.arrays.put(rng.standard_normal((1, n + k, m))), flow.arrays.put(on_or_off(n, m, 1)[None])
    if mixed:
        slopes[0, 5, STRIP + 3] = 0.5
    r, before, v = rng.standard_normal((1, n)), h[0].astype(float), slopes[0].astype(float)
    v *= r.T
    found = Stages(flow, h, slopes).advance([r], slopes=slopes, gram=False, work=True)
    Gv = np.vstack([problem.gram, cross]) @ v
    rounding = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(h[0], before - flow.model.gain[0] * Gv, rtol=0, atol=rounding)
    assert float(found.power[0]) == pytest.approx(flow.speed / m * float((v * Gv[:n]).sum()), rel=1e-12)
    np.testing.assert_array_equal(slopes[0], h[0, :n] > 0)
