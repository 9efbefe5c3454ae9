"""Trained biases: an exact change of the Gram matrix, so that affine independence takes the place of linear."""

import pickle

import numpy as np
import pytest

import bounds
import simulate
from bounds.cli import main
from bounds.command_line import run
from bounds.data.datasets import load_builtin
from bounds.data.embeddings import get_embedding


def data(n=5, d=4, seed=1):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.uniform(-1, 1, n)


@pytest.mark.parametrize("embedding", [bounds.Identity(), bounds.Quadratic(), bounds.RandomFeatures(1, "relu")])
def test_the_gram_matrix_gains_a_constant(embedding):
    X, y = data()
    plain, biased = (bounds.Problem(X, y, embedding=embedding, bias=bias) for bias in (None, 0.7))
    np.testing.assert_allclose(biased.gram, plain.gram + 0.49, rtol=1e-15)
    assert (plain.bias, biased.bias) == (None, 0.7)
    assert biased.without_bias().embedding is embedding
    assert pickle.loads(pickle.dumps(biased)).bias == 0.7
    if embedding != bounds.RandomFeatures(1, "relu"):
        assert get_embedding(biased.embedding_name) == biased.embedding


def test_the_rounding_of_the_gram_matrix_is_enclosed():
    """Against G + b_0^2 in exact rational arithmetic; the entries are far from short binary fractions."""
    from fractions import Fraction

    X, y = data(6, 3, seed=4)
    biased = bounds.Problem(X, y, bias=0.1)
    for a in range(6):
        for b in range(6):
            exact = sum((Fraction(u) * Fraction(v) for u, v in zip(X[a], X[b], strict=True)), Fraction(0)) / 3
            exact += Fraction(0.1) ** 2
            allowed = biased.gram_relative_error * np.sqrt(biased.gram[a, a] * biased.gram[b, b])
            assert abs(float(Fraction(float(biased.gram[a, b])) - exact)) <= allowed


def test_one_more_point_than_dimensions_is_guaranteed():
    """n = d + 1 affinely independent points: no method but the kernel's applies without biases."""
    X, y = data()
    with pytest.raises(bounds.AssumptionError, match=r"n=5 > d=4.*train biases \(bias=1\.0, --bias 1\)"):
        bounds.guarantee(bounds.Problem(X, y), method="slopes")
    problem = bounds.Problem(X, y, bias=1.0)
    g = bounds.guarantee(problem, method="slopes", init="antisymmetric")
    assert g.rate > 0
    assert bounds.table(problem)["width"].notna().any()


def test_affine_dependence_is_named():
    X, y = data(7)
    with pytest.raises(bounds.AssumptionError, match=r"n=7 > d\+1=5.*affinely dependent.*at most 5 affinely"):
        bounds.guarantee(bounds.Problem(X, y, bias=1.0), method="slopes")
    line = np.array([[0.0, 1.0, 0.0], [0.0, 2.0, 0.0], [0.0, 3.0, 0.0]])
    with pytest.raises(bounds.AssumptionError, match=r"affinely dependent rows.*at most 2 affinely"):
        bounds.guarantee(bounds.Problem(line, y[:3], bias=1.0), method="slopes")


@pytest.mark.parametrize("bias", [0.0, -1.0, float("nan"), "much", 1e200])
def test_a_bias_out_of_range_is_refused(bias):
    with pytest.raises(bounds.ArgumentError, match=r"bias must be None, or the standard deviation"):
        bounds.Problem(*data(), bias=bias)


def test_names_of_embeddings_with_biases():
    for text in ("identity+bias=1+bias=2", "identity" + "+bias=1" * 5000):
        with pytest.raises(bounds.ArgumentError, match=r"biases once"):
            get_embedding(text)
    with pytest.raises(bounds.ArgumentError, match=r"bias must be None, or the standard deviation"):
        get_embedding("identity+bias=much")
    with pytest.raises(bounds.ArgumentError, match=r"without biases where bias is given"):
        bounds.Problem(*data(), embedding=get_embedding("quadratic+bias=2"), bias=1.0)


def test_a_guarantee_for_random_features_with_biases():
    """Random features with biases: the embedding dimension of the features, lambda_min no smaller, G_aa + b_0^2."""
    X, y = data(6, 3)
    features = bounds.RandomFeatures(1, "relu")
    plain, biased = (bounds.Problem(X, y, embedding=features, bias=bias) for bias in (None, 0.5))
    one, two = (bounds.guarantee(p, method="slopes", init="antisymmetric") for p in (plain, biased))
    assert two.embedding_dim == one.embedding_dim
    assert two.constants["lambda_min"] == one.constants["lambda_min"]
    assert two.scale > one.scale
    drawn = biased.draw(dim=two.embedding_dim, seed=3)
    assert drawn.bias == 0.5
    assert drawn.spectrum.lmin[0] >= float(two.constants["lambda_min"])


