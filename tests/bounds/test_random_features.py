"""Random features: the kernels, the limit Gram matrix, drawing, and how large D must be."""

import itertools
import math

import mpmath
import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

import bounds
from bounds.activation.gaussian_kernels import CLOSED, polynomial_kernel, value_kernel
from bounds.data.datasets import load_builtin
from bounds.methods.embedding_dim import LOWER_TAILS, TAILS, dim_for_distance, gram_range

KERNELS = [n for n in bounds.known_activations() if n not in ("elu", "clip")]
ROOTS, WEIGHTS = np.polynomial.legendre.leggauss(80)


def panels(kink):
    """Gauss-Legendre nodes and weights for the normal density on +-9, cut where the integrand has a kink."""
    cuts = [-9.0, min(max(kink, -8.9), 8.9), 9.0]
    points, weights = [], []
    for a, b in itertools.pairwise(cuts):
        points.append((a + b) / 2 + (b - a) / 2 * ROOTS)
        weights.append((b - a) / 2 * WEIGHTS)
    z, w = np.concatenate(points), np.concatenate(weights)
    return z, w * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def quadrature(f, a, b, c):
    """E f(u) f(v) with the inner integral cut at v = 0."""
    total = 0.0
    rho = c / math.sqrt(a * b)
    for z, w in zip(*panels(0.0), strict=True):
        rest = math.sqrt(max(1 - rho * rho, 1e-300))
        inner, weights = panels(-rho * z / rest)
        v = math.sqrt(b) * (rho * z + rest * inner)
        total += w * float(f(math.sqrt(a) * z)) * float(np.sum(weights * f(v)))
    return total


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize(("a", "b", "rho"), [(0.7, 1.3, 0.35), (1.9, 0.2, -0.8), (1.0, 1.0, 0.97)])
def test_kernels_against_quadrature(name, a, b, rho):
    act = bounds.get_activation(name)
    c = rho * math.sqrt(a * b)
    K, error = value_kernel(act, np.array([a]), np.array([b]), np.array([[c]]))
    assert error < 1e-8
    assert K[0, 0] == pytest.approx(quadrature(act.value, a, b, c), rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "erf", "gelu", "sin", "cos"])
@settings(deadline=None, max_examples=25, derandomize=True)
@given(a=st.floats(1e-3, 30), b=st.floats(1e-3, 30), rho=st.floats(-1, 1))
def test_closed_forms_keep_their_digits(name, a, b, rho):
    """The stated error against the same formulas in 40 digits, near rho = 1 too; ReLU from its textbook form."""
    act = bounds.get_activation(name)
    with mpmath.workdps(40):
        A, B = mpmath.mpf(a), mpmath.mpf(b)
        c = mpmath.mpf(rho * math.sqrt(a * b))
        bound = mpmath.sqrt(A * B)
        c = max(min(c, bound), -bound)

        def relu(covariance):
            angle = mpmath.acos(covariance / bound)
            return bound * (mpmath.sin(angle) + (mpmath.pi - angle) * mpmath.cos(angle)) / (2 * mpmath.pi)

        T = mpmath.mpf(1) / 4 + mpmath.asin(c / mpmath.sqrt((1 + A) * (1 + B))) / (2 * mpmath.pi)
        D = 1 / (2 * mpmath.pi * mpmath.sqrt((1 + A) * (1 + B) - c * c))
        exact = {
            "relu": lambda: relu(c),
            "leaky_relu": lambda: (1 + mpmath.mpf("0.01") ** 2) * relu(c) - mpmath.mpf("0.02") * relu(-c),
            "erf": lambda: 2 / mpmath.pi * mpmath.asin(2 * c / mpmath.sqrt((1 + 2 * A) * (1 + 2 * B))),
            "gelu": lambda: c * T + D * (A * B + c * c * (1 / (1 + A) + 1 / (1 + B) - 1)),
            "sin": lambda: mpmath.exp(-(A + B) / 2) * mpmath.sinh(c),
            "cos": lambda: mpmath.exp(-(A + B) / 2) * mpmath.cosh(c),
        }[name]()
        K, error = value_kernel(act, np.array([a]), np.array([b]), np.array([[float(c)]]))
        first, second = (float(v) for v in _squares(act, a, b))
        # |dK/dc| <= Ls^2: the float c differs from the exact one by a rounding.
        slack = float(act.Ls) ** 2 * 4e-16 * math.sqrt(a * b)
        assert abs(K[0, 0] - float(exact)) <= error * math.sqrt(first * second) + slack


