"""Sums of the changes of a kernel, and of their moments, against numerical integration."""

import numpy as np
import pytest
from numba import njit

from simulate.integrators.piecewise_linear import kernel_changes
from simulate.integrators.piecewise_linear.kernel_changes import HOLDING, LEGENDRE, LETTING_GO, new_log, sums_of

N = 4


@njit
def log_three(log, places, rows, slopes, owns, jump, moments, stops):
    """Entries are held, let go and turned at three places, one neuron after the other."""
    kernel_changes.log_square(log, HOLDING, places[0], rows[0], slopes[0], owns[0])
    kernel_changes.sum_up(log, 1, moments, stops)
    kernel_changes.log_square(log, LETTING_GO, places[1], rows[1], slopes[1], owns[1])
    kernel_changes.log_turn(log, 2, places[2], rows[2], slopes[2], jump)
    kernel_changes.sum_up(log, 1, moments, stops)


def test_changes_in_each_part_of_the_path():
    """Stops divide the path; what comes at a stop comes before it."""
    rng = np.random.default_rng(1)
    places, rows, slopes = np.array([0.15, 0.5, 0.8]), rng.standard_normal((3, N)), rng.uniform(0.1, 1, (3, N))
    rest = (rows, slopes, np.array([0.3, 0.7, 1.1]), 0.9)

    def sums(stops):
        log = new_log(N, 5, len(stops) + 1)
        log_three(log, places, *rest, False, np.array(stops))
        return sums_of(log, len(stops) + 1)

    whole = sums([])[0]
    parts = sums([0.1, 0.5, 0.6])
    np.testing.assert_allclose(parts.sum(0), whole, atol=1e-14)
    assert (parts[0] == 0).all()
    assert (parts[2] == 0).all()
    np.testing.assert_allclose(parts[3][2], whole[2] - parts[1][2], atol=1e-14)  # row 2 is turned at 0.8
    before = (
        np.outer(rows[1] * slopes[1], rows[1] * slopes[1]) / 0.7
        - np.outer(rows[0] * slopes[0], rows[0] * slopes[0]) / 0.3
    )
    np.testing.assert_allclose(parts[1] + parts[1].T, before, atol=1e-14)


@pytest.mark.parametrize("moments", [False, True])
def test_changes_and_their_moments(moments):
    rng = np.random.default_rng(0)
    places, owns, jump = np.array([0.15, 0.5, 0.8]), np.array([0.3, 0.7, 1.1]), 0.9
    rows, slopes = rng.standard_normal((3, N)), rng.uniform(0.1, 1, (3, N))
    log = new_log(N, 5, 3)
    log_three(log, places, rows, slopes, owns, jump, moments, np.zeros(0))
    half = sums_of(log, 3 if moments else 1)
    found = half + half.transpose(0, 2, 1)
    # D S D before and after: a held entry loses w w'/own, one let go adds it; a turned slope changes row and column.
    squares = [np.outer(w, w) / own for w, own in zip(rows * slopes, owns, strict=True)]
    before, after = slopes[2].copy(), slopes[2].copy()
    after[2] += jump
    turn = np.zeros((N, N))
    for a in range(N):
        turn[2, a] = turn[a, 2] = (after[2] * after[a] - before[2] * before[a]) * rows[2, a]
    changes = [-squares[0], squares[1], turn]
    if not moments:
        np.testing.assert_allclose(found[0], sum(changes), atol=1e-14)
        return
    # The integrals of Legendre's polynomials from each place on: Gauss's rule is exact.
    nodes, weights = np.polynomial.legendre.leggauss(3)
    found = np.tensordot(LEGENDRE, found, 1)
    for k in range(3):
        expected = np.zeros((N, N))
        for place, change in zip(places, changes, strict=True):
            x = place + (1 - place) * (nodes + 1) / 2
            values = np.polynomial.legendre.legval(2 * x - 1, [0] * k + [1])
            expected += change * (values @ weights) * (1 - place) / 2
        np.testing.assert_allclose(found[k], expected, atol=1e-14)


def test_what_rounding_leaves_of_nothing_adds_nothing():
    log, row = new_log(N, 5, 3), np.full((3, N), 1e-9)
    log_three(log, np.full(3, 0.5), row, np.ones((3, N)), np.array([-1e-18, 0.0, 1.0]), 0.0, False, np.zeros(0))
    assert (sums_of(log, 1) == 0).all()
