"""python -m tests.honesty [PROBLEMS]: is the reported error an error? On random problems, how far the loss and the
residual are from a reference at rtol 1e-12 (ReLU: 1e-5), in units of the error reported beside them."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

import bounds
import simulate

SMOOTH = ("tanh", "softplus", "gelu", "erf", "sin")


def options_of(seed: int) -> dict:
    """A random problem and run: n up to 30, m up to 500, any scale; one in four ReLU, and short."""
    rng = np.random.default_rng([7, seed])
    n = int(rng.integers(1, 31))
    problem = bounds.Problem(
        rng.standard_normal((n, n + int(rng.integers(1, 30)))),
        rng.uniform(-1, 1, n) * rng.choice([0.3, 1.0, 3.0]),
        activation="relu" if seed % 4 == 3 else SMOOTH[seed % len(SMOOTH)],
    )
    scale = float(rng.choice([1.0, 3.0, 10.0, 30.0]))
    t_max = float(rng.choice([0.3, 1.0, 3.0])) / scale**2 * (1.0 if problem.activation.smooth else 0.1)
    return {
        "problem": problem,
        "width": 2 * int(rng.integers(1, 251)),
        "scale": scale,
        "seed": seed,
        "init": str(rng.choice(["independent", "antisymmetric"])),
        "t_max": t_max,
        "save_at": [t_max / 8, t_max / 2, t_max],
        "loss_ratio": 0.0,
    }


def row(seed: int, rtol: float, integrator: str) -> dict:
    """True over reported error, the largest of the save points, for one problem."""
    options = options_of(seed)
    smooth = options["problem"].activation.smooth
    # At kinks no method keeps its order: the reference is only a hundred times finer.
    reference = {"rtol": 1e-12, "integrator": "runge-kutta"} if smooth else {"rtol": rtol / 100}
    exact = simulate.gradient_flow(**options, **reference, max_steps=4000)
    rough = simulate.gradient_flow(**options, rtol=rtol, integrator=integrator, max_steps=4000)
    if len(exact.time) != 3 or len(rough.time) != 3:
        return {"activation": options["problem"].activation.name, "loss": np.nan, "residual": np.nan}
    loss = np.abs(rough.loss - exact.loss) / (rough.error + exact.error)
    apart = np.linalg.norm(rough.output - exact.output, axis=1)
    allowed = rough.errors["output"].max(1) + exact.errors["output"].max(1)
    return {
        "activation": options["problem"].activation.name,
        "loss": float(loss.max()),
        "residual": float((apart / allowed).max()),
    }


def table(problems: int, integrator: str = "exponential") -> pd.DataFrame:
    """One row per problem: activation, and the true error of loss and residual over the reported one.

    At rtol 1e-4, and 1e-3 for ReLU, whose references are slow.
    """
    return pd.DataFrame([row(seed, 1e-3 if seed % 4 == 3 else 1e-4, integrator) for seed in range(problems)])


def summary(found: pd.DataFrame, name: str) -> dict:
    """Of the problems with a reference: how many are covered, and the worst."""
    values = found[name].dropna()
    return {
        "quantity": name,
        "problems": len(values),
        "no reference": len(found) - len(values),
        "within 1": float((values <= 1).mean()),
        "median": float(values.median()),
        "largest": float(values.max()),
    }


def main() -> None:
    """Print the table of the default integrator, smooth and ReLU apart."""
    found = table(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    relu = found.activation == "relu"
    lines = []
    for kind, part in (("smooth", found[~relu]), ("relu", found[relu])):
        lines += [{"activations": kind, **summary(part, name)} for name in ("loss", "residual")]
    print(pd.DataFrame(lines).to_string(index=False, float_format="{:.3g}".format))


if __name__ == "__main__":
    main()
