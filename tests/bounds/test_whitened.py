"""Whitened features: parity of the activations, the bounds of E f^2 |w|^2, and the tail that follows."""

import math

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import arb

import bounds
from bounds import constants
from bounds.activation.registry import _REGISTRY
from bounds.data.datasets import load_builtin
from bounds.embedding_trials import keeps_half
from bounds.methods.laplace_tail import dim_of_levels, survivals, tail
from bounds.methods.whitened import Enclosed, frame, majorant, sandwich, whitened_levels
from bounds.numerics.spectrum import eigenvalues, gamma

KERNELS = [n for n in bounds.known_activations() if n not in ("elu", "clip")]
WAYS = ("relu", "tanh", "softplus", "erf", "sigmoid", "leaky_relu", "gelu", "silu", "sin", "cos")


def problem(X, activation, depth=1):
    return bounds.Problem(X, np.ones(len(X)), embedding=bounds.RandomFeatures(depth, activation))


def geometry(kind, n, d, rng):
    """Inputs (n, d) of a kind that is hard in its own way."""
    X = rng.standard_normal((n, d))
    if kind == "norms":
        X *= 10.0 ** rng.uniform(-0.5, 0.5, (n, 1))
    elif kind == "near":
        X[1] = X[0] + 0.05 * rng.standard_normal(d)
    elif kind == "opposite":
        X[1] = -X[0]
    elif kind == "orthogonal":
        X = math.sqrt(d) * np.eye(n, d)
    return X


# -- parity ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", bounds.known_activations())
def test_slopes_of_the_odd_and_the_even_part(name):
    act = bounds.get_activation(name)
    middle, half, even = (float(v) for v in act.parity_slopes)
    u = np.concatenate([np.linspace(1e-6, 12, 40_001), np.geomspace(12, 1e6, 200)])
    right, left = act.slope(u), act.slope(-u)
    assert np.max(np.abs((right + left) / 2 - middle)) <= half + 1e-12
    assert np.max(np.abs((right - left) / 2)) <= even + 1e-12
    if act.parity is not None or act.pieces is not None:  # known, so attained
        assert np.max(np.abs((right + left) / 2 - middle)) == pytest.approx(half, abs=1e-6)
        assert np.max(np.abs((right - left) / 2)) == pytest.approx(even, abs=1e-6)


def test_an_expression_has_its_parity_derived():
    u = sp.Symbol("u", real=True)
    try:
        act = bounds.register_activation("bent-for-parity", sp.tanh(u) / 2 + sp.log(1 + sp.exp(u)) / 4)
        middle, half, even = (float(v) for v in act.parity_slopes)
        # The odd part is tanh/2 + u/8, the even part log(2 cosh(u/2))/4.
        assert (middle, half, even) == pytest.approx((0.375, 0.25, 0.125), rel=1e-6)
        assert whitened_levels(p := problem(load_builtin("reference", n=3, d=2)[0], act), p.embedding).values[-1] > 3
    finally:
        _REGISTRY.pop("bent-for-parity", None)


# -- enclosures ------------------------------------------------------------------------------------------------------


def test_every_eigenvalue_is_within_its_error():
    rng = np.random.default_rng(0)
    for scale in (1e-12, 1.0, 1e9):
        A = rng.standard_normal((7, 7)) * 10.0 ** rng.uniform(-6, 0, (7, 1))
        A = scale * (A + A.T)
        values, _, error = eigenvalues(A)
        with mpmath.workdps(60):
            exact = sorted(mpmath.eigsy(mpmath.matrix(A.tolist()), eigvals_only=True))
            assert max(abs(x - v) for x, v in zip(exact, values.tolist(), strict=True)) <= error
        assert error < 1e-12 * np.max(np.abs(A)) * 7


@pytest.mark.parametrize("kind", ["plain", "norms", "near", "opposite", "orthogonal"])
def test_the_diagonal_majorant_is_one(kind):
    """diag(gam) - K is positive definite in 60 digits, and its trace is not above that of lambda_max(K) I."""
    X = geometry(kind, 8, 5 if kind != "orthogonal" else 8, np.random.default_rng(1))
    d = X.shape[1]
    K = X @ X.T / d
    gam = majorant(K, gamma(d + 2), np.ones(8))
    with mpmath.workdps(60):
        rows = mpmath.matrix(X.tolist())
        exact = mpmath.diag([mpmath.mpf(g) for g in gam.tolist()]) - rows * rows.T / d
        mpmath.cholesky(exact)  # raises if a pivot is not positive
    assert gam.sum() <= 8 * np.linalg.eigvalsh(K)[-1] * (1 + 1e-9)


