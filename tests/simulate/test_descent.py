"""Descent with several seeds, times to record, rules for the step; how it ends; what a network carries along."""

import numpy as np
import pytest

import bounds
import simulate
from simulate import DescentPoint, Network, Status
from simulate.solve.descent import ITERATED, largest_eigenvalue


def relu(n=6, d=4, seed=0):
    rng = np.random.default_rng(seed)
    return bounds.Problem(rng.standard_normal((n, d)), rng.uniform(-1, 1, n), activation="relu")


def test_seeds_are_the_runs_one_by_one(small):
    runs = simulate.gradient_descent(small, width=16, step=0.2, steps=9, seeds=[3, 1])
    for seed, run in zip([3, 1], runs, strict=True):
        np.testing.assert_array_equal(
            run.loss, simulate.gradient_descent(small, width=16, step=0.2, steps=9, seed=seed).loss
        )
        assert run.seed == seed
    with pytest.raises(bounds.ArgumentError, match="checkpoint goes with one run"):
        simulate.gradient_descent(small, width=16, seeds=[1, 2], checkpoint="run.npz")


@pytest.mark.parametrize("loss", ["sum", "mean"])
def test_times_to_record(small, loss):
    """The first step at or after each time, and the last; each row is that of the run with every step recorded."""
    options = {"width": 16, "step": 0.1, "steps": 40, "loss": loss}
    every = simulate.gradient_descent(small, **options)
    some = simulate.gradient_descent(small, save_at=[0.0, 0.3, 0.55, 1.0], **options)
    np.testing.assert_allclose(some.time, [0.0, 0.3, 0.6, 1.0, 4.0])
    np.testing.assert_array_equal(some.loss, every.loss[[0, 3, 6, 10, 40]])
    with pytest.raises(bounds.ArgumentError, match="save_every must be left out"):
        simulate.gradient_descent(small, save_at=[1.0], save_every=2, **options)


def test_a_rule_sees_where_the_run_is(small):
    """A function gets the point of the run in the caller's time; a constant one is the fixed step."""
    seen: list[DescentPoint] = []

    def constant(point):
        seen.append(point)
        return 0.3

    ruled = simulate.gradient_descent(small, width=16, step=constant, steps=7, loss="mean")
    fixed = simulate.gradient_descent(small, width=16, step=0.3, steps=7, loss="mean")
    np.testing.assert_allclose(ruled.loss, fixed.loss, rtol=1e-13)
    np.testing.assert_allclose(ruled.time, fixed.time)
    assert [p.number for p in seen] == list(range(7))
    np.testing.assert_allclose([p.loss for p in seen], ruled.loss[:-1], rtol=1e-13)
    np.testing.assert_allclose([p.limit for p in seen], 4 * 2 / ruled.kernel_max_eig[:-1], rtol=1e-10)
    with pytest.raises(bounds.ArgumentError, match="positive finite number"):
        simulate.gradient_descent(small, width=4, step=lambda _: -1.0)
    with pytest.raises(bounds.ArgumentError, match="Did you mean 'stable'"):
        simulate.gradient_descent(small, width=4, step="stabel")


def test_the_rules(small):
    options = {"width": 64, "scale": 3.0, "steps": 3000, "loss_ratio": 1e-6}
    stable = simulate.gradient_descent(small, step="stable", **options)
    np.testing.assert_allclose(np.diff(stable.time), 1 / (9 * stable.kernel_max_eig[:-1]), rtol=1e-9)
    near = simulate.gradient_descent(small, step="residual", **options)
    assert stable.status is near.status is Status.LOSS_REACHED
    share = np.diff(near.time) * 9 * near.kernel_max_eig[:-1] / 2
    fallen = np.sqrt(near.loss[0] / near.loss[:-1])
    np.testing.assert_allclose(share, np.minimum(0.5, 0.05 * fallen), rtol=1e-9)
    flow = simulate.gradient_flow(small, width=64, scale=3.0, save_at=[near.time[20]], t_max=1e3)
    gaps = [abs(np.interp(flow.time[0], run.time, np.log(run.loss / flow.loss[0]))) for run in (near, stable)]
    assert gaps[0] < gaps[1] / 3  # it stays nearer to the flow


def test_a_rule_resumes(small, tmp_path):
    options = {"width": 16, "step": "residual", "steps": 30, "save_at": [0.0, 0.5, 2.0]}

    def press(_time, _loss, step, _tau):
        if step == 11:
            raise KeyboardInterrupt

    with pytest.raises(simulate.Interrupted):
        simulate.gradient_descent(small, checkpoint=tmp_path / "run.npz", progress=press, **options)
    again = simulate.gradient_descent(small, checkpoint=tmp_path / "run.npz", resume=True, **options)
    whole = simulate.gradient_descent(small, **options)
    np.testing.assert_array_equal(again.time, whole.time)
    np.testing.assert_array_equal(again.final.H, whole.final.H)
    with pytest.raises(bounds.ArgumentError, match="cannot tell one function from another"):
        simulate.gradient_descent(small, width=4, step=lambda p: p.limit, checkpoint=tmp_path / "x.npz")


def test_progress_pairs_a_time_with_its_own_loss(small):
    told = []
    run = simulate.gradient_descent(small, width=16, step=0.2, steps=6, progress=lambda *at: told.append(at))
    times, losses, numbers, _ = zip(*told, strict=True)
    np.testing.assert_allclose(times, run.time[1:])
    np.testing.assert_allclose(losses, run.loss[1:], rtol=1e-13)
    assert list(numbers) == [1, 2, 3, 4, 5, 6]


