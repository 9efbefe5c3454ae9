"""Counterexamples on disk: a .npz with the arrays and a .json with the rest, enough to run one again anywhere."""

from __future__ import annotations

import io
import json
import re
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import simulate
from bounds import Problem, guarantee
from bounds.activation.registry import known_activations
from bounds.data.files import write_atomically
from bounds.errors import DataError, LinrateError
from bounds.text import printable
from bounds.versions import versions
from simulate import Network
from verify.claims import CLAIMS, Claim
from verify.conjecture import Conjecture, fingerprint, load_conjectures
from verify.run import Run
from verify.runs.regimes import plain_run
from verify.search.schema import FORMAT, PROMISE, read_arrays, read_fields


@dataclass(frozen=True)
class Counterexample:
    """A claim and how to make the run that contradicts it again: make(rtol).

    options: of plain_run or gradient_descent, and `promise`, the numbers of the run's guarantee (None without one).
    rtol: the tolerance of the saved run. saved: the fields of the .json.
    """

    claim: Claim
    options: dict[str, Any]
    rtol: float
    saved: dict[str, Any]

    def make(self, rtol: float) -> Run:
        """The run at this tolerance; descent, which has no discretisation error, is the same at each."""
        options = dict(self.options)
        promise = options.pop("promise")
        run = Run.of(simulate.gradient_descent(**options)) if "step" in options else plain_run(**options, rtol=rtol)
        run = replace(run, init=self.saved["init"], seed=self.saved["seed"])  # how the network was drawn
        if not promise:
            return run
        request = {name: promise[name] for name in ("delta", "method", "init")}
        # The numbers that were saved: computed again from the Gram matrix they may differ in the last digit, and a
        # conjecture with laws of its own had others.
        numbers = {name: promise[name] for name in ("width", "scale", "rate")}
        return replace(run, guarantee=replace(guarantee(run.problem, **request), **numbers))


@dataclass(frozen=True)
class Source:
    """The file of a user's conjectures: its name, and the SHA-256 of what was run."""

    file: str
    sha256: str


def write(folder: str | Path, claim: Claim, run: Run, *, conjectures: Source | None = None) -> Path:
    """Save the run that refutes the claim; returns the path of the .npz, beside which the .json is written.

    conjectures: the file that defines the claim, if it is a user's conjecture. Existing files are replaced.
    """
    problem = run.problem
    options = dict(run.options)
    stem = re.sub(r"[^\w.+()-]", "", f"{claim.id}-{problem.activation.name}-n{problem.n}-m{run.width}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    network = run.network
    np.savez(stream, gram=problem.gram, y=problem.y, H=network.H, signs=network.signs, time=run.time)
    worst = min(claim.comparisons(run), key=lambda comparison: comparison.slack)
    g = run.guarantee
    saved = {
        "format": FORMAT,
        "claim": claim.id,
        "title": claim.title,
        "conjectures": asdict(conjectures) if conjectures else None,
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
    if problem.last_layer:
        saved["last_layer"] = problem.last_layer
    path = folder / f"{stem}.npz"
    write_atomically(path, stream.getvalue())
    write_atomically(path.with_suffix(".json"), json.dumps(saved, indent=1) + "\n")
    return path


def read(file: str | Path, *, conjectures: str | None = None) -> Counterexample:
    """The counterexample of a .npz (or of the .json beside it), checked field by field (schema.py).

    conjectures: the Python file of its conjecture. No other file is run, even if the counterexample names one. Raises
    DataError for a file that is no counterexample, or whose claim or activation is not known here.
    """
    path = Path(file).with_suffix(".npz")
    try:
        saved = read_fields(path.with_suffix(".json"))
        arrays = read_arrays(path)
        options = dict(saved["options"])
        mobility = saved.get("last_layer", 0.0)
        problem_of = partial(Problem.from_gram, arrays["gram"], arrays["y"], name=saved["data"], last_layer=mobility)
        problem_of()  # a Gram matrix with a negative eigenvalue is refused before anything is run
        save_at = options.get("save_at")
        if save_at is not None and save_at[-1] > options["t_max"]:
            raise DataError(f"options.save_at must end by options.t_max = {options['t_max']:g}. Found {save_at[-1]:g}.")
    except LinrateError as error:
        raise DataError(f"{str(path)!r} with its .json is no counterexample of linrate: {error}") from None
    claims: dict[str, Claim | Conjecture] = dict(CLAIMS)
    if conjectures:
        claims = {one.name: one for one in load_conjectures(conjectures)}
    identifier = saved["claim"]
    activation = saved["activation"]
    source = saved["conjectures"]
    if identifier not in claims:
        where = f"in {conjectures!r}" if conjectures else "here"
        about = f"{str(path)!r} is about the claim {identifier!r}{_named(source)}, which is not known {where}."
        raise DataError(f"{about} Give the file that defines it: --conjectures FILE. It is run: give one you trust.")
    if activation not in known_activations():
        raise DataError(f"{str(path)!r} uses the activation {activation!r}, which is not registered here. Register it"
                        " in the file given by --conjectures FILE (bounds.register_activation).")  # fmt: skip
    claim = claims[identifier]
    common: dict[str, Any] = {
        "problem": problem_of(activation=activation),
        "network": Network(arrays["H"], arrays["signs"]),
        "scaling": saved["scaling"],
        "interval": saved["interval"],
        "promise": saved["promise"],
    }
    rtol = float(options.pop("rtol", 1e-4))
    if options.get("save_at", ()) is None:
        del options["save_at"]
    return Counterexample(claim.as_claim() if isinstance(claim, Conjecture) else claim, common | options, rtol, saved)


def other_file(saved: dict[str, Any], conjectures: str | None) -> str | None:
    """A warning if the conjectures' file is not the one that the counterexample was saved with, else None."""
    source = saved["conjectures"]
    if conjectures is None or source is None:
        return None
    if isinstance(source, str):
        return "an older counterexample: whether its conjecture has changed since is not known"
    found = fingerprint(conjectures)
    if found == source["sha256"]:
        return None
    return (
        f"{printable(conjectures)} is not the file that this counterexample was saved with"
        f" ({printable(source['file'])}, SHA-256 {source['sha256'][:12]}..., now {found[:12]}...):"
        " the conjecture may be another one"
    )


def _named(source: Any) -> str:
    """The file of a saved conjecture in the words of an error message; format 1 has its path only."""
    if source is None:
        return ""
    return (
        f" of {source!r}" if isinstance(source, str) else f" of {source['file']!r} (SHA-256 {source['sha256'][:12]}...)"
    )


def curve(comparison: Any, *, width: int = 60, height: int = 12) -> str:
    """The margin of a comparison over time as text, `height` lines of `width` columns.

    Zero is drawn as a line, below which the claim fails: points there are "x", the others "o".
    """
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
