"""Certificates of one network: transport, shadowing, the restart, the report."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

import bounds
from bounds.certificates import handover, shadowing, transport
from bounds.command_line import run
from bounds.data.datasets import load_builtin
from bounds.neurons import Neurons
from reports.console import main
from simulate import Network, gradient_flow, sample_network
from tests.networks import networks

# The certificate


def check_against_a_run(problem, H, signs, certificate, loss_ratio=1e-10):
    """The run from H never contradicts it: rate and path."""
    true = gradient_flow(problem, network=Network(H, signs), rtol=1e-8, t_max=1e4, loss_ratio=loss_ratio, device="cpu")
    promised = true.loss[0] * np.exp(-certificate.rate * true.time)
    assert np.all(true.loss - true.error <= promised * (1 + 1e-9))
    assert true.path_length[-1] - true.errors["path_length"][-1] <= certificate.path_length * (1 + 1e-9)
    assert true.loss[-1] <= 1e-3 * true.loss[0]
    return true


@settings(max_examples=12)
@given(networks(smooth=False), st.sampled_from(["shadowing", "shadowing", "transport", "best"]))
def test_no_certificate_is_contradicted_by_a_run(network, method):
    problem, H, signs = network
    try:
        c = bounds.certify(problem, H, signs=signs, method=method)
    except bounds.AssumptionError:
        return
    assert c.holds == (c.rate > 0)
    if c.holds:
        check_against_a_run(problem, H, signs, c)


@pytest.mark.parametrize("activation", ["tanh", "softplus"])
def test_the_papers_experiment_is_certified_at_initialisation(activation):
    """Experiment 1 at scale 1 (n = d = 20; m = 256 here): every formula is silent there, shadowing is nearly sharp."""
    X, y = load_builtin("experiment-1")
    problem = bounds.Problem(X, y, activation=activation)
    network = sample_network(problem, width=256, scale=1.0, seed=0)
    assert not bounds.certify(problem, network.H, signs=network.signs).holds
    c = bounds.certify(problem, network.H, signs=network.signs, method="shadowing")
    assert c.holds
    true = check_against_a_run(problem, network.H, network.signs, c)
    measured = float(np.min(np.log(true.loss[0] / true.loss[1:]) / true.time[1:]))
    assert 0.6 * measured < c.rate <= measured * (1 + 1e-6)
    assert c.path_length < 1.2 * true.path_length[-1]


def test_more_points_than_dimensions_are_shadowed():
    rng = np.random.default_rng(0)
    problem = bounds.Problem(rng.standard_normal((4, 3)), rng.uniform(-0.5, 0.5, 4))
    network = sample_network(problem, width=100, scale=1.0, seed=0)
    c = bounds.certify(problem, network.H, signs=network.signs, method="shadowing")
    assert c.holds
    check_against_a_run(problem, network.H, network.signs, c)


def test_no_path_is_followed_where_the_tangent_kernel_is_singular_at_every_state(monkeypatch):
    """One neuron and three inputs on a line: the kernel has rank 1. Three neurons may do."""
    problem = bounds.Problem([[0.1], [0.2], [-0.3]], [0.1, 0.2, 0.3])
    H = np.array([[0.1, 0.5, -0.2], [0.3, -0.4, 0.6], [-0.7, 0.2, 0.5]])
    monkeypatch.setattr(handover, "STEPS", 2)
    one = bounds.certify(problem, H[:1], signs=[1.0], method="shadowing")
    assert (one.holds, one.constants["steps"], one.constants["time"]) == (False, 0, 0.0)
    assert "rank 1 < n at every state" in one.reason
    assert bounds.certify(problem, H, signs=[1.0, -1.0, 1.0], method="shadowing").constants["steps"] > 0


def test_what_does_not_converge_is_not_certified():
    """tanh, n = 1, scale 1, y = 2: the loss cannot fall below 1/2 (Corollary 1 read literally)."""
    problem = bounds.Problem.from_gram([[1.0]], [2.0])
    c = bounds.certify(problem, [[0.1], [0.5]], signs=[1.0, 1.0], method="shadowing")
    assert (c.holds, c.rate, c.beta, c.path_length) == (False, 0.0, math.inf, math.inf)
    solved = bounds.Problem.from_gram([[1.0]], [0.0])
    assert not bounds.certify(solved, [[0.0]], signs=[1.0], method="shadowing").holds  # nothing is left to converge


def test_the_handover_alone_is_the_formula(small):
    """Where a formula holds with room to spare no step is taken, and the certificate is the formula's."""
    network = sample_network(small, width=64, scale=2000.0, seed=0, init="antisymmetric")
    formula = max(
        (bounds.certify(small, network.H, signs=network.signs, method=m) for m in ("kernel", "slopes")),
        key=lambda c: c.rate,
    )
    c = bounds.certify(small, network.H, signs=network.signs, method="shadowing")
    assert formula.beta < handover.NEARLY_ALL
    assert c.constants["steps"] == 0
    assert c.rate == pytest.approx(formula.rate, rel=1e-9)
    assert c.rate <= formula.rate
    assert c.path_length == pytest.approx(formula.path_length, rel=1e-9)