def _squares(act, a, b):
    from bounds.activation.gaussian import value_square

    return value_square(act, arb(a)), value_square(act, arb(b))


@pytest.mark.parametrize("name", ["relu", "gelu", "tanh", "sin", "softplus"])
def test_kernels_agree_with_monte_carlo(name):
    """Five standard errors of 10^6 draws: fails by chance less than once in a million."""
    act = bounds.get_activation(name)
    a, b, c = 0.8, 1.7, -0.6
    u, v = np.random.default_rng(5).multivariate_normal([0, 0], [[a, c], [c, b]], 1_000_000).T
    sample = act.value(u) * act.value(v)
    K, _ = value_kernel(act, np.array([a]), np.array([b]), np.array([[c]]))
    assert abs(K[0, 0] - sample.mean()) <= 5 * sample.std() / 1000


def test_polynomial_kernel_is_exact():
    kernel = polynomial_kernel([0.5, -1.0, 0.25, 2.0])
    a, b, c = 0.7, 1.3, 0.4
    # E of (u^p v^q) by Isserlis for the products that occur.
    moment = {
        (0, 0): 1, (0, 2): b, (2, 0): a, (1, 1): c, (2, 2): a * b + 2 * c * c, (1, 3): 3 * b * c, (3, 1): 3 * a * c,
        (3, 3): 9 * a * b * c + 6 * c**3,
    }  # fmt: skip
    p = [0.5, -1.0, 0.25, 2.0]
    exact = sum(p[i] * p[j] * moment.get((i, j), 0.0) for i in range(4) for j in range(4))
    assert kernel(np.array(a), np.array(b), np.array(c)) == pytest.approx(exact, rel=1e-14)
    assert set(CLOSED) <= set(bounds.known_activations())


def test_kinked_activations_without_a_closed_form_are_refused():
    with pytest.raises(bounds.AssumptionError, match="elu"):
        bounds.Problem(np.eye(3), np.ones(3), embedding=bounds.RandomFeatures(activation="elu"))


@pytest.fixture(scope="module")
def data():
    return load_builtin("experiment-1", n=12, d=6)


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("activation", ["relu", "erf"])
def test_the_drawn_gram_tends_to_the_limit(data, depth, activation):
    """Each entry within six standard errors of the limit: ||phi||^4 bounds the variance, layers add up."""
    problem = bounds.Problem(*data, embedding=bounds.RandomFeatures(depth=depth, activation=activation))
    D = 3000
    drawn = problem.draw(dim=D, seed=3)
    size = math.sqrt(np.outer(np.diagonal(problem.gram), np.diagonal(problem.gram)).max())
    assert np.max(np.abs(drawn.gram - problem.gram)) <= 6 * depth * 3 * size / math.sqrt(D)
    assert problem.spectrum.lmin[0] > 0
    assert drawn.embedding.dim == D
    assert not drawn.random
    assert problem.random


def test_a_realisation_is_the_same_at_every_x_and_in_every_batch(data):
    drawn = bounds.RandomFeatures(depth=2, dim=1500, seed=7)
    X = data[0]
    np.testing.assert_array_equal(drawn.features(X)[:4], drawn.features(X.copy())[:4])
    np.testing.assert_allclose(drawn.gram(X, X[:5]), drawn.gram(X, X)[:, :5], rtol=1e-13)
    shallow = bounds.RandomFeatures(depth=1, dim=1500, seed=7)
    wider = bounds.RandomFeatures(depth=1, dim=2500, seed=7)
    np.testing.assert_allclose(wider.features(X)[:, :1500], shallow.features(X), rtol=1e-13, atol=1e-15)
    assert not np.allclose(bounds.RandomFeatures(dim=1500, seed=8).features(X), shallow.features(X))


