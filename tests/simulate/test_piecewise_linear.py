"""The events of piecewise linear activations: held entries, crossings, and the kernel that follows from them."""

import dataclasses
import math

import numpy as np
import pytest

import bounds
import simulate
from bounds.errors import ArgumentError
from simulate.field.arrays import Arrays
from simulate.field.flow import Flow
from simulate.integrators import get_integrator
from simulate.integrators.choice import choose_integrator
from simulate.integrators.piecewise_linear import pieces_of, sweep
from simulate.integrators.piecewise_linear.curve import rest_of
from simulate.integrators.piecewise_linear.desk import COUNTS, HELD, POWERS, Curve, new_desk
from simulate.integrators.piecewise_linear.follow import follow_neurons
from simulate.integrators.piecewise_linear.kernel_changes import new_log
from simulate.integrators.piecewise_linear.method import PiecewiseLinear
from simulate.network import Network, scaling_of
from simulate.options import Options
from simulate.setup import Setup

KINKED = ["relu", "leaky_relu", "clip"]


def gaussian(n, d, m, act="relu", seed=41, scale=1.0):
    """(problem, network): Gaussian data in d dimensions, all of it drawn here."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    gram = X @ X.T / d
    y = rng.uniform(-0.5, 0.5, n)
    H = rng.standard_normal((m, d)) @ X.T / math.sqrt(d)
    return bounds.Problem.from_gram((gram + gram.T) / 2, y, activation=act), Network(H, scale * rng.choice([-1, 1], m))


def regularised(problem, start, time, eps, slopes, kinks, dt):
    """The loss at `time` if sigma' runs linearly from slope to slope within eps of each kink, by the classical
    Runge-Kutta method; the output itself is that of sigma."""
    gram, y, c = problem.gram, problem.y, start.signs[:, None]

    def residual(h):
        value = slopes[0] * h
        for kink, below, above in zip(kinks, slopes, slopes[1:], strict=False):
            value = value + (above - below) * np.maximum(h - kink, 0)
        return (c * value).mean(0) - y

    def rate(h):
        slope = np.full(h.shape, slopes[0])
        for kink, below, above in zip(kinks, slopes, slopes[1:], strict=False):
            slope += (above - below) * np.clip(0.5 + (h - kink) / (2 * eps), 0, 1)
        return -c * (slope * residual(h)) @ gram

    h, steps = start.H.copy(), math.ceil(time / dt)
    tau = time / steps
    for _ in range(steps):
        k1 = rate(h)
        k2 = rate(h + tau / 2 * k1)
        k3 = rate(h + tau / 2 * k2)
        h = h + tau / 6 * (k1 + 2 * k2 + 2 * k3 + rate(h + tau * k3))
    return (residual(h) ** 2).sum() / 2


def kernel(problem, sides, slopes, scale):
    """The kernel of the flow from its definition: Schur complements, neuron by neuron; sides (m, n)."""
    gram, total = problem.gram, np.zeros(problem.gram.shape)
    for side in sides:
        held, free = np.flatnonzero(side % 2), np.flatnonzero(side % 2 == 0)
        D = np.diag(slopes[side[free] // 2])
        inner = gram[np.ix_(free, free)]
        if len(held):
            across = gram[np.ix_(free, held)]
            inner = inner - across @ np.linalg.solve(gram[np.ix_(held, held)], across.T)
        total[np.ix_(free, free)] += D @ inner @ D
    return scale**2 * total / len(sides)


def test_a_neuron_that_is_given_up_rejects_the_step(monkeypatch):
    """No event is allowed, so no step that has one is taken, and the run does not come to its end."""
    whole = sweep.network_of
    monkeypatch.setattr(sweep, "network_of", lambda flow, pieces: whole(flow, pieces)._replace(most=0))
    problem, start = gaussian(4, 6, 20)
    run = simulate.gradient_flow(problem, network=start, t_max=30.0, max_steps=60)
    assert run.status in (simulate.Status.STEP_LIMIT, simulate.Status.STEP_UNDERFLOW)
    assert run.stats.rejected > 5


def test_neurons_given_up_in_the_half_steps_are_told(monkeypatch):
    whole = PiecewiseLinear.step

    def step(self, flow, state, tau, *, errors):
        found = whole(self, flow, state, tau, errors=errors)
        return found if errors else dataclasses.replace(found, unresolved=found.unresolved + 1)

    monkeypatch.setattr(PiecewiseLinear, "step", step)
    problem, start = gaussian(4, 6, 20)
    run = simulate.gradient_flow(problem, network=start, t_max=1.0)
    assert f"{2 * run.stats.steps} times" in run.detail


@pytest.mark.parametrize("act", KINKED)
def test_pieces_are_found(act):
    pieces, sigma = pieces_of(bounds.get_activation(act)), bounds.get_activation(act)
    expected = {"relu": ([0], [0, 1]), "leaky_relu": ([0], [0.01, 1]), "clip": ([0, 1], [0, 1, 0])}[act]
    np.testing.assert_array_equal(pieces.kinks, expected[0])
    np.testing.assert_array_equal(pieces.slopes, expected[1])
    h = np.linspace(-3, 3, 100)
    np.testing.assert_allclose(pieces(h), sigma.value(h), rtol=1e-15, atol=1e-15)
    # On the kink sigma' decides, which is 0 there for all of them: ReLU and clip are off.
    for h in pieces.kinks[pieces.slopes[:-1] * pieces.slopes[1:] == 0]:
        assert pieces.slopes[pieces.sides(np.array([h]))[0] // 2] == sigma.slope(h) == 0


@pytest.mark.parametrize("act", ["tanh", "elu", "linear", "softplus"])
def test_no_pieces_no_events(act):
    assert pieces_of(bounds.get_activation(act)) is None
    problem = bounds.Problem(np.eye(3), np.ones(3), activation=act)
    assert simulate.gradient_flow(problem, width=4, t_max=0.1).integrator == "exponential"
    with pytest.raises(ArgumentError, match="finitely many slopes"):
        simulate.gradient_flow(problem, width=4, t_max=0.1, integrator="piecewise-linear")


def sliding_loss(time):
    """The loss of the sliding example, solved by hand: dh_1 = -(r_1 - r_2/2), dh_2 = -(r_2 - r_1/2) until h_1 = 0,
    which then stays; r = (h_1 + 1, h_2)."""

    # Before: e-vectors (1, 1) and (1, -1) of G with eigenvalues 1/2 and 3/2, r(0) = (1.1, 1).
    def r(t):
        slow, fast = 1.05 * math.exp(-t / 2), 0.05 * math.exp(-1.5 * t)
        return np.array([slow + fast, slow - fast])

    low, high = 0.0, 1.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if r(middle)[0] > 1 else (low, middle)
    if time <= low:
        return (r(time) ** 2).sum() / 2
    # Held: theta = r_2/(2 r_1), so dh_2 = -(r_2 - theta r_1/2) = -3/4 r_2, and r_1 = 1.
    return (1 + (r(low)[1] * math.exp(-0.75 * (time - low))) ** 2) / 2


def test_sliding_example():
    """Against its closed form: the loss, where it is held exactly, and that the default takes a few steps."""
    problem = bounds.Problem.from_gram([[1.0, -0.5], [-0.5, 1.0]], [-1.0, 0.0], activation="relu")
    start = Network(np.array([[0.1, 1.0]]), np.array([1.0]))
    times = [0.0, 0.05, 0.3, 0.5, 1.0, 3.0]
    t = simulate.gradient_flow(problem, network=start, t_max=3.0, loss_ratio=0.0, rtol=1e-5, save_at=times)
    exact = np.array([sliding_loss(time) for time in times])
    assert t.integrator == "piecewise-linear"
    assert np.all(np.abs(t.loss - exact) <= np.maximum(t.error, 1e-14))
    np.testing.assert_allclose(t.loss, exact, rtol=1e-5)
    np.testing.assert_array_equal(t.sliding, [0, 0, 1, 1, 1, 1])
    assert t.final.H[0, 0] == 0
    assert t.stats.steps < 60


@pytest.mark.parametrize("act", KINKED)
def test_against_a_regularised_flow(act):
    """Independent: sigma' made continuous, at two widths, extrapolated to zero; true error within the reported one."""
    problem, start = gaussian(5, 8, 30, act, scale=2.0)
    pieces = pieces_of(bounds.get_activation(act))
    t = simulate.gradient_flow(problem, network=start, t_max=2.0, loss_ratio=0.0, rtol=1e-4, save_at=[2.0])
    wide, near = (
        regularised(problem, start, 2.0, eps, pieces.slopes, pieces.kinks, dt=2 * eps) for eps in (1e-3, 5e-4)
    )
    reference, doubt = 2 * near - wide, abs(near - wide) / 4
    assert abs(t.loss[0] - reference) <= t.error[0] + doubt
    assert abs(t.loss[0] - reference) <= 2e-3 * reference
    assert doubt < 1e-2 * reference


