"""The kinds of argument that the fuzzer of public functions knows, each with valid and borderline values; wrong values.

The kind of an argument is its name. A new name of an argument needs a line in KINDS.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import sympy as sp
import torch

import bounds
import simulate
import verify
from tests.four_neurons import SIGNS, H, W, X, Y


@dataclass(frozen=True)
class Value:
    """An argument: how it is made, anew for each call, and what a report calls it."""

    label: str
    make: Callable[[], Any]

    def __repr__(self) -> str:
        return self.label


def values(**made: Callable[[], Any]) -> list[Value]:
    """Arguments by label."""
    return [Value(label, make) for label, make in made.items()]


def these(*plain: Any) -> list[Value]:
    """Arguments that are their own label."""
    return [Value(repr(value), lambda value=value: value) for value in plain]


@dataclass(frozen=True)
class Kind:
    """valid: most calls use these, so that they get inside; border: at the edge of what is allowed, on either side."""

    valid: list[Value]
    border: list[Value] = field(default_factory=list)


WRONG = [
    *these(None, True, "x", "", b"x", 1j, float("nan"), float("inf"), -float("inf"), -1, 0, -0.0, 0.5, [], {}, (), [1]),
    *these(
        ["a"], [[1, 2], [3]], {"a": 1}, {1}, range(2), Ellipsis, int, Fraction(1, 3), Decimal("0.3"), Decimal("NaN")
    ),
    *these(
        np.int64(7), np.float32(0.25), np.bool_(True), np.array([]), np.array("x"), np.array(0.25), 10**400, -(10**400)
    ),
    *these(np.datetime64("2020-01-01"), np.array([None, 1.0]), np.array([1.0, 2j]), np.array([[np.nan, 1.0]] * 2)),
    *values(
        huge=lambda: 10**5000,
        an_object=object,
        a_function=lambda: lambda *_: 0,
        long_text=lambda: "a" * 10_000,
        control_characters=lambda: "\x1b[31m\n\0",
        longdouble=lambda: np.longdouble("1e4000"),
        masked_constant=lambda: np.ma.masked,
        masked_vector=lambda: np.ma.array([1.0, 2.0], mask=[False, True]),
        masked_matrix=lambda: np.ma.array(X, mask=X > 0.4),
        dates=lambda: np.array([["2020-01-01"] * 3] * 2, dtype="M8[D]"),
        tensor_with_gradient=lambda: torch.tensor(0.25, requires_grad=True),
        matrix_with_gradient=lambda: torch.tensor(X, requires_grad=True),
        complex_tensor=lambda: torch.ones(2, 3, dtype=torch.complex64),
        bfloat16=lambda: torch.ones(2, dtype=torch.bfloat16),
        list_of_tensors=lambda: [torch.tensor(1.0, requires_grad=True), torch.tensor(2.0)],
    ),
]


def small_problem(x: float = 1.0, y: float = 1.0, **other: Any) -> bounds.Problem:
    return bounds.Problem(x * X, y * Y, **other)


@cache
def _trajectory() -> simulate.Trajectory:
    network = simulate.network_of_weights(small_problem(), W, SIGNS)
    return simulate.gradient_flow(small_problem(), network=network, t_max=0.1)


def _module(change: Callable[[torch.nn.Sequential], Any] = lambda net: None) -> torch.nn.Sequential:
    """A module that the theorems are about, changed."""
    net = torch.nn.Sequential(torch.nn.Linear(3, 4, bias=False), torch.nn.Tanh(), torch.nn.Linear(4, 1, bias=False))
    net[2].weight.data = torch.tensor([[0.25, -0.25, 0.25, 0.25]])
    net[2].requires_grad_(False)
    change(net)
    return net


PROBLEMS = Kind(
    values(
        tanh=small_problem,
        relu=lambda: small_problem(activation="relu"),
        gelu=lambda: small_problem(activation="gelu"),
        quadratic=lambda: small_problem(embedding=bounds.Quadratic()),
        gram=lambda: bounds.Problem.from_gram([[1.0, 0.1], [0.1, 1.0]], Y),
        features=lambda: small_problem(embedding=bounds.RandomFeatures(dim=8)),
        limit=lambda: small_problem(embedding=bounds.RandomFeatures()),
        biases=lambda: small_problem(bias=1.0),
        trained=lambda: small_problem(last_layer=1.0),
    ),
    values(
        **{f"mobility_{kap:g}": lambda kap=kap: small_problem(last_layer=kap) for kap in (1e-100, 1e-20, 1e20, 1e100)},
        all_layers=lambda: small_problem(activation="relu", bias=0.5, last_layer=2.0),
        biased_limit=lambda: small_problem(embedding=bounds.RandomFeatures(), bias=1e100),
        one_point=lambda: bounds.Problem([[0.5]], [0.1]),
        dependent=lambda: bounds.Problem([[1.0], [2.0]], Y),
        clip=lambda: small_problem(activation="clip"),
        linear=lambda: small_problem(activation="linear"),
        zero_targets=lambda: small_problem(y=0.0),
        **{
            f"x_{size:g}": lambda size=size: small_problem(size) for size in (1e-138, 1e-100, 1e-20, 1e20, 1e100, 1e153)
        },
        **{f"y_{size:g}": lambda size=size: small_problem(1.0, size) for size in (1e-300, 1e-160, 1e20, 1e154, 1e300)},
        **{f"cos_{size:g}": lambda size=size: small_problem(size, activation="cos") for size in (1e100, 1e153)},
        **{f"relu_{size:g}": lambda size=size: small_problem(size, activation="relu") for size in (1e-100, 1e100)},
    ),
)
NETWORKS = values(
    network=lambda: simulate.Network(H, SIGNS),
    pairs=lambda: simulate.Network(np.concatenate([H, H]), np.concatenate([SIGNS, -SIGNS])),
)
MATRICES = [1e-320, 1e-200, 1e-100, 1e100, 1e154, 1e300]


def _array(values_: np.ndarray, *more: Value) -> Kind:
    """Kind of an argument that is an array of this shape."""
    return Kind(
        [
            *values(array=lambda: values_, listed=lambda: values_.tolist(), single=lambda: values_.astype(np.float32)),
            *values(
                tensor=lambda: torch.tensor(values_.copy(), requires_grad=True), objects=lambda: values_.astype(object)
            ),
        ],
        [
            *values(zero=lambda: 0 * values_, ones=lambda: np.ones_like(values_), empty=lambda: values_[:0]),
            *values(transposed=lambda: values_.T, masked=lambda: np.ma.array(values_, mask=values_ > 0)),
            *values(
                as_complex=lambda: values_ + 1j,
                text=lambda: values_.astype(str),
                infinite=lambda: np.full(values_.shape, np.inf),
            ),
            *(Value(f"times_{size:g}", lambda size=size: values_ * size) for size in MATRICES),
            *more,
        ],
    )


PROBABILITIES = Kind(these(0.05, 0.5, np.float32(0.1)), these(0, 1, 1e-300, 1e-301, 1 - 1e-16, 5e-324))
SCALES = Kind(these(1.0, 50, np.float64(3)), these(1e-320, 1e-150, 1e-80, 1e80, 1e150, 1e151, 1e308))
POSITIVE = Kind(these(1.0, 2), these(5e-324, 1e-300, 1e-30, 1e30, 1e308))
COUNTS = Kind(these(4, 6, np.int64(8)), these(1, 3, 2**31, 2**63 - 1, 2**63, 5.0))
SEEDS = Kind(these(0, 1, np.int64(7)), these(2**63, 2**128 - 1, 2**128))
FLAGS = Kind(these(False), these(True, np.bool_(True), 1, "no"))
u = sp.Symbol("u", real=True)

KINDS: dict[str, Kind] = {
    "problem": PROBLEMS,
    "X": _array(X),
    "y": _array(Y),
    "G": _array(np.array([[1.0, 0.1], [0.1, 1.0]]), *values(indefinite=lambda: [[1.0, 2.0], [2.0, 1.0]])),
    "H": _array(H),
    "signs": _array(SIGNS, *values(mixed=lambda: [1.0, 2.0, 1.0, 1.0])),
    "W": _array(W),
    "X_test": Kind([*these(None), *_array(X[::-1]).valid], _array(X[::-1]).border),
    "H_test": Kind([*these(None), *_array(H).valid], _array(H).border),
    "activation": Kind(these("tanh", "relu", "gelu", "silu"), these("Tanh", "tahn", "cubic", "clip", "elu", "cos")),
    "embedding": Kind(
        [*these(None), *values(identity=bounds.Identity, features=lambda: bounds.RandomFeatures(dim=4))],
        values(the_class=lambda: bounds.Identity, limit=bounds.RandomFeatures),
    ),
    "bias": Kind(these(None, None, 1.0, 0.5), these(0.0, -1.0, 1e-100, 1e100, 1e101)),
    "train_bias": Kind(these(True, False), these(1, "no")),
    "last_layer": Kind(these(0.0, 0, 1.0, 10), these(-1.0, 1e-100, 1e100, 1e300, 5e-324)),
    "name": Kind(these("reference", "experiment-1"), these("refrence", "tanh")),
    "expression": Kind([Value("u/2", lambda: u / 2)], values(square=lambda: u**2, two=lambda: u * sp.Symbol("v"))),
    "method": Kind(
        these("best", "slopes", "repaired", "markov"),
        these("printed", "kernel", "transport", "everywhere", "last-layer", "bets"),
    ),
    "init": Kind(these("independent", "antisymmetric"), these("Independent")),
    "scaling": Kind(these("ours", "ntk", "mf"), these("NTK")),
    "dtype": Kind(
        these("float64", "float32"), [*these("float16", np.float64), *values(torch_dtype=lambda: torch.float64)]
    ),
    "device": Kind(these("auto", "cpu"), these("cuda", "cuda:99", "gpu", "cpu:x", "meta")),
    "loss": Kind(these("sum", "mean"), these("Mean")),
    "integrator": Kind(these("exponential", "rk4"), these("euler")),
    "tail": Kind(these(None, "best", "lemma-4", "moments", "whitened"), these("chernoff", "monte-carlo", "lema-4")),
    "draws": Kind(these(1, 5, np.int64(3)), these(0, 10**7)),
    "scale": SCALES,
    "delta": PROBABILITIES,
    "alpha": PROBABILITIES,
    "beta": PROBABILITIES,
    "tau": Kind(these(0.2, 0.5), these("optimal", 1e-300, 0.999999, 1.0)),
    "budget": COUNTS,
    "width": COUNTS,
    "depth": Kind(these(1, 2, np.int64(1)), these(0, 3, 10**9, 1.0)),
    "dim": Kind(these(4, 8, np.int64(6)), these(1, 10**12, 10**30)),
    "n": Kind(these(2, 3), these(1, 10**12, 10**30)),
    "d": Kind(these(5, 6), these(1, 10**12, 10**30)),
    "seed": SEEDS,
    "seeds": Kind(
        these(None, [0, 1], (3,), range(2)), these([0, 0], [-1], [np.int64(1), True], np.array([1, 2]), "12")
    ),
    "t_max": POSITIVE,
    "step": Kind(
        [*these(0.1, 1, "stable", "residual"), *values(rule=lambda: lambda point: point.limit / 4)],
        these(0, -1.0, 1e300, 1e-300, "fast", float("nan")),
    ),
    "k": Kind(these(1, 3), these(0, 10**12, 2.0)),
    "steps": Kind(these(3, np.int64(2)), these(0, 1, 2**63)),
    "save_every": Kind(these(1, 2), these(10, 2**62)),
    "max_steps": Kind(these(50, 100), these(1, 2**63)),
    "loss_ratio": Kind(these(1e-3, 0.5, np.float32(0.5)), these(0, 1, 1 - 1e-16, 5e-324)),
    "rtol": Kind(these(1e-3, 1e-4), these(1e-13, 1e-14, 0.1, 0.11)),
    "save_at": Kind(
        these(None, [0.0, 0.5], (0.1, 1.0)), these([0.5, 0.5], [1.0, 0.5], [-1.0], [1e300], [[0.1]], ["a"])
    ),
    "network": Kind(
        [*these(None, None, None), *NETWORKS],
        values(weights=lambda: H, infinite=lambda: simulate.Network(np.full(H.shape, np.inf), SIGNS)),
    ),
    "interval": Kind(
        these(None, (-1.0, 1.0), [0, 1]), these((1, 1), (0, float("inf")), (float("nan"), 1), (1, 2, 3), ("a", "b"))
    ),
    "low_memory": FLAGS,
    "resume": Kind(these(False), these(1, "no")),
    "checkpoint": Kind(these(None), these(5, "/proc/none/x.npz")),
    "progress": Kind([*these(None), *values(silent=lambda: lambda *_: None)], these(5)),
    "minimise": Kind(
        [*these(None, None, "width", "scale", "rate"), *values(rule=lambda: lambda g: g.width * g.scale)],
        [*these("beta", 1, float("nan")), *values(no_number=lambda: lambda g: None)],
    ),
    "most_width": Kind([*these(None), *these(10**6, 10**9)], these(1, 0, 10**30, 1.5)),
    "most_scale": Kind([*these(None), *these(100.0, 1e6)], these(1e-300, 1e300, 0.0, -1.0)),
    "least_rate": Kind([*these(None), *these(1e-3, 1.0)], these(1e-300, 1e300, 0.0, -1.0)),
    "kappa": Kind(these(None, 0.5), these(0, 1, 1e-300, 1 - 1e-16)),
    "rate": Kind(these(None, 1.0), these(0, -1.0, 1e-300, 1e300)),
    "times": Kind(these([0.0, 1.0], (0.5,), [3]), these([], [-1.0], [1e300], [[0.1]], ["a"])),
    "net": Kind(
        values(module=_module, double=lambda: _module(lambda net: net.double())),
        values(
            no_layers=torch.nn.Sequential,
            trained=lambda: _module(lambda net: net[2].requires_grad_(True)),
            infinite=lambda: _module(lambda net: net[0].weight.data.fill_(float("inf"))),
            not_a_number=lambda: _module(lambda net: net[2].weight.data.fill_(float("nan"))),
            half=lambda: _module(lambda net: net.half()),
            lazy=lambda: torch.nn.Sequential(torch.nn.LazyLinear(4), torch.nn.Tanh(), torch.nn.LazyLinear(1)),
            meta=lambda: _module(lambda net: net.to("meta")),
        ),
    ),
    "trajectory": Kind(values(trajectory=_trajectory), these("run")),
    "run": Kind(values(trajectory=_trajectory), these("run")),
    "time": Kind(these(0.0, 0.01, np.float64(0.1)), these(-1.0, 1e300, 1e-300)),
    "guarantee": Kind([*these(None), *values(guarantee=lambda: bounds.guarantee(small_problem()))]),
    "states": Kind(
        values(states=lambda: [(0.0, H, SIGNS), (1.0, 2 * H, SIGNS)]), these([], [1], [(1, 2)], [("a", H, SIGNS)])
    ),
    "identifier": Kind(these("E5"), these("e5", "E99")),
    "text": Kind(
        these("identity", "random-features:dim=4"), these("random-features:dim=x", "random-features:depth=", "ident")
    ),
    "radius": Kind(these(0.0, 0.1), these(1e300, -1e-9)),
    "trials": Kind(these(10, 20, np.int64(100)), these(1, 0, 10**13)),
    "failures": Kind(these(0, 3), these(10, 21, -1)),
    "undecided": Kind(these(0, 2), these(20, -1)),
    "margin": Kind(these([1.0, 2.0], 0.5), these([], [0.0], [-1.0], [float("nan")])),
    "error": Kind(these([0.1, 0.1], 0.0), these([float("inf")] * 2, [0.1] * 3)),
    "verdicts": Kind(
        these([verify.Verdict.HOLDS], [verify.Verdict.HOLDS, verify.Verdict.UNDECIDED]), these([], ["HOLDS"])
    ),
    "methods": Kind(these(("slopes",), ["kernel", "shadowing"]), these([], "slopes", ["bets"])),
}
NUMBERS = Kind(these(1, 0.5, 3, np.float64(2.0)), these(0, 1e-300, 1e300, "0.1", -1.0))  # of a formula
INTERVALS = Kind(these((-1.0, 1.0), [0, 1], (0.5, np.float32(2))), these((1, 1), (-float("inf"), 0), (1, 2, 3)))
