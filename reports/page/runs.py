"""The simulated runs of the report: each with its curves, what is certified of it, and what it shows in words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from bounds import AssumptionError, Problem, certify, first_certified, kernel_flow
from bounds.progress import Progress
from bounds.rounding import rounded
from reports.certificates import states
from reports.gaps import LOSS_RATIO, GapOptions
from reports.page.pictures import Curve, axes_of, curve_data, loss_picture
from simulate import Trajectory, gradient_flow
from verify.run import Run
from verify.runs.regimes import RTOL, horizon, regime_run, simulable_guarantee


def simulated_runs(problem: Problem, options: GapOptions) -> Iterator[tuple[str, Run, float]]:
    """(title, run, rate promised before it was drawn or 0) of the runs that are shown; none for a random embedding."""
    if problem.random:
        return
    if problem.spectrum.lmin[0] > 0:
        g = simulable_guarantee(problem, options.delta)
        if g is not None:
            title = (
                f"Where the theorem speaks: width {g.width}, scale {rounded(g.scale, 'up')}, {g.init} initialisation"
            )
            with Progress("steps") as progress:
                along = progress.along(t_max=horizon(problem, g), loss_ratio=LOSS_RATIO)
                run = regime_run(problem, g, seed=options.seed, loss_ratio=LOSS_RATIO, progress=along)
            yield title, run, g.rate
    with Progress("steps") as progress:
        drawn: dict[str, Any] = {"width": options.width, "scale": options.scale, "seed": options.seed}
        limits: dict[str, Any] = {"t_max": options.t_max, "loss_ratio": LOSS_RATIO}
        plain = gradient_flow(problem, **drawn, **limits, rtol=RTOL, progress=progress.along(**limits))
    yield f"At width {options.width} and scale {options.scale:g}", Run.of(plain), 0.0


def run_section(number: int, title: str, run: Run, promised: float) -> dict[str, Any]:
    """One run with its curves, its picture, and what it shows in words."""
    curves = _curves(run, promised)
    axes = axes_of(curves)
    identifier = f"run{number}"
    return {
        "id": identifier,
        "title": title,
        "text": _run_text(run, curves),
        "curves": curves,
        "picture": loss_picture(curves, axes, title, identifier),
        "data": curve_data(curves, axes),
    }


def _run_text(run: Trajectory, curves: list[Curve]) -> str:
    ratio = float(run.loss[-1] / run.loss[0]) if run.loss[0] > 0 else 0.0
    moved = float(np.mean(run.movement[-1]))
    certified = sum(c.kind == "certified" for c in curves)
    nothing = "" if certified else " Nothing is certified about this run: no dashed curve bounds it."
    return (
        f"The loss fell to {rounded(ratio)} of its initial value by t = {rounded(float(run.time[-1]))}, and the"
        f" features moved by {rounded(moved)} on average. It ended so: {run.ending}.{nothing}"
    )


def _curves(run: Run, promised: float) -> list[Curve]:
    """The measured loss, every certified bound of it, and the lazy flow."""
    error = f"numerical error at most {float(np.max(run.error)):.2g}, estimated"
    curves = [Curve("measured loss", run.time, run.loss, "measured", f"simulated; {error}.", run.error)]
    times = np.linspace(0.0, float(run.time[-1]), 200)
    first = float(run.loss[0])
    if promised > 0 and run.guarantee is not None:
        note = f"promised before the network was drawn, with probability {1 - run.guarantee.delta:.10g}."
        curves.append(Curve("promised", times, first * np.exp(-promised * times), "certified", note))
    with contextlib.suppress(AssumptionError):
        start = certify(run.problem, run.initial.H, signs=run.initial.signs)
        if start.holds:
            note = f"proved for this network at its start by {start.method}, rate {rounded(start.rate, 'down')}."
            bound = first * np.exp(-start.rate * times)
            curves.append(Curve("certified at the start", times, bound, "certified", note))
        else:
            curves += _certified_later(run)
    with contextlib.suppress(AssumptionError):
        lazy = kernel_flow(run.problem, run.time, scale=run.scale)
        note = "the lazy flow at infinite width, whose features do not move: a baseline in closed form, no bound."
        curves.append(Curve("lazy flow", run.time, lazy.loss, "lazy", note))
    return [c for c in curves if np.any(c.value > 0)]


def _certified_later(run: Run) -> list[Curve]:
    """The certified curve from the first state of the same flow that is certified, if there is one."""
    end = float(run.time[-1])
    latest: list[np.ndarray] = []

    def watched() -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
        for time, H, signs in states(run.problem, run.initial, end):
            latest[:] = [run.problem.residual(H, signs)]
            progress.step(f"t = {time:.4g}")
            yield time, H, signs

    with Progress("states tried") as progress:
        found = first_certified(run.problem, watched())
    if found is None or not found.time < end:
        return []
    times = np.linspace(found.time, end, 200)
    loss = float(np.sum(np.square(latest[0])) / 2)
    values = loss * np.exp(-found.certificate.rate * (times - found.time))
    rate = rounded(found.certificate.rate, "down")
    note = f"proved for this network by {found.certificate.method}, from t = {rounded(found.time)} on, rate {rate}."
    return [Curve(f"certified from t = {rounded(found.time)}", times, values, "certified", note)]