@pytest.mark.parametrize("act", KINKED)
def test_kernel_kept_by_events_is_the_kernel(act):
    """After many events the kernel that was updated at each of them is that of the definition, and r that of h."""
    problem, start = gaussian(12, 20, 150, act, scale=2.0)
    options = Options(150, 1.0, "independent", "ours", "float64", "cpu", start, None, None, "sum", False)
    setup = Setup(problem, [], options)
    flow, method, pieces = setup.flow, get_integrator("piecewise-linear"), pieces_of(problem.activation)
    state, counts = method.start(flow, setup.h0.copy()), np.zeros(7)
    for tau in (0.3, 1.0, 2.0, 4.0):
        step = method.step(flow, state, np.array([tau]), errors=False)
        state = step.advance(state)
        counts += step.parts[0].swept.counts
        sides = state.sides.sides[0].T
        np.testing.assert_allclose(state.kernel[0], kernel(problem, sides, pieces.slopes, 2.0), atol=1e-12)
        np.testing.assert_array_equal(sides[sides % 2 == 0], pieces.sides(state.h[0].T)[sides % 2 == 0])
        np.testing.assert_allclose(state.residual, flow.evaluate(state.h).residual, atol=1e-14)
    assert counts[:3].min() > 0  # crossings, entries held, entries let go
    assert counts[4] == counts[5] == 0  # none given up, all pivots ended


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


