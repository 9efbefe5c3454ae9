"""What may come after the end of a run that was stopped: a verdict about later times must allow for it.

A run is stopped by its horizon, by loss_ratio or by a limit on steps, none of which is the end of the flow.
`afterwards` continues it by one imagined save point in many ways, with each observable in the range that is proved for
it, or unknown (NaN):

    loss            nonincreasing, and at least what a bounded sigma leaves: sum_a (|y_a| - scale sup|sigma|)_+^2 / 2
    output          |f - y|^2 <= 2 L
    movement, path  at most sqrt(G_aa) S further (key lemma), if a certificate of the last state bounds the path S left
    the others      in the range of all states of the network
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from bounds import LinrateError, certify
from bounds.numerics.arithmetic import float_up
from simulate import Network, Status
from simulate.network import scaling_of
from verify.run import Run

Imagine = Callable[[Run], np.ndarray | None]  # the margins of an imagined run, None if they cannot be evaluated
Range = tuple[np.ndarray | float, np.ndarray | float]  # least and largest value
# The imagined losses, as parts of the way from the least possible loss to the last one.
LOSSES = (0.0, 1e-12, 1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 0.1, 0.3, 0.6, 0.9, 1.0)
PARTS = (0.0, 0.25, 0.5, 0.75, 1.0)  # the same for the other observables, from their least value to their largest
FLAT = ("relu", "clip")  # activations that are constant on intervals
LATER = 2.0  # time of the imagined save point, as a multiple of the last time
ROUNDING = 1e-12  # relative allowance for rounding in the bounds of the loss and the output
LEAST_POWER = -300.0  # of ten: the smallest factor of the last loss that is tried
POWER_STEP = 0.04  # of ten: the accuracy to which a needed loss is found, a tenth


def at_every_time(run: Run, imagine: Imagine, margin: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, str]:
    """The error of a claim about every time, widened by what may come after the end of the run.

    margin, error: (T,), of the run as it is. Returns (the error (T,), why nothing is decided or "").
    A violation refutes if every continuation that is tried leaves a violation at that time, or leaves one anywhere. If
    some continuation removes it, the margin depends on the end of the flow, and the violation is left open: a run that
    was stopped early does not refute "the loss falls to a hundredth".
    """
    highest = margin  # of each margin over all continuations
    everywhere = bool(np.any(margin + error < 0))  # whether all continuations so far have a violation
    with np.errstate(invalid="ignore"):
        for after in afterwards(run) if everywhere else ():
            found = imagine(after)
            if found is None:
                continue
            everywhere = everywhere and bool(np.any(found + np.append(error, error[-1]) < 0))
            highest = np.fmax(highest, np.where(np.isnan(found[:-1]), np.inf, found[:-1]))
            if not everywhere and not np.any(highest + error < 0):
                break
        mended = (margin + error < 0) & (highest + error >= 0)
        if everywhere or not np.any(mended):
            return error, ""
        return np.where(mended, highest - margin, error), _stopped(run, imagine, float(margin[-1]))


def at_the_end(run: Run, imagine: Imagine, margin: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, str]:
    """The error of a claim about the end of the flow, whose margin is known only up to what may still come.

    margin, error: (1,), at the end of the run. Returns (the error (1,), why nothing is decided or "").
    """
    now = float(margin[0])
    own = float(error[0])
    low = now  # least and largest margin over all continuations
    high = now
    for after in afterwards(run):
        found = imagine(after)
        if found is not None:
            last = float(found[-1])
            low, high = (-math.inf, math.inf) if math.isnan(last) else (min(low, last), max(high, last))
    # If the whole range lies on one side of zero, the error reaches to its end nearest to zero.
    if low - own >= 0:
        return error + (now - low), ""
    if high + own < 0:
        return error + (high - now), ""
    widened = max(now - low, high - now)
    return error + widened, _stopped(run, imagine, now) if widened > 0 else ""


def _stopped(run: Run, imagine: Imagine, margin: float) -> str:
    """Why a stopped run decides nothing, and when it would if the loss went on falling at its last rate."""
    first, loss, power = float(run.loss[0]), float(run.loss[-1]), float(run.power[-1])
    text = (
        f"the run was stopped at time {run.time[-1]:.4g} ({run.status.name}, L/L0 = {loss / first:.2g})"
        if first > 0
        else "the loss is 0 from the start"
    )
    text += ", and the margin depends on what comes after"
    needed = None if margin >= 0 else _loss_needed(run, imagine)
    if needed is not None and power > 0:
        when = float(run.time[-1]) + math.log(loss / needed) * loss / power
        text += f"; at its last rate the loss would be low enough at time {when:.3g}"
    return text + ". @conjecture(t_max=..., loss_ratio=...) lets it go on"


def _loss_needed(run: Run, imagine: Imagine) -> float | None:
    """The largest loss below the last one at which the margin would be at least 0, to a tenth; None if there is none.

    Found by bisection over the powers of ten, as if the margin depended on the loss alone.
    """
    last = float(run.loss[-1])

    def enough(power: float) -> bool:
        found = imagine(_continued(run, last * 10**power, {}, 0.0))
        return found is not None and bool(found[-1] >= 0)

    low, high = LEAST_POWER, 0.0
    if not last > 0 or not enough(low):
        return None
    while high - low > POWER_STEP:
        middle = (low + high) / 2
        low, high = (middle, high) if enough(middle) else (low, middle)
    return last * 10**low


def at_rest(run: Run) -> bool:
    """Whether nothing moves any more, because every neuron is on a flat piece of sigma.

    Activations without such a piece have slopes that underflow to 0 but are not 0, so they are never at rest.
    """
    return run.problem.activation.name in FLAT and float(run.power[-1]) == 0.0 and run.status is not Status.DIVERGED


def least_loss(run: Run) -> float:
    """A lower bound of the loss of every network of this scale: 0 unless sigma is bounded and a target out of reach."""
    reach = _reach(run)
    beyond = np.maximum(np.abs(run.problem.y) - reach, 0.0)
    return float(np.sum(beyond**2)) / 2 * (1 - ROUNDING)


def remaining_path(run: Run) -> float:
    """A bound on the path length after the end of the run, by a certificate of the last state; infinite without one."""
    if run.integrator == "descent" or run.scaling != "ours":
        return math.inf
    try:
        found = certify(run.problem, run.final.H, signs=run.final.signs)
    except LinrateError:
        return math.inf
    return found.path_length if found.holds else math.inf


def afterwards(run: Run) -> Iterator[Run]:
    """The run with one more save point, in every way that is tried; nothing if the run is at rest."""
    if at_rest(run):
        return
    least, last = least_loss(run), float(run.loss[-1])
    highest = math.inf if run.integrator == "descent" else last  # the loss of descent may rise, that of a flow may not
    losses = [last] if not math.isfinite(last) else [least + part * max(last - least, 0.0) for part in LOSSES]
    if math.isinf(highest):
        losses.append(2 * last)
    others = _ranges(run, last)
    for loss in losses:
        yield _continued(run, loss, others, 0.0)
    for loss in (losses[0], losses[-1]):
        for part in (*PARTS[1:], math.nan):
            yield _continued(run, loss, others, part)


def _reach(run: Run) -> float:
    """An upper bound of |f_a| of every network of this width and scale; infinite for unbounded sigma, and if the last
    layer is trained too, for then the scale does not stay."""
    bound = run.problem.activation.bounded_by
    if bound is None or run.problem.last_layer > 0:
        return math.inf
    return scaling_of(run.scaling, run.width).alpha * run.scale * float(bound) * (1 + ROUNDING)


def _ranges(run: Run, last: float) -> dict[str, Range]:
    """(least, largest) of each observable after the end of the run, infinite ends if nothing is known.

    last: the last loss, which that of a flow does not exceed.
    """
    act, y = run.problem.activation, run.problem.y
    slope = float_up(act.Ls)
    kernel = math.inf if run.problem.last_layer > 0 else float_up(run.problem.spectrum.lmax_ceiling) * slope**2
    size = np.sqrt([float_up(g) for g in run.problem.gram_diagonal])
    left = remaining_path(run)
    away = math.inf if run.integrator == "descent" else math.sqrt(2 * max(last, 0.0))
    reach = _reach(run)
    q = np.sqrt(run.mean_square_slope[-1])
    turn = float_up(act.L2) * size * left if act.smooth else math.inf
    with np.errstate(invalid="ignore"):
        moved = {
            name: (np.maximum(value - far * left, 0.0), value + far * left)
            for name, value, far in (
                ("movement", run.movement[-1], size),
                ("movement_rms", run.movement_rms[-1], size),
                ("movement_max", run.movement_max[-1], size * math.sqrt(run.width)),
            )
        }
    ranges: dict[str, Range] = {
        **moved,
        "output": (np.maximum(y - away, -reach), np.minimum(y + away, reach)),
        "active_fraction": (0.0, 1.0),
        "mean_square_slope": (np.maximum(q - turn, 0.0) ** 2, np.minimum(q + turn, slope) ** 2),
        "path_length": (run.path_length[-1], run.path_length[-1] + left),
        "dissipated": (run.dissipated[-1], max(float(run.dissipated[-1]), float(run.loss[0]))),
        "power": (0.0, 2 * run.scale**2 * kernel * last if last > 0 else 0.0),
        "kernel_min_eig": (0.0, kernel),
        "kernel_max_eig": (0.0, kernel),
    }
    if run.test_output is not None:
        ranges["test_output"] = (-math.inf, math.inf)
    if run.sliding is not None:
        ranges["sliding"] = (0.0, float(run.width))
    return ranges


def _continued(run: Run, loss: float, ranges: dict[str, Range], part: float) -> Run:
    """The run with one more save point: this loss, and each other observable at this part of its range.

    part: from 0 (the least value) to 1 (the largest), or NaN for unknown values. Observables without a range keep
    their last value.
    """
    end = float(run.time[-1])
    more: dict[str, Any] = {
        "time": np.append(run.time, LATER * end if end > 0 else 1.0),
        "loss": np.append(run.loss, loss),
    }
    for name in (*run.errors, "dissipated", "power"):
        values = getattr(run, name)
        if name in more or values is None:
            continue
        low, high = ranges.get(name, (values[-1], values[-1]))
        added = np.broadcast_to(between(low, high, part), values[-1].shape)
        more[name] = np.concatenate([values, added[None]])
    errors = {name: np.concatenate([size, size[-1:]]) for name, size in run.errors.items()}
    if math.isnan(part):
        more["final"] = Network(np.full_like(run.final.H, math.nan), run.final.signs)
    return replace(run, errors=errors, **more)


def between(low: np.ndarray | float, high: np.ndarray | float, part: float) -> np.ndarray:
    """The value at this part of the range [low, high]: low at part 0, high at part 1.

    In a range with an infinite end: low + part/(1 - part), which is NaN if part is. In a finite range a part of NaN
    stands for the middle.
    """
    low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    if part in (0.0, 1.0):
        return low if part == 0 else high
    start = np.where(np.isinf(low), -1.0, low)
    endless = start + (part / (1 - part) if part == part else part)
    with np.errstate(invalid="ignore"):
        inside = low + (part if part == part else 0.5) * (high - low)
    return np.where(np.isinf(low) | np.isinf(high), endless, inside)
