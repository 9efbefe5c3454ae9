"""The fuzzer of the public functions: each call ends in a finite result or in a typed error that names what is wrong.

No warning, no other exception, and nothing depends on what the user has set by np.seterr. LINRATE_FUZZ calls in all
(`make fuzz`: 20 000), a few hundred of them, the same ones each time, by default.
"""

import dataclasses
import faulthandler
import os
import re
import signal
import threading
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from flint import arb
from hypothesis import HealthCheck, Phase, given, settings

import bounds
import simulate
from tests.fuzzing import Call, calls, parameters_of, public_functions

FUNCTIONS = public_functions()
CONSTANTS = [name for name in FUNCTIONS if name.startswith("bounds.constants.")]
OTHERS = [name for name in FUNCTIONS if name not in CONSTANTS]
CALLS = int(os.environ.get("LINRATE_FUZZ", "300"))
SECONDS = 60.0  # of processor time, far more than any of these calls takes
# What an error may name instead of the argument: the data, or the assumption of the theorem that fails.
WORDS = (
    "data",
    "Gram",
    "lambda_min",
    "method",
    "embedding",
    "activation",
    "scale",
    "tail",
    "width",
    "network",
    "neuron",
)


@contextmanager
def watched(call):
    """Fail where a call uses too much processor time; where it hangs inside compiled code, say where and stop."""

    def stop(*_):
        raise TimeoutError(f"{call} has used {SECONDS} s of processor time")

    faulthandler.dump_traceback_later(20 * SECONDS, exit=True)
    before = signal.signal(signal.SIGPROF, stop) if threading.current_thread() is threading.main_thread() else None
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        if before is not None:
            signal.signal(signal.SIGPROF, before)
        faulthandler.cancel_dump_traceback_later()


def check(call: Call) -> None:
    """One call, under the strictest settings that a user can have."""
    function = FUNCTIONS[call.name]
    arguments = {name: value.make() for name, value in call.arguments.items()}
    with watched(call), warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        try:
            result = function(*arguments.values()) if call.name in CONSTANTS else function(**arguments)
        except bounds.LinrateError as error:
            told(call, str(error), isinstance(error, bounds.AssumptionError))
            return
        looks_right(result, call.name)


def told(call: Call, message: str, assumption: bool) -> None:
    """The message names an argument, and where one alone is of a wrong kind, that one; an assumption names itself."""
    assert len(message) < 3000, message
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", message), repr(message)
    strict = call.one_is_wrong and not assumption
    names = call.changed if strict else (*parameters_of(FUNCTIONS[call.name]), *WORDS)
    wanted = [word for name in names for word in ALIASES.get(name, (name,))]
    assert any(word in message for word in wanted), (message, wanted)


# The error may speak of the thing by another of its names.
ALIASES = {
    "problem": ("problem", "data"),
    "text": ("embedding", "random-features"),
    "trajectory": ("trajectory", "problem"),
    "X": ("X", "data", "Gram"),
    "G": ("G", "data", "Gram"),
    "name": ("name", "activation", "data set"),
    "states": ("states", "H", "signs", "time"),
}


def looks_right(result, where: str) -> None:
    """Finite numbers of the right sign, wherever they stand in the result."""
    if isinstance(result, simulate.Trajectory):
        flow_looks_right(result)
    elif isinstance(result, bounds.Certificate):
        for name in ("rate", "critical_scale", "beta", "path_length"):
            number_looks_right(getattr(result, name), f"{where}.{name}", may_be_infinite=not result.holds)
    elif isinstance(result, bounds.Problem | bounds.Activation | simulate.Network):
        pass  # checked where they are used; a run that diverged ends with a network that is not finite
    elif dataclasses.is_dataclass(result):
        for field in dataclasses.fields(result):
            if field.name != "constants":
                looks_right(getattr(result, field.name), f"{where}.{field.name}")
    elif isinstance(result, list | tuple):
        for k, entry in enumerate(result):
            looks_right(entry, f"{where}[{k}]")
    elif isinstance(result, np.ndarray):
        assert np.all(np.isfinite(result)), (where, result)
    elif isinstance(result, float) and not isinstance(result, bool):
        number_looks_right(result, where)
    elif isinstance(result, arb):
        assert where.startswith("bounds.constants.")


def number_looks_right(number: float, where: str, may_be_infinite: bool = False) -> None:
    """Not NaN, not infinite, not -0.0."""
    assert np.isfinite(number) or (may_be_infinite and number == np.inf), (where, number)
    assert not (number == 0 and np.signbit(number)), (where, number)


def flow_looks_right(run: simulate.Trajectory) -> None:
    """What a run reports is finite, but for the last state of one that says that it diverged."""
    if run.status is simulate.Status.DIVERGED:
        assert run.detail
        return
    for name in ("time", "loss", "output", "path_length", "dissipated", "power", "movement", "movement_max"):
        assert np.all(np.isfinite(getattr(run, name))), (name, getattr(run, name), run.status)
    assert np.all(run.loss >= 0)
    for name, error in run.errors.items():
        assert not np.any(np.isnan(error)), (name, error, run.status)


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    """What numba compiles, it compiles here: the time of a call is then its own."""
    for activation in ("tanh", "relu", "gelu"):
        problem = bounds.Problem(np.eye(2), [0.1, 0.2], activation=activation)
        for dtype in ("float64", "float32"):
            simulate.gradient_flow(problem, width=4, t_max=0.1, dtype=dtype, seeds=[0, 1])
            simulate.gradient_descent(problem, width=4, steps=2, dtype=dtype)


def fuzz(name: str, share: int) -> None:
    @settings(
        max_examples=share,
        deadline=None,
        database=None,
        derandomize="LINRATE_FUZZ" not in os.environ,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # the arguments are simple already
    )
    @given(calls(name, FUNCTIONS[name]))
    def every(call: Call) -> None:
        check(call)

    every()


@pytest.mark.parametrize("name", OTHERS)
def test_public_functions(name):
    fuzz(name, max(1, CALLS // (len(OTHERS) + 1)))


def test_constants():
    for name in CONSTANTS:
        fuzz(name, max(1, CALLS // (len(OTHERS) + 1) // len(CONSTANTS)))
