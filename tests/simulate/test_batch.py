"""Many runs at once: each is what it would be alone."""

import numpy as np
import pytest

import bounds
import simulate

CASES = [
    (5, 64, "tanh", "exponential", "independent"),
    (1, 3, "tanh", "exponential", "independent"),
    (3, 10, "relu", "exponential", "independent"),
    (5, 64, "gelu", "runge-kutta", "antisymmetric"),
    (33, 40, "tanh", "exponential", "independent"),
    (8, 101, "softplus", "exponential", "independent"),
    (5, 1001, "softplus", "exponential", "independent"),
]


def options_of(n, m, activation, integrator, init):
    rng = np.random.default_rng(n)
    problem = bounds.Problem(rng.standard_normal((n, n + 3)), rng.uniform(-1, 1, n), activation=activation)
    options = {"width": m, "scale": 5.0, "loss_ratio": 1e-6, "t_max": 1.0, "rtol": 1e-3, "max_steps": 200}
    return problem, {**options, "init": init, "integrator": integrator}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("save_at", [None, [0.0, 0.2, 1.0]])
def test_a_run_does_not_feel_the_others(case, save_at):
    """Bit for bit on the CPU, rejected steps and runs that end early included."""
    problem, options = options_of(*case)
    options["save_at"] = save_at
    together = simulate.gradient_flow(problem, seeds=range(8), **options)
    fewer = simulate.gradient_flow(problem, seeds=[6, 2], **options)
    for seed in (0, 2, 6):
        alone = simulate.gradient_flow(problem, seed=seed, **options)
        for other in [together[seed], *(t for t in fewer if t.seed == seed)]:
            assert other.status is alone.status
            assert (other.stats.steps, other.stats.rejected, other.stats.evaluations) == (
                alone.stats.steps,
                alone.stats.rejected,
                alone.stats.evaluations,
            )
            np.testing.assert_array_equal(other.final.H, alone.final.H)
            np.testing.assert_array_equal(other.time, alone.time)
            for name, errors in alone.errors.items():
                np.testing.assert_array_equal(getattr(other, name), getattr(alone, name), err_msg=name)
                np.testing.assert_array_equal(other.errors[name], errors, err_msg=name)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_many_data_points(activation):
    """Also where torch finds the eigenvectors: of a stack of matrices with an odd number of entries it would find
    others, to the last digits, than of each alone."""
    X = np.random.default_rng(0).standard_normal((129, 140)) / 12
    problem = bounds.Problem(X, X[:, 0], activation=activation)
    options = {"width": 70, "t_max": 1.0, "save_at": [0.3, 1.0], "rtol": 1e-2}
    together = simulate.gradient_flow(problem, seeds=[0, 1, 2], **options)
    for run in together:
        alone = simulate.gradient_flow(problem, seed=run.seed, **options)
        np.testing.assert_array_equal(run.final.H, alone.final.H)
        np.testing.assert_array_equal(run.loss, alone.loss)
        np.testing.assert_array_equal(run.error, alone.error)


def test_large_networks_go_one_after_another(small):
    runs = simulate.gradient_flow(small, seeds=[3, 1], width=20_000, t_max=0.01)
    alone = simulate.gradient_flow(small, seed=3, width=20_000, t_max=0.01)
    assert [t.seed for t in runs] == [3, 1]
    np.testing.assert_array_equal(runs[0].loss, alone.loss)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": []}, "at least one"),
        ({"seeds": [1, 1]}, "different"),
        ({"seeds": [1, -1]}, r"seeds\[1\] must be"),
        ({"seeds": [0], "network": simulate.Network(np.zeros((2, 4)), np.ones(2))}, "network goes with one run"),
        ({"seeds": [0], "checkpoint": "x.npz"}, "checkpoint goes with one run"),
    ],
)
def test_bad_arguments(small, arguments, message):
    with pytest.raises(bounds.ArgumentError, match=message):
        simulate.gradient_flow(small, width=8, **arguments)
