"""A thousand random problems: every certified number against the same quantity in 60 digits, from X and y exactly.

Nothing here uses the package's own formulas: the statements of docs/theory.md are written out again, in mpmath, for
ReLU (closed forms) and tanh (trapezoidal sums of 60 digits).
"""

import math
from statistics import NormalDist
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import bounds
from bounds.numerics.arithmetic import float_down
from tests.bounds.tanh_decimals import ONE, slopes_of_tanh, tanh_moments, weights

DIGITS = 60
PROBLEMS = 1000
BATCHES = 20
FLOATS = SimpleNamespace(number=float, sqrt=math.sqrt, exp=math.exp, cdf=NormalDist().cdf)
DECIMALS = SimpleNamespace(number=mpf, sqrt=mpmath.sqrt, exp=mpmath.exp, cdf=mpmath.ncdf)


def random_problem(seed):
    """Sizes, conditioning, scales of X and y over decades; repeated norms now and then."""
    rng = np.random.default_rng([2204, seed])
    n = int(rng.integers(1, 6))
    d = n + int(rng.integers(0, 6))
    X = rng.standard_normal((n, d)) * 10 ** rng.uniform(-1.5, 1.0)
    if rng.random() < 0.3 and n > 1:
        X[1] = X[0] + 10 ** rng.uniform(-3, -1) * rng.standard_normal(d)  # nearly parallel
    if rng.random() < 0.2:
        X = X / np.linalg.norm(X, axis=1, keepdims=True)
    y = rng.uniform(-1, 1, n) * 10 ** rng.uniform(-3, 3)
    activation = "tanh" if seed % 5 == 0 else "relu"
    return (
        bounds.Problem(X, y, activation=activation),
        float(10 ** rng.uniform(-6, -0.5)),
        float(rng.uniform(0.05, 0.9)),
    )


class Exact:
    """G, its spectrum and ||y|| of a problem, in 60 digits."""

    def __init__(self, problem):
        rows = [[mpf(v) for v in row] for row in problem.X.tolist()]
        n, d = problem.X.shape
        self.G = mpmath.matrix(n, n)
        for a in range(n):
            for b in range(n):
                self.G[a, b] = mpmath.fdot(rows[a], rows[b]) / d
        values = list(mpmath.eigsy(self.G, eigvals_only=True))
        self.n, self.lmin, self.lmax = n, min(values), max(values)
        self.diagonal = [self.G[a, a] for a in range(n)]
        self.y = mpmath.sqrt(mpmath.fsum(mpf(v) ** 2 for v in problem.y.tolist()))


def moments(activation, g):
    """(E sigma'^2, E sigma'^4, E sigma, E sigma^2) under N(0, g)."""
    if activation == "relu":
        half = mpf(1) / 2
        return half, half, mpmath.sqrt(g / (2 * mpmath.pi)), g / 2
    second, fourth, square = tanh_moments(g)
    return second, fourth, mpf(0), square


def mass(left, right, g):
    root = mpmath.sqrt(2 * g)
    return (mpmath.erf(mpf(right) / root) - mpmath.erf(mpf(left) / root)) / 2


def slope_floor(activation, interval):
    return mpf(1) if activation == "relu" else min(mpmath.sech(mpf(end)) ** 2 for end in interval)


def initial_output(activation, exact, delta):
    found = [moments(activation, g) for g in exact.diagonal]
    mean = mpmath.sqrt(mpmath.fsum(m[2] ** 2 for m in found))
    variance = mpmath.fsum(m[3] - m[2] ** 2 for m in found)
    return (
        mean * mpmath.sqrt(2 * mpmath.log(4 / delta))
        + mpmath.sqrt(variance)
        + mpmath.sqrt(2 * exact.lmax * mpmath.log(2 / delta))
    )


def disc(x):
    return 2 / mpmath.pi * (x * mpmath.sqrt(1 - x * x) + mpmath.asin(x))


def disc_quantile(beta):
    return mpmath.findroot(lambda x: disc(x) - beta, mpf(beta) * mpf("0.8"), tol=mpf(10) ** -50)


