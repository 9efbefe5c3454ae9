"""Runs of piecewise linear networks: seeds, save points, memory, checkpoints, long times, and the default choice."""

import numpy as np
import pytest

import bounds
import simulate
from simulate.integrators.choice import choose_integrator
from simulate.integrators.piecewise_linear import method
from simulate.integrators.piecewise_linear.curve import rest_of
from simulate.integrators.piecewise_linear.desk import POWERS, Curve
from simulate.network import Network
from tests.simulate.kinked_problems import gaussian

COMMON = {"width": 60, "scale": 2.0, "t_max": 3.0, "save_at": [0.0, 0.4, 3.0], "loss_ratio": 0.0}


def small(act="relu", n=6, d=9, seed=2):
    rng = np.random.default_rng(seed)
    return bounds.Problem(rng.standard_normal((n, d)), rng.uniform(-1, 1, n), activation=act)


def test_seeds_and_test_points_change_nothing():
    """Each run of a batch, with test points or without, is bit for bit that of its seed alone."""
    problem = small("clip")
    X_test = np.random.default_rng(5).standard_normal((3, 9))
    both = simulate.gradient_flow(problem, seeds=[3, 4], X_test=X_test, **COMMON)
    for seed, run in zip((3, 4), both, strict=True):
        alone = simulate.gradient_flow(problem, seed=seed, **COMMON)
        for name in ("loss", "error", "output", "movement_max", "sliding", "kernel_min_eig", "other_side"):
            np.testing.assert_array_equal(getattr(alone, name), getattr(run, name), err_msg=name)
    # On the test points the network is that of its weights.
    W = np.linalg.lstsq(problem.X, both[0].initial.H.T, rcond=None)[0].T * 3  # (m, d), for h = X W' / sqrt(d)
    moved = simulate.weights_of(both[0], W) - W
    np.testing.assert_allclose(both[0].final.H_test - both[0].initial.H_test, moved @ X_test.T / 3, atol=1e-10)


@pytest.mark.parametrize("kept", [0, 3, 2**27])
def test_a_save_point_does_not_depend_on_those_before_it(kept, monkeypatch):
    """A step looks at the neurons on their way; beyond the memory for that they go on from save point to save point."""
    problem = small()
    size = 60 * 6 * 9 + 8 * method.MATRICES * 6**2
    monkeypatch.setattr(method, "KEPT", kept * size if kept < 2**27 else kept)  # for so many save points
    times = np.geomspace(0.05, 1.9, 9)
    options = {"width": 60, "seed": 1, "t_max": 2.0, "loss_ratio": 0.0}
    together = simulate.gradient_flow(problem, save_at=times, **options)
    assert together.stats.steps < len(times)
    for k, time in enumerate(times):
        alone = simulate.gradient_flow(problem, save_at=[time, 2.0], **options)
        np.testing.assert_allclose(alone.loss[-2], together.loss[k], rtol=1e-9)
        np.testing.assert_allclose(alone.kernel_min_eig[-2], together.kernel_min_eig[k], rtol=1e-8)
        np.testing.assert_array_equal(alone.sliding[-2], together.sliding[k])
    # Nor does the run depend on them, nor what is seen on how it is reached.
    np.testing.assert_allclose(alone.final.H, together.final.H, atol=1e-12)
    monkeypatch.setattr(method, "KEPT", 2**27 if kept == 0 else 0)
    other = simulate.gradient_flow(problem, save_at=times, X_test=np.eye(9)[:2], **options)
    for name in ("loss", "output", "movement", "movement_max", "kernel_min_eig", "path_length", "mean_square_slope"):
        np.testing.assert_allclose(getattr(other, name), getattr(together, name), rtol=1e-8, err_msg=name)
    np.testing.assert_array_equal(other.sliding, together.sliding)


def test_a_curve_from_a_share_on_is_the_rest_of_it():
    rng = np.random.default_rng(3)
    coefficients = np.hstack([np.zeros((4, 1)), rng.standard_normal((4, POWERS - 1))])
    whole = Curve(coefficients, np.ascontiguousarray(coefficients.T), np.ones(4), 1.0, 1.0)
    rest = rest_of(whole, 0.3, 0.8)
    values = np.polynomial.polynomial.polyval
    places = np.linspace(0, 1, 11)
    passed = values(0.3 + 0.7 * places, coefficients.T) - values(0.3, coefficients.T)[:, None]
    np.testing.assert_allclose(values(places, rest.coefficients.T), passed, atol=1e-14)
    assert rest.stop == pytest.approx(5 / 7)


