"""A posteriori: a certificate for one given network, at initialisation or at any time of a run; no probability."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import arb

from bounds.activation.base import FUNCTION_ULPS, TINY
from bounds.certificates import handover, last_layer_kernel, shadowing, transport
from bounds.certificates.magnitudes import check_magnitudes, in_units, rate_as_float
from bounds.checks import as_float_array, choice, instance, numpy_defaults, real
from bounds.errors import ArgumentError, AssumptionError, DataError, require, shown
from bounds.methods import METHODS, SLOW_CERTIFICATES, TRAINED, envelope, get_method, proved_methods
from bounds.methods.base import Method, Profile, usual_drift
from bounds.methods.last_layer import at_scale, least_scale
from bounds.methods.step_profile import StepProfile
from bounds.neurons import Neurons, as_neurons
from bounds.numerics.arithmetic import float_up, square
from bounds.presented import Facts, Portable, Presented
from bounds.problem import Problem
from bounds.rounding import rounded

if TYPE_CHECKING:
    import pandas as pd

# The methods of SLOW_CERTIFICATES, each with a function that raises AssumptionError if it does not apply.
STRONGER = {"transport": envelope.METHOD.require, "shadowing": shadowing.check}


@dataclass(frozen=True, repr=False)
class Certificate(Presented, Portable):
    """If `holds`, gradient flow from this network satisfies L^t <= L^0 exp(-rate t) for all t, with certainty.

    rate: 1/time, rounded down, 0 if nothing is certified; critical_scale: the scale above which the certificate would
    hold for this residual, infinite if the method proves nothing at any scale; beta = critical_scale / scale, rounded
    up (a_c ||r||/scale where the last layer is trained and a_c, of the master theorem, depends on the scale);
    path_length: S, a bound on the whole path, infinite if nothing is certified. For a network that has converged
    (r = 0) the certificate holds with beta 0 and the rate of a residual near 0, unless the method proves nothing at any
    scale. With method="shadowing" critical_scale and beta are those of the handover, and `constants` holds its time,
    the distance of the true path from the computed one, and the rates before and after.

    reason: why the certificate holds or does not, and which other methods may; caveats: what is taken on trust
    (Problem.caveats).
    """

    holds: bool
    rate: float
    critical_scale: float
    beta: float
    path_length: float
    method: str
    constants: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    caveats: tuple[str, ...] = ()

    def plot(self, ax: Any = None) -> Any:
        """Draw how much of each ingredient is used up, where 1 would be too much; returns the axes.

            bounds.certify(problem, H, signs=signs).plot()

        ax: axes of matplotlib; None for those of a new figure. Raises ArgumentError where `ax` is no axes,
        AssumptionError where matplotlib is not installed.
        """
        from bounds.pictures.certificate import SIZE, draw_certificate
        from bounds.pictures.style import on_axes

        with on_axes(ax, size=SIZE) as axes:
            draw_certificate(axes, self)
        return axes

    def _facts(self) -> Facts:
        """Numbers rounded once more to the side on which they stay true."""
        return {
            "holds": "yes" if self.holds else "no",
            "method": self.method,
            "rate": rounded(self.rate, "down"),
            "beta": rounded(self.beta, "up"),
            "critical scale": rounded(self.critical_scale, "up"),
            "path length": rounded(self.path_length, "up"),
        }


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
        return _by_last_layer(problem, pre_activation, c)
    if method == "transport":
        envelope.METHOD.require(problem)
        profiles, drift = transport.a_posteriori(problem, pre_activation.H), usual_drift(problem)
        return _nearest([_by_profile("transport", p, drift, problem, pre_activation, c) for p in profiles])
    if method != "best":
        return _by_method(get_method(method), problem, pre_activation, c)
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
    least, largest = _sizes(neurons, c)
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


def _sizes(neurons: Neurons, signs: np.ndarray) -> tuple[float, float]:
    """The least and the largest |c_i|; signs: those of the neurons that are here."""
    less, more = neurons.most(lambda _, c: [np.max(-np.abs(c)), np.max(np.abs(c))], signs).tolist()
    return -less, more


def _by_every_formula(problem: Problem, H: Neurons, signs: np.ndarray) -> dict[str, Certificate | AssumptionError]:
    """Method -> its certificate, or why it does not apply, for the proved methods that are formulas."""
    found: dict[str, Certificate | AssumptionError] = {}
    for method in proved_methods():
        if method.a_posteriori is None:
            continue
        try:
            found[method.name] = _by_method(method, problem, H, signs)
        except AssumptionError as error:
            found[method.name] = error
    if problem.last_layer:
        found[TRAINED] = _by_last_layer(problem, H, signs)
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


def residual_norm(problem: Problem, H: np.ndarray | Neurons, signs: np.ndarray) -> arb:
    """||r|| = ||f - y||, enclosed with the rounding of computing it; H (m, n), signs (m,), of those that are here."""
    act, neurons = problem.activation, as_neurons(H)
    scale = _sizes(neurons, signs)[1]

    def sums(h: np.ndarray, c: np.ndarray) -> np.ndarray:
        """(3, n): of c sigma(h), |sigma(h)| and |h|."""
        value = act.value(h)
        return np.stack([c @ value, np.abs(value).sum(0), np.abs(h).sum(0)])

    output, sizes, reaches = neurons.sum(sums, signs) / len(H)
    residual = output - problem.y
    magnitude = scale * sizes + np.abs(problem.y)
    lost = act.slack * float(act.Ls.upper()) * scale * (1 + reaches)
    # A dot product of m terms, summed in any order, errs by at most gamma_m; sigma itself errs by FUNCTION_ULPS.
    least = (scale + len(H)) * 2 * TINY  # what underflows
    total = arb(0)
    for value, size, digits in zip(residual.tolist(), magnitude.tolist(), lost.tolist(), strict=True):
        total += square(arb(value) + arb(0, 1.01 * ((len(H) + FUNCTION_ULPS) * 2.0**-53 * size + digits) + least))
    return total.nonnegative_part().sqrt()  # a sum of balls that begin at 0 may reach below it


def _by_method(method: Method, problem: Problem, H: Neurons, signs: np.ndarray) -> Certificate:
    """The certificate of a method that is a formula; AssumptionError if it does not apply."""
    method.require(problem)
    if method.a_posteriori is None:
        raise AssumptionError(f"method {method.name!r} has no certificate for a single network. Use method='best'.")
    try:
        profile = method.a_posteriori(problem, H)
    except ArgumentError as error:  # about a choice of the method's own, such as an interval that rounds to a point
        raise AssumptionError(f"method {method.name!r} finds no constants for this network: {error}") from None
    drift = method.drift(problem) if method.drift is not None else arb(0)
    return _by_profile(method.name, profile, drift, problem, H, signs)


def _by_last_layer(problem: Problem, H: Neurons, signs: np.ndarray) -> Certificate:
    """The certificate by the last layer's own kernel, for which the scale plays no part."""
    last_layer_kernel.check(problem)
    profile = last_layer_kernel.profile(problem, H)
    found = _by_profile(TRAINED, profile, arb(0), problem, H, signs, unit=1.0)
    if found.holds or profile.empty:
        return replace(found, critical_scale=0.0 if found.holds else math.inf)
    beta = profile.critical * residual_norm(problem, H, signs)  # proportional to 1/sqrt(mobility)
    enough = rounded(float_up(arb(problem.last_layer) * square(beta)), "up")
    reason = f"beta = {found.beta:.3g} must be below 1, for which a mobility above {enough} is enough, at any scale."
    return replace(found, critical_scale=math.inf, reason=reason)