def test_gelu_features_of_large_inputs_are_not_certified_too_high():
    """Two nearly parallel large inputs: (1 + a)(1 + b) - c^2 cancels, and the true lambda_min is tiny."""
    for s, eps in ((1.6e4, 1e-6), (1.6e4, 3e-8), (5e3, 3e-7)):
        X = np.array([[s, 0.9 * s], [s, s * (0.9 + eps)]])
        problem = bounds.Problem(X, np.ones(2), embedding=bounds.RandomFeatures(activation="gelu"))
        with mpmath.workdps(60):
            rows = [[mpmath.mpf(v) for v in row] for row in X.tolist()]

            def kernel(p, q, rows=rows):
                a, b = (mpmath.fdot(rows[k], rows[k]) / 2 for k in (p, q))
                c = mpmath.fdot(rows[p], rows[q]) / 2
                A, B = 1 + a, 1 + b
                T = mpmath.mpf(1) / 4 + mpmath.asin(c / mpmath.sqrt(A * B)) / (2 * mpmath.pi)
                D = 1 / (2 * mpmath.pi * mpmath.sqrt(A * B - c * c))
                return c * T + D * (a * b + c * c * (1 / A + 1 / B - 1))

            exact = mpmath.eigsy(mpmath.matrix([[kernel(0, 0), kernel(0, 1)], [kernel(1, 0), kernel(1, 1)]]))[0]
            low, high = problem.spectrum.lmin
            assert low <= min(exact) <= high


def test_limit_gram_error_covers_the_recursion(data):
    """The depth-3 limit again in 40 digits, by the arc-cosine recursion."""
    X = data[0][:5]
    problem = bounds.Problem(X, np.ones(5), embedding=bounds.RandomFeatures(depth=3))
    with mpmath.workdps(40):
        n, d = X.shape
        K = [[mpmath.fsum(mpmath.mpf(x) * mpmath.mpf(z) for x, z in zip(X[a], X[b], strict=True)) / d for b in range(n)]
             for a in range(n)]  # fmt: skip
        for _ in range(3):

            def next_layer(a, b, K=K):
                root = mpmath.sqrt(K[a][a] * K[b][b])
                angle = mpmath.acos(min(max(K[a][b] / root, -1), 1))
                return root * (mpmath.sin(angle) + (mpmath.pi - angle) * mpmath.cos(angle)) / (2 * mpmath.pi)

            K = [[next_layer(a, b) for b in range(n)] for a in range(n)]
        error = problem.gram_relative_error
        for a in range(n):
            for b in range(n):
                assert abs(problem.gram[a, b] - float(K[a][b])) <= error * math.sqrt(float(K[a][a] * K[b][b])) + 1e-18


def test_every_tail_bound_covers_the_draws(data):
    """Embeddings of the dimension that is proved by a certificate: lambda_min(G) >= lambda_min(Gbar)/2 fails in at most
    5%."""
    problem = bounds.Problem(*data, embedding=bounds.RandomFeatures(activation="erf"))
    half = problem.spectrum.lmin[0] / 2
    dims = {tail: bounds.required_embedding_dim(problem, 0.05, tail=tail) for tail in TAILS}
    assert bounds.required_embedding_dim(problem, 0.05, tail="best") == min(dims[t] for t in LOWER_TAILS)
    assert dims["monte-carlo"] < dims["whitened"] < dims["chernoff"] < dims["moments"] < dims["lemma-4"]
    failures = 0
    for seed in range(40):
        drawn = problem.draw(dim=dims["monte-carlo"], seed=seed)
        failures += drawn.spectrum.lmin[0] < half
    assert failures <= 8  # P(more than 8 of 40 at 5%) < 1e-4