def test_a_step_beyond_the_limit_is_told(small):
    limit = 2 / simulate.gradient_descent(small, width=16, steps=0).kernel_max_eig[0]
    beyond = simulate.gradient_descent(small, width=16, step=1.1 * limit, steps=2)
    assert "beyond the limit of stability" in beyond.detail
    assert f"{limit:.3g}" in beyond.detail
    assert simulate.gradient_descent(small, width=16, step=0.9 * limit, steps=2).detail == ""


def test_a_loss_beyond_all_bounds_is_a_divergence():
    """A linear network grows by a factor each step; it was reported as STEPS_DONE with whatever loss it had."""
    problem = bounds.Problem(np.eye(3), [1.0, 2.0, 3.0], activation="linear")
    run = simulate.gradient_descent(problem, width=6, step=30.0, steps=100, save_every=100)
    assert run.status is Status.DIVERGED
    assert np.isfinite(run.loss[-1])
    assert "neuron" in run.detail


def test_no_slope_is_left():
    """Neurons that are off at every data point stay there."""
    problem = relu()
    start = Network(-np.ones((5, 6)), np.ones(5))
    for step in (0.1, "stable"):
        run = simulate.gradient_descent(problem, network=start, step=step, steps=50)
        assert run.status is Status.DEAD
        assert run.stats.steps <= 1
    alive = Network(np.concatenate([-np.ones((4, 6)), np.ones((1, 6))]), np.ones(5))
    assert simulate.gradient_descent(problem, network=alive, step=0.01, steps=5).status is Status.STEPS_DONE


def test_a_loss_at_the_rounding_of_the_residual(small):
    run = simulate.gradient_descent(small, width=16, scale=5.0, step="stable", steps=100_000, loss_ratio=1e-40)
    assert run.status is Status.PRECISION_REACHED


@pytest.mark.parametrize("scaling", ["ours", "ntk", "mf"])
@pytest.mark.parametrize("init", ["independent", "antisymmetric"])
def test_predict_is_the_last_test_output(scaling, init):
    problem, X = relu(n=5, d=8), np.random.default_rng(5).standard_normal((7, 8))
    options = {"width": 64, "seed": 4, "scaling": scaling, "init": init, "step": 0.3, "steps": 200}
    followed = simulate.gradient_descent(problem, X_test=X, **options)
    alone = simulate.gradient_descent(problem, **options)
    np.testing.assert_allclose(alone.predict(X), followed.test_output[-1], rtol=1e-10, atol=1e-12)
    with pytest.raises(bounds.ArgumentError, match="Pass X_test"):
        simulate.gradient_descent(problem, network=followed.initial, steps=1, X_test=X, step=0.1).predict(X)


def test_a_network_keeps_its_scaling(small):
    """A run that went on from an "ntk" network was silently that of "ours"."""
    options = {"width": 64, "scaling": "ntk", "init": "antisymmetric", "loss_ratio": 0.0}
    first = simulate.gradient_flow(small, t_max=1.0, **options)
    then = simulate.gradient_flow(small, network=first.final, t_max=1.0, loss_ratio=0.0)
    whole = simulate.gradient_flow(small, t_max=2.0, **options)
    assert then.scaling == "ntk"
    assert then.loss[-1] == pytest.approx(whole.loss[-1], rel=1e-5)
    with pytest.raises(bounds.ArgumentError, match=r"that of the network, 'ntk'. Found 'ours'"):
        simulate.gradient_flow(small, network=first.final, scaling="ours")
    with pytest.raises(bounds.ArgumentError, match="unknown scaling"):
        Network(first.final.H, first.final.signs, scaling="nkt")


@pytest.mark.parametrize("n", [5, ITERATED, ITERATED + 40])
@pytest.mark.parametrize("case", ["spread", "threefold", "crowded", "even steps", "zero", "even"])
def test_largest_eigenvalue(n, case):
    """As all eigenvalues together give it, also where it is multiple, has others near it or does not show in the sum of
    all columns; n from 5 by the dense method, from ITERATED on by Lanczos'."""
    rng = np.random.default_rng(n)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    if case == "even":  # an eigenvector with pairs of opposite entries, at right angles to the vector of ones
        Q = np.linalg.qr(np.column_stack([np.arange(n) % 2 * 2.0 - 1 + (n % 2) * (np.arange(n) == 0), Q[:, 1:]]))[0]
    values = {
        "spread": 5 * rng.random(n),
        "threefold": np.append(np.ones(3), rng.random(n - 3)),
        "crowded": 1 - 1e-6 * rng.random(n),
        "even steps": 1 - 1e-10 * np.arange(n) / n,  # which Lanczos' method does not tell apart
        "zero": np.zeros(n),
        "even": np.append(10.0, rng.random(n - 1)),
    }[case]
    matrix = (Q * values) @ Q.T
    matrix = (matrix + matrix.T) / 2
    assert largest_eigenvalue(matrix) == pytest.approx(np.linalg.eigvalsh(matrix)[-1], rel=1e-13)


@pytest.mark.parametrize("scale", [1e-300, 1e-25, 1e300])
def test_largest_eigenvalue_of_any_size(scale):
    rows = np.random.default_rng(0).standard_normal((ITERATED, 2 * ITERATED))
    matrix = rows @ rows.T
    assert largest_eigenvalue(scale * matrix) == pytest.approx(scale * np.linalg.eigvalsh(matrix)[-1], rel=1e-13)
