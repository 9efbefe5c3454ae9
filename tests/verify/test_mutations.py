"""The checker is checked: each mutation of the code, switched on alone, is refuted by some claim. The ids are the list.

The battery is small and the same for all: a linear and a nonlinear flow, a saturated one, the claims about draws and
weights. It is not told where to look.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import bounds
import simulate.field.arrays
import simulate.network
import simulate.setup
from bounds import constants
from bounds.activation.base import Activation
from simulate import Network
from simulate.field import sigmas
from simulate.field.cpu import Compiled
from simulate.solve.recorder import Recorder
from simulate.solve.whole_steps import WholeSteps
from verify.claims import CLAIMS, NotApplicable
from verify.run import Run
from verify.runs.regimes import plain_run
from verify.verdict import Verdict

ON_RUNS = (
    "equation-14",
    "pl",
    "key-lemma",
    "movement-lower",
    "movement-upper",
    "path-lower",
    "lemma-1",
    "smooth-lemma-1",
    "rate",
)
ON_NO_RUN = ("appendix-b", "initial-draw")


def small(activation, size=1.0, n=3):
    X = np.random.default_rng(0).standard_normal((n, 5))
    y = size * np.array([1.0, -1.0, 1.0])[:n]
    return bounds.Problem(X, y, activation=activation)


def slowest():
    """The linear network with all of its residual in the slowest mode: its rate is the certified one."""
    problem = small("linear")
    y = np.linalg.eigh(problem.gram)[1][:, 0]
    return bounds.Problem(problem.X, y, activation="linear")


def flow(problem, **options):
    """None needs more than 70 steps; a wrong one may go on as long as it is let."""
    return plain_run(problem, seed=0, max_steps=300, **options)


# The quick ones first: one claim that refutes one of them is enough.
BATTERY = {
    "one neuron": lambda: flow(small("tanh", n=1), network=Network(np.full((1, 1), 0.1), np.ones(1)), t_max=1.0),
    "certified": lambda: flow(small("tanh", n=1), width=64, scale=50.0, t_max=0.1, init="antisymmetric"),
    "tanh": lambda: flow(small("tanh", 0.5), width=64, scale=2.0, t_max=2.0),
    "linear": lambda: flow(slowest(), width=16, scale=2.0, t_max=30.0, init="antisymmetric"),
    "saturated": lambda: flow(small("tanh", 5.0), width=50, scale=1.0, t_max=20.0),
}


def verdicts() -> Iterator[tuple[str, Verdict]]:
    """(claim, verdict) over the battery, run by run, each made when it is asked for."""
    for make in BATTERY.values():
        run = make()
        for name in ON_RUNS:
            with contextlib.suppress(NotApplicable):
                yield name, CLAIMS[name].verdict(run)
    for name in ON_NO_RUN:
        yield from ((name, comparison.verdict) for comparison in CLAIMS[name].check())


def step_by_step(patch):
    """The ordinary loop, which evaluates the field by Compiled.evaluate; small states take whole attempts at once."""
    patch.setattr(WholeSteps, "of", classmethod(lambda *_: None))


def wrong_flow(patch, change):
    """The weights that move neurons are changed."""
    step_by_step(patch)
    true = Compiled.evaluate

    def evaluate(self, model, h, displacement, **options):
        changed = [change(weight) for weight in displacement.coefficients]
        return true(self, model, h, displacement._replace(coefficients=changed), **options)

    patch.setattr(Compiled, "evaluate", evaluate)


def wrong_kernel(patch, factor):
    """The sums over neurons of sigma' sigma' are changed."""
    step_by_step(patch)
    true = Compiled.evaluate

    def evaluate(self, *arguments, **options):
        sums = true(self, *arguments, **options)
        return replace(sums, gram=factor * sums.gram)

    patch.setattr(Compiled, "evaluate", evaluate)


def wrong_draw(patch, change):
    """The drawn network is changed, wherever it is drawn."""
    true = simulate.network.sample_neurons

    def drawn(*args, **kwargs):
        network = true(*args, **kwargs)
        return Network(*change(network.H, network.signs))

    for place in (simulate.network, simulate.setup):
        patch.setattr(place, "sample_neurons", drawn)


def wrong_measurement(patch, name, change):
    """An observable is changed after the run."""
    true = Recorder.arrays

    def arrays(self, *args):
        found = true(self, *args)
        return {**found, name: change(found[name])}

    patch.setattr(Recorder, "arrays", arrays)


def wrong_constant(patch, name, factor):
    true = getattr(constants, name)
    patch.setattr(constants, name, lambda *args: factor * true(*args))


def wrong_certificate(patch, **factors):
    true = Run.certificate.func

    def certificate(self):
        c = true(self)
        return replace(c, **{name: factor * getattr(c, name) for name, factor in factors.items()})

    patch.setattr(Run, "certificate", property(certificate))


def swapped_spectrum(patch):
    true = bounds.Problem.spectrum.func
    swap = property(lambda self: replace(true(self), lmin=true(self).lmax, lmax=true(self).lmin))
    patch.setattr(bounds.Problem, "spectrum", swap)


def wrong_normalisation(patch):
    """G = X X' where it should be X X'/d."""
    true = bounds.Identity.gram
    patch.setattr(bounds.Identity, "gram", lambda self, X, X2: X.shape[1] * true(self, X, X2))


def wrong_scaling(patch, alpha=1.0, beta=1.0):
    true = simulate.setup.scaling_of

    def scaling(name, width):
        s = true(name, width)
        return replace(s, alpha=s.alpha * (width if alpha == "m" else alpha), beta=beta * s.beta)

    patch.setattr(simulate.setup, "scaling_of", scaling)


def wrong_slope(patch, factor):
    """sigma' is not the derivative of sigma."""

    def scaled(true):
        def both(activation, u, value, slope):
            true(activation, u, value, slope)
            slope *= factor

        return both

    patch.setattr(sigmas, "KINDS", {})  # the compiled ones cannot be changed from here
    for name in ("value_and_slope", "numpy_value_and_slope"):
        patch.setattr(simulate.field.arrays, name, scaled(getattr(simulate.field.arrays, name)))