def test_theorem_2_holds_for_every_gram_matrix_within_the_radius(data):
    """Guarantees of `within` are weaker than those of any matrix inside the ball."""
    problem = bounds.Problem(*data, embedding=bounds.RandomFeatures(depth=2))
    radius = problem.spectrum.lmin[0] / 2
    g = bounds.guarantee(problem, 0.1, init="antisymmetric", method="slopes")
    assert g.embedding_dim == dim_for_distance(problem, 0.05, radius)
    assert "Theorem 2" in g.source
    rng = np.random.default_rng(0)
    for _ in range(5):
        noise = rng.standard_normal((12, 12))
        noise = noise + noise.T
        G = problem.gram + 0.99 * radius * noise / np.linalg.norm(noise, 2)
        inside = bounds.Problem.from_gram((G + G.T) / 2, problem.y)
        fixed = bounds.guarantee(inside, 0.05, init="antisymmetric", method="slopes", scale=g.scale)
        assert fixed.width <= g.width
        assert fixed.rate >= g.rate


def test_theorem_3_holds_for_every_gram_matrix_of_its_range(data):
    """One layer: the lower tail and the diagonal. Guarantees of `given` are weaker than those of the matrices drawn."""
    problem = bounds.Problem(*data, embedding=bounds.RandomFeatures())
    g = bounds.guarantee(problem, 0.1, init="antisymmetric", method="slopes")
    assert g.embedding_dim == bounds.required_embedding_dim(problem, 0.025, tail="whitened")
    assert "Theorem 3" in g.source
    known = gram_range(problem, g.embedding_dim, 0.025)
    assert known.spectrum.lmin[0] == pytest.approx(problem.spectrum.lmin[0] / 2)
    for seed in range(20):  # each may fail with probability 0.05, and fails far less often
        drawn = problem.draw(dim=g.embedding_dim, seed=seed)
        assert all(a.contains(b) for a, b in zip(known.diagonal, map(float, np.diagonal(drawn.gram)), strict=True))
        assert known.spectrum.lmin[0] <= drawn.spectrum.lmin[0]
        assert drawn.spectrum.lmax[1] <= known.spectrum.lmax[1]
        fixed = bounds.guarantee(drawn, 0.05, init="antisymmetric", method="slopes", scale=g.scale)
        assert fixed.width <= g.width
        assert fixed.rate >= g.rate
    with pytest.raises(bounds.AssumptionError, match="Draw the embedding"):
        bounds.guarantee(problem.given(known), method="kernel")
    with pytest.raises(bounds.AssumptionError, match="draw the embedding"):
        bounds.certify(problem.given(known), np.zeros((4, 12)), signs=np.ones(4))


def test_the_range_of_the_diagonal_covers_nearly_every_draw(data):
    """A hundred features: P(the diagonal leaves its range) <= delta, with delta = 0.5 so that failures could be
    seen."""
    problem = bounds.Problem(*data, embedding=bounds.RandomFeatures(activation="softplus"))
    known = gram_range(problem, 100, 0.5)
    rough = [float(ball.rad() / ball.mid()) for ball in known.diagonal]
    assert min(rough) > 0.05
    assert max(rough) < 1
    diagonals = [np.diagonal(problem.draw(dim=100, seed=seed).gram) for seed in range(200)]
    outside = [any(not a.contains(float(b)) for a, b in zip(known.diagonal, d, strict=True)) for d in diagonals]
    assert sum(outside) <= 100


def test_all_layers_but_the_last_are_drawn(data):
    problem = bounds.Problem(*data, embedding=bounds.RandomFeatures(depth=3))
    last = problem.draw_inner(dim=400, seed=3)
    inner = bounds.RandomFeatures(2, "relu", 400, 3)
    np.testing.assert_array_equal(last.X, inner.features(problem.X))
    assert last.embedding == bounds.RandomFeatures()
    assert bounds.required_embedding_dim(last, tail="whitened") < bounds.required_embedding_dim(problem) / 1e4
    with pytest.raises(bounds.AssumptionError, match="at least two random layers"):
        last.draw_inner(dim=10)


