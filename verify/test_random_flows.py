"""Every proved claim about runs, searched on random flows: drawn by Hypothesis, then pushed from the worst one."""

from typing import Any

import pytest
from hypothesis import strategies as st

from bounds import Problem
from verify.claims import CLAIMS
from verify.runs.examples import leaning
from verify.search.strategies import flows, problems

ON_FLOWS = [name for name, claim in CLAIMS.items() if claim.kind == "every run" and claim.proved]
SMOOTH = ["tanh", "softplus", "sigmoid", "linear", "gelu", "sin", "erf", "silu"]


@pytest.mark.parametrize("activations", [None, SMOOTH], ids=["any activation", "smooth"])
@pytest.mark.claim(*ON_FLOWS)
def test_no_flow_refutes(activations: Any, search: Any, request: pytest.FixtureRequest) -> None:
    """Every drawn flow is tested with all the selected claims."""
    wanted = [claim for claim in request.config.option.linrate_claims if claim.id in ON_FLOWS]
    search(wanted, flows(activations))


@st.composite
def leaning_flows(draw: st.DrawFn) -> dict[str, Any]:
    """Options of a flow whose slopes vary but are at least 1, as (16) requires."""
    problem = draw(problems(["linear"]))
    drawn = Problem.from_gram(problem.gram, problem.y, activation=leaning(draw(st.sampled_from((0.05, 1.0)))))
    return {"problem": drawn, "width": draw(st.integers(1, 32)), "scale": 1.0, "seed": 0, "t_max": 5.0}


@pytest.mark.claim("equation-16")
def test_equation_16(search: Any) -> None:
    search([CLAIMS["equation-16"]], leaning_flows())
