"""The certificate by the last layer's own kernel: its inequality, its roundings, PyTorch's own networks."""

import numpy as np
import pytest
import torch
from flint import arb, arb_mat
from torch import nn

import bounds
import simulate
from bounds.certificates import last_layer_kernel


def problem(n=4, d=6, kap=1.0, activation="tanh", seed=3):
    rng = np.random.default_rng(seed)
    return bounds.Problem(rng.standard_normal((n, d)), rng.uniform(-1, 1, n), activation, last_layer=kap)


def standard(n, d, m, activation=nn.ReLU, seed=3):
    """(Problem, Network) of a network as torch draws it, all layers trained, on Gaussian points."""
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((n, d)), rng.uniform(-1, 1, n)
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(d, m), activation(), nn.Linear(m, 1, bias=False)).double()
    return simulate.from_torch(net, X, y)


def test_the_values_move_as_far_as_the_path_and_no_farther():
    """|N^t - N^0| <= Ls sqrt(lambda_max) s, with equality for a linear sigma and neurons that move along the largest
    eigenvector of G: the constant cannot be smaller."""
    p = problem(activation="linear")
    values, vectors = np.linalg.eigh(p.gram)
    rng, m, s = np.random.default_rng(0), 50, 0.3
    for k in range(20):
        z = rng.standard_normal((m, 4)) if k else np.outer(rng.standard_normal(m), vectors[:, -1])
        z *= s / np.sqrt(np.mean(np.sum(z * z, axis=1)))  # what G^{-1/2} h_i has moved, in root mean square
        moved = z @ (vectors * np.sqrt(values)) @ vectors.T
        size = np.linalg.norm(moved) / np.sqrt(m)
        assert size <= np.sqrt(values[-1]) * s * (1 + 1e-12)
        assert k or size == pytest.approx(np.sqrt(values[-1]) * s, rel=1e-12)


def test_the_profile_in_balls():
    """A = kap lambda_min(S) from below and near it, S formed in balls of 200 bits; the extent likewise."""
    p = problem(kap=2.5)
    H = simulate.sample_network(p, width=30, scale=1.0, seed=2).H
    found = last_layer_kernel.profile(p, H)
    N = [[arb(h).tanh() for h in row] for row in H.tolist()]
    S = arb_mat([[sum((row[a] * row[b] for row in N), arb(0)) / 30 for b in range(4)] for a in range(4)])
    least = min(float(v.real.mid()) for v in S.eig())
    assert least * (1 - 1e-9) <= float(found.A.upper()) / 2.5 <= least * (1 + 1e-14)
    want = np.sqrt(least / np.linalg.eigvalsh(p.gram)[-1])
    assert want * (1 - 1e-9) <= float(found.extent.upper()) <= want * (1 + 1e-14)


@pytest.mark.parametrize(("n", "d"), [(4, 6), (9, 6)])
def test_a_certified_network_converges_at_its_rate(n, d):
    """With beta just below 1, at any sizes of the c_i, and n > d too."""
    p = problem(n, d)
    start = simulate.sample_network(p, width=512, scale=1.0, seed=1)
    c = start.signs * np.random.default_rng(0).uniform(0.0, 0.3, 512)
    no = bounds.certify(p, start.H, signs=c, method="last-layer")
    assert not no.holds
    assert no.critical_scale == np.inf
    least = float(no.reason.split("above ")[1].split(" ")[0])
    enough = bounds.Problem(p.X, p.y, last_layer=least * 1.001)
    yes = bounds.certify(enough, start.H, signs=c, method="last-layer")
    assert yes.holds
    assert 0.99 < yes.beta < 1
    assert yes.critical_scale == 0
    assert bounds.certify(enough, start.H, signs=c).method == "last-layer"
    run = simulate.gradient_flow(
        enough, network=simulate.Network(start.H, c), t_max=3 / yes.rate, loss_ratio=1e-6, rtol=1e-5
    )
    assert np.all(run.loss <= run.loss[0] * np.exp(-yes.rate * run.time) + run.error)
    assert run.path_length[-1] <= yes.path_length


def test_networks_as_torch_draws_them():
    """n = 20 > d = 10, ReLU, m = 8192, all weights and biases trained: certified before training."""
    p, network = standard(20, 10, 8192)
    assert p.last_layer == pytest.approx(8192**2 / 10)
    c = bounds.certify(p, network.H, signs=network.signs)
    assert c.holds
    assert c.method == "last-layer"
    assert c.beta == pytest.approx(0.495, abs=2e-3)
    p, network = standard(20, 10, 2048)
    assert not bounds.certify(p, network.H, signs=network.signs, method="last-layer").holds


def test_it_is_refused_where_the_last_layer_is_fixed():
    p = problem(kap=0.0)
    start = simulate.sample_network(p, width=16, scale=1.0, seed=1)
    with pytest.raises(bounds.AssumptionError, match=r"about a last layer that is trained.*method='best'"):
        bounds.certify(p, start.H, signs=start.signs, method="last-layer")
    assert "last-layer" not in set(bounds.certificate_table(p, start.H, signs=start.signs)["method"])
    with pytest.raises(bounds.ArgumentError, match=r"'last-layer' certifies a network that is given"):
        bounds.guarantee(problem(), method="last-layer")