def test_weights_and_biases_go_in_and_come_out():
    """The last column of W holds the b_i: h = W x/sqrt(d) + b_0 b, before and after a run, at test points too."""
    X, y = data()
    rng = np.random.default_rng(2)
    W, c, new = rng.standard_normal((32, 5)), 2.0 * np.sign(rng.standard_normal(32)), rng.standard_normal((3, 4))
    problem = bounds.Problem(X, y, bias=0.5)

    def h(weights, points):
        return weights[:, :4] @ points.T / 2 + 0.5 * weights[:, 4:]

    network = simulate.network_of_weights(problem, W, c, X_test=new)
    np.testing.assert_allclose(network.H, h(W, X), rtol=0, atol=1e-14)
    run = simulate.gradient_flow(problem, network=network, X_test=new, t_max=3.0)
    trained = simulate.weights_of(run, W)
    assert np.max(np.abs(trained[:, 4] - W[:, 4])) > 1e-3
    np.testing.assert_allclose(c @ np.tanh(h(trained, X)) / 32, run.output[-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(c @ np.tanh(h(trained, new)) / 32, run.test_output[-1], rtol=0, atol=1e-12)


def test_a_drawn_network_predicts_with_its_biases():
    problem = bounds.Problem(*data(), bias=1.0)
    run = simulate.gradient_flow(problem, width=32, t_max=3.0)
    np.testing.assert_allclose(run.predict(problem.X), run.output[-1], rtol=0, atol=1e-9)


# -- biases that are drawn and not trained -----------------------------------------------------------------------------


def fixed(n=4, d=6, seed=1, size=0.7, **options):
    return bounds.Problem(*data(n, d, seed), bias=size, train_bias=False, **options)


@pytest.mark.parametrize("embedding", [bounds.Identity(), bounds.RandomFeatures(1, "relu")])
def test_fixed_biases_change_the_law_of_the_start_alone(embedding):
    p, plain = fixed(embedding=embedding), bounds.Problem(*data(4, 6), embedding=embedding)
    np.testing.assert_array_equal(p.gram, plain.gram)
    np.testing.assert_allclose(p.start.gram, plain.gram + 0.49, rtol=1e-15)
    assert (p.bias, p.fixed_bias, plain.fixed_bias) == (None, 0.7, None)
    assert plain.start is plain
    assert p.without_bias().embedding is embedding
    assert pickle.loads(pickle.dumps(p)).fixed_bias == 0.7
    assert p.embedding_name.endswith("+fixed-bias=0.7")
    assert get_embedding("quadratic+fixed-bias=0.5").start.size == 0.5
    known = p.within(0.01)
    assert known.start.gram_radius == 0.01
    with pytest.raises(bounds.ArgumentError, match="train_bias=False"):
        bounds.Problem(*data(), train_bias=False)
    for twice in ("identity+bias=1+fixed-bias=1", "identity+fixed-bias=1+bias=1", "identity+fixed-bias=1+fixed-bias=1"):
        with pytest.raises(bounds.ArgumentError, match="bias"):
            get_embedding(twice)


@pytest.mark.parametrize("size", [0.1, 3.0])
def test_slopes_with_fixed_biases_in_sixty_digits(size):
    """q^2 = (1 - tau) min_a E sigma'(h_a)^2 with variances G_aa + b_0^2, lambda_min and G_max those of G."""
    import mpmath
    from mpmath import mpf

    p = fixed(size=size)
    g = bounds.guarantee(p, method="slopes", init="antisymmetric")
    with mpmath.workdps(60):
        X = mpmath.matrix(p.X.tolist())
        G = X * X.T / p.d
        variances = [G[a, a] + mpf(size) ** 2 for a in range(p.n)]
        nodes = [mpf(k) / 40 for k in range(-700, 701)]
        means = [
            mpmath.fsum(mpmath.npdf(z) / 40 * mpmath.sech(mpmath.sqrt(v) * z) ** 4 for z in nodes) for v in variances
        ]
        q2, lmin = mpf("0.8") * min(means), min(mpmath.eigsy(G, eigvals_only=True))
        L2 = 4 / (3 * mpmath.sqrt(3))
        a = 2 * L2 * mpmath.sqrt(max(G[a, a] for a in range(p.n))) / (mpmath.sqrt(lmin) * q2)
        scale = 2 * a * mpmath.sqrt(mpmath.fsum(mpf(v) ** 2 for v in p.y.tolist()))
        assert scale <= mpf(g.scale) <= scale * (1 + mpf(10) ** -8)
        rate = mpf(g.scale) ** 2 * lmin * q2
        assert rate * (1 - mpf(10) ** -8) <= mpf(g.rate) <= rate * (1 + mpf(10) ** -8)


@pytest.mark.parametrize(
    ("method", "activation"),
    [
        *((name, "tanh") for name in ("markov", "slopes", "clipped", "kernel")),
        *((name, "relu") for name in ("chebyshev", "envelope")),
    ],
)
def test_what_is_promised_with_fixed_biases_is_certified_after_the_draw(method, activation):
    """The promise knows G + b_0^2 and G, the certificate the drawn h and G."""
    p = fixed(activation=activation, size=1.5)
    g = bounds.guarantee(p, method=method, init="antisymmetric", delta=0.01)
    for seed in range(3):
        network = simulate.sample_network(p, width=g.width, scale=g.scale, seed=seed, init=g.init)
        c = bounds.certify(p, network.H, signs=network.signs, method=method)
        assert c.holds
        assert c.rate >= g.rate
    free = bounds.guarantee(p.without_bias(), method=method, init="antisymmetric", delta=0.01)
    assert free.scale != g.scale


def test_transport_with_fixed_biases_is_no_worse_than_envelope():
    p = fixed(size=1.5)
    asked = {m: bounds.guarantee(p, method=m, init="antisymmetric") for m in ("envelope", "transport")}
    assert asked["transport"].scale < asked["envelope"].scale


def test_networks_with_fixed_biases():
    """Their h has the covariance G + b_0^2 11', on test points too; it moves by G, as in Euler's steps on weights."""
    p = fixed(n=3, d=5, size=2.0)
    many = simulate.sample_network(p, width=40_000, scale=1.0, seed=0, X_test=p.X[:1] + 1.0)
    np.testing.assert_allclose(many.H.T @ many.H / 40_000, p.gram + 4.0, atol=0.2)
    np.testing.assert_allclose(many.H_test.T @ many.H / 40_000, (p.X[:1] + 1) @ p.X.T / 5 + 4.0, atol=0.2)
    rng = np.random.default_rng(0)
    W, b = rng.standard_normal((8, 5)), 2.0 * rng.standard_normal((8, 1))
    start = simulate.Network(W @ p.X.T / np.sqrt(5) + b, np.tile([1.0, -1.0], 4))
    run = simulate.gradient_flow(p, network=start, t_max=0.5, rtol=1e-8)
    steps = 20_000
    for _ in range(steps):  # Euler's steps on W
        h = W @ p.X.T / np.sqrt(5) + b
        r = start.signs @ np.tanh(h) / 8 - p.y
        W = W - 0.5 / steps * start.signs[:, None] * ((1 - np.tanh(h) ** 2) * r) @ p.X / np.sqrt(5)
    np.testing.assert_allclose(run.final.H, W @ p.X.T / np.sqrt(5) + b, atol=1e-5)
    with pytest.raises(bounds.AssumptionError, match="features"):
        simulate.network_of_weights(p, W, start.signs)


def test_random_features_with_fixed_biases():
    """The lower tail and the diagonal are those of the features, the law of the start has the biases besides."""
    p = bounds.Problem(*data(4, 3), embedding=bounds.RandomFeatures(1, "relu"), bias=1.0, train_bias=False)
    g = bounds.guarantee(p, method="slopes", init="antisymmetric")
    plain = bounds.guarantee(p.without_bias(), method="slopes", init="antisymmetric")
    assert g.embedding_dim == plain.embedding_dim
    assert g.scale > plain.scale  # larger h, smaller slopes of tanh
    drawn = p.draw(dim=g.embedding_dim, seed=0)
    network = simulate.sample_network(drawn, width=g.width, scale=g.scale, seed=0, init=g.init)
    assert bounds.certify(drawn, network.H, signs=network.signs, method="slopes").rate >= g.rate


def test_fixed_biases_on_the_command_line(capsys):
    options = ["width", "--builtin", "reference", "--init", "antisymmetric", "--method", "slopes"]
    assert run(main, [*options, "--bias", "1", "--fix-bias"]) == 0
    shown = capsys.readouterr().out
    p = bounds.Problem(*load_builtin("reference"), bias=1.0, train_bias=False)
    assert str(bounds.required_width(p, method="slopes", init="antisymmetric")) in shown
    assert run(main, [*options, "--fix-bias"]) == 2
    assert "train_bias=False" in capsys.readouterr().err
