"""A module of PyTorch as a Problem and a Network: the same function, the same training, and what is refused."""

import numpy as np
import pytest
import torch
from torch import nn

import bounds
import simulate


def data(n=4, d=6):
    rng = np.random.default_rng(5)
    return rng.standard_normal((n, d)), rng.uniform(-1, 1, n)


def module(d=6, m=64, activation=None, a=0.02, dtype=torch.float64):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(d, m, bias=False), activation or nn.Tanh(), nn.Linear(m, 1, bias=False)).to(dtype)
    with torch.no_grad():
        net[2].weight.copy_(a * torch.sign(net[2].weight))
    net[2].requires_grad_(False)
    return net


def train_in_torch(net, weights, X, y, steps, lr):
    """So many steps of SGD on half the squared residual."""
    optimiser = torch.optim.SGD(weights, lr=lr)
    for _ in range(steps):
        optimiser.zero_grad()
        (0.5 * torch.sum((net(torch.tensor(X))[:, 0] - torch.tensor(y)) ** 2)).backward()
        optimiser.step()


LAYERS = [nn.Tanh(), nn.ReLU(), nn.Sigmoid(), nn.Softplus(), nn.GELU(), nn.SiLU(), nn.ELU(), nn.LeakyReLU()]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_the_same_function(layer, dtype):
    X, y = data()
    net = module(activation=layer, dtype=dtype)
    problem, network = simulate.from_torch(net, X, y)
    output = net(torch.tensor(X, dtype=dtype)).detach().double().numpy().ravel()
    np.testing.assert_allclose(problem.output(network.H, network.signs), output, rtol=0, atol=1e-5)
    assert network.scale == pytest.approx(64 * 0.02, rel=1e-7)


def test_training_in_torch_is_descent_here():
    """SGD with learning rate lr is descent with step lr d/m, as the docstring says."""
    X, y = data()
    net, steps, lr = module(), 30, 0.05
    problem, network = simulate.from_torch(net, X, y)
    run = simulate.gradient_descent(problem, network=network, step=lr * 6 / 64, steps=steps)
    train_in_torch(net, [net[0].weight], X, y, steps, lr)
    trained, after = simulate.from_torch(net, X, y)
    np.testing.assert_allclose(after.H, run.final.H, rtol=0, atol=1e-12)
    assert bounds.certify(trained, after.H, signs=after.signs).method in bounds.methods.METHODS


def test_biases_of_the_first_layer_are_trained_too():
    """SGD on weights and biases with one learning rate is descent with step lr d/m and b_0 = 1/sqrt(d); n > d."""
    X, y = data(n=7)
    torch.manual_seed(2)
    net, steps, lr = nn.Sequential(nn.Linear(6, 64), *module(m=64)[1:]).double(), 30, 0.05
    problem, network = simulate.from_torch(net, X, y)
    assert problem.bias == pytest.approx(6**-0.5)
    assert problem.spectrum.lmin[0] > 0
    run = simulate.gradient_descent(problem, network=network, step=lr * 6 / 64, steps=steps)
    train_in_torch(net, [net[0].weight, net[0].bias], X, y, steps, lr)
    _, after = simulate.from_torch(net, X, y)
    np.testing.assert_allclose(after.H, run.final.H, rtol=0, atol=1e-12)
    assert np.max(np.abs(run.final.H - run.initial.H)) > 1e-3


def test_biases_that_are_frozen():
    """SGD on the weights alone: h begins with the biases and moves without them."""
    X, y = data()
    torch.manual_seed(2)
    net, steps, lr = nn.Sequential(nn.Linear(6, 64), *module(m=64)[1:]).double(), 30, 0.05
    net[0].bias.requires_grad_(False)
    problem, network = simulate.from_torch(net, X, y)
    assert (problem.bias, problem.fixed_bias) == (None, pytest.approx(6**-0.5))
    run = simulate.gradient_descent(problem, network=network, step=lr * 6 / 64, steps=steps)
    optimiser = torch.optim.SGD([net[0].weight], lr=lr)
    for _ in range(steps):
        optimiser.zero_grad()
        (0.5 * torch.sum((net(torch.tensor(X))[:, 0] - torch.tensor(y)) ** 2)).backward()
        optimiser.step()
    _, after = simulate.from_torch(net, X, y)
    np.testing.assert_allclose(after.H, run.final.H, rtol=0, atol=1e-12)
    assert np.max(np.abs(run.final.H - run.initial.H)) > 1e-3


