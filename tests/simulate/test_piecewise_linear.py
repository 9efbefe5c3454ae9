"""The events of piecewise linear activations: held entries, crossings, and the kernel that follows from them."""

import dataclasses
import math

import numpy as np
import pytest

import bounds
import simulate
from bounds.errors import ArgumentError
from simulate.field.equal_points import first_equal
from simulate.integrators import get_integrator
from simulate.integrators.piecewise_linear import pieces_of, sweep
from simulate.integrators.piecewise_linear.desk import COUNTS, HELD, POWERS, Curve, new_desk, new_seen
from simulate.integrators.piecewise_linear.distinct import distinct_points
from simulate.integrators.piecewise_linear.follow import follow_neurons
from simulate.integrators.piecewise_linear.kernel_changes import new_log
from simulate.integrators.piecewise_linear.method import PiecewiseLinear
from simulate.network import Network
from simulate.options import Options
from simulate.setup import Setup
from tests.simulate.kinked_problems import gaussian

KINKED = ["relu", "leaky_relu", "clip"]


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

    def step(self, flow, state, tau, *, errors, saves=None):
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
    net = sweep.network_of(problem.gram, pieces_of(problem.activation))
    v = np.array([1.0, -0.8, 0.6, -1.2, 0.9, -0.7])

    def follow(h, sides, share):
        curve = np.zeros((n, POWERS))
        curve[:, 1] = share * v
        told = Curve(curve, np.ascontiguousarray(curve.T), np.zeros(n), 1.0, share * np.abs(v).max())
        ends, drives, sides = np.empty(h.shape), np.empty(h.shape), sides.copy()
        counts, log = np.zeros(COUNTS, dtype=np.int64), new_log(n, net.most, 1)
        follow_neurons(
            h,
            ends,
            drives,
            sides,
            start.signs,
            net,
            told,
            new_desk(n),
            log,
            False,
            new_seen(np.zeros(0), len(h), n),
            counts,
        )
        return ends, sides, counts

    begun = pieces_of(problem.activation).sides(start.H)
    whole, sides, counts = follow(start.H, begun, 1.0)
    halves, half_sides, _ = follow(*follow(start.H, begun, 0.5)[:2], 0.5)
    assert counts[HELD] > 500
    np.testing.assert_array_equal(sides, half_sides)
    np.testing.assert_allclose(whole, halves, rtol=0, atol=1e-9)


@pytest.mark.parametrize("act", KINKED)
@pytest.mark.parametrize("exact", [True, False])
def test_equal_data_points_have_one_slope_on_a_kink(act, exact):
    """Every point twice, with targets y + e and y - e: the flow of the points with y, twice as fast. Their residuals
    have opposite signs where e is large, so that slopes of their own would hold a neuron too long."""
    rng = np.random.default_rng(6)
    n, d, m = 5, 8, 12
    X, y, e = rng.standard_normal((n, d)), rng.uniform(-1, 1, n), rng.uniform(1, 3, n)
    once = bounds.Problem(X, y, activation=act)
    twice = bounds.Problem(np.vstack([X, X]), np.concatenate([y + e, y - e]), activation=act)
    start = simulate.sample_network(once, width=m, scale=3.0, seed=1)
    H = np.hstack([start.H, start.H])
    if not exact:  # as from weights, whose products with equal inputs need not be equal to the last digit
        H = H * (1 + 1e-15 * rng.standard_normal(H.shape))
    times = np.array([0.2, 1.0, 4.0])
    options = {"loss_ratio": 0, "rtol": 1e-7, "integrator": "piecewise-linear"}
    slow = simulate.gradient_flow(once, network=start, t_max=8.0, save_at=2 * times, **options)
    fast = simulate.gradient_flow(twice, network=Network(H, start.signs), t_max=4.0, save_at=times, **options)
    assert slow.sliding.max() > 5
    apart = np.abs(fast.loss - float(e @ e) - 2 * slow.loss)
    assert np.all(apart <= fast.error + 2 * slow.error)
    assert np.all(apart < 1e-6)
    np.testing.assert_array_equal(fast.sliding, slow.sliding)
    np.testing.assert_allclose(fast.final.H[:, :n], slow.final.H, atol=1e-5)


