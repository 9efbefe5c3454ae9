"""What the fuzzer of public functions calls, and with which arguments: valid, borderline and wrong ones of each kind.

The kind of an argument is its name. A new public function is fuzzed by itself as soon as it is in an `__all__`; a new
name of an argument needs a line in KINDS, and the fuzzer fails until it has one.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import sympy as sp
import torch
from hypothesis import strategies as st

import bounds
import simulate
import verify
from bounds.activation.registry import _REGISTRY
from bounds.data.datasets import load_builtin
from bounds.data.embeddings import get_embedding
from reports.certificates import CertificateOptions
from reports.gaps import GapOptions
from simulate.device import DTYPES

X = np.array([[1.0, 0.2, -0.3], [0.1, -0.8, 0.5]])
Y = np.array([0.3, -0.2])
H = np.array([[0.5, -0.1], [1.0, 0.3], [-0.7, 0.2], [0.1, -1.1]])
SIGNS = np.array([1.0, -1.0, 1.0, -1.0])
W = np.arange(12.0).reshape(4, 3) / 10 - 0.5


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


def _problem(x: float = 1.0, y: float = 1.0, **other: Any) -> bounds.Problem:
    return bounds.Problem(x * X, y * Y, **other)


@cache
def _trajectory() -> simulate.Trajectory:
    network = simulate.network_of_weights(_problem(), W, SIGNS)
    return simulate.gradient_flow(_problem(), network=network, t_max=0.1)


def _module(change: Callable[[torch.nn.Sequential], Any] = lambda net: None) -> torch.nn.Sequential:
    """A module that the theorems are about, changed."""
    net = torch.nn.Sequential(torch.nn.Linear(3, 4, bias=False), torch.nn.Tanh(), torch.nn.Linear(4, 1, bias=False))
    net[2].weight.data = torch.tensor([[0.25, -0.25, 0.25, 0.25]])
    net[2].requires_grad_(False)
    change(net)
    return net


PROBLEMS = Kind(
    values(
        tanh=_problem,
        relu=lambda: _problem(activation="relu"),
        gelu=lambda: _problem(activation="gelu"),
        quadratic=lambda: _problem(embedding=bounds.Quadratic()),
        gram=lambda: bounds.Problem.from_gram([[1.0, 0.1], [0.1, 1.0]], Y),
        features=lambda: _problem(embedding=bounds.RandomFeatures(dim=8)),
        limit=lambda: _problem(embedding=bounds.RandomFeatures()),
    ),
    values(
        one_point=lambda: bounds.Problem([[0.5]], [0.1]),
        dependent=lambda: bounds.Problem([[1.0], [2.0]], Y),
        clip=lambda: _problem(activation="clip"),
        linear=lambda: _problem(activation="linear"),
        zero_targets=lambda: _problem(y=0.0),
        **{f"x_{size:g}": lambda size=size: _problem(size) for size in (1e-138, 1e-100, 1e-20, 1e20, 1e100, 1e153)},
        **{f"y_{size:g}": lambda size=size: _problem(1.0, size) for size in (1e-300, 1e-160, 1e20, 1e154, 1e300)},
        **{f"cos_{size:g}": lambda size=size: _problem(size, activation="cos") for size in (1e100, 1e153)},
        **{f"relu_{size:g}": lambda size=size: _problem(size, activation="relu") for size in (1e-100, 1e100)},
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
    "name": Kind(these("reference", "experiment-1"), these("refrence", "tanh")),
    "expression": Kind([Value("u/2", lambda: u / 2)], values(square=lambda: u**2, two=lambda: u * sp.Symbol("v"))),
    "method": Kind(
        these("best", "slopes", "repaired", "markov"), these("printed", "kernel", "transport", "everywhere", "bets")
    ),
    "init": Kind(these("independent", "antisymmetric"), these("Independent")),
    "scaling": Kind(these("ours", "ntk", "mf"), these("NTK")),
    "dtype": Kind(
        these("float64", "float32"), [*these("float16", np.float64), *values(torch_dtype=lambda: DTYPES["float64"])]
    ),
    "device": Kind(these("auto", "cpu"), these("cuda", "cuda:99", "gpu", "cpu:x", "meta")),
    "loss": Kind(these("sum", "mean"), these("Mean")),
    "integrator": Kind(these("exponential", "rk4"), these("euler")),
    "tail": Kind(these(None, "best", "lemma-4", "moments"), these("chernoff", "bounded", "monte-carlo", "lema-4")),
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
    "times": Kind(these([0.0, 1.0], (0.5,), [3]), these([], [-1.0], [1e300], [[0.1]], ["a"])),
    "step": POSITIVE,
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
    "guarantee": Kind([*these(None), *values(guarantee=lambda: bounds.guarantee(_problem()))]),
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

# What a call needs so that it stays small: these arguments are always given.
ALWAYS = ("width", "t_max", "steps", "max_steps", "dim", "n", "d")
SKIPPED = {
    # Built by linrate and returned to the user, who has no reason to make one.
    *("Certificate", "Demonstration", "Erratum", "Guarantee", "KernelFlow", "SwitchOn", "Status", "Trajectory", "Run"),
    *("Bracket", "Claim", "Comparison", "Conjecture", "Verdict"),
    # A table; a module, whose formulas are fuzzed one by one; declarations of functions, which test_activations.py and
    # test_conjectures.py check; a search over hundreds of networks.
    *("CLAIMS", "constants", "Activation", "conjecture", "bracket"),
}


def public_functions() -> dict[str, Callable[..., Any]]:
    """Everything that a user calls, by name."""
    found: dict[str, Callable[..., Any]] = {}
    for module in (bounds, simulate, verify):
        members = {f"{module.__name__}.{name}": getattr(module, name) for name in module.__all__ if name not in SKIPPED}
        found |= {name: member for name, member in members.items() if not _is_error(member)}
    found |= {f"bounds.constants.{c.name}": c for c in bounds.constants.all_constants()}
    found |= {"bounds.Problem.from_gram": bounds.Problem.from_gram, "bounds.data.datasets.load_builtin": load_builtin}
    found |= {"bounds.register_activation": _register}
    found |= {"bounds.Problem.draw": _draw, "bounds.Problem.within": _within, "bounds.get_embedding": get_embedding}
    return found | {"reports.GapOptions": GapOptions, "reports.CertificateOptions": CertificateOptions}


def _is_error(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, BaseException)


def _draw(problem: bounds.Problem, *, dim: int, seed: int = 0) -> bounds.Problem:
    return (
        problem.draw(dim=dim, seed=seed)
        if isinstance(problem, bounds.Problem)
        else bounds.certify(problem, H, signs=SIGNS)
    )


def _register(name: str, expression: Any) -> bounds.Activation:
    """register_activation, undone: other tests go through the registry."""
    made = bounds.register_activation(name, expression)
    del _REGISTRY[made.name]
    return made


def _within(radius: float) -> bounds.Problem:
    return _problem().within(radius)


@dataclass(frozen=True)
class Call:
    """One call: its arguments by name; those that were replaced by borderline or wrong values; and whether the only
    thing that can be refused is one argument of a wrong kind, so that the error must name it."""

    name: str
    arguments: dict[str, Value]
    changed: tuple[str, ...]
    one_is_wrong: bool

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v}' for k, v in self.arguments.items())})"


def parameters_of(function: Callable[..., Any]) -> dict[str, bool]:
    """Whether each argument must be given, by name. **same stands for the options of bounds.guarantee."""
    if isinstance(function, bounds.constants.kappa.__class__):
        return dict.fromkeys(function.parameters, True)
    found: dict[str, bool] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            options = inspect.signature(bounds.guarantee).parameters.values()
            found |= {p.name: False for p in options if p.kind is p.KEYWORD_ONLY and p.name not in found}
        else:
            found[name] = parameter.default is parameter.empty
    return found


def kind_of(function: Callable[..., Any], name: str) -> Kind:
    """What can be given for that argument."""
    if isinstance(function, bounds.constants.kappa.__class__):
        return INTERVALS if name == "interval" else NUMBERS
    if name not in KINDS:
        raise AssertionError(f"argument {name!r} is of no kind that the fuzzer knows: add it to KINDS in {__file__}")
    return KINDS[name]


@st.composite
def calls(draw: st.DrawFn, name: str, function: Callable[..., Any]) -> Call:
    """A call with valid arguments, of which up to two are replaced by borderline or wrong ones."""
    chosen: dict[str, Value] = {}
    parameters = parameters_of(function)
    for parameter, needed in parameters.items():
        if needed or parameter in ALWAYS or draw(st.integers(0, 3)) == 0:
            chosen[parameter] = draw(st.sampled_from(kind_of(function, parameter).valid))
    plain = all(needed or parameter in ALWAYS for parameter, needed in parameters.items() if parameter in chosen)
    plain = plain and ("problem" not in chosen or chosen["problem"].label == "tanh")  # which fits the other arguments
    changed, wrong = [], []
    for parameter in draw(st.lists(st.sampled_from(sorted(parameters)), max_size=2, unique=True)) if parameters else ():
        border = kind_of(function, parameter).border
        changed.append(parameter)
        if border and draw(st.booleans()):
            chosen[parameter] = draw(st.sampled_from(border))
        else:
            chosen[parameter] = draw(st.sampled_from(WRONG))
            if parameters[parameter] or chosen[parameter].label != "None":  # which may be an option's default
                wrong.append(parameter)
    return Call(name, chosen, tuple(changed), plain and len(changed) == len(wrong) == 1)