@pytest.mark.parametrize("activation", ["relu", "erf"])
def test_the_frame_encloses_the_exact_matrices(activation):
    """B Gbar B' for the odd and the even part of Gbar, from closed forms in 60 digits."""
    X, _ = load_builtin("reference", n=5, d=3)
    p = problem(X, activation)
    f = frame(p, p.embedding)

    def kernel(a, b, c):
        if activation == "erf":
            return 2 / mpmath.pi * mpmath.asin(2 * c / mpmath.sqrt((1 + 2 * a) * (1 + 2 * b)))
        root = mpmath.sqrt(a * b)
        angle = mpmath.acos(max(min(c / root, 1), -1))
        return root * (mpmath.sin(angle) + (mpmath.pi - angle) * mpmath.cos(angle)) / (2 * mpmath.pi)

    with mpmath.workdps(60):
        rows = mpmath.matrix(X.tolist())
        K = rows * rows.T / 3
        plus, minus = (
            mpmath.matrix([[kernel(K[a, a], K[b, b], sign * K[a, b]) for b in range(5)] for a in range(5)])
            for sign in (1, -1)
        )
        B = mpmath.matrix(f.whitening.tolist())
        for part, limit in ((f.odd, plus - minus), (f.even, plus + minus), (f.linear, 2 * K)):
            exact = B * limit * B.T / 2
            off = mpmath.sqrt(mpmath.fsum((exact[a, b] - part.matrix[a, b]) ** 2 for a in range(5) for b in range(5)))
            assert off <= part.error < 1e-9
        whole = B * plus * B.T - mpmath.eye(5)
        assert max(abs(x) for x in mpmath.eigsy(whole, eigvals_only=True)) <= f.loss < 1e-9


def test_inner_and_sandwich_carry_their_errors():
    rng = np.random.default_rng(3)
    A, C = (m @ m.T for m in rng.standard_normal((2, 6, 6)))
    B = rng.standard_normal((6, 6))
    size = np.sqrt(np.diagonal(A))
    moved = sandwich(B, A, 1e-3, size)
    for _ in range(20):
        E = rng.uniform(-1, 1, (6, 6)) * np.outer(size, size) * 1e-3
        E = (E + E.T) / 2
        assert np.linalg.norm(B @ (A + E) @ B.T - moved.matrix) <= moved.error
        assert np.sum(B @ (A + E) @ B.T * C) <= moved.inner(Enclosed(C, 0.0))


# -- the bound of E f^2 |w|^2 ----------------------------------------------------------------------------------------


def test_linear_features_are_tight_for_one_point():
    """w is a normal number: E w^4 = 3, which is what the bound says."""
    p = problem(np.array([[0.7]]), "linear")
    assert whitened_levels(p, p.embedding).values[-1] == pytest.approx(3, rel=1e-9)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh", "softplus", "sigmoid", "sin"])
def test_one_point_in_60_digits(activation):
    """n = 1: E phi^4/(E phi^2)^2 by quadrature is at most the level."""
    p = problem(np.array([[1.3]]), activation)
    level = whitened_levels(p, p.embedding).values[-1]
    with mpmath.workdps(60):
        formula = {
            "relu": lambda u: max(u, mpmath.mpf(0)),
            "leaky_relu": lambda u: u if u > 0 else u * mpmath.mpf(0.01),
            "tanh": mpmath.tanh,
            "sin": mpmath.sin,
            "softplus": lambda u: mpmath.log1p(mpmath.exp(u)),
            "sigmoid": lambda u: 1 / (1 + mpmath.exp(-u)),
        }[activation]

        def moment(k):
            def density(z):
                return formula(mpmath.mpf("1.3") * z) ** k * mpmath.exp(-z * z / 2)

            return mpmath.quad(density, [-12, -4, 0, 4, 12], maxdegree=6) / mpmath.sqrt(2 * mpmath.pi)

        exact = moment(4) / moment(2) ** 2
    assert exact <= level <= 60 * exact


