"""What must come out unknown: no proof is known, and a search finds no refutation. A refutation would be news."""

import time as clock
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import simulate
from bounds import Problem, guarantee
from simulate import Network
from verify.claims import CLAIMS, Comparison, NotApplicable
from verify.claims.many_points import guess, law
from verify.report_rows import check_row, row_of
from verify.run import Run
from verify.runs.confirm import decide
from verify.runs.examples import sweep
from verify.runs.regimes import plain_run
from verify.search.aligned_flows import hard_flows
from verify.search.record import Effort
from verify.search.strategies import draws_of_a_law, problems
from verify.verdict import Verdict

pytestmark = pytest.mark.usefixtures("own_examples")
Found = list[tuple[Comparison, Run]]


def search(name: str, strategy: st.SearchStrategy[Any], make: Any, until: float, note_cut_short: Any) -> Found:
    """The comparisons of a claim with every drawn run that it applies to, refutations confirmed.

    make(drawn, rtol) makes a run. until: when to stop, on the clock (time.monotonic); note_cut_short() is called then.
    """
    claim = CLAIMS[name]
    found: Found = []

    @given(strategy)
    def one(drawn: Any) -> None:
        if found and clock.monotonic() > until:
            note_cut_short()
            return
        try:
            _, run = decide(claim, lambda rtol: make(drawn, rtol))
            found.extend((comparison, run) for comparison in claim.compare(run) if not comparison.vacuous)
        except NotApplicable:
            return

    one()
    return found


def settle_unknown(name: str, found: Found, record_row: Any) -> None:
    """Record the examples and the one of the search nearest to failing; the verdict must be UNDECIDED."""
    claim = CLAIMS[name]
    own = [(comparison, run) for comparison, run in sweep(claim) if not comparison.vacuous]
    nearest = sorted(found, key=lambda pair: float(pair[0].margin[pair[0].worst]))[:1]
    assert own or found, "nothing was searched"
    for comparison, run in [*own, *nearest]:
        record_row(check_row(claim, comparison) if run is None else row_of(claim, comparison, run))
    verdicts = [comparison.verdict for comparison, _ in [*own, *found]]
    assert Verdict.HOLDS in verdicts
    assert claim.swept(verdicts) is Verdict.UNDECIDED


@st.composite
def gathered(draw: st.DrawFn) -> dict[str, Any]:
    """Options of flows whose neurons start close together in I, mostly in its middle third, and then leave it."""
    n = draw(st.integers(1, 3), label="n")
    rng = np.random.default_rng(draw(st.integers(0, 2**31 - 1), label="seed"))
    A = rng.standard_normal((n, n + 2))
    G = A @ A.T / (n + 2)
    m = draw(st.integers(1, 12), label="m")
    centre, spread = (
        draw(st.floats(-0.33, 0.33), label="centre"),
        draw(st.sampled_from((0.0, 0.05, 0.2)), label="spread"),
    )
    signs = rng.choice([-1.0, 1.0], m) if draw(st.booleans(), label="both signs") else np.ones(m)
    network = Network(centre + spread * rng.standard_normal((m, n)), signs)
    activation = draw(st.sampled_from(("linear", "tanh", "clip", "softplus")), label="activation")
    problem = Problem.from_gram((G + G.T) / 2, draw(st.floats(0.5, 8)) * rng.standard_normal(n), activation=activation)
    interval = (0.05, 0.95) if activation == "clip" else (-1.0, 1.0)
    if activation == "clip":
        network = Network(0.5 + 0.45 * network.H, signs)
    return {"problem": problem, "network": network, "interval": interval, "t_max": 10.0}


@pytest.mark.claim("lemma-1-printed-many")
def test_lemma_1_as_printed(record_row: Any, effort: Effort, note_cut_short: Any) -> None:
    """With 9/2, where more than 69% of the neurons start in the middle third."""

    def make(options: dict[str, Any], rtol: float) -> Run:
        return plain_run(**options, rtol=max(rtol, 1e-4), loss_ratio=1e-6, max_steps=120)

    name = "lemma-1-printed-many"
    settle_unknown(name, search(name, gathered(), make, effort.stop_at, note_cut_short), record_row)


@pytest.mark.claim("width-free-of-n")
def test_width_free_of_n(record_row: Any) -> None:
    """The constants for 8 points, at 64, with tanh."""
    settle_unknown("width-free-of-n", [], record_row)


@pytest.mark.claim("width-free-of-n")
def test_width_free_of_n_on_drawn_networks(search: Any, request: pytest.FixtureRequest) -> None:
    """Odd sigma at a width that suffices for six points, with up to 256 points of any geometry."""
    if not request.config.option.thorough:
        pytest.skip("left out but for --thorough: minutes")
    search([CLAIMS["width-free-of-n"]], draws_of_a_law(law, guess, ["tanh", "erf", "sin"]))


@pytest.mark.claim("aligned-scale")
def test_aligned_scale(record_row: Any, effort: Effort, note_cut_short: Any) -> None:
    """Residuals along the fastest direction, between the conjectured critical scale and the proved one."""

    def make(options: dict[str, Any], rtol: float) -> Run:
        return plain_run(**options, rtol=max(rtol, 1e-4))

    settle_unknown(
        "aligned-scale", search("aligned-scale", hard_flows(), make, effort.stop_at, note_cut_short), record_row
    )


@pytest.mark.claim("descent-rate-relu")
def test_relu_descent(record_row: Any, effort: Effort, note_cut_short: Any) -> None:
    """ReLU descent above its would-be critical scale, with steps that lose up to 90%."""
    drawn = st.tuples(problems(["relu"]), st.floats(1.5, 4), st.floats(0.05, 0.9), st.integers(0, 1000))

    def make(options: tuple[Problem, float, float, int], rtol: float) -> Run:
        problem, factor, share, seed = options
        g = guarantee(problem, 0.5, init="antisymmetric", method="envelope")
        if g.width > 20_000:
            raise NotApplicable("too wide to be searched quickly")
        scale = factor * g.scale / (1 - share)
        step = 2 * share / (scale**2 * float(problem.spectrum.lmax_ceiling))
        return Run.of(
            simulate.gradient_descent(
                problem, width=g.width, scale=scale, init=g.init, seed=seed, step=step, steps=40, loss_ratio=1e-12
            )
        )

    name = "descent-rate-relu"
    settle_unknown(name, search(name, drawn, make, effort.stop_at, note_cut_short), record_row)
