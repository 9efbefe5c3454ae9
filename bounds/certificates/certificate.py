"""A posteriori: a certificate for one given network, at initialisation or at any time of a run; no probability."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bounds.certificates import handover, shadowing, transport
from bounds.certificates.by_profile import Certificate, by_last_layer, by_method, by_profile, residual_norm, sizes_of
from bounds.certificates.magnitudes import check_magnitudes, in_units, rate_as_float
from bounds.checks import as_float_array, choice, instance, numpy_defaults, real
from bounds.errors import ArgumentError, AssumptionError, DataError, require, shown
from bounds.methods import METHODS, SLOW_CERTIFICATES, TRAINED, envelope, get_method, proved_methods
from bounds.methods.base import usual_drift
from bounds.neurons import Neurons, as_neurons
from bounds.numerics.arithmetic import float_up
from bounds.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

# The methods of SLOW_CERTIFICATES, each with a function that raises AssumptionError if it does not apply.
STRONGER = {"transport": envelope.METHOD.require, "shadowing": shadowing.check}


@numpy_defaults
def certify(problem: Problem, H: Any, *, signs: Any, method: str = "best") -> Certificate:
    """The master theorem applied to one network.

    H: (m, n) pre-activations h_i(x_a), or Neurons, of which processes hold some each; signs: (m,) the c_i, all of one
    magnitude (the scale), or of any if the problem has a trained last layer, where the least counts. "best" takes the
    method with the largest certified rate among those that are formulas, without one that holds the nearest to holding;
    "last-layer", of a trained last layer alone, asks for a large mobility and for nothing else;
    "transport" (a step function, never below the envelope method) takes seconds, and "shadowing" computes the path
    until a formula takes over: far stronger, and a minute for 10^5 entries of H (docs/certificates.md).

    Raises ArgumentError for wrong shapes, signs of several magnitudes, or magnitudes out of range (naming a rescaling);
    DataError for entries that are no numbers; AssumptionError if the method does not apply to the problem.
    """
    pre_activation, c = _checked(problem, H, signs)
    method = choice("method", method, tuple(dict.fromkeys(("best", *METHODS, *SLOW_CERTIFICATES, TRAINED))))
    if method in SLOW_CERTIFICATES and not pre_activation.complete:
        raise ArgumentError(
            f"method {method!r} is no formula, and needs all neurons in one place. Write the network to a file (linrate"
            " flow --state-out), and certify that in one process."
        )
    if method == "shadowing":
        return _by_shadowing(problem, pre_activation.H, c)
    if method == TRAINED:
        return by_last_layer(problem, pre_activation, c)
    if method == "transport":
        envelope.METHOD.require(problem)
        profiles, drift = transport.a_posteriori(problem, pre_activation.H), usual_drift(problem)
        return _nearest([by_profile("transport", p, drift, problem, pre_activation, c) for p in profiles])
    if method != "best":
        return by_method(get_method(method), problem, pre_activation, c)
    return _best(problem, pre_activation, c)


@numpy_defaults
def certificate_table(problem: Problem, H: Any, *, signs: Any) -> pd.DataFrame:
    """Every method that is a formula side by side, one row each, for one network; arguments as for `certify`.

    Columns: method, holds, rate (rounded down), beta, critical_scale and path_length (rounded up), reason. A method
    that does not apply has holds None, no numbers, and says why in `reason`. "transport" and "shadowing" are left
    out, because they take longer.

    Raises what `certify` raises for wrong arguments.
    """
    import pandas as pd

    pre_activation, c = _checked(problem, H, signs)
    rows: list[dict[str, Any]] = []
    for name, found in _by_every_formula(problem, pre_activation, c).items():
        if isinstance(found, AssumptionError):
            rows.append({"method": name, "holds": None, "reason": str(found)})
        else:
            columns = ("method", "holds", "rate", "beta", "critical_scale", "path_length", "reason")
            rows.append({column: getattr(found, column) for column in columns})
    return pd.DataFrame(rows, columns=["method", "holds", "rate", "beta", "critical_scale", "path_length", "reason"])


def _checked(problem: Problem, H: Any, signs: Any) -> tuple[Neurons, np.ndarray]:
    """The neurons of one network and their signs, checked as the docstring of `certify` says."""
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    if problem.random or problem.gram_range is not None:
        raise AssumptionError("a certificate is about one network: draw the embedding first, problem.draw(dim=D).")
    if isinstance(H, Neurons):
        # Whatever is wrong, all processes must find it: each looks at what the neurons of all of them have in common.
        neurons, c = H, np.asarray(signs)
        if not np.isfinite(neurons.most(lambda h, c: max(np.max(np.abs(h)), np.max(np.abs(c))), c)):
            raise DataError("H and signs must be finite. Found an entry that is not: has the run diverged?")
    else:
        neurons, c = as_neurons(as_float_array("H", H, 2)), as_float_array("signs", signs, 1)
    here = neurons.H
    fits = here.shape[0] > 0 and here.shape[1] == problem.n
    require(fits, "H", f"of shape (m, n) with n = {problem.n}", here.shape)
    require(c.shape == (len(here),), "signs", f"of shape ({len(here)},)", c.shape)
    least, largest = sizes_of(neurons, c)
    if least == 0 or not (least == largest or problem.last_layer > 0):
        raise ArgumentError(
            "signs must be +scale or -scale with one scale > 0 (Assumption 1), or at least not 0 where the last layer"
            f" is trained (Problem(..., last_layer=1.0)). Found {np.unique(c)!r}."
        )
    problem.activation.require_reach("H", neurons.reach)
    check_magnitudes(problem, neurons.reach, least)
    if largest > least:
        check_magnitudes(problem, neurons.reach, largest)
    return neurons, c


def _by_every_formula(problem: Problem, H: Neurons, signs: np.ndarray) -> dict[str, Certificate | AssumptionError]:
    """Method -> its certificate, or why it does not apply, for the proved methods that are formulas."""
    found: dict[str, Certificate | AssumptionError] = {}
    for method in proved_methods():
        if method.a_posteriori is None:
            continue
        try:
            found[method.name] = by_method(method, problem, H, signs)
        except AssumptionError as error:
            found[method.name] = error
    if problem.last_layer:
        found[TRAINED] = by_last_layer(problem, H, signs)
    return found


def _nearest(found: list[Certificate]) -> Certificate:
    """The certificate with the largest rate; if none holds, the one with the smallest beta."""
    return max(found, key=lambda certificate: (certificate.rate, -certificate.beta))


def _best(problem: Problem, H: Neurons, signs: np.ndarray) -> Certificate:
    """The certificate of the method "best": the nearest of all formulas that apply, its reason naming the others."""
    results = _by_every_formula(problem, H, signs).values()
    found = [result for result in results if isinstance(result, Certificate)]
    if not found:
        raise AssumptionError("no formula applies. " + " | ".join(map(str, results)))
    nearest = _nearest(found)
    held = [c.method for c in found if c.holds and c is not nearest]
    if nearest.holds:
        also = f" Also certified, with smaller rates: {', '.join(held)}." if held else ""
        why = f"{nearest.method} has the largest rate of the formulas: {nearest.reason}{also}"
    else:
        why = f"no formula holds. The nearest is {nearest.method}: {nearest.reason}"
    untried = [repr(name) for name, check in STRONGER.items() if _applies(check, problem)]
    if untried:
        why += f" Not tried, because they take longer, but stronger: method={' or method='.join(untried)}."
    return replace(nearest, reason=why)


def _applies(check: Callable[[Problem], None], problem: Problem) -> bool:
    """Whether the check of a method accepts the problem."""
    try:
        check(problem)
    except AssumptionError:
        return False
    return True


def _by_shadowing(problem: Problem, H: np.ndarray, signs: np.ndarray) -> Certificate:
    """The certificate of the method shadowing, computed in units in which nothing over- or underflows."""
    shadowing.check(problem)
    units = in_units(problem, signs)
    proof = handover.prove(
        units.problem, H, units.signs, lambda state: residual_norm(units.problem, state, units.signs)
    )
    facts = {
        name: value if isinstance(value, int) else float_up(units.convert(name, value))
        for name, value in proof.facts.items()
    }
    reason = f"the path is followed until t = {facts['time']:.3g}, where the master theorem takes over."
    if not proof.rate > 0:
        reason = f"the path is followed until t = {facts['time']:.3g}, where no formula holds yet, and {proof.ended}."
    return Certificate(
        holds=proof.rate > 0,
        rate=rate_as_float(units.convert("rate", proof.rate)),
        critical_scale=float_up(units.convert("scale", proof.critical)),
        beta=proof.beta,
        path_length=float_up(units.convert("path", proof.path_length)),
        method="shadowing",
        constants=facts,
        reason=reason,
        caveats=problem.caveats,
    )


@dataclass(frozen=True)
class SwitchOn:
    """The first state of a trajectory from which convergence to zero loss is certified.

    time: that of the state, as it was given; index: the number of the state, from 0; certificate: proves
    L^{time+t} <= L^time exp(-rate t).
    """

    time: float
    index: int
    certificate: Certificate


@numpy_defaults
def first_certified(
    problem: Problem, states: Iterable[tuple[float, Any, Any]], *, method: str = "best"
) -> SwitchOn | None:
    """The first of the states (time, H, signs), in their order, whose certificate holds; None if there is none.

    H (m, n), signs (m,), method: as in `certify`, which also says what is raised. States are requested one by one, so a
    generator need not compute those after the one returned. A certificate at one time covers all later times of the
    same trajectory.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    try:
        along = iter(states)
    except TypeError:
        raise ArgumentError(f"states must be a sequence of (time, H, signs). Found {shown(states)}.") from None
    for index, state in enumerate(along):
        require(isinstance(state, tuple | list) and len(state) == 3, f"states[{index}]", "(time, H, signs)", state)
        time = real(f"time of states[{index}]", state[0], "a finite number", math.isfinite)
        _, H, signs = state
        certificate = certify(problem, H, signs=signs, method=method)
        if certificate.holds:
            return SwitchOn(time, index, certificate)
    return None