@pytest.mark.parametrize("activation", WAYS)
@pytest.mark.parametrize("kind", ["plain", "norms", "near", "opposite", "orthogonal"])
def test_levels_bound_the_draws(kind, activation):
    """E |w|^2 ww' and A_theta from 10^5 draws: the largest eigenvalue is below the top level, by five standard errors,
    and each eigenvalue of A_theta above its lower bound."""
    rng = np.random.default_rng(5)
    n, d = 5, (5 if kind == "orthogonal" else 3)
    p = problem(geometry(kind, n, d, rng), activation)
    if kind == "opposite" and activation in ("tanh", "erf", "sin", "cos"):  # phi(-x) is phi(x) or its negative
        with pytest.raises(bounds.AssumptionError, match="lambda_min"):
            frame(p, p.embedding)
        return
    levels, f = whitened_levels(p, p.embedding), frame(p, p.embedding)
    assert np.all(np.diff(levels.values) >= -1e-9 * levels.values[-1])
    w = f.whitening @ p.embedding.sigma.value(p.X @ rng.standard_normal((d, 100_000)) / math.sqrt(d))
    square = np.sum(w**2, axis=0)
    values, vectors = np.linalg.eigh((w * square) @ w.T / w.shape[1])
    top = (vectors[:, -1] @ w) ** 2 * square
    assert values[-1] - 5 * top.std() / math.sqrt(len(top)) <= levels.values[-1]
    theta = 1 / levels.values[-1]
    seen = np.linalg.eigvalsh((w * (-np.expm1(-theta * square) / np.maximum(square, 1e-300))) @ w.T / w.shape[1])[::-1]
    for lower, value in zip(survivals(levels.values, theta, levels.loss), seen, strict=True):
        assert float(lower.lower()) <= value + 5 / math.sqrt(w.shape[1]) * math.sqrt(value)


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_the_top_level_in_60_digits(activation):
    """Theorem D again for single directions u, linear plus even sigma, with the majorants of the code: never above the
    top level, and near it for the worst u."""
    X, _ = load_builtin("reference", n=6, d=4)
    p = problem(X, activation)
    f, top = frame(p, p.embedding), whitened_levels(p, p.embedding).values[-1]
    inverse = f.whitening.T @ f.whitening
    majorants = [majorant(f.gram, f.gram_error, w) for w in (np.diagonal(inverse), np.sum(inverse**2, axis=1) ** 0.75)]
    even = float(p.embedding.sigma.parity_slopes[2].upper())
    values = []
    with mpmath.workdps(60):
        K = mpmath.matrix(X.tolist()) * mpmath.matrix(X.tolist()).T / 4
        B = mpmath.matrix(f.whitening.tolist())
        S_o = B * K * B.T / 4
        S_e = mpmath.eye(6) - S_o
        Q = [B * mpmath.diag([mpmath.mpf(g) for g in gam.tolist()]) * B.T for gam in majorants]

        def trace(A, C):
            return sum(A[i, j] * C[j, i] for i in range(6) for j in range(6))

        A_e = 2 * (even * mpmath.sqrt(trace(Q[0], S_e)) + mpmath.sqrt(trace(S_o, S_o)))
        A_o = 2 * (even * mpmath.sqrt(trace(Q[0], S_o)) + mpmath.sqrt(trace(S_o, S_e)))
        directions = [*np.linalg.eigh(np.array(Q[1].tolist(), dtype=float))[1].T]
        directions += [*np.random.default_rng(0).standard_normal((60, 6))]
        for direction in directions:
            u = mpmath.matrix((direction / np.linalg.norm(direction)).tolist())
            u /= mpmath.norm(u)
            s, q = (u.T * S_o * u)[0], (u.T * Q[1] * u)[0]
            B_e = 2 * (even * mpmath.sqrt(q * (1 - s)) + s)
            B_o = 2 * (even * mpmath.sqrt(q * s) + mpmath.sqrt(s * (1 - s)))
            values.append(6 + A_e * B_e / 2 + A_o * B_o)
        assert max(values) <= top
    assert float(max(values)) >= 0.9 * top