def test_the_account_takes_the_least_quotient():
    """log(L^0/L): at least t from 0 to 1, known to be 4 at 1, nothing until 3: the rate is 1, then 4/3."""
    account = handover.Account((1.0, 1.0))
    account.add(1.0, math.exp(-2.0), 1.0)
    assert account.rate == pytest.approx(1.0)
    assert account.dropped == pytest.approx(4.0)
    account.rate = math.inf
    account.add(3.0, math.exp(-10.0), 0.0)
    assert account.rate == pytest.approx(4 / 3)
    assert account.loss() == pytest.approx(0.5 * math.exp(-20.0), rel=1e-5)


@pytest.mark.parametrize(("activation", "message"), [("relu", "kink"), ("linear", "strip"), ("leaky_relu", "kink")])
def test_shadowing_says_where_it_does_not_apply(activation, message):
    problem = bounds.Problem.from_gram(np.eye(2), [0.1, 0.2], activation=activation)
    with pytest.raises(bounds.AssumptionError, match=message):
        bounds.certify(problem, np.zeros((3, 2)), signs=np.ones(3), method="shadowing")


def test_shadowing_needs_a_drawn_embedding():
    embedding = bounds.RandomFeatures(depth=1)
    problem = bounds.Problem(np.random.default_rng(0).standard_normal((3, 4)), [0.1, -0.2, 0.3], embedding=embedding)
    H = np.random.default_rng(1).standard_normal((50, 3))
    with pytest.raises(bounds.AssumptionError, match="draw the embedding"):
        bounds.certify(problem, H, signs=np.ones(50), method="shadowing")
    signs = np.where(np.arange(50) % 2 == 0, 1.0, -1.0)
    drawn = problem.draw(dim=200, seed=0)
    c = bounds.certify(drawn, H, signs=signs, method="shadowing")
    assert c.holds
    check_against_a_run(drawn, H, signs, c)


def test_a_state_too_large_for_memory_is_refused(small, monkeypatch):
    monkeypatch.setattr(shadowing, "MOST_ENTRIES", 10)
    with pytest.raises(bounds.AssumptionError, match=r"at most 10 entries. Found \(4, 4\)"):
        bounds.certify(small, np.zeros((4, 4)), signs=np.ones(4), method="shadowing")


# Transport


@pytest.mark.parametrize("activation", ["tanh", "softplus", "relu"])
def test_transport_is_never_worse_than_envelope(reference, activation):
    problem = reference[activation]
    for seed, scale in ((0, 4.0), (1, 9.0), (2, 40.0)):
        network = sample_network(problem, width=500, scale=scale, seed=seed)
        envelope, both = (
            bounds.certify(problem, network.H, signs=network.signs, method=m) for m in ("envelope", "transport")
        )
        assert both.rate >= envelope.rate
        assert both.critical_scale < 0.9 * envelope.critical_scale
        assert both.method == "transport"


@given(networks(smooth=False), st.sampled_from([0.02, 0.1, 0.3, 0.7]), st.floats(0.05, 20.0))
def test_no_displacement_beats_transport(network, share, mu):
    """The best displacement for any one mu, scaled to root mean square sqrt(G_aa) s, leaves a slope above psi(s)."""
    problem, H, _ = network
    if not problem.spectrum.lmin[0] > 0:
        return
    found = [p for p in transport.a_posteriori(problem, H) if isinstance(p, transport.StepProfile)]
    if not found:
        return
    (profile,) = found
    s = share * float(profile.extent)
    psi = float(profile.levels[min(int(s / profile.width), len(profile.levels) - 1)]) ** 2
    psi /= float(problem.spectrum.lmin_floor)
    u = np.linspace(-12, 12, 2401)
    cost = np.square(problem.activation.slope(u))
    squares = []
    for a in range(problem.n):
        best = u[np.argmin(cost + mu * np.square(u - H[:, a, None]), axis=1)]
        shift = best - H[:, a]
        size = math.sqrt(float(np.mean(shift**2)))
        allowed = math.sqrt(problem.gram[a, a]) * s
        moved = H[:, a] + shift * (min(1.0, allowed / size) if size > 0 else 1.0)
        squares.append(float(np.mean(np.square(problem.activation.slope(moved)))))
    assert min(squares) >= psi - 1e-9


