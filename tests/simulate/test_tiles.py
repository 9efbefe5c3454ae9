"""The products of a strip of neurons are those of numpy, whatever the number of rows and columns: by tiles, and by BLAS
for many rows."""

import numpy as np
import pytest
from numba import njit

from simulate.field.bits import WORDS, count_gram
from simulate.field.elementwise import aligned
from simulate.field.tiles import (
    MOST_TILED,
    PANEL,
    ROWS,
    STRIP,
    add_gram,
    padded,
    panels,
    product,
    product_single,
)
from simulate.field.vectors import LANES


def strip(n: int, w: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(flat, its rows) with w random columns, zero beyond."""
    flat = aligned(padded(n, ROWS) * STRIP)
    rows = flat.reshape(-1, STRIP)
    rows[:n, :w] = np.random.default_rng(seed).standard_normal((n, w))
    return flat, rows


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 19, 40, 129, MOST_TILED, MOST_TILED + 1])
@pytest.mark.parametrize("w", [1, 7, 8, 33, 255, 256])
def test_product(n: int, w: int) -> None:
    flat, rows = strip(n, w, 0)
    G = np.random.default_rng(1).standard_normal((n + 2, n))
    for wanted in (n, n + 2):
        into = aligned(padded(wanted, PANEL) * STRIP)
        into[:] = np.nan
        product(panels(G), flat, into, padded(wanted, PANEL) // PANEL, w)
        exact = G[:wanted] @ rows[:n, :w]
        scale = np.abs(G[:wanted]) @ np.abs(rows[:n, :w])
        assert (np.abs(into.reshape(-1, STRIP)[:wanted, :w] - exact) <= n * 2.3e-16 * scale).all()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 19, 40, 129])
@pytest.mark.parametrize("w", [1, 7, 8, 33, 255, 256])
def test_gram(n: int, w: int) -> None:
    flat, rows = strip(n, w, 0)
    rows[:, w + LANES :] = np.nan  # what lies further is not read
    size = padded(n, ROWS)
    gram = np.ones((size, size))
    add_gram(flat, gram, w)
    add_gram(flat, gram, w)
    exact, scale = (np.tril(v[:n, :w] @ v[:n, :w].T) for v in (rows, np.abs(rows)))
    found = np.tril(gram[:n, :n] - 1) / 2
    assert (np.abs(found - exact) <= 2 * w * 2.3e-16 * scale + 4.6e-16).all()


def test_not_a_number_is_seen() -> None:
    flat, rows = strip(5, 40, 0)
    rows[3, 17] = np.nan
    into, gram = aligned(8 * STRIP), np.zeros((8, 8))
    product(panels(np.eye(5)), flat, into, 1, 40)
    add_gram(flat, gram, 40)
    assert np.isnan(into.reshape(-1, STRIP)[:5, 17]).all()
    assert np.isnan(gram[3, 3])
    assert np.isfinite(gram[:3, :3]).all()


@pytest.mark.parametrize("n", [1, 5, 19, 40, 129])
@pytest.mark.parametrize("w", [1, 15, 17, 255, 256])
def test_product_in_float32(n: int, w: int) -> None:
    flat, into = (aligned(padded(n, PANEL) * STRIP // 2).view(np.float32) for _ in range(2))
    flat.reshape(-1, STRIP)[:n, :w] = np.random.default_rng(0).standard_normal((n, w))
    G = np.random.default_rng(1).standard_normal((n, n)).astype(np.float32)
    into[:] = np.nan
    product_single(panels(G).astype(np.float32), flat, into, padded(n, PANEL) // PANEL, w)
    v = flat.reshape(-1, STRIP)[:n, :w].astype(np.float64)
    exact, scale = G.astype(np.float64) @ v, np.abs(G) @ np.abs(v)
    assert (np.abs(into.reshape(-1, STRIP)[:n, :w] - exact) <= n * 1.2e-7 * scale).all()


@njit
def counted(slope, n, w):
    """The sums of count_gram, which only compiled code calls."""
    sums = np.zeros((n, n))
    count_gram(slope, np.zeros((n, WORDS), dtype=np.uint64), sums, n, w)
    return sums


@pytest.mark.parametrize("n", [1, 5, 40])
@pytest.mark.parametrize("w", [1, 63, 64, 65, 200, STRIP])
def test_gram_of_zeros_and_ones_is_counted(n: int, w: int) -> None:
    """Exactly; what lies beyond the last neuron, or is no number, does not count."""
    slope = (np.random.default_rng(w).standard_normal((n, STRIP)) > 0).astype(float)
    slope[0, 0], slope[:, w:] = np.nan, 1.0
    known = np.nan_to_num(slope[:, :w])
    np.testing.assert_array_equal(counted(slope, n, w), np.tril(known @ known.T))