def test_a_drawn_network_has_one_pre_activation_for_equal_points():
    """Roots of what rounding leaves of zero eigenvalues would set them apart, and the flow of such a network is another
    one: here the loss was off by 0.1."""
    rng = np.random.default_rng(8)
    n, m = 5, 12
    X, y, e = rng.standard_normal((n, 8)), rng.uniform(-1, 1, n), rng.uniform(1, 3, n)
    once = bounds.Problem(X, y, activation="relu")
    twice = bounds.Problem(np.vstack([X, X]), np.concatenate([y + e, y - e]), activation="relu")
    drawn = simulate.sample_network(twice, width=m, scale=3.0, seed=1)
    np.testing.assert_allclose(drawn.H[:, n:], drawn.H[:, :n], rtol=0, atol=1e-14)
    times = np.array([0.2, 1.0])
    options = {"loss_ratio": 0, "rtol": 1e-5}
    start = Network(drawn.H[:, :n], drawn.signs)
    slow = simulate.gradient_flow(once, network=start, t_max=2.0, save_at=2 * times, **options)
    fast = simulate.gradient_flow(twice, width=m, scale=3.0, seed=1, t_max=1.0, save_at=times, **options)
    assert np.all(np.abs(fast.loss - float(e @ e) - 2 * slow.loss) <= fast.error + 2 * slow.error)


def test_points_that_only_look_equal_are_distinct():
    """|x_a - x_b|^2 is lost in the rounding of |x_a|^2, but the rows of the Gram matrix differ."""
    X = np.eye(4)[[0, 1, 2, 0, 0, 1]]
    X[3, 1] = 3e-8  # beside the first point; the last two equal the first and the second one
    gram = X @ X.T
    assert gram[0, 0] + gram[3, 3] - 2 * gram[0, 3] < 1e-15
    np.testing.assert_array_equal(first_equal(gram), [0, 1, 2, 3, 0, 1])
    H = np.random.default_rng(0).standard_normal((7, 4)) @ np.eye(4)[[0, 1, 2, 0, 0, 1]].T
    found = distinct_points(gram, H.T)
    np.testing.assert_array_equal(found.first, [0, 1, 2, 3])
    np.testing.assert_array_equal(found.of, [0, 1, 2, 3, 0, 1])
    H[:, 5] += 1e-9  # given by hand: as of no weights
    np.testing.assert_array_equal(distinct_points(gram, H.T).of, [0, 1, 2, 3, 0, 4])
    zero = np.zeros((3, 3))
    zero[1, 1] = 1.0
    np.testing.assert_array_equal(first_equal(zero), [0, 1, 0])


def test_equal_points_in_any_order_are_followed_alike():
    """Their place among the others says nothing."""
    rng = np.random.default_rng(4)
    X, y = np.vstack([rng.standard_normal((4, 6)), np.zeros((2, 6))]), rng.uniform(-1, 1, 8)
    order = np.array([4, 0, 4, 5, 0, 1, 2, 3])
    back = np.argsort(order, kind="stable")
    start = simulate.sample_network(bounds.Problem(X[order], y, activation="relu"), width=30, scale=3.0, seed=1)
    options = {"t_max": 1.0, "loss_ratio": 0, "save_at": [0.3, 1.0]}
    some = simulate.gradient_flow(bounds.Problem(X[order], y, activation="relu"), network=start, **options)
    sorted_problem = bounds.Problem(X[order][back], y[back], activation="relu")
    other = simulate.gradient_flow(sorted_problem, network=Network(start.H[:, back], start.signs), **options)
    np.testing.assert_allclose(some.loss, other.loss, rtol=1e-9)
    np.testing.assert_allclose(some.final.H[:, back], other.final.H, atol=1e-9)
