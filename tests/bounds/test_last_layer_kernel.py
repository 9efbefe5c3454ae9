"""The certificate by the last layer's own kernel: its inequality, its roundings, PyTorch's own networks."""

import numpy as np
import pytest
import torch
from flint import arb, arb_mat
from torch import nn

import bounds
import simulate
from bounds.certificates import last_layer_kernel
from bounds.data.datasets import load_builtin


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
    with pytest.raises(bounds.AssumptionError, match=r"about a last layer that is trained"):
        bounds.guarantee(p, method="last-layer")


# -- before the network is drawn ---------------------------------------------------------------------------------------


def test_the_width_at_which_the_kernel_of_values_is_half_its_limit():
    """Mobility, rate and width from lambda_min(Sbar)/2; every drawn network of that width has its certificate."""
    X, y = load_builtin("reference", n=6, d=4)  # n > d
    p = bounds.Problem(X, y, activation="relu", last_layer=1e6)
    g = bounds.guarantee(p, method="last-layer", init="antisymmetric")
    values = bounds.Problem(X, y, embedding=bounds.RandomFeatures(1, "relu"))
    half, top = values.spectrum.lmin[0] / 2, np.linalg.eigvalsh(p.gram)[-1]
    assert g.width == 2 * bounds.required_embedding_dim(values, 0.05, tail="best")
    beta = 2 * np.sqrt(top) * np.linalg.norm(y) / (1e3 * half)
    assert g.beta == pytest.approx(beta, rel=1e-9)
    assert g.rate == pytest.approx(2e6 * half * (1 - beta), rel=1e-9)
    for seed in range(3):
        network = simulate.sample_network(p, width=g.width, scale=g.scale, seed=seed, init=g.init)
        c = bounds.certify(p, network.H, signs=network.signs, method="last-layer")
        assert c.holds
        assert c.rate >= g.rate
    alone = bounds.guarantee(p, method="last-layer", scale=3.0)
    network = simulate.sample_network(p, width=alone.width, scale=3.0, seed=0)
    assert bounds.certify(p, network.H, signs=network.signs, method="last-layer").rate >= alone.rate


def test_the_mobility_that_is_asked_for_is_enough():
    X, y = load_builtin("reference", n=6, d=4)
    with pytest.raises(bounds.AssumptionError, match="needs a mobility") as refusal:
        bounds.guarantee(bounds.Problem(X, y, last_layer=1.0), method="last-layer", init="antisymmetric")
    enough = float(str(refusal.value).split("above ")[1].split()[0])
    p = bounds.Problem(X, y, last_layer=enough * (1 + 1e-5))
    assert bounds.guarantee(p, method="last-layer", init="antisymmetric").rate > 0
    with pytest.raises(bounds.AssumptionError, match="trained"):
        bounds.guarantee(bounds.Problem(X, y), method="last-layer")
    with pytest.raises(bounds.AssumptionError, match="identity"):
        bounds.guarantee(bounds.Problem(X, y, bias=1.0, last_layer=1e9), method="last-layer")