def test_depth_makes_the_proved_dimension_larger_and_the_errors_are_typed(data):
    one, two = (bounds.Problem(*data, embedding=bounds.RandomFeatures(depth=k)) for k in (1, 2))
    assert bounds.required_embedding_dim(two) > 10**6 > bounds.required_embedding_dim(one)
    with pytest.raises(bounds.AssumptionError, match="depth = 1"):
        bounds.required_embedding_dim(two, tail="moments")
    with pytest.raises(bounds.AssumptionError, match=r"draw_inner\(dim=D\)"):
        bounds.required_embedding_dim(two, tail="whitened")
    with pytest.raises(bounds.AssumptionError, match="bounded activation"):
        bounds.required_embedding_dim(one, tail="chernoff")
    with pytest.raises(bounds.ArgumentError, match="Did you mean 'chernoff'"):
        bounds.required_embedding_dim(one, tail="chernof")
    with pytest.raises(bounds.AssumptionError, match="random embedding"):
        bounds.required_embedding_dim(bounds.Problem(*load_builtin("reference")))
    with pytest.raises(bounds.AssumptionError, match="draw"):
        bounds.guarantee(one, method="kernel")
    with pytest.raises(bounds.AssumptionError, match="draw"):
        bounds.certify(one, np.zeros((4, 12)), signs=np.ones(4))
    with pytest.raises(bounds.AssumptionError, match="can be drawn"):
        bounds.Problem(*data).draw(dim=10)
    with pytest.raises(bounds.ArgumentError, match="depth"):
        bounds.RandomFeatures(depth=0)
    with pytest.raises(bounds.ArgumentError, match="dim"):
        one.draw(dim=0)


def test_embeddings_are_named_and_read_back():
    from bounds.data.embeddings import embedding_name, get_embedding

    for text in ("identity", "quadratic", "random-features:depth=2,activation=erf,dim=64,seed=5"):
        assert embedding_name(get_embedding(text)) == text
    assert get_embedding("random-features").random
    for bad in ("random-features:depht=2", "random-features:depth=x", "identiti"):
        with pytest.raises(bounds.ArgumentError):
            get_embedding(bad)


def closed_form(name, a, b, c):
    """E sigma(u) sigma(v) from balls; the formulas themselves are tested by quadrature above."""
    pi = arb.pi()
    if name == "erf":
        return 2 / pi * (2 * c / ((1 + 2 * a) * (1 + 2 * b)).sqrt()).asin()
    if name == "gelu":
        A, B = 1 + a, 1 + b
        T = arb(1) / 4 + (c / (A * B).sqrt()).asin() / (2 * pi)
        return c * T + (a * b + c * c * (1 / A + 1 / B - 1)) / (2 * pi * (A * B - c * c).sqrt())
    sign = -1 if name == "sin" else 1
    return ((c - (a + b) / 2).exp() + sign * (-c - (a + b) / 2).exp()) / 2


@pytest.mark.parametrize("name", ["erf", "gelu", "sin", "cos"])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e2, 1e4, 1e8])
def test_closed_forms_err_by_no_more_than_they_say(name, size):
    """Near correlation one the arguments cancel: the exponent c - (a + b)/2 of sin carries roundings of size a."""
    rng = np.random.default_rng(2)
    for _ in range(60):
        a = size * rng.uniform(0.5, 2)
        b = a * (1 + rng.uniform(-1, 1) * 10.0 ** -rng.integers(0, 12))
        c = rng.choice([-1, 1]) * (1 - 10.0 ** -rng.uniform(0.1, 16)) * math.sqrt(a * b)
        K, error = value_kernel(bounds.get_activation(name), np.array([a]), np.array([b]), np.array([[c]]))
        with ctx.workprec(400):
            exact = closed_form(name, arb(a), arb(b), arb(c))
            norm = (closed_form(name, arb(a), arb(a), arb(a)) * closed_form(name, arb(b), arb(b), arb(b))).sqrt()
            assert abs(arb(float(K[0, 0])) - exact) <= error * norm
