"""Counterexamples on disk: a .npz with the arrays and a .json with the rest, enough to run one again anywhere."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import simulate
from bounds import Problem, guarantee
from bounds.activations import known_activations
from bounds.errors import DataError
from bounds.files import write_atomically
from simulate import Network
from verify.claims import CLAIMS, Claim
from verify.conjecture import Conjecture, load_conjectures
from verify.rows import versions
from verify.run import Run
from verify.runner import plain_run

FORMAT = 1
PROMISE = ("delta", "method", "init", "width", "scale", "rate")


@dataclass(frozen=True)
class Counterexample:
    """A claim and how to make the run that contradicts it: make(rtol), to be tried at `rtol`."""

    claim: Claim
    options: dict[str, Any]
    rtol: float
    told: dict[str, Any]

    def make(self, rtol: float) -> Run:
        """The run again; rtol does not matter to descent, which is exact."""
        options = dict(self.options)
        promise = options.pop("promise")
        run = Run(simulate.gradient_descent(**options)) if "step" in options else plain_run(**options, rtol=rtol)
        trajectory = replace(run.trajectory, init=self.told["init"], seed=self.told["seed"])  # how it was drawn
        if not promise:
            return Run(trajectory)
        asked = {name: promise[name] for name in ("delta", "method", "init")}
        # The numbers as they were: of a Gram matrix they may differ in the last digit, and a conjecture has its own.
        numbers = {name: promise[name] for name in ("width", "scale", "rate")}
        return Run(trajectory, replace(guarantee(run.problem, **asked), **numbers))


def write(folder: str | Path, claim: Claim, run: Run, *, conjectures: str | None = None) -> Path:
    """Save the run that refutes the claim; the .npz, beside which the .json lies. conjectures: the file of a user's."""
    problem, options = run.problem, dict(run.options)
    stem = f"{claim.id}-{problem.activation.name}-n{problem.n}-m{run.width}".replace(" ", "")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    network = run.network
    np.savez(stream, gram=problem.gram, y=problem.y, H=network.H, signs=network.signs, time=run.time)
    worst = min(claim.compare(run), key=lambda comparison: comparison.slack)
    g = run.guarantee
    told = {
        "format": FORMAT,
        "claim": claim.id,
        "title": claim.title,
        "conjectures": str(Path(conjectures).resolve()) if conjectures else None,
        "activation": problem.activation.name,
        "data": problem.name,
        "scaling": run.scaling,
        "interval": list(run.interval),
        "options": options,
        "promise": {name: getattr(g, name) for name in PROMISE} if g else None,
        "seed": run.seed,
        "init": run.init,
        "quantity": worst.quantity,
        "margin": float(worst.margin[worst.worst]),
        "error": float(worst.error[worst.worst]),
        "at": float(worst.at[worst.worst[0]]),
        "versions": versions(),
    }
    path = folder / f"{stem}.npz"
    write_atomically(path, stream.getvalue())
    write_atomically(path.with_suffix(".json"), json.dumps(told, indent=1) + "\n")
    return path


def read(file: str | Path, *, conjectures: str | None = None) -> Counterexample:
    """The counterexample of a .npz (or of the .json beside it).

    conjectures: where its conjecture is, if not where it was. Raises DataError for a file that is none, or whose claim
    or activation is not known here.
    """
    path = Path(file).with_suffix(".npz")
    try:
        told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ("gram", "y", "H", "signs", "time")}
        if told["format"] != FORMAT:
            raise ValueError(f"format {told['format']}, this version reads {FORMAT}")
        source = conjectures or told["conjectures"]
        identifier, activation, options = str(told["claim"]), str(told["activation"]), dict(told["options"])
        interval, promise = tuple(told["interval"]), told["promise"]
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise DataError(f"{str(path)!r} with its .json is no counterexample of linrate: {error!r}.") from None
    claims: dict[str, Claim | Conjecture] = dict(CLAIMS)
    if source:
        claims = {one.name: one for one in load_conjectures(source)}
    if identifier not in claims:
        raise DataError(f"{str(path)!r} is about the claim {identifier!r}, which is not known"
                        f" {'in ' + source if source else 'here'}. Name its file with --conjectures.")  # fmt: skip
    if activation not in known_activations():
        raise DataError(f"{str(path)!r} uses the activation {activation!r}, which is not registered here. Register it"
                        " in the file named by --conjectures (bounds.register_activation).")  # fmt: skip
    claim = claims[identifier]
    problem = Problem.from_gram(arrays["gram"], arrays["y"], activation=activation, name=str(told["data"]))
    common: dict[str, Any] = {
        "problem": problem,
        "network": Network(arrays["H"], arrays["signs"]),
        "scaling": told["scaling"],
        "interval": interval,
        "promise": promise,
    }
    rtol = float(options.pop("rtol", 1e-4))
    if "step" not in options:
        options.setdefault("save_at", arrays["time"])  # what older files did not tell
    return Counterexample(claim.as_claim() if isinstance(claim, Conjecture) else claim, common | options, rtol, told)


def curve(comparison: Any, *, width: int = 60, height: int = 12) -> str:
    """margin over time as text; 0 is drawn as a line, below it the claim fails."""
    margin = comparison.margin if comparison.margin.ndim == 1 else comparison.margin.min(axis=1)
    keep = np.isfinite(margin)
    time, margin = comparison.at[keep], margin[keep]
    if len(time) == 0:
        return "(no finite margin)"
    low, high = min(float(margin.min()), 0.0), max(float(margin.max()), 0.0)
    spread = (high - low) or 1.0
    end = float(time[-1]) or 1.0

    def row(value: float) -> int:
        return round((high - value) / spread * (height - 1))

    canvas = [[" "] * width for _ in range(height)]
    canvas[row(0.0)] = ["-"] * width
    for t, value in zip(time, margin, strict=True):
        canvas[row(float(value))][round(float(t) / end * (width - 1))] = "o" if value >= 0 else "x"
    lines = [f"{high - k * spread / (height - 1):11.3g} |{''.join(line)}" for k, line in enumerate(canvas)]
    return "\n".join([*lines, f"{'':11}  0{'time':^{width - 12}}{end:10.4g}"])


def save_plot(comparison: Any, title: str, path: str | Path) -> None:
    """The same with matplotlib. Raises DataError where it is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise DataError("--plot needs matplotlib. Install it: pip install 'linrate[plot]'.") from None
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    axes.plot(comparison.at, comparison.margin, ".-")
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.set(xlabel="time", ylabel="margin (negative: the claim fails)", title=title)
    figure.savefig(path)