def binomial_failure(m, share, probabilities):
    """Sum over the probabilities of P(Bin(m, p) < share m), term by term: the largest in 60 digits, the others by their
    float64 ratios to it, which err by less than 1e-11."""
    few, total = int(mpmath.ceil(share * m)) - 1, mpf(0)
    for p in probabilities:
        odds, ratio, ratios = float((1 - p) / p), 1.0, 0.0
        for j in range(few, -1, -1):
            ratios += ratio
            ratio *= j * odds / (m - j + 1)
            if ratio < ratios * 1e-15:
                break
        total += mpmath.binomial(m, few) * p**few * (1 - p) ** (m - few) * ratios
    return total


def chernoff(m, theta, level, laplaces):
    """Sum over the data of (exp(theta level) E exp(-theta X_a))^m, laplaces the E exp(-theta X_a)."""
    return mpmath.fsum(mpmath.exp(m * (theta * level + mpmath.log(value))) for value in laplaces)


def statement(method, activation, exact, g, tau):
    """(a, failure(m), remaining(beta)) of the method with the choices that the guarantee reports; failure(m): a bound
    of the probability that the profile fails at m independent neurons."""
    Gmax = max(exact.diagonal)
    if method in ("markov", "chebyshev"):
        interval, xi = g.constants["interval"], mpf(float_exact(g.constants["xi"]))
        slope = slope_floor(activation, [e for e in interval if np.isfinite(e)])
        masses = [mass(interval[0] + float(xi), interval[1] - float(xi), v) for v in exact.diagonal]
        eta = (1 - mpf(tau)) * min(masses)
        A = exact.lmin * slope**2 * eta

        def failure(m):
            return binomial_failure(m, eta, masses)

        if method == "markov":
            a = 3 * mpmath.sqrt(Gmax / exact.lmin) / (2 * slope * xi * eta ** mpf(1.5))
            return a, failure, lambda beta: A * (1 - beta) ** (mpf(2) / 3)
        a = 4 / mpmath.pi * mpmath.sqrt(Gmax / exact.lmin) / (slope * xi * eta)
        return a, failure, lambda beta: A * (1 - disc_quantile(beta) ** 2)
    if method == "repaired":
        left, right = (mpf(e) for e in g.constants["interval"])
        edge, slope = max(abs(left), abs(right)), slope_floor(activation, g.constants["interval"])
        K = (
            (right - left)
            / (6 * mpmath.sqrt(2 * mpmath.pi * Gmax))
            * mpmath.exp(-(edge**2) / (2 * min(exact.diagonal)))
        )
        a = mpf(9) / 2 * exact.lmax / (slope * exact.lmin * (right - left) * K ** mpf(1.5))
        A = exact.lmin * slope**2 * K
        return a, lambda m: exact.n * mpmath.exp(-2 * K**2 * m), lambda beta: A * (1 - beta) ** (mpf(2) / 3)
    if method == "envelope":
        nu = mpf(float_exact(g.constants["nu"]))
        t = 1 / mpmath.sqrt(nu)
        above, half, density = 1 - mpmath.ncdf(t), mpmath.ncdf(t) - mpf(1) / 2, mpmath.npdf(t)
        A = (1 - mpf(tau)) * ((half - t * density) / t**2 + above)
        a = 4 * mpmath.sqrt(nu) / (mpmath.pi * mpmath.sqrt(exact.lmin) * A)

        def laplace(theta, o):  # of X = min(1, nu z^2) on z > 0, the same for every datum
            number = o.number
            wide = o.sqrt(1 + 2 * theta * number(nu))
            return 0.5 + (o.cdf(wide * number(t)) - 0.5) / wide + o.exp(-theta) * number(above)

        def rough(theta):  # theta is chosen in float64
            return theta * float(A) + math.log(laplace(theta, FLOATS))

        theta = mpf(min(np.geomspace(0.05, 100, 300).tolist(), key=rough))
        exponent = theta * A + mpmath.log(laplace(theta, DECIMALS))

        def failure(m):
            return exact.n * mpmath.exp(m * exponent)

        return a, failure, lambda beta: exact.lmin * A * (1 - disc_quantile(beta) ** 2)
    found = [moments(activation, v) for v in exact.diagonal]
    q2 = (1 - mpf(tau)) * min(m[0] for m in found)
    a = 2 * 4 / (3 * mpmath.sqrt(3)) * mpmath.sqrt(Gmax) / (mpmath.sqrt(exact.lmin) * q2)
    slopes = [[mpf(slope * slope // ONE) / ONE for slope in slopes_of_tanh(mpmath.sqrt(v), 16)] for v in exact.diagonal]
    masses = [mpf(w) / ONE for w in weights(16)]
    rough, rough_masses = np.array(slopes, dtype=float), np.array(masses, dtype=float)
    grid = np.geomspace(0.05, 1000, 300)  # theta is chosen in float64
    with np.errstate(divide="ignore"):  # exp underflows at the largest theta
        worst = [float(np.max(u * float(q2) + np.log(np.exp(-u * rough) @ rough_masses))) for u in grid.tolist()]
    theta = mpf(float(grid[int(np.argmin(worst))]))
    laplaces = [mpmath.fsum(w * mpmath.exp(-theta * x) for w, x in zip(masses, row, strict=True)) for row in slopes]

    def failure(m):
        return chernoff(m, theta, q2, laplaces)

    return a, failure, lambda beta: exact.lmin * q2 * (1 - beta)


def float_exact(ball):
    return float(ball.mid())


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_certified_number_is_on_the_wrong_side(batch):
    looked_at = 0
    with mpmath.workdps(DIGITS):
        for seed in range(batch, PROBLEMS, BATCHES):
            problem, delta, beta = random_problem(seed)
            activation = problem.activation.name
            exact = Exact(problem)
            low, high = problem.spectrum.lmin
            assert mpf(low) <= exact.lmin <= mpf(high)
            assert mpf(problem.spectrum.lmax[0]) <= exact.lmax <= mpf(problem.spectrum.lmax[1])
            method = ("markov", "chebyshev", "repaired", "envelope" if activation == "relu" else "slopes")[seed % 4]
            init = ("independent", "antisymmetric")[seed // 4 % 2]
            try:
                g = bounds.guarantee(problem, delta, method=method, init=init, beta=beta)
            except bounds.AssumptionError:
                continue
            looked_at += 1
            check(problem, exact, g, statement(method, activation, exact, g, 0.2), delta, beta, init)
    assert looked_at > PROBLEMS // BATCHES // 2


def check(problem, exact, g, stated, delta, beta, init):
    a, failure, remaining = stated
    c, m = mpf(g.scale), mpf(g.width)
    pairs = init == "antisymmetric"
    enough = int(mpmath.ceil(mpf(float_exact(g.constants["concentration"]))))
    assert m >= enough * (2 if pairs else 1)
    for more in (0, 1, 7):  # f^0 = 0 for pairs, so that all of delta may be spent on the slopes
        assert failure(enough + more) <= mpf(delta) / (1 if pairs else 2) * (1 + mpf(10) ** -3)
    if pairs:
        used = a * exact.y / c
    else:
        B = initial_output(problem.activation.name, exact, mpf(delta) / 2)
        used = a * (exact.y / c + B / mpmath.sqrt(m))
        if g.dominant == "initial output":
            less = a * (exact.y / c + B / mpmath.sqrt(m * mpf("0.999") - 1)) if m > 10 else mpf(1)
            assert less > mpf(beta) * mpf("0.999")  # and the width is no larger than it has to be
    assert used <= mpf(g.beta) <= mpf(beta) * (1 + mpf(10) ** -8)
    assert mpf(g.rate) <= 2 * c**2 * remaining(mpf(g.beta)) * (1 + mpf(10) ** -40)
    assert mpf(g.rate) >= 2 * c**2 * remaining(mpf(g.beta)) * mpf("0.98") - mpf(10) ** -300
    assert mpf(g.critical_scale) >= a * exact.y


def test_the_reference_itself_can_fail():
    """A rate rounded up by one part in 1e7 is caught."""
    with mpmath.workdps(DIGITS):
        problem, delta, beta = random_problem(1)
        exact = Exact(problem)
        g = bounds.guarantee(problem, delta, method="chebyshev", beta=beta)
        _, _, remaining = statement("chebyshev", "relu", exact, g, 0.2)
        allowed = 2 * mpf(g.scale) ** 2 * remaining(mpf(g.beta))
        assert mpf(g.rate) <= allowed < mpf(g.rate) * (1 + mpf(10) ** -7)
        assert float_down(problem.gmin) > 0
