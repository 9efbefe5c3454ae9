"""What the fuzzer of public functions calls, and with which arguments: valid, borderline and wrong ones of each kind.

A new public function is fuzzed by itself as soon as it is in an `__all__`; a new name of an argument needs a line in
KINDS (`tests/fuzzing_kinds.py`), and the fuzzer fails until it has one.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

import bounds
import simulate
import verify
from bounds.activation.registry import _REGISTRY
from bounds.data.datasets import load_builtin, load_test
from bounds.data.embeddings import get_embedding
from reports.certificates import CertificateOptions
from reports.gaps import GapOptions
from tests.four_neurons import SIGNS, H
from tests.fuzzing_kinds import INTERVALS, KINDS, NUMBERS, WRONG, Kind, Value, small_problem

# What a call needs so that it stays small: these arguments are always given.
ALWAYS = ("width", "t_max", "steps", "max_steps", "dim", "n", "d", "draws")
SKIPPED = {
    # Built by linrate and returned to the user, who has no reason to make one.
    *(
        "Certificate",
        "Demonstration",
        "DescentPoint",
        "Erratum",
        "Guarantee",
        "SwitchOn",
        "Status",
        "Trajectory",
        "Run",
    ),
    *("EmbeddingTrials", "KernelFlow"),
    # Draws a Comparison; tests/verify/test_pictures.py checks it.
    "draw_margin",
    "Entry",
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
    found |= {"bounds.data.datasets.load_test": load_test}
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
    return small_problem().within(radius)


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
