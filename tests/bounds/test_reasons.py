"""What a certificate says of itself: why it holds or not, what was not tried, and what is taken on trust."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import bounds
from bounds.command_line import run
from reports.console import main
from tests.three_neurons import SIGNS, WITH_CERTIFICATES, H, Y, certify

# The reason


def test_best_names_what_holds_and_what_was_not_tried(reference):
    problem = reference["tanh"]
    rng = np.random.default_rng(0)
    h = rng.standard_normal((200, 10))
    signs = np.tile([1.0, -1.0], 100)
    small = bounds.certify(problem, h, signs=signs)
    assert not small.holds
    every = [bounds.certify(problem, h, signs=signs, method=m) for m in WITH_CERTIFICATES if m != "everywhere"]
    assert small.beta == min(c.beta for c in every)
    for words in ("no formula holds", small.method, "method='transport'", "method='shadowing'"):
        assert words in small.reason
    large = bounds.certify(problem, h, signs=2000 * signs)
    assert large.holds
    assert "largest rate" in large.reason
    for method in WITH_CERTIFICATES:
        if method not in ("everywhere", large.method):
            holds = bounds.certify(problem, h, signs=2000 * signs, method=method).holds
            assert (f", {method}" in large.reason or f": {method}" in large.reason) == holds
    kinked = bounds.certify(reference["relu"], np.abs(h), signs=signs)
    assert "method='transport'" in kinked.reason
    assert "shadowing" not in kinked.reason  # it does not apply at a kink


def test_shadowing_says_where_it_ended():
    lost = certify("shadowing", gram=[[1.0]], y=[2.0], h=[[0.1], [0.5]], signs=[1.0, 1.0])
    assert not lost.holds
    assert re.search(r"until t = [\d.e+-]+, where no formula holds", lost.reason)
    assert "until t = 0," in certify("shadowing", h=0 * H, y=1e-9 * Y).reason


def test_the_command_line_shows_the_reason(tmp_path, capsys):
    state = tmp_path / "state.npz"
    np.savez(state, X=np.eye(2), y=Y, H=H, signs=0.1 * SIGNS)
    assert run(main, ["certify", str(state)]) == 3
    assert "reason          no formula holds. The nearest is" in capsys.readouterr().out


# What is taken on trust


class Exact:
    """A user's embedding that says nothing about its rounding."""

    name = "mine"

    def gram(self, X, X2):
        return X @ X2.T


def test_an_embedding_without_a_bound_of_its_rounding_is_told():
    problem = bounds.Problem(np.eye(3), [0.1, 0.2, 0.3], embedding=Exact())
    c = bounds.certify(problem, np.zeros((2, 3)), signs=[5.0, -5.0])
    for caveats in (
        bounds.guarantee(problem).caveats,
        bounds.guarantee(problem, method="printed").caveats,
        c.caveats,
        bounds.certify(problem, np.full((2, 3), 1e3), signs=[5.0, -5.0], method="slopes").caveats,
        bounds.certify(problem, np.zeros((2, 3)), signs=[5.0, -5.0], method="shadowing").caveats,
    ):
        assert any("'mine' is taken as exact" in text for text in caveats)

    class Bounded(Exact):
        def gram_error(self, X):
            return 1e-15

    told = bounds.Problem(np.eye(3), [0.1, 0.2, 0.3], embedding=Bounded())
    assert bounds.guarantee(told).caveats == ()
    assert told.gram_relative_error == 1e-15
    assert bounds.guarantee(bounds.Problem(np.eye(3), [0.1, 0.2, 0.3])).caveats == ()


@pytest.mark.parametrize("error", [math.nan, math.inf, -1.0])
def test_a_bound_of_rounding_that_is_none_is_refused(error):
    class Wrong(Exact):
        def gram_error(self, X):
            return error

    with pytest.raises(bounds.ArgumentError, match="gram_error"):
        bounds.guarantee(bounds.Problem(np.eye(2), [0.1, 0.2], embedding=Wrong()))


@pytest.mark.parametrize(
    ("G", "message"),
    [
        ([[1.0, 2.0], [2.0, 1.0]], "positive semidefinite"),
        ([[1.0, 0.0], [0.0, -1e-17]], "-1e-17"),
        ([[-1.0]], "positive semidefinite"),
        ([[math.nan, 1.0], [1.0, 1.0]], "finite"),
        ([[1.0, math.inf], [math.inf, 1.0]], "finite"),
    ],
)
def test_no_gram_matrix(G, message):
    y = np.ones(len(G))
    with pytest.raises(bounds.LinrateError, match=message):
        bounds.Problem.from_gram(G, y)

    class Given:
        def gram(self, X, X2):
            return np.array(G)

    with pytest.raises(bounds.LinrateError):
        bounds.Problem(np.eye(len(G)), y, embedding=Given())


def test_a_computed_gram_matrix_of_dependent_data_is_accepted():
    """Its smallest eigenvalue is -1e-17 or so; nothing that needs it positive is then claimed."""
    for seed in range(20):
        X = np.random.default_rng(seed).standard_normal((5, 3))
        problem = bounds.Problem.from_gram(X @ X.T, np.ones(5))
        assert problem.spectrum.lmin[0] <= 0
        with pytest.raises(bounds.AssumptionError, match=r"lambda_min\(G\) > 0"):
            bounds.certify(problem, np.zeros((3, 5)), signs=np.ones(3), method="slopes")


@pytest.mark.parametrize(
    ("embedding", "bias", "limit"),
    [(bounds.Quadratic(), None, 6), (bounds.Quadratic(), 1.0, 7), (bounds.RandomFeatures(dim=5), None, 5)],
)
def test_more_rows_than_an_embedding_has_features(embedding, bias, limit):
    """Twelve rows of three columns: so many rows as the embedding has features are independent, and no more."""
    X = np.random.default_rng(0).standard_normal((12, 3))
    problem = bounds.Problem(X, np.ones(12), embedding=embedding, bias=bias)
    why, way = problem.dependence
    assert why.startswith(f"n=12 > {limit}, ")
    assert f"keep at most {limit} rows" in way
    assert "RandomFeatures(depth=1)" in way  # which was tried
    assert "Quadratic" not in way
    assert bounds.Problem(X[:limit], np.ones(limit), embedding=embedding, bias=bias).spectrum.lmin[0] > 0
    assert not problem.spectrum.lmin[0] > 0
