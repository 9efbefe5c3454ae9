"""guarantee(minimise=...): limits are kept, the search is no worse than a grid, errors name the way out."""

import pytest

import bounds
from bounds.data.datasets import load_builtin

PAIRS = {"init": "antisymmetric"}


@pytest.fixture(scope="module")
def problem():
    return bounds.Problem(*load_builtin("reference"))


def test_the_smallest_width_at_a_scale_and_a_rate(problem):
    """Far below what the default tau and beta ask for, at a scale and rate that are hardly different."""
    g = bounds.guarantee(problem, minimise="width", most_scale=12.5, least_rate=14.6, **PAIRS)
    assert g.scale <= 12.5
    assert g.rate >= 14.6
    assert g.width <= 114
    assert g.proved


def test_the_smallest_scale_at_a_width(problem):
    g = bounds.guarantee(problem, method="slopes", minimise="scale", most_width=400, least_rate=10.0, **PAIRS)
    assert g.width <= 400
    assert g.rate >= 10
    for tau in (0.15, 0.2, 0.3):
        for beta in (0.5, 0.6, 0.7):
            other = bounds.guarantee(problem, method="slopes", tau=tau, beta=beta, **PAIRS)
            if other.width <= 400 and other.rate >= 10:
                assert g.scale <= 1.005 * other.scale


def test_the_largest_rate_and_a_function_of_your_own(problem):
    fast = bounds.guarantee(problem, method="slopes", minimise="rate", most_scale=15.0, most_width=2000, **PAIRS)
    assert fast.rate > bounds.guarantee(problem, method="slopes", scale=15.0, **PAIRS).rate * 0.99
    own = bounds.guarantee(problem, method="slopes", minimise=lambda g: g.width * g.scale, **PAIRS)
    assert own.width * own.scale <= 238 * 11.54


def test_what_cannot_be_had_is_said_with_the_nearest(problem):
    with pytest.raises(bounds.AssumptionError, match=r"most_scale = 1.*nearest.*lower least_rate"):
        bounds.guarantee(problem, method="slopes", minimise="width", most_scale=1.0, **PAIRS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"minimise": "width"}, "most_scale"),
        ({"minimise": "scale"}, "most_width"),
        ({"minimise": "depth", "most_width": 5}, "minimise"),
        ({"most_width": 5}, "minimise"),
        ({"minimise": "scale", "most_width": 500, "tau": 0.3}, "beta and tau"),
        ({"minimise": lambda g: None, "method": "slopes"}, "must return a number"),
        ({"minimise": "width", "most_scale": -1.0}, "most_scale"),
    ],
)
def test_wrong_arguments(problem, arguments, message):
    with pytest.raises(bounds.ArgumentError, match=message):
        bounds.guarantee(problem, **PAIRS, **arguments)


@pytest.mark.parametrize(("activation", "before"), [("tanh", (1028, 11.54, 20.4)), ("relu", (2148, 13.6, 24.3))])
def test_best_does_not_trade_scale_for_width(activation, before):
    """Fewer neurons than second moments asked for, at about their scale; markov's are fewer still, at ten times it."""
    problem = bounds.Problem(*load_builtin("reference"), activation=activation)
    width, scale, rate = before
    g = bounds.guarantee(problem, **PAIRS)
    assert g.width < width
    assert g.scale < 1.1 * scale
    assert g.rate > 0.8 * rate
    assert bounds.guarantee(problem, method="markov", **PAIRS).scale > 3 * g.scale
