"""Attempts of small runs in one compiled call are those of the ordinary loop."""

import dataclasses

import numpy as np
import pytest
from numba import njit, types
from numba.core.errors import TypingError

import bounds
import simulate
from simulate.field import sigmas
from simulate.field.arrays import TORCH_FROM
from simulate.field.by_address import address_of, array, caller
from simulate.field.elementwise import EXACT
from simulate.solve import whole_steps
from simulate.solve.outcome import Status
from simulate.solve.whole_steps import WholeSteps


def both(problem, monkeypatch, **options):
    """The run in compiled attempts, and by the ordinary loop."""
    calls = []
    advance = WholeSteps.advance
    monkeypatch.setattr(WholeSteps, "advance", lambda *args: calls.append(1) or advance(*args))
    whole = simulate.gradient_flow(problem, **options)
    found = len(calls)
    assert found > 0
    monkeypatch.setattr(WholeSteps, "of", classmethod(lambda *_: None))
    ordinary = simulate.gradient_flow(problem, **options)
    assert len(calls) == found
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


def test_every_smooth_activation_goes_this_way_and_agrees_with_numpy(monkeypatch):
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((4, 8)), rng.uniform(-1, 1, 4)
    smooth = [name for name in bounds.known_activations() if bounds.get_activation(name).smooth]
    assert {*smooth, "relu", "leaky_relu", "clip"} == set(sigmas.KINDS)
    options = {"width": 40, "scale": 1.0, "t_max": 3.0, "loss_ratio": 0.0, "rtol": 1e-4}
    for name in smooth:
        problem = bounds.Problem(X, y, activation=name)
        with monkeypatch.context() as patch:
            whole, ordinary = both(problem, patch, **options)
        with monkeypatch.context() as patch:
            patch.setattr(sigmas, "KINDS", {})
            by_numpy = simulate.gradient_flow(problem, **options)
        for other in (ordinary, by_numpy):
            assert whole.stats.steps == other.stats.steps, name
            np.testing.assert_allclose(whole.loss[-1], other.loss[-1], rtol=1e-8, err_msg=name)
            np.testing.assert_allclose(whole.final.H, other.final.H, rtol=0, atol=1e-8, err_msg=name)
            np.testing.assert_allclose(whole.mean_square_slope[-1], other.mean_square_slope[-1], rtol=1e-8)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("width", [6, TORCH_FROM])
def test_an_activation_of_a_users_own_is_not_taken_for_the_built_in_one_of_its_name(name, width):
    """It is evaluated by numpy or torch, as its author wrote it."""
    known = bounds.get_activation(name)
    mine = dataclasses.replace(known, both=lambda o, u: tuple(-part for part in known.both(o, u)))
    assert sigmas.loop_of(known) is not None
    assert sigmas.loop_of(mine) is None
    X, y = np.eye(2), np.array([0.5, -0.5])
    start = simulate.Network(np.ones((width, 2)), np.ones(width))
    options = {"t_max": 0.1, "save_at": [0.0], "network": start, "integrator": "exponential"}
    one, other = (simulate.gradient_flow(bounds.Problem(X, y, activation=a), **options) for a in (known, mine))
    np.testing.assert_allclose(one.output[0], -other.output[0])


@pytest.mark.parametrize("seeds", [[0], [4, 0, 2]])
def test_how_many_attempts_a_call_makes_changes_nothing(seeds, monkeypatch):
    """Bit for bit, for runs that end at other times than the others in the call, too; so does who looks on."""
    rng = np.random.default_rng(2)
    problem = bounds.Problem(rng.standard_normal((5, 8)), rng.uniform(-1, 1, 5), activation="tanh")
    options = {"width": 40, "scale": 2.0, "t_max": 30.0, "loss_ratio": 1e-3, "rtol": 1e-4}
    many = simulate.gradient_flow(problem, seeds=seeds, **options)
    looked = []
    watched = simulate.gradient_flow(problem, seed=0, progress=lambda *seen: looked.append(seen), **options)
    assert len(looked) == watched.stats.steps + watched.stats.rejected
    assert sorted({0.0, *(time for time, *_ in looked)}) == list(watched.time)
    monkeypatch.setattr(whole_steps, "TURNS", 1)
    single = simulate.gradient_flow(problem, seeds=seeds, **options)
    for one, other in [*zip(many, single, strict=True), (many[seeds.index(0)], watched)]:
        assert one.status is other.status
        np.testing.assert_array_equal(one.final.H, other.final.H)
        np.testing.assert_array_equal(one.time, other.time)
        for name, error in one.errors.items():
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
            np.testing.assert_array_equal(error, other.errors[name], err_msg=name)


def test_a_limit_of_steps_ends_a_run_within_a_call():
    problem = bounds.Problem(np.eye(3), [1.0, 0.5, -0.5], activation="tanh")
    run = simulate.gradient_flow(problem, width=20, max_steps=7)
    assert run.status is Status.STEP_LIMIT
    assert run.stats.steps == 7
    assert len(run.time) == 8


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


@pytest.mark.parametrize(
    ("n", "m", "seeds", "most"), [(5, 64, 1, 64), (127, 10, 1, 5), (100, 2, 12, 1), (3, 2, 400, 3)]
)
def test_a_call_is_short_however_small_the_network(n, m, seeds, most, monkeypatch):
    """Signals are heard between calls, so what is counted is not only the neurons."""

    class Called(Exception):
        pass

    def called(networks, counters, limits, *rest):
        raise Called(limits.turns)

    monkeypatch.setattr(whole_steps, "attempts", called)
    rng = np.random.default_rng(0)
    problem = bounds.Problem(rng.standard_normal((n, n)), rng.uniform(-1, 1, n), activation="tanh")
    with pytest.raises(Called) as caught:
        simulate.gradient_flow(problem, width=m, seeds=range(seeds))
    assert 1 <= caught.value.args[0] <= most