def test_a_last_layer_that_is_trained_too():
    """torch's own initialisation, SGD on all weights with one learning rate: descent with last_layer = m^2/d."""
    X, y = data(n=7)
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(6, 64), nn.Tanh(), nn.Linear(64, 1, bias=False)).double()
    steps, lr = 30, 0.05
    problem, network = simulate.from_torch(net, X, y)
    assert problem.last_layer == pytest.approx(64**2 / 6)
    run = simulate.gradient_descent(problem, network=network, step=lr * 6 / 64, steps=steps)
    train_in_torch(net, net.parameters(), X, y, steps, lr)
    _, after = simulate.from_torch(net, X, y)
    np.testing.assert_allclose(after.H, run.final.H, rtol=0, atol=1e-12)
    np.testing.assert_allclose(after.signs, run.final.signs, rtol=0, atol=1e-11)
    assert np.max(np.abs(after.signs - network.signs)) > 0.1
    assert not bounds.certify(problem, after.H, signs=after.signs).holds  # an honest no: the mobility is large
    with torch.no_grad():
        net[2].weight.zero_()
    with pytest.raises(bounds.ArgumentError, match="not all zero"):
        simulate.from_torch(net, X, y)


class Custom(nn.Module):
    """Applies tanh in forward, and divides by `divisor`."""

    def __init__(self, divisor=1.0):
        super().__init__()
        self.net, self.divisor = module(), divisor
        self.first, self.last = self.net[0], self.net[2]
        del self.net

    def forward(self, x):
        return self.last(torch.tanh(self.first(x))) / self.divisor


def test_an_activation_inside_forward_is_named():
    X, y = data()
    with pytest.raises(bounds.AssumptionError, match=r"name it: activation='tanh'"):
        simulate.from_torch(Custom(), X, y)
    problem, _ = simulate.from_torch(Custom(), X, y, activation="tanh")
    assert problem.activation.name == "tanh"
    with pytest.raises(bounds.ArgumentError, match=r"the best ratio is"):
        simulate.from_torch(Custom(), X, y, activation="relu")
    with pytest.raises(bounds.ArgumentError, match=r"the best ratio is 0\.25\. If forward multiplies"):
        simulate.from_torch(Custom(4.0), X, y, activation="tanh")


def changed(change):
    net = module()
    change(net)
    return net


def fixed_weights(net):
    net[0].weight.requires_grad_(False)
    return net


REFUSED = {
    "trained biases beside fixed weights": (
        lambda: fixed_weights(nn.Sequential(nn.Linear(6, 8), nn.Tanh(), module(m=8)[2])),
        r"Found trained biases.*beside fixed weights",
    ),
    "a bias at the end": (
        lambda: nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1)),
        r"no bias in its last layer",
    ),
    "only a trained last layer": (
        lambda: changed(lambda net: (net[0].requires_grad_(False), net[2].requires_grad_(True))),
        r"first layer that is frozen and a last layer that is trained",
    ),
    "several magnitudes": (
        lambda: changed(lambda net: net[2].weight.data.mul_(torch.linspace(1, 2, 64))),
        r"\+a or -a with one a > 0 \(Assumption 1\)\. Found magnitudes from 0\.02 to 0\.04",
    ),
    "two hidden layers": (
        lambda: nn.Sequential(nn.Linear(6, 6, bias=False), nn.Tanh(), *module()),
        r"one hidden layer\. Found 3 linear layers",
    ),
    "two outputs": (
        lambda: nn.Sequential(nn.Linear(6, 8, bias=False), nn.Tanh(), nn.Linear(8, 2, bias=False)),
        r"one output\. Found 2",
    ),
    "another layer": (lambda: nn.Sequential(nn.Dropout(), *module()), r"Found Dropout, Linear, Tanh, Linear"),
    "another slope": (lambda: module(activation=nn.LeakyReLU(0.2)), r"negative_slope=0\.2 is not the registered"),
    "an unknown activation": (
        lambda: module(activation=nn.Softsign()),
        r"Softsign is no activation",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_assumption_that_fails_is_named(case):
    build, message = REFUSED[case]
    with pytest.raises(bounds.AssumptionError, match=message):
        simulate.from_torch(build(), *data())


def test_what_the_messages_advise_works():
    """A module with every fault is accepted once the advice of each message is followed."""
    X, y = data()
    net = nn.Sequential(nn.Linear(6, 8, bias=False), nn.Tanh(), nn.Linear(8, 1, bias=False))
    net[-1].requires_grad_(False)
    with torch.no_grad():
        net[-1].weight.copy_(0.1 * torch.sign(net[-1].weight))
    _, network = simulate.from_torch(net, X, y)
    assert network.scale == pytest.approx(0.8)


def test_wrong_inputs():
    X, y = data()
    with pytest.raises(bounds.ArgumentError, match=r"net must be a torch\.nn\.Module"):
        simulate.from_torch(np.ones(3), X, y)
    with pytest.raises(bounds.ArgumentError, match=r"d = 5 inputs"):
        simulate.from_torch(module(), X[:, :5], y)
    with pytest.raises(bounds.ArgumentError, match=r"net must be of finite weights"):
        simulate.from_torch(changed(lambda net: net[0].weight.data.fill_(float("nan"))), X, y)
    with pytest.raises(bounds.ArgumentError, match=r"whose weights hold numbers\. Found 'meta'"):
        simulate.from_torch(changed(lambda net: net.to("meta")), X, y)