def test_the_gradient_of_a_whitened_feature_is_not_bounded_by_the_whitened_spectrum():
    """sigma' stands between v and X: |grad f|^2 may exceed Ls^2 lambda_max(Gbar^{-1/2} K Gbar^{-1/2}), not
    lambda_max(K) |v|^2."""
    X, _ = load_builtin("reference", n=20, d=10)
    p = problem(X, "relu")
    values, vectors = np.linalg.eigh(p.gram)
    root = (vectors / np.sqrt(values)) @ vectors.T
    K = X @ X.T / 10
    v = vectors[:, 0] / math.sqrt(values[0])  # u is the bottom eigenvector
    h = np.random.default_rng(0).standard_normal((20_000, 10)) @ X.T / math.sqrt(10)
    seen = np.max(np.sum((((h > 0) * v) @ X) ** 2, axis=1) / 10)
    assert seen > 3 * np.linalg.eigvalsh(root @ K @ root)[-1]
    assert seen <= np.linalg.eigvalsh(K)[-1] * float(v @ v)


# -- the tail --------------------------------------------------------------------------------------------------------


def test_equal_levels_give_the_closed_form():
    """All levels v: D is at most 2 v log(n/delta)/(1 - log 2), the constant D_whitened, and nearly that."""
    D = dim_of_levels(np.full(30, 400.0), 0.0, arb(1) / 2, 0.05, "test")
    closed = float(constants.D_whitened(30, 400, 0.05))
    assert 0.99 * closed <= D <= closed + 2
    with pytest.raises(bounds.AssumptionError, match="no embedding dimension"):
        dim_of_levels(np.full(30, 1e15), 0.0, arb(1) / 2, 0.05, "test")


def test_the_dimension_is_enough_in_60_digits_and_nearly_the_least():
    rng = np.random.default_rng(2)
    levels = np.sort(rng.uniform(20, 900, 25))
    D = dim_of_levels(levels, 1e-6, arb(1) / 2, 0.05, "test")
    with mpmath.workdps(60):
        loss = mpmath.mpf(1e-6)

        def bound(dim, theta):
            g = 1 - loss
            shares = [g * g * (1 - mpmath.exp(-theta * mpmath.mpf(m) / g)) / mpmath.mpf(m) for m in levels.tolist()]
            return mpmath.exp(theta * (1 + loss) / 2 * dim) * mpmath.fsum((1 - x) ** dim for x in shares)

        thetas = [mpmath.mpf(t) / 900 for t in np.linspace(0.3, 3, 100).tolist()]
        assert min(bound(D, t) for t in thetas) <= 0.05 * (1 + 1e-3)
        assert min(bound(int(0.995 * D), t) for t in thetas) > 0.05


def test_the_tail_bounds_the_failures_of_small_dimensions():
    """P(not G >= Gbar/2) for a few hundred features, where it can be seen, against the bound at its best theta."""
    X, _ = load_builtin("reference", n=4, d=3)
    p = problem(X, "relu")
    levels, f = whitened_levels(p, p.embedding), frame(p, p.embedding)
    least = (1 + arb(levels.loss)) / 2
    for D in (60, 1200):
        bad = sum(not keeps_half(p, p.draw(dim=D, seed=s)) for s in range(300)) / 300
        thetas = np.linspace(0.1, 3, 60) / levels.values[-1]
        best = min(float(tail(D, t, least, survivals(levels.values, t, levels.loss))) for t in thetas)
        assert bad <= best
    assert best < 0.05
    assert f.loss == levels.loss


@pytest.mark.parametrize(("activation", "most"), [("relu", 7400), ("tanh", 18600), ("softplus", 26300), ("erf", 16500)])
def test_the_dimensions_of_twenty_points(activation, most):
    p = problem(load_builtin("reference", n=20, d=10)[0], activation)
    assert bounds.required_embedding_dim(p, tail="best") <= most


def test_points_that_nearly_coincide_are_refused_with_a_way_out():
    X, _ = load_builtin("reference", n=3, d=2)
    X = np.vstack([X, X[0] + 1e-7])
    p = problem(X, "erf")
    if p.spectrum.lmin[0] > 0:
        with pytest.raises(bounds.AssumptionError, match="lemma-4"):
            bounds.required_embedding_dim(p, tail="whitened")
        assert bounds.required_embedding_dim(p, tail="lemma-4") > 0
    else:
        with pytest.raises(bounds.AssumptionError, match="lambda_min"):
            bounds.required_embedding_dim(p, tail="whitened")
