"""The clipped part of the tangent kernel: its matrix, its profile and its width, in many digits and by drawing."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import bounds
import simulate
from bounds.data.datasets import load_builtin
from bounds.methods import METHODS, clipped

DIGITS = 60


def problem(seed, n=3, d=5, **options):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * rng.uniform(0.5, 2.0, (n, 1))
    return bounds.Problem(X, rng.uniform(-1, 1, n), **options)


def exact_part(p, found):
    """(G, K, B clipped) in many digits, from X itself, of G/unit; K = S min(B, t) S with the very S of the clip."""
    X = mpmath.matrix(p.X.tolist())
    G = X * X.T / p.d / mpf(found.unit)
    root = [mpf(v) for v in found.roots.tolist()]
    B = mpmath.matrix(p.n, p.n)
    for a in range(p.n):
        for b in range(p.n):
            B[a, b] = root[a] * G[a, b] * root[b]
    values, vectors = mpmath.eigsy(B)
    clipped_values = mpmath.diag([min(v, mpf(found.level)) for v in values])
    part = vectors * clipped_values * vectors.T
    K = mpmath.matrix(p.n, p.n)
    for a in range(p.n):
        for b in range(p.n):
            K[a, b] = part[a, b] / root[a] / root[b]
    return G, K, part


def least(matrix):
    return min(mpmath.eigsy(matrix, eigvals_only=True))


def entrywise(A, B):
    return mpmath.matrix([[A[a, b] * B[a, b] for b in range(A.cols)] for a in range(A.rows)])


@pytest.mark.parametrize("seed", range(4))
def test_the_profile_in_sixty_digits(seed):
    """0 <= K <= G, K <= diag(gam); A and the extent of rho on the safe side of lambda_min(K o Q) and of L2 sqrt(max_a
    gam_a G_aa), and near them."""
    p = problem(seed, n=3 + seed % 2, d=5 if seed else 2)  # the first with n > d
    found = clipped.clip(p)
    H = np.random.default_rng(seed).standard_normal((6, p.n))
    profile = clipped.METHOD.a_posteriori(p, H)
    with mpmath.workdps(DIGITS):
        G, K, part = exact_part(p, found)
        tiny = mpf(10) ** -50
        assert least(K) >= -tiny
        assert least(G - K) >= -tiny
        gam = [mpf(found.level) / mpf(float(r)) ** 2 for r in found.roots]
        assert least(mpmath.diag(gam) - K) >= -tiny
        apart = mpmath.mnorm(part - mpmath.matrix(found.part.tolist()), "f")
        assert apart <= mpf(found.error)
        assert mpf(found.error) <= mpf(10) ** -12
        slope = [[mpmath.sech(mpf(h)) ** 2 for h in row] for row in H.tolist()]
        Q = mpmath.matrix(p.n, p.n)
        for a in range(p.n):
            for b in range(p.n):
                Q[a, b] = mpmath.fsum(row[a] * row[b] for row in slope) / len(H)
        smallest = found.unit * least(entrywise(K, Q))
        A = mpf(float(profile.A.lower()))
        assert smallest * (1 - mpf(10) ** -8) - mpf(10) ** -11 <= A <= smallest
        L2 = 4 / (3 * mpmath.sqrt(3))
        fall = L2 * found.unit * mpmath.sqrt(max(gam[a] * G[a, a] for a in range(p.n)))
        extent = mpf(float(profile.extent.upper()))
        assert extent <= mpmath.sqrt(A) / fall * (1 + mpf(10) ** -12)
        assert extent >= mpmath.sqrt(A) / fall * (1 - mpf(10) ** -7)


def test_the_width_in_many_digits():
    """lambda_min of K o Q^inf and of min(B, t) o Q^inf, Q^inf by a sum over a plane, and the matrix Chernoff bound."""
    p = problem(7)
    found = clipped.clip(p)
    prior = clipped.METHOD.a_priori(p, 0.05, 0.3)
    with mpmath.workdps(30):
        G, K, part = exact_part(p, found)
        step = mpf(1) / 4
        nodes = [step * k for k in range(-34, 35)]
        weight = [mpmath.npdf(z) * step for z in nodes]

        def mean(a, b):
            first, second = mpmath.sqrt(found.unit * G[a, a]), mpmath.sqrt(found.unit * G[b, b])
            rho = found.unit * G[a, b] / first / second
            rest = mpmath.sqrt(1 - rho * rho) if a != b else mpf(0)
            if a == b:
                return mpmath.fsum(w * mpmath.sech(first * z) ** 4 for z, w in zip(nodes, weight, strict=True))
            left = [mpmath.sech(first * z) ** 2 * w for z, w in zip(nodes, weight, strict=True)]
            return mpmath.fsum(
                u * w * mpmath.sech(second * (rho * z + rest * v)) ** 2
                for z, u in zip(nodes, left, strict=True)
                for v, w in zip(nodes, weight, strict=True)
            )

        Q = mpmath.matrix([[mean(a, b) for b in range(p.n)] for a in range(p.n)])
        whole, normalised = found.unit * least(entrywise(K, Q)), least(entrywise(part, Q))
        A = mpf(float(prior.profile.A.lower()))
        assert mpf("0.7") * whole * (1 - mpf(10) ** -6) <= A <= mpf("0.7") * whole * (1 + mpf(10) ** -12)
        width = mpf(found.level) / normalised * mpmath.log(3 / mpf("0.05"))
        width /= mpf("0.3") + mpf("0.7") * mpmath.log(mpf("0.7"))
        assert width <= mpf(float(prior.concentration.upper())) <= width * (1 + mpf(10) ** -6)


def reference_of_digits():
    return bounds.Problem(*load_builtin("digits"))


def test_it_lies_between_slopes_and_kernel_and_may_beat_both():
    p = reference_of_digits()
    asked = {m: bounds.guarantee(p, method=m, init="antisymmetric") for m in ("slopes", "clipped", "kernel")}
    assert asked["clipped"].scale < 0.9 * asked["slopes"].scale < asked["kernel"].scale
    assert asked["clipped"].rate > 5 * asked["slopes"].rate
    assert asked["clipped"].width < asked["kernel"].width / 30


def test_every_draw_keeps_the_promise():
    """lambda_min(K o Q^0) >= (1 - tau) lambda_min(K o Q^inf) in networks of the width that is asked for."""
    p = problem(11, n=6, d=4)
    found = clipped.clip(p)
    prior = clipped.METHOD.a_priori(p, 0.05, 0.5)
    pairs = int(np.ceil(float(prior.concentration.upper())))
    for seed in range(40):
        H = simulate.sample_network(p, width=pairs, scale=1.0, seed=seed).H
        slope = p.activation.slope(H)
        K = found.unit * found.part / np.outer(found.roots, found.roots)
        assert np.linalg.eigvalsh(K * (slope.T @ slope) / pairs)[0] >= float(prior.profile.A.lower())


@pytest.mark.parametrize("kap", [0.0, 2.0])
def test_the_residual_falls_as_the_profile_says(kap):
    """P >= [scale rho(s) - drift s]^2 ||r||^2 along a run in which features move, with a trained last layer too; ten
    times the bound is no bound."""
    p = problem(3, n=5, d=4, last_layer=kap)
    start = simulate.sample_network(p, width=60, scale=1.5, seed=0)
    rho = clipped.METHOD.a_posteriori(p, start.H)
    drift = float(METHODS["clipped"].drift(p).upper())
    run = simulate.gradient_flow(p, network=start, t_max=20.0)
    root, fall = float(rho.A.sqrt()), float(rho.A.sqrt() / rho.extent)
    s, size = run.path_length, np.sqrt(2 * run.loss)
    floor = np.maximum(1.5 * (root - fall * s) - drift * s, 0.0) * size
    assert np.all(np.sqrt(run.power) >= floor * (1 - 1e-6))
    assert np.any(floor[1:] > 0)
    assert np.any(np.sqrt(run.power) < 10 * floor)


def test_what_it_refuses():
    X, y = np.eye(3), np.ones(3)
    with pytest.raises(bounds.AssumptionError, match="kink"):
        bounds.guarantee(bounds.Problem(X, y, activation="relu"), method="clipped")
    zero = bounds.Problem(np.vstack([X, np.zeros(3)]), np.ones(4))
    with pytest.raises(bounds.AssumptionError, match="zero on its diagonal"):
        bounds.guarantee(zero, method="clipped")
    with pytest.raises(bounds.AssumptionError, match="Draw the embedding"):
        bounds.guarantee(bounds.Problem(X, y).within(0.01), method="clipped")
    twins = bounds.Problem(np.vstack([X, X[:1]]), np.ones(4))
    with pytest.raises(bounds.AssumptionError, match="Remove repeated data points"):
        bounds.guarantee(twins, method="clipped")


@pytest.mark.parametrize("power", [-200, -3, 4, 200])
def test_the_units_of_the_data_do_no_harm(power):
    """G times a power of two: t is chosen anew, and K stays as near to exact relative to G."""
    p = problem(5, n=4, d=6)
    H = np.tile(np.random.default_rng(0).standard_normal((9, 4)), (2, 1))
    signs = np.repeat([3000.0, -3000.0], 9)
    q = bounds.Problem.from_gram(p.gram * 2.0**power, p.y)
    assert bounds.certify(q, H, signs=signs, method="clipped").holds
    found, before = clipped.clip(q), clipped.clip(p)
    np.testing.assert_array_equal(found.roots, before.roots)
    assert (found.unit, found.error) == (before.unit * 2.0**power, pytest.approx(before.error, rel=0.1))


def test_an_error_of_the_state_is_a_path_of_its_size_over_the_least_feature():
    """As at a handover: an error e of h at every x_a is at most a further path e/sqrt(G_min); e/sqrt(G_max) is too
    short a path, which a datum of small G_aa shows."""
    p = bounds.Problem.from_gram(np.diag([1.0, 0.01]), [0.5, -0.5], activation="softplus")
    H, e = np.tile([3.0, 0.0], (4, 1)), 1e-3
    before, after = (clipped.METHOD.a_posteriori(p, h) for h in (H, H - np.array([0.0, e])))
    fall = float(before.A.sqrt() / before.extent)
    least = {g: float(before.A.sqrt()) - fall * e / np.sqrt(g) for g in (0.01, 1.0)}
    assert least[0.01] <= float(after.A.sqrt()) < least[1.0]
