"""Trained biases: an exact change of the Gram matrix, so that affine independence takes the place of linear."""

import pickle

import numpy as np
import pytest

import bounds
import simulate
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