def test_low_memory_and_steps_that_end_at_save_points():
    """Without the end of a step in memory the numbers are the same, up to the steps, which end at the save points."""
    problem = small("leaky_relu")
    usual, lean = (simulate.gradient_flow(problem, seed=1, low_memory=low, **COMMON) for low in (False, True))
    np.testing.assert_allclose(lean.loss, usual.loss, rtol=1e-5)
    np.testing.assert_allclose(lean.final.H, usual.final.H, atol=1e-3)


def test_float32_is_close():
    problem = small()
    exact, short = (simulate.gradient_flow(problem, seed=1, dtype=dtype, **COMMON) for dtype in ("float64", "float32"))
    assert short.integrator == "piecewise-linear"
    np.testing.assert_allclose(short.loss, exact.loss, rtol=1e-4)


@pytest.mark.parametrize("save_at", [None, [0.3, 2.0]])
def test_resumed_run_is_the_uninterrupted_one(tmp_path, save_at):
    """Bit for bit, whether steps end at save points or not, with the sides in the file."""
    problem, options = small(), {"width": 40, "seed": 7, "t_max": 2.0, "save_at": save_at, "loss_ratio": 0.0}
    whole = simulate.gradient_flow(problem, **options)
    file, calls = tmp_path / "run.npz", []

    def stop(*_):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(simulate.Interrupted):
        simulate.gradient_flow(problem, **options, checkpoint=file, progress=stop)
    resumed = simulate.gradient_flow(problem, **options, checkpoint=file, resume=True)
    for name in ("time", "loss", "error", "movement", "sliding", "path_length", "other_side"):
        np.testing.assert_array_equal(getattr(resumed, name), getattr(whole, name), err_msg=name)
    np.testing.assert_array_equal(resumed.final.H, whole.final.H)


def test_a_neuron_at_rest_stays_at_rest():
    """Where the flow is not unique: a neuron that begins on h = 0 is off and stays, though c r would let it leave."""
    problem = bounds.Problem.from_gram([[1.0]], [1.0], activation="relu")
    start = Network(np.array([[0.0], [0.5]]), np.array([1.0, 1.0]))
    t = simulate.gradient_flow(problem, network=start, t_max=20.0, loss_ratio=0.0)
    assert t.final.H[0, 0] == 0
    np.testing.assert_allclose(t.final.H[1, 0], 2.0, rtol=1e-3)  # f = (0 + 2)/2 = y
    assert t.loss[-1] < 1e-6


def test_defaults_follow_relu():
    """All defaults: a step count like that of a smooth activation, an honest error, and no warning."""
    problem, start = gaussian(15, 30, 801)
    t = simulate.gradient_flow(problem, network=start, t_max=30.0, save_at=np.geomspace(0.1, 30, 4))
    finer = simulate.gradient_flow(problem, network=start, t_max=30.0, save_at=t.time, rtol=1e-5)
    assert t.status in (simulate.Status.TIME_REACHED, simulate.Status.LOSS_REACHED)
    assert t.stats.steps <= 15
    assert np.all(np.abs(t.loss - finer.loss) <= t.error + finer.error)
    assert np.all(t.error <= 1e-2 * t.loss)
    assert "other_side" in t.to_frame().columns


@pytest.mark.parametrize(
    ("n", "d", "width", "scale", "act", "most"),
    [
        (8, 10, 400, 1.0, "leaky_relu", 80),  # at the floor no step need be as short as the decay of what is left
        (3, 3, 2000, 0.1, "relu", 80),  # r is 1e-12 of the terms that it sums: their rounding must not reject steps
        (6, 3, 8, 2.0, "relu", 200),  # in a long step the polynomial for the kernel had negative eigenvalues
    ],
)
def test_a_very_long_time_is_reached(n, d, width, scale, act, most):
    rng = np.random.default_rng(1)
    problem = bounds.Problem(rng.standard_normal((n, d)), rng.uniform(-1, 1, n), activation=act)
    run = simulate.gradient_flow(problem, width=width, scale=scale, t_max=1e9, loss_ratio=0, max_steps=300)
    assert run.status is simulate.Status.TIME_REACHED
    assert run.stats.steps < most
    assert 0 <= run.loss[-1] < 1e-28
    assert np.all(np.diff(run.loss) <= run.error[1:] + run.error[:-1])


def test_dear_runs_say_so():
    """From the size alone, before anything is computed: what is long warns, what is too long takes the other method."""
    relu = bounds.get_activation("relu")
    assert choose_integrator(relu, n=40, m=4096, device="cpu") == "piecewise-linear"
    with pytest.warns(UserWarning, match="CPU minutes"):
        assert choose_integrator(relu, n=600, m=8192, device="cpu") == "piecewise-linear"
    with pytest.warns(UserWarning, match="integrator='exponential' is used"):
        assert choose_integrator(relu, n=800, m=8192, device="cpu") == "exponential"
    assert choose_integrator(relu, n=40, m=4096, device="cuda") == "exponential"