def test_a_save_point_does_not_depend_on_those_before_it():
    """Within a step the neurons go on from one save point to the next; alone, each is reached from its beginning."""
    problem = small()
    times = np.geomspace(0.05, 1.9, 9)
    options = {"width": 60, "seed": 1, "t_max": 2.0, "loss_ratio": 0.0}
    together = simulate.gradient_flow(problem, save_at=times, **options)
    assert together.stats.steps < len(times)
    for k, time in enumerate(times):
        alone = simulate.gradient_flow(problem, save_at=[time, 2.0], **options)
        np.testing.assert_allclose(alone.loss[-2], together.loss[k], rtol=1e-9)
        np.testing.assert_allclose(alone.kernel_min_eig[-2], together.kernel_min_eig[k], rtol=1e-8)
        np.testing.assert_array_equal(alone.sliding[-2], together.sliding[k])


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
        assert choose_integrator(relu, n=300, m=8192, device="cpu") == "piecewise-linear"
    with pytest.warns(UserWarning, match="integrator='exponential' is used"):
        assert choose_integrator(relu, n=600, m=8192, device="cpu") == "exponential"
    assert choose_integrator(relu, n=40, m=4096, device="cuda") == "exponential"


def one_point_residual(h, signs, y, times):
    """r at the times for n = 1, G = 1 and ReLU, exactly: R = integral of r drives every neuron that is on by -c R until
    it comes to h = 0, where it stays; between such events r is linear in R."""
    r = (signs * np.maximum(h, 0)).mean() - y
    on = (h > 0) & (signs * r > 0)  # those that will come to rest
    ends = np.sort(np.abs(h[on] / signs[on]))
    rate, each = (signs**2 * (h > 0)).mean(), signs[0] ** 2 / len(h)
    found, size, done, time = [], abs(r), 0.0, 0.0  # |r|, and |R|, so far
    for end in [*ends, np.inf]:
        until = -math.log1p(-rate * (end - done) / size) / rate if rate * (end - done) < size else np.inf
        found += [size * math.exp(-rate * (t - time)) for t in times if time <= t < time + until]
        size, done, time, rate = size - rate * (end - done), end, time + until, rate - each
        if until == np.inf:
            break
    return np.array(found) * np.sign(r)


def test_reported_error_where_both_runs_may_agree_by_chance():
    """One data point: two numbers are near each other now and then, so that their distance alone is no error."""
    problem, times = bounds.Problem.from_gram([[1.0]], [0.5], activation="relu"), np.array([0.01, 0.1, 0.3, 1.0]) / 9
    for seed in range(12):
        rng = np.random.default_rng(seed)
        start = Network(rng.standard_normal((200, 1)), 3.0 * rng.choice([-1.0, 1.0], 200))
        t = simulate.gradient_flow(problem, network=start, t_max=times[-1], save_at=times, loss_ratio=0.0)
        exact = one_point_residual(start.H[:, 0], start.signs, 0.5, times) ** 2 / 2
        assert np.all(np.abs(t.loss - exact) <= t.error), seed


def test_a_step_and_its_two_halves_lead_to_the_same_place():
    """R is linear here, so that only events bend the way of an entry: some are pushed over their kinks by what others
    do, and back again, though both ends of the step tell nothing of it."""
    n, m = 6, 4000
    problem, start = gaussian(n, 8, m)
    arrays = Arrays("float64", "cpu")
    net = sweep.network_of(
        Flow(problem, start.signs[None], scaling_of("ours", m), arrays), pieces_of(problem.activation)
    )
    v = np.array([1.0, -0.8, 0.6, -1.2, 0.9, -0.7])

    def follow(h, sides, share):
        curve = np.zeros((n, POWERS))
        curve[:, 1] = share * v
        told = Curve(curve, np.ascontiguousarray(curve.T), np.zeros(n), 1.0, share * np.abs(v).max())
        ends, drives, sides = np.empty(h.shape), np.empty(h.shape), sides.copy()
        counts, log = np.zeros(COUNTS, dtype=np.int64), new_log(n, net.most)
        follow_neurons(h, ends, drives, sides, start.signs, net, told, new_desk(n), log, 4, counts)
        return ends, sides, counts

    begun = pieces_of(problem.activation).sides(start.H)
    whole, sides, counts = follow(start.H, begun, 1.0)
    halves, half_sides, _ = follow(*follow(start.H, begun, 0.5)[:2], 0.5)
    assert counts[HELD] > 500
    np.testing.assert_array_equal(sides, half_sides)
    np.testing.assert_allclose(whole, halves, rtol=0, atol=1e-9)
