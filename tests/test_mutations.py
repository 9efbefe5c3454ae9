"""The checker is checked: bugs switched on one at a time, each of which some claim must notice.

A mutation is killed when a claim that holds of the sound code no longer does. The ids of the tests are the list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import bounds
import simulate.setup
from bounds import constants
from bounds.datasets import load_builtin
from simulate import network
from simulate.flow import Flow
from simulate.integrators.exponential import Exponential
from simulate.observe import Recorder
from verify import claims as registry
from verify.claims import CLAIMS, draws
from verify.run import Run
from verify.runner import plain_run, regime_run
from verify.verdict import Verdict, combine

Patch = Any


def small() -> bounds.Problem:
    return bounds.Problem(*load_builtin("reference", n=3, d=5))


def short_run() -> Run:
    """A flow that loses much of its loss, far from any promise."""
    return plain_run(small(), width=64, scale=2.0, seed=0, t_max=2.0)


def promised_run() -> Run:
    """A flow at the width and scale of the best guarantee."""
    problem = small()
    return regime_run(problem, bounds.guarantee(problem, init="antisymmetric"), seed=0)


def far_run() -> Run:
    """Targets out of reach: neurons saturate."""
    X = np.random.default_rng(0).standard_normal((3, 5))
    return plain_run(bounds.Problem(X, [5.0, -5.0, 5.0]), width=50, scale=1.0, seed=0, t_max=60.0)


def changed_step(m: Patch, change: Callable[..., Any]) -> None:
    true = Exponential.step

    def step(self: Exponential, *arguments: Any, **options: Any) -> Any:
        return change(true(self, *arguments, **options))

    m.setattr(Exponential, "step", step)


def scaled_drive(m: Patch, factor: float) -> None:
    changed_step(m, lambda step: replace(step, final=tuple(w if w is None else factor * w for w in step.final)))


def changed(m: Patch, owner: Any, name: str, change: Callable[[Any], Any]) -> None:
    true = getattr(owner, name)
    m.setattr(owner, name, lambda *arguments, **options: change(true(*arguments, **options)))


def wrong_gram(m: Patch) -> None:
    """The flow works with X X' where the theory has X X'/d."""
    true = Flow.__init__

    def init(self: Flow, problem: bounds.Problem, *arguments: Any, **options: Any) -> None:
        true(self, bounds.Problem.from_gram(problem.d * problem.gram, problem.y), *arguments, **options)

    m.setattr(Flow, "__init__", init)


def one_sign(m: Patch) -> None:
    """Neurons move as if every c_i were positive."""
    true = Flow._select

    def select(self: Flow, signs: Any) -> None:
        true(self, signs)
        self.push = abs(self.push)

    m.setattr(Flow, "_select", select)


def observed(m: Patch, name: str, factor: float) -> None:
    true = Recorder.arrays

    def arrays(self: Recorder, run: int) -> dict[str, np.ndarray]:
        found = true(self, run)
        return {**found, name: factor * found[name]}

    m.setattr(Recorder, "arrays", arrays)


def biased_draw(m: Patch, shift: float, spread: float) -> None:
    true = network.sample_network

    def draw(problem: bounds.Problem, **options: Any) -> network.Network:
        found = true(problem, **options)
        return network.Network(spread * found.H + shift, found.signs)

    m.setattr(draws, "sample_network", draw)
    m.setattr(simulate.setup, "sample_network", draw)


def unfair_signs(m: Patch) -> None:
    true = network.sample_network

    def draw(problem: bounds.Problem, **options: Any) -> network.Network:
        found = true(problem, **options)
        return network.Network(
            found.H, found.scale * np.where(np.arange(found.width) % 10 == 0, 1.0, found.signs / found.scale)
        )

    m.setattr(draws, "sample_network", draw)


def swapped(m: Patch) -> None:
    true = bounds.Problem.spectrum.func
    m.setattr(bounds.Problem.spectrum, "func", lambda self: (s := true(self)) and replace(s, lmin=s.lmax, lmax=s.lmin))


def boasted(m: Patch, **factors: float) -> None:
    """A certificate whose numbers are multiplied."""

    def certificate(run: Run) -> bounds.Certificate:
        true = bounds.certify(run.problem, run.network.H, signs=run.network.signs)
        return replace(true, **{name: factor * getattr(true, name) for name, factor in factors.items()})

    m.setattr(Run, "certificate", property(certificate))


@dataclass(frozen=True)
class Mutation:
    """A bug, the run on which it shows, and the claims of which one at least must notice."""

    patch: Callable[[Patch], None]
    make: Callable[[], Run] | None
    claims: tuple[str, ...]


RATES = ("rate", "master-theorem", "residual")
MUTATIONS = {
    "the flow climbs": Mutation(lambda m: scaled_drive(m, -1.0), short_run, ("equation-14",)),
    "neurons move 1% too far": Mutation(lambda m: scaled_drive(m, 1.01), short_run, ("equation-14",)),
    "neurons move half as far": Mutation(lambda m: scaled_drive(m, 0.5), short_run, ("equation-14",)),
    "the last stage is forgotten": Mutation(
        lambda m: changed_step(m, lambda s: replace(s, final=(s.final[0], None, None))), short_run, ("equation-14",)
    ),
    "the kernel is doubled": Mutation(
        lambda m: changed(m, Flow, "kernel", lambda k: 2 * k), short_run, ("equation-14", "schur", "key-lemma", "rate")
    ),
    "G without 1/d": Mutation(wrong_gram, short_run, ("movement-upper", "rate", "key-lemma")),
    "all signs positive": Mutation(one_sign, short_run, ("equation-14",)),
    "the loss is halved": Mutation(lambda m: observed(m, "loss", 0.5), short_run, ("equation-14", "pl")),
    "the path lost a factor": Mutation(lambda m: observed(m, "path_length", 0.5), short_run, ("movement-upper",)),
    "movement is halved": Mutation(lambda m: observed(m, "movement", 0.5), short_run, ("movement-lower",)),
    "movement is doubled": Mutation(lambda m: observed(m, "movement_rms", 2.0), short_run, ("movement-upper",)),
    "slopes are overstated": Mutation(lambda m: observed(m, "mean_square_slope", 3.0), short_run, ("pl", "schur")),
    "certified rate times 4": Mutation(lambda m: boasted(m, rate=4.0), promised_run, RATES),
    "certified path a tenth": Mutation(lambda m: boasted(m, path_length=0.1), promised_run, RATES),
    "lambda_min and lambda_max swapped": Mutation(swapped, short_run, ("pl", "schur")),
    "kappa a hundred thousandth": Mutation(
        lambda m: changed(m, constants, "kappa", lambda k: k / 1e5), far_run, ("lemma-1",)
    ),
    "smooth kappa a hundred thousandth": Mutation(
        lambda m: changed(m, constants, "kappa_smooth", lambda k: k / 1e5), far_run, ("smooth-lemma-1",)
    ),
    "the draw is off centre": Mutation(lambda m: biased_draw(m, 0.1, 1.0), None, ("initial-draw",)),
    "the draw is 5% too wide": Mutation(lambda m: biased_draw(m, 0.0, 1.05), None, ("initial-draw",)),
    "one sign in ten is loaded": Mutation(unfair_signs, None, ("initial-draw",)),
}  # fmt: skip


def verdict(mutation: Mutation) -> Verdict:
    """The verdict of the claims that must notice."""
    chosen = [CLAIMS[name] for name in mutation.claims]
    if mutation.make is None:
        return combine(one.verdict for claim in chosen for one in (claim.check or list)())
    run = mutation.make()
    found = []
    for claim in chosen:
        try:
            found.append(claim.verdict(run))
        except registry.NotApplicable:
            continue
    return combine(found)


@pytest.mark.parametrize("name", MUTATIONS)
def test_killed(name, monkeypatch):
    mutation = MUTATIONS[name]
    assert verdict(mutation) is Verdict.HOLDS, "the sound code must pass"
    mutation.patch(monkeypatch)
    assert verdict(mutation) is not Verdict.HOLDS


def test_enough_of_them():
    assert len(MUTATIONS) >= 12
