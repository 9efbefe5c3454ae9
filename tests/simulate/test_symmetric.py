"""Sums of squares of rows, against those of numpy."""

import numpy as np
import pytest
from numba import njit

from simulate.field.symmetric import ADDRESS, add_squares


@njit
def squares_of(address: int, factor: float, rows: np.ndarray, into: np.ndarray) -> None:
    add_squares(address, factor, rows, into)


@pytest.mark.parametrize(("count", "n"), [(1, 1), (3, 2), (2, 7), (192, 40), (50, 130)])
def test_the_lower_triangle_and_no_more(count, n):
    rng = np.random.default_rng(count)
    rows, into = rng.standard_normal((count + 2, n)), rng.standard_normal((n, n))
    expected = into - 0.5 * np.tril(rows[1:-1].T @ rows[1:-1])
    squares_of(ADDRESS, -0.5, rows[1:-1], into)
    np.testing.assert_allclose(np.tril(into), np.tril(expected), rtol=0, atol=1e-13 * count * np.abs(expected).max())
    assert (np.triu(into, 1) == np.triu(expected, 1)).all()


def test_other_matrices_are_refused_when_compiled():
    with pytest.raises(Exception, match="add_squares"):
        squares_of(ADDRESS, 1.0, np.ones((2, 2), dtype=np.float32), np.ones((2, 2)))
    with pytest.raises(Exception, match="add_squares"):
        squares_of(ADDRESS, 1.0, np.ones((2, 2)).T, np.ones((2, 2)))