def wrong_lipschitz(patch, factor):
    true = Activation.Ls.fget if isinstance(Activation.Ls, property) else Activation.Ls.func
    patch.setattr(Activation, "Ls", property(lambda self: factor * true(self)))


MUTATIONS = {
    "sign of the flow": lambda p: wrong_flow(p, lambda weight: -weight),
    "integrator with 1% error": lambda p: wrong_flow(p, lambda weight: 1.01 * weight),
    "tangent kernel doubled": lambda p: wrong_kernel(p, 2),
    "sum over neurons, not mean": lambda p: wrong_scaling(p, alpha="m"),
    "descent moves twice as far": lambda p: wrong_scaling(p, beta=2.0),
    "sigma' 2% too large": lambda p: wrong_slope(p, 1.02),
    "lambda_min and lambda_max swapped": swapped_spectrum,
    "G not divided by d": wrong_normalisation,
    "biased initial draw": lambda p: wrong_draw(p, lambda H, c: (H + 0.02, c)),
    "initial draw 2% too wide": lambda p: wrong_draw(p, lambda H, c: (1.02 * H, c)),
    "unfair signs": lambda p: wrong_draw(p, lambda H, c: (H, np.abs(c))),
    "path length lost a factor": lambda p: wrong_measurement(p, "path_length", lambda s: s / 2**0.5),
    "path length too long": lambda p: wrong_measurement(p, "path_length", lambda s: 2**0.5 * s),
    "movement against another h0": lambda p: wrong_measurement(p, "movement_rms", lambda h: h + 0.05 * (h > 0)),
    "movement averaged over too many": lambda p: wrong_measurement(p, "movement", lambda h: h / 2),
    "kappa 1e-5 too small": lambda p: wrong_constant(p, "kappa", 1e-5),
    "kappa_smooth 1e-5 too small": lambda p: wrong_constant(p, "kappa_smooth", 1e-5),
    "certified rate x 1.5": lambda p: wrong_certificate(p, rate=1.5),
    "certified path x 1/2": lambda p: wrong_certificate(p, path_length=0.5),
    "Ls too small": lambda p: wrong_lipschitz(p, 0.5),
}


def refuted() -> str | None:
    """The first claim that is refuted, None if no claim is."""
    return next((name for name, verdict in verdicts() if verdict is Verdict.REFUTED), None)


def test_without_a_mutation_everything_holds_somewhere_and_nothing_is_refuted():
    found = set(verdicts())
    assert {name for name, _ in found} == {*ON_RUNS, *ON_NO_RUN}
    for name in (*ON_RUNS, *ON_NO_RUN):
        assert (name, Verdict.HOLDS) in found, name
        assert (name, Verdict.REFUTED) not in found, name


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_killed(mutation, monkeypatch):
    MUTATIONS[mutation](monkeypatch)
    assert refuted() is not None


def test_the_switches_themselves_change_nothing(monkeypatch):
    """Each switch with a change that is none."""
    wrong_flow(monkeypatch, lambda weight: weight)
    wrong_kernel(monkeypatch, 1)
    wrong_draw(monkeypatch, lambda H, c: (H, c))
    wrong_measurement(monkeypatch, "path_length", lambda s: s)
    wrong_constant(monkeypatch, "kappa", 1.0)
    wrong_certificate(monkeypatch, rate=1.0)
    wrong_scaling(monkeypatch)
    wrong_slope(monkeypatch, 1.0)
    wrong_lipschitz(monkeypatch, 1)
    assert refuted() is None
