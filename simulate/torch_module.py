"""A network that was built in PyTorch as a Problem and a Network, if it is one of those that the theorems are about."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bounds.activation.base import Activation
from bounds.activation.registry import get_activation
from bounds.checks import numpy_defaults
from bounds.errors import ArgumentError, AssumptionError, require
from bounds.problem import Problem
from simulate.network import Network
from simulate.weights import network_of_weights

AGREES = 1e-5  # relative difference of outputs that is rounding, for modules in float32
AGREES_IN_DOUBLE = 1e-11
PASSED_OVER = ("Flatten", "Identity")  # layers that change nothing here
# torch class -> registered name, and the settings for which the two are the same function.
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "Tanh": ("tanh", {}),
    "ReLU": ("relu", {}),
    "Sigmoid": ("sigmoid", {}),
    "Softplus": ("softplus", {"beta": 1.0}),
    "GELU": ("gelu", {"approximate": "none"}),
    "SiLU": ("silu", {}),
    "ELU": ("elu", {"alpha": 1.0}),
    "LeakyReLU": ("leaky_relu", {"negative_slope": 0.01}),
}


@numpy_defaults
def from_torch(net: Any, X: Any, y: Any, *, activation: str | Activation | None = None) -> tuple[Problem, Network]:
    """(Problem, Network) of a torch module x -> sum_i a_i sigma(v_i . x) and its training set.

    net: a module whose layers are Linear(d, m), an activation, Linear(m, 1, bias=False), in this order. Then W =
    sqrt(d) v and c_i = m a_i. If the last layer is frozen (`net[-1].requires_grad_(False)`), as in the paper, its
    entries must be of one magnitude, a_i = +a or -a, and the network is the paper's (1) with c hat = m a. If it is
    trained, the problem has last_layer=m^2/d, for torch's learning rate is the same for all weights. If the first layer
    has biases, the problem has bias=1/sqrt(d), for the same reason, and train_bias=False if they are frozen (their size
    then plays no part in what is said of this network).
    X: (n, d); y: (n,); activation: of a module that applies it inside its forward, as a registered name or Activation.

    Gradient descent with step lr on the loss (1/2) sum_a (net(x_a) - y_a)^2 moves the flow's time by lr d/m a step.

    Raises AssumptionError naming the assumption that the module does not meet (one hidden layer, a
    trained first layer, a fixed last layer of one magnitude, a Lipschitz activation), ArgumentError if `net` is no
    module or its output is not what its layers say, and what Problem raises for X and y.
    """
    require(hasattr(net, "modules") and callable(net), "net", "a torch.nn.Module", net)
    first, sigma, last = _layers(net, activation)
    biased = _has_biases(first, last)
    signs = _signs(first, last)
    plain = Problem(X, y, activation=sigma, name=type(net).__name__)
    v, d = _weights(first.weight), plain.d
    require(v.shape[1] == d, "net", f"a module of d = {d} inputs, the columns of X", tuple(v.shape))
    moving = biased and first.bias.requires_grad
    trained: dict[str, Any] = {"bias": 1 / math.sqrt(d), "train_bias": moving} if biased else {}
    trained |= {"last_layer": len(v) ** 2 / d} if last.weight.requires_grad else {}
    problem = Problem(X, y, activation=sigma, name=plain.name, **trained) if trained else plain
    if biased and not moving:
        network = network_of_weights(plain, math.sqrt(d) * v, len(v) * signs)
        network = Network(network.H + _weights(first.bias)[:, None], network.signs)
    else:
        v = np.column_stack([v, _weights(first.bias)]) if biased else v
        network = network_of_weights(problem, math.sqrt(d) * v, len(v) * signs)
    _check_output(net, problem, network)
    return problem, network


def _layers(net: Any, activation: str | Activation | None) -> tuple[Any, Activation, Any]:
    """The first linear layer, the activation and the last linear layer."""
    leaves = [module for module in net.modules() if not list(module.children())]
    layers = [module for module in leaves if type(module).__name__ not in PASSED_OVER]
    names = [type(module).__name__ for module in layers]
    linear = [module for module, name in zip(layers, names, strict=True) if name == "Linear"]
    if len(linear) > 2:
        raise AssumptionError(
            f"the theorems are about one hidden layer. Found {len(linear)} linear layers: {', '.join(names)}. If those"
            " below are not trained, pass what they compute as X, and a module of the two layers above."
        )
    if activation is None and (len(names) != 3 or names[0] != "Linear" or names[2] != "Linear"):
        raise AssumptionError(
            "net must consist of Linear, an activation and Linear (section 2.1). Found"
            f" {', '.join(names) or 'no layers'}. For a module that applies its activation in forward, name it:"
            " activation='tanh'."
        )
    if len(linear) != 2 or len(layers) - len(linear) > 1:
        raise AssumptionError(f"net must have two linear layers and one activation. Found {', '.join(names)}.")
    if linear[1].weight.shape[0] != 1:
        raise AssumptionError(
            f"the network of (1) has one output. Found {linear[1].weight.shape[0]}; treat each output by itself."
        )
    return linear[0], get_activation(activation) if activation is not None else _activation(layers[1]), linear[1]


def _activation(layer: Any) -> Activation:
    """The registered activation that an activation layer is."""
    kind = type(layer).__name__
    if kind not in ACTIVATIONS:
        raise AssumptionError(
            f"the layer {kind} is no activation that linrate knows by this name. Known: {', '.join(ACTIVATIONS)}."
            " If it is a function of each entry, name it: activation='...'."
        )
    name, settings = ACTIVATIONS[kind]
    for setting, wanted in settings.items():
        found = getattr(layer, setting)
        if found != wanted:
            raise AssumptionError(
                f"{kind} with {setting}={found!r} is not the registered {name!r}, which has {setting}={wanted!r}."
                " Register it as an activation of your own, and name it: activation='...'."
            )
    return get_activation(name)


def _has_biases(first: Any, last: Any) -> bool:
    """Whether the first layer has biases that are trained, or fixed and not zero; AssumptionError for any other."""
    for layer, which in ((last, "last"), (first, "first")):
        bias = getattr(layer, "bias", None)
        if bias is None or (not bias.requires_grad and not np.any(_weights(bias))):
            continue
        if layer is last:
            raise AssumptionError(
                f"the network of (1) has no bias in its {which} layer. Found one of shape {tuple(bias.shape)}. Build it"
                " with bias=False; a fixed one can be taken off y."
            )
        if bias.requires_grad and not layer.weight.requires_grad:
            raise AssumptionError(
                f"the weights of the {which} layer are trained (2). Found trained biases of shape"
                f" {tuple(bias.shape)} beside fixed weights. Train the weights, net[0].weight.requires_grad_(True)."
            )
        return True
    return False


def _signs(first: Any, last: Any) -> np.ndarray:
    """The entries a (m,) of the last layer: all +a or -a, unless it is trained, as the first layer must be then."""
    a = _weights(last.weight)[0]
    size = float(np.max(np.abs(a), initial=0.0))
    if last.weight.requires_grad:
        if not first.weight.requires_grad:
            raise AssumptionError(
                "the theorems are about training the first layer, alone or with the last. Found a first layer that is"
                " frozen and a last layer that is trained: that is linear regression on the features of the first."
            )
        require(size > 0, "net", "a module whose last layer is not all zero", size)
        return a
    if size == 0 or not np.all(np.abs(a) == size):
        least = float(np.min(np.abs(a), initial=size))
        raise AssumptionError(
            "the entries of a frozen last layer must be +a or -a with one a > 0 (Assumption 1). Found magnitudes from"
            f" {least:.4g} to {size:.4g}. Set them before training, under torch.no_grad():"
            " net[-1].weight.copy_(a * torch.sign(net[-1].weight)); or train them: net[-1].requires_grad_(True)."
        )
    return a


def _weights(tensor: Any) -> np.ndarray:
    """The weights of a layer as float64; ArgumentError if they are not finite numbers in memory."""
    require(not tensor.is_meta, "net", "a module whose weights hold numbers", str(tensor.device))
    found = _values(tensor)
    require(bool(np.all(np.isfinite(found))), "net", "of finite weights", float(np.sum(found)))
    return found


def _values(tensor: Any) -> np.ndarray:
    """A tensor as float64."""
    found: np.ndarray = tensor.detach().cpu().double().numpy()
    return found


def _check_output(net: Any, problem: Problem, network: Network) -> None:
    """ArgumentError if the module computes something else than its layers say."""
    import torch

    weight = next(iter(net.parameters()))
    was_training = net.training
    net.eval()
    try:
        with torch.no_grad():
            computed = net(torch.tensor(np.array(problem.X)).to(weight))
    finally:
        net.train(was_training)
    output = _values(computed).ravel()
    expected = problem.output(network.H, network.signs)
    require(output.shape == expected.shape, "net(X)", f"{problem.n} numbers", tuple(computed.shape))
    # Each term of the sum may be rounded, and may be much larger than the sum.
    terms = np.mean(np.abs(network.signs[:, None] * problem.activation.value(network.H)), axis=0)
    tolerance = AGREES_IN_DOUBLE if weight.dtype == torch.float64 else AGREES
    worst = float(np.max(np.abs(output - expected) - tolerance * (terms + np.abs(expected))))
    if not worst <= 0:
        ratio = float(np.dot(output, expected) / np.dot(expected, expected)) if np.any(expected) else math.nan
        raise ArgumentError(
            "net(X) is not the last layer times the activation of the first: they differ by"
            f" {float(np.max(np.abs(output - expected))):.3g}, and the best ratio is {ratio:.6g}. If forward multiplies"
            " by a constant or applies another activation, move the constant into the last layer, or name the"
            " activation: activation='...'."
        )
