"""A step that was accepted and leads astray is taken back, in both integrations."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import bounds
import simulate
from simulate.solve import advance, step_control, step_sums
from simulate.solve.whole_steps import WholeSteps
from tests.simulate import far
from tests.simulate.test_checkpoint import after, assert_same

# One neuron that cannot fit all points: r soon hardly changes, and the steps grow until the half steps, whose error
# nobody estimates, threw the neuron away. (X, y, h at the start, the sign, t_max)
WIDE = (
    [[0.5, 0.47], [-0.53, 0.1], [-1.26, -0.11]],
    [-0.2, 0.19, -0.31],
    [-0.35, 0.02, 0.26],
    -6.6,
    150.0,
)
LONG = (
    [[-0.16, 0.0, 0.9], [0.62, 0.33, 0.0], [0.06, 0.82, 0.03], [0.33, 0.33, -0.31]],
    [0.28, -0.37, 0.35, -0.32],
    [-0.5, -0.72, -0.29, -0.19],
    2.0,
    2e4,
)
SAVES = {False: None, True: np.linspace(0, 1, 9)}  # in units of t_max
DIVERGED_ONCE = [(WIDE, False), (LONG, True)]


def plateau(case, saved):
    X, y, h, sign, t_max = case
    start = simulate.Network(np.array([h]), np.array([sign]))
    options = {"network": start, "loss_ratio": 0.0, "t_max": t_max, "max_steps": 1000}
    options["save_at"] = t_max * SAVES[True] if saved else None
    return bounds.Problem(X, y, activation="silu"), options


def by_radau(problem, network, times):
    """The loss of one neuron at these times, from an implicit method."""
    sign, gram = network.signs[0], problem.gram

    def residual(h):
        return sign * problem.activation.value(h) - problem.y

    def velocity(_, h):
        return -sign * gram @ (residual(h) * problem.activation.slope(h))

    span = (0.0, times[-1])
    found = solve_ivp(velocity, span, network.H[0], method="Radau", t_eval=times, rtol=1e-10, atol=1e-12)
    return (residual(found.y.T) ** 2).sum(1) / 2


@pytest.mark.parametrize(("case", "saved"), DIVERGED_ONCE)
@pytest.mark.parametrize("ordinary", [False, True])
def test_a_flow_does_not_diverge(case, saved, ordinary, monkeypatch):
    """Along gradient flow the loss never grows; and what is found there is right to the error that is reported."""
    if ordinary:
        monkeypatch.setattr(WholeSteps, "of", classmethod(lambda *_: None))
    problem, options = plateau(case, saved)
    run = simulate.gradient_flow(problem, **options)
    assert run.status is simulate.Status.TIME_REACHED
    assert run.stats.rejected > 0
    assert np.all(np.diff(run.loss) <= run.error[1:] + run.error[:-1])
    some = np.unique(np.linspace(1, len(run.time) - 1, 9).astype(int))
    exact = by_radau(problem, run.initial, run.time[some])
    assert np.all(np.abs(run.loss[some] - exact) <= 3 * run.error[some] + 1e-8 * exact)


@pytest.mark.parametrize(
    "other",
    [
        {"integrator": "runge-kutta", "rtol": 1e-3, "t_max": 20.0, "save_at": [10.0, 20.0]},
        {"low_memory": True},
        {"dtype": "float32", "rtol": 1e-4},
    ],
)
def test_nor_does_it_another_way(other):
    problem, options = plateau(WIDE, True)
    run = simulate.gradient_flow(problem, **{**options, **other})
    assert run.status is simulate.Status.TIME_REACHED
    assert np.all(np.diff(run.loss) <= run.error[1:] + run.error[:-1] + 1e-6 * run.loss[1:])


def test_nor_on_tensors(monkeypatch):
    far.use(monkeypatch)
    problem, options = plateau((*LONG[:-1], 5e3), True)
    run = simulate.gradient_flow(problem, **options)
    assert run.status is simulate.Status.TIME_REACHED
    assert run.stats.rejected > 0


def spoil_every_other(monkeypatch, spoil):
    """Let `spoil` mark the runs (R,) of every other attempt as gone astray; the same length is then tried once more.
    Returns the list of what it marked."""
    calls, found = [], []

    def judge(took, **given):
        step_sums.stands(took=took, **given)
        calls.append(1)
        if len(calls) % 6 in (1, 2, 3):  # an attempt looks at a step and its halves
            found.append(spoil(took))

    def the_same(tau, attempted, ratio, accepted, order):
        return np.where(np.isinf(ratio), tau, step_control.next_step(tau, attempted, ratio, accepted, order))

    monkeypatch.setattr(advance, "stands", judge)
    monkeypatch.setattr("simulate.solve.loop.next_step", the_same)
    return found


def all_of(took):
    took[:] = False


def the_last(took):
    took[-1] = False


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"save_at": [0.0, 0.01, 0.02, 0.5, 1.0]},
        {"save_at": [0.0, 0.01, 0.02, 0.5, 1.0], "integrator": "runge-kutta"},
        {"low_memory": True},
        {"last_layer": 1.0},
    ],
)
@pytest.mark.parametrize(("seeds", "spoil"), [([0], all_of), ([0, 1, 2], the_last), ([0, 1, 2], all_of)])
def test_what_is_taken_back_leaves_no_trace(small, options, seeds, spoil, monkeypatch):
    """Runs whose every other attempt is spoiled and then made once more are the same runs, bit for bit."""
    monkeypatch.setattr(WholeSteps, "of", classmethod(lambda *_: None))
    options = {"width": 40, "scale": 3.0, "t_max": 1.0, "seeds": seeds, **options}
    problem = bounds.Problem(small.X, small.y, activation="tanh", last_layer=options.pop("last_layer", 0.0))
    plain = simulate.gradient_flow(problem, **options)
    found = spoil_every_other(monkeypatch, spoil)
    again = simulate.gradient_flow(problem, **options)
    assert len(found) >= 6
    for one, other in zip(plain, again, strict=True):
        np.testing.assert_array_equal(other.time, one.time)
        np.testing.assert_array_equal(other.final.H, one.final.H)
        for name, errors in one.errors.items():
            np.testing.assert_array_equal(getattr(other, name), getattr(one, name), err_msg=name)
            np.testing.assert_array_equal(other.errors[name], errors, err_msg=name)
    assert sum(run.stats.rejected for run in again) > sum(run.stats.rejected for run in plain)


@pytest.mark.parametrize("saved", [False, True])
def test_a_run_does_not_feel_what_others_take_back(saved):
    problem, options = plateau(WIDE, saved)
    options |= {"network": None, "width": 1, "scale": 6.6, "max_steps": 150}
    together = simulate.gradient_flow(problem, seeds=range(4), **options)
    for run in together:
        assert_same(run, simulate.gradient_flow(problem, seed=run.seed, **options))


@pytest.mark.parametrize(("case", "saved"), DIVERGED_ONCE)
def test_a_resumed_run_is_the_same_run(case, saved, tmp_path):
    problem, options = plateau(case, saved)
    plain = simulate.gradient_flow(problem, **options)
    kept = {**options, "checkpoint": tmp_path / "run.npz"}
    with pytest.raises(simulate.Interrupted):
        simulate.gradient_flow(problem, **kept, progress=after(plain.stats.steps - 4))
    assert_same(simulate.gradient_flow(problem, **kept, resume=True), plain)


def test_a_run_in_which_no_step_stands_ends(monkeypatch):
    """It is not stuck for ever. The first one stands, so that there is a time that a step may be lost in."""
    calls = iter(range(3))
    monkeypatch.setattr(advance, "stands", lambda took, **given: took.fill(next(calls, None) is not None))
    problem, options = plateau(WIDE, True)
    run = simulate.gradient_flow(problem, **options)
    assert run.status is simulate.Status.STEP_UNDERFLOW
    assert len(run.time) == 2