def test_step_profiles_round_to_the_safe_side():
    """rho = 1 - s in 1000 steps from below: a = 2, rho(S)^2 = 1 - beta, S = 1 - sqrt(1 - beta)."""
    steps = transport.StepProfile(1 - np.arange(1, 1001) / 1000, 1e-3)
    assert 2 < float(steps.critical) < 2.003
    for used in (0.0, 0.3, 0.9, 0.99):  # the share of the true integral; that of the steps is larger
        beta, S = used * float(steps.critical) / 2, 1 - math.sqrt(1 - used)
        assert 1 - used - 0.003 < float(steps.remaining(arb(beta))) < 1 - used
        assert S < float(steps.path_length(arb(beta))) < S + 0.02


# The restart


def states(problem, network, factor, asked=None):
    """(time, H, signs) each time the loss has fallen by `factor`."""
    time = 0.0
    while True:
        if asked is not None:
            asked.append(time)
        yield time, network.H, network.signs
        piece = gradient_flow(problem, network=network, loss_ratio=factor, rtol=1e-5, device="cpu")
        network, time = piece.final, time + float(piece.time[-1])


def test_the_first_certified_state_of_a_run(reference):
    problem = reference["tanh"]
    network = sample_network(problem, width=300, scale=1.0, seed=0)
    asked = []
    found = bounds.first_certified(problem, states(problem, network, 0.3, asked), method="kernel")
    assert found is not None
    assert found.index >= 1
    assert len(asked) == found.index + 1  # later states were never computed
    assert found.time == asked[-1]
    assert found.certificate.holds
    earlier = [state for _, state in zip(range(found.index), states(problem, network, 0.3), strict=False)]
    assert bounds.first_certified(problem, earlier, method="kernel") is None
    at_once = bounds.first_certified(problem, states(problem, network, 0.3), method="shadowing")
    assert at_once is not None
    assert at_once.index == 0


def test_the_report_of_certificates(tmp_path, capsys):
    """One row for each seed and method; a method that never switches on, or does not apply, leaves its cells empty."""
    out = tmp_path / "certificates.csv"
    options = ["--builtin", "experiment-1", "--n", "3", "--d", "8", "--width", "60", "--seeds", "3", "--out", str(out)]
    assert run(main, ["certificates", *options, "--methods", "kernel", "shadowing", "chebyshev"]) == 0
    rows = pd.read_csv(out).set_index("method")
    assert rows.loc["shadowing", "loss_ratio"] == 1
    assert rows.loc["kernel", "loss_ratio"] < 1
    certified = rows.dropna(subset="certified")
    assert (certified["certified"] <= certified["measured"] * (1 + 1e-6)).all()
    np.testing.assert_allclose(certified["ratio"], certified["certified"] / certified["measured"])
    assert "shadowing" in capsys.readouterr().out
    assert run(main, ["certificates", *options, "--activation", "relu", "--methods", "kernel"]) == 3
    assert pd.read_csv(out)["certified"].isna().all()
    assert run(main, ["certificates", "--methods", "kernal"]) == 2
    assert "Did you mean 'kernel'" in capsys.readouterr().err


def test_certify_a_state_by_shadowing_on_the_command_line(tmp_path, capsys):
    state = tmp_path / "state.npz"
    options = ["--n", "3", "--d", "8", "--width", "60", "--seed", "3", "--t-max", "0.5"]
    assert run(main, ["flow", "--builtin", "experiment-1", *options, "--state-out", str(state)]) == 0
    assert run(main, ["certify", str(state), "--method", "shadowing"]) == 0
    assert "method          shadowing" in capsys.readouterr().out


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_blocks_of_neurons_are_one_network(small, activation):
    """Counts are the same, sums nearly, whatever the blocks; and a part of the neurons, which lacks others, is refused
    where all of them must be in one place."""
    problem = bounds.Problem(small.X, small.y, activation=activation)
    rng = np.random.default_rng(3)
    H, signs = rng.standard_normal((50, problem.n)), 20 * rng.choice([-1.0, 1.0], 50)
    whole = bounds.certificate_table(problem, H, signs=signs)
    cut = bounds.certificate_table(problem, Neurons(H, 50, [(0, 7), (7, 30), (30, 50)]), signs=signs)
    for name in ("rate", "beta", "critical_scale", "path_length"):
        np.testing.assert_allclose(cut[name].astype(float), whole[name].astype(float), rtol=1e-13)
    short = H.astype(np.float32)  # as a state in float32 has them: the numbers count, not the type
    exact = bounds.certify(problem, short.astype(np.float64), signs=signs)
    assert bounds.certify(problem, Neurons(short, 50, [(0, 50)]), signs=signs).beta == exact.beta
    some = Neurons(H[:7], 50, [(0, 7)], lambda _: pytest.fail("nothing is added"))
    with pytest.raises(bounds.ArgumentError, match="needs all neurons in one place"):
        bounds.certify(problem, some, signs=signs[:7], method="transport")
    H[40, 1] = np.nan
    with pytest.raises(bounds.DataError, match="has the run diverged"):
        bounds.certify(problem, Neurons(H, 50, [(0, 30), (30, 50)]), signs=signs)
