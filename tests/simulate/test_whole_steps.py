"""Attempts of small runs in one compiled call are those of the ordinary loop."""

import numpy as np
import pytest
from numba import njit, types
from numba.core.errors import TypingError

import bounds
import simulate
from simulate.field.by_address import address_of, array, caller
from simulate.field.elementwise import EXACT
from simulate.solve.whole_steps import WholeSteps


def both(problem, monkeypatch, **options):
    """The run in compiled attempts, and by the ordinary loop."""
    taken = []
    attempt = WholeSteps.attempt
    monkeypatch.setattr(WholeSteps, "attempt", lambda *args: taken.append(1) or attempt(*args))
    whole = simulate.gradient_flow(problem, **options)
    assert len(taken) == whole.stats.steps + whole.stats.rejected
    monkeypatch.setattr(WholeSteps, "of", classmethod(lambda *_: None))
    ordinary = simulate.gradient_flow(problem, **options)
    assert len(taken) == whole.stats.steps + whole.stats.rejected
    return whole, ordinary


@pytest.mark.parametrize(("dtype", "rtol", "close"), [("float64", 1e-6, 1e-9), ("float32", 1e-3, 1e-5)])
def test_they_agree_to_rounding(dtype, rtol, close, monkeypatch):
    rng = np.random.default_rng(2)
    problem = bounds.Problem(rng.standard_normal((10, 8)), rng.uniform(-1, 1, 10), activation="tanh")
    options = {"width": 78, "scale": 1.0, "t_max": 30.0, "loss_ratio": 0.0, "rtol": rtol, "dtype": dtype}
    options["X_test"] = rng.standard_normal((2, 8))
    whole, ordinary = both(problem, monkeypatch, **options)
    assert dtype == "float32" or whole.stats.rejected > 0
    for name in ("steps", "rejected", "evaluations"):
        assert getattr(whole.stats, name) == getattr(ordinary.stats, name)
    # The steps follow from differences of nearly equal numbers, so that they agree to fewer digits than the states.
    np.testing.assert_allclose(whole.time, ordinary.time, rtol=1e3 * close)
    np.testing.assert_allclose(whole.loss[-1], ordinary.loss[-1], rtol=close)
    np.testing.assert_allclose(whole.final.H, ordinary.final.H, rtol=0, atol=close)
    np.testing.assert_allclose(whole.final.H_test, ordinary.final.H_test, rtol=0, atol=close)
    for name, error in ordinary.errors.items():
        assert np.all(whole.errors[name][-1] <= 2 * error[-1] + close), name


def test_other_types_are_refused_when_the_caller_is_compiled():
    @njit(**{**EXACT, "cache": False})
    def double(x):
        for i in range(len(x)):
            x[i] *= 2

    call = caller(((array(types.float64, 1),),))

    @njit
    def run(address, x):
        call(address, x)

    place, x = address_of(double, (array(types.float64, 1),)), np.ones(3)
    run(place, x)
    np.testing.assert_array_equal(x, [2, 2, 2])
    with pytest.raises(TypingError, match="no address"):
        run(place, np.ones(3, np.float32))
