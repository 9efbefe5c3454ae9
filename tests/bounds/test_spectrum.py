"""Certified eigenvalue enclosures against python-flint's exact ones."""

import flint
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bounds
from bounds.numerics.spectrum import LARGE, spectrum


def exact_extremes(matrix):
    """(lambda_min, lambda_max) as balls of 60 digits, the float entries taken as exact."""
    with flint.ctx.workprec(400):
        values = flint.acb_mat(flint.arb_mat(matrix.tolist())).eig(nonstop=True)
        real = sorted((v.real for v in values), key=lambda v: float(v.mid()))
    return real[0], real[-1]


@given(st.integers(1, 12), st.integers(0, 2**31 - 1), st.sampled_from([1e-8, 1e-3, 1.0, 1e6]), st.booleans())
def test_enclosures_contain_the_exact_eigenvalues(n, seed, scale, singular):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, max(1, n - 2) if singular else n + 2))
    G = scale * X @ X.T
    G = (G + G.T) / 2
    found = spectrum(G)
    low, high = exact_extremes(G)
    assert found.lmin[0] <= float(low.mid()) + 1e-60 <= found.lmin[1] + 1e-60
    assert found.lmax[0] <= float(high.mid()) <= found.lmax[1]
    assert found.lmin[1] - found.lmin[0] <= 1e-10 * float(np.trace(G))


def test_a_repeated_row_is_never_certified_positive():
    for seed in range(50):
        X = np.random.default_rng(seed).standard_normal((6, 9))
        X[5] = X[2]
        problem = bounds.Problem(X, np.ones(6))
        assert problem.spectrum.lmin[0] <= 0
        with pytest.raises(bounds.AssumptionError, match="lambda_min"):
            bounds.guarantee(problem)


def test_the_error_of_forming_the_gram_matrix_is_counted():
    X = np.random.default_rng(0).standard_normal((5, 40)) * 1e3
    problem = bounds.Problem(X, np.ones(5))
    with flint.ctx.workprec(400):
        exact = flint.arb_mat(X.tolist()) * flint.arb_mat(X.T.tolist()) / 40
        values = flint.acb_mat(exact).eig(nonstop=True)
        low = min((v.real for v in values), key=lambda v: float(v.mid()))
        diagonal = [exact[a, a] for a in range(5)]
    assert problem.spectrum.lmin[0] <= float(low.mid()) <= problem.spectrum.lmin[1]
    assert all(mine.overlaps(true) for mine, true in zip(problem.gram_diagonal, diagonal, strict=True))


def test_identity_matrix_is_tight():
    found = spectrum(np.eye(7))
    assert found.lmin[0] == pytest.approx(1, abs=1e-12)
    assert found.lmax[1] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("columns", [700, 200])
def test_large_matrices_by_lanczos_agree_with_a_whole_decomposition(columns):
    """Above the order LARGE, nonsingular and singular; the proof is the same, so only the tightness is new."""
    n = 350
    assert n > LARGE
    X = np.random.default_rng(1).standard_normal((n, columns))
    G = X @ X.T / columns
    found, values = spectrum(G), np.linalg.eigvalsh(G)
    assert found.lmin[0] <= values[0] + 1e-12
    assert values[0] <= found.lmin[1] + 1e-12
    assert found.lmax[0] - 1e-12 <= values[-1] <= found.lmax[1] + 1e-12
    assert found.lmin[1] - found.lmin[0] < 1e-8
    assert found.lmax[1] - found.lmax[0] < 1e-8