def _by_profile(
    name: str,
    slopes: Profile | StepProfile,
    drift: arb,
    problem: Problem,
    H: Neurons,
    signs: np.ndarray,
    unit: float | None = None,
) -> Certificate:
    """The master theorem applied to a profile of the slopes of the network; drift: what a trained last layer takes
    from it (last_layer.py), for which the least |c_i| counts as the scale, unless there is a `unit`; H (m, n), signs
    (m,)."""
    scale = arb(_sizes(H, signs)[0] if unit is None else unit)
    profile = at_scale(slopes, drift, scale)
    if profile.empty:
        reason = "its lower bound of the slopes or of the kernel is 0 (A = 0), and it says nothing at any scale."
        nothing = {"a": arb("inf"), "A": arb(0), "extent": arb(0)}
        return Certificate(False, 0.0, math.inf, math.inf, math.inf, name, nothing, reason, problem.caveats)
    residual = residual_norm(problem, H, signs)
    beta = profile.critical * residual / scale
    critical = least_scale(slopes, drift, residual)
    upper = arb(beta.upper())
    left = profile.remaining(upper) if beta < 1 else arb(0)  # rho(S)^2
    rate = rate_as_float(2 * scale**2 * left)
    holds = rate > 0
    path = math.inf
    if holds:  # as rho does not rise, ||r|| = scale * integral_0^S(rho) >= scale rho(S) S
        path = min(float_up(profile.path_length(upper)), float_up(residual / (scale * left.sqrt())))
    if holds:
        reason = f"beta = {float_up(beta):.3g} is below 1."
    elif beta < 1:
        reason = "beta is 1 within rounding, and must be below."
    else:
        reason = (
            f"beta = {float_up(beta):.3g} must be below 1: the scale {float(scale):.3g} is not above the critical"
            f" {float_up(critical):.3g} for this residual."
        )
    return Certificate(
        holds=holds,
        rate=rate,
        critical_scale=float_up(critical),
        beta=float_up(beta),
        path_length=path,
        method=name,
        constants={"a": profile.critical, "A": profile.A, "extent": profile.extent},
        reason=reason,
        caveats=problem.caveats,
    )


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
