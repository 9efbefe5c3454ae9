"""The exact solutions for piecewise linear activations agree with closed forms, and with each other: three ways that
share no step."""

import numpy as np
import pytest

from tests.simulate import filippov
from tests.simulate.closed_forms import orthogonal, sliding_pair
from tests.simulate.filippov import Flow, first_exit, follow
from tests.simulate.regularised import extrapolated

TIMES = np.array([0.05, 0.1, 0.5, 1.0, 4.0, 6.0, 20.0])
PAIR = np.array([[1.0, -0.5], [-0.5, 1.0]])
# activation, y, h, sign, the same flow as sliding_pair(h, leak): clip at its kink 1 is clip at 0, seen in a mirror
SLIDING = [
    ("relu", (-1.0, 0.0), (0.1, 1.0), 1.0, (0.1, 1.0), 0.0),
    ("leaky_relu", (-1.0, 0.0), (0.1, 1.0), 1.0, (0.1, 1.0), 0.01),
    ("clip", (-1.0, 0.0), (0.1, 0.8), 1.0, (0.1, 0.8), 0.0),
    ("clip", (-2.0, -1.0), (0.9, 0.2), -1.0, (0.1, 0.8), 0.0),
]


def drawn(seed, activation, n, m):
    """G, y, H, signs of a problem whose neurons meet their kinks."""
    rng = np.random.default_rng([seed, list(filippov.PIECES).index(activation)])
    X = rng.standard_normal((n, n + 2))
    return X @ X.T / (n + 2), rng.uniform(-2, 2, n), rng.standard_normal((m, n)), 2 * rng.choice([-1.0, 1.0], m)


@pytest.mark.parametrize(("activation", "y", "h", "sign", "same", "leak"), SLIDING)
def test_one_sliding_neuron(activation, y, h, sign, same, leak):
    """It arrives, slides, and with a leak is released again."""
    found = follow(PAIR, y, np.array([h]), [sign], activation, TIMES)
    np.testing.assert_allclose(found.loss, sliding_pair(same, leak, TIMES), rtol=1e-14)
    assert found.events == (2 if leak else 1)
    released = leak > 0 and found.states[-1, 0, 0] < 0
    assert found.sliding[4] == 1
    assert found.sliding[-1] == (0 if released else 1)
    assert released == (leak > 0)
    assert found.doubtful == []


def test_the_sliding_example_of_the_errata():
    found = follow(PAIR, (-1.0, 0.0), np.array([[0.1, 1.0]]), [1.0], "relu", np.array([0.5, 1.0]))
    assert found.loss[0] - found.loss[1] == pytest.approx(0.138278713200, abs=1e-12)


@pytest.mark.parametrize("activation", filippov.PIECES)
def test_one_point_and_orthogonal_data(activation):
    events = 0
    for seed in range(20):
        rng = np.random.default_rng([20, seed])
        n, m = int(rng.integers(1, 6)), int(rng.integers(1, 9))
        H, signs = rng.standard_normal((m, n)), 2 * rng.choice([-1.0, 1.0], m)
        diagonal, y = rng.uniform(0.5, 2, n), rng.uniform(-3, 3, n)
        found = follow(np.diag(diagonal), y, H, signs, activation, TIMES)
        exact = (orthogonal(H, signs, diagonal, y, activation, TIMES) ** 2).sum(1) / 2
        np.testing.assert_allclose(found.loss, exact, rtol=1e-12, atol=1e-13)
        events += found.events
    assert events > 30


@pytest.mark.parametrize("activation", filippov.PIECES)
def test_against_rounded_kinks(activation):
    """Those have no events; the distance is what is left after extrapolation to width 0."""
    problem = drawn(3, activation, 5, 4)
    found = follow(*problem, activation, TIMES)
    loss, moved = extrapolated(*problem, activation, TIMES, 1e-4)
    np.testing.assert_allclose(found.loss, loss, atol=5e-7)
    assert moved.max() > 5e-7  # the rounding alone is seen
    assert found.doubtful == []
    assert found.events >= 5
    assert found.sliding.max() >= 1


def test_a_flow_without_sliding_is_noticed(monkeypatch):
    """Planted error: an entry at its kink stays there but drives nothing, as if (11) with sigma'(0) = 0 were true."""
    monkeypatch.setattr(Flow, "theta", lambda self, place: np.diag(self.slopes[place]))
    monkeypatch.setattr(
        Flow, "consistent", lambda self, place, at_kink, kinks, *_: bool((place[at_kink] == kinks).all())
    )
    found = follow(PAIR, (-1.0, 0.0), np.array([[0.1, 1.0]]), [1.0], "relu", TIMES)
    assert abs(found.loss / sliding_pair((0.1, 1.0), 0.0, TIMES) - 1).max() > 0.01
    problem = drawn(3, "relu", 5, 4)
    loss, moved = extrapolated(*problem, "relu", TIMES, 1e-4)
    assert np.any(abs(follow(*problem, "relu", TIMES).loss - loss) > 1e-3 + moved)


def test_a_missed_release_is_noticed(monkeypatch):
    """Planted error: who slides once, slides for ever."""
    true = Flow.margins

    def never(self, i, a):
        gaps, weights = true(self, i, a)
        gaps[:, self.place[i, a] % 2 == 1] = np.inf
        return gaps, weights

    monkeypatch.setattr(Flow, "margins", never)
    found = follow(PAIR, (-1.0, 0.0), np.array([[0.1, 1.0]]), [1.0], "leaky_relu", TIMES)
    assert abs(found.loss / sliding_pair((0.1, 1.0), 0.01, TIMES) - 1)[-1] > 1e-3


def test_several_continuations_are_told():
    """n = 1, m = 1, on the kink: pushed off it on one side only, it may stay or leave; it stays."""
    for y, several in ((1.0, True), (-1.0, False)):
        found = follow(np.eye(1), [y], np.zeros((1, 1)), [1.0], "relu", np.array([1.0]))
        assert found.doubtful == ([0.0] if several else [])
        assert found.states[0, 0, 0] == 0.0
    left = follow(np.eye(1), [1.0], np.zeros((1, 1)), [1.0], "leaky_relu", np.array([1.0]))
    assert left.doubtful == []  # with a leak it moves up on either side of the kink
    assert left.states[0, 0, 0] == pytest.approx(1 - np.exp(-1.0))


def test_no_exit_is_passed_over():
    """g(t) = (exp(-t) - 1/2)^2 - depth, whose two roots are as near as one likes, and stiff terms beside it."""
    rates = np.array([1.0, 2.0, 1e4])
    for depth in (1e-2, 1e-6, 1e-10):
        weights = np.array([1.0, -2.0, 0.0])  # g(0) = 1/4 - depth, g' = exp(-t) - 2 exp(-2t)
        found = first_exit(0.25 - depth, weights, rates, 0.0, 50.0)
        assert found == pytest.approx(-np.log(0.5 + np.sqrt(depth)), rel=1e-5)
    assert first_exit(0.25 + 1e-10, np.array([1.0, -2.0, 0.0]), rates, 0.0, 50.0) == np.inf
    assert first_exit(0.0, np.array([1.0, 0.0, 0.0]), rates, 0.0, 50.0) == np.inf  # starts at zero, and rises
    assert first_exit(0.0, np.array([1.0, 0.0, -3.0]), rates, 0.0, 50.0) == 0.0
