"""Certificates late in the runs of Experiment 3, in every scaling."""

from dataclasses import replace

import numpy as np
import pytest

import simulate
from reports.experiments import experiment_3
from reports.experiments.case import measures_of, run_case
from reports.experiments.certified import late_in_run

SIZE = replace(experiment_3.QUICK, ns=(4,), d=8, seeds=1, test=5, t_max=5000.0)


@pytest.mark.parametrize("case", experiment_3.cases(SIZE, 64), ids=lambda case: case.model)
def test_the_flow_stays_below_what_is_certified(case):
    """Followed from the start of the run in its own scaling, until long after the state that is certified."""
    found = late_in_run(case)
    assert found.rate > 0, found.reason
    times = found.time + np.concatenate([[0.0], np.geomspace(0.01, 1, 20)]) / found.rate
    drawn = {"width": case.width, "seed": case.seed, "scaling": case.scaling, "init": case.init}
    flow = simulate.gradient_flow(case.problem(), **drawn, t_max=times[-1], loss_ratio=0.0, rtol=1e-4, save_at=times)
    bound = np.array([found.curve(t) for t in flow.time])
    assert np.all(flow.loss <= 1.01 * bound)


def test_the_rate_at_the_end_of_a_run_is_in_its_own_time():
    """Where nothing moves any more, it is nearly that of the kernel, twice its smallest eigenvalue: the scalings have
    clocks that differ by the factor m."""
    for case in experiment_3.cases(SIZE, 64):
        run = run_case(replace(case, loss_ratio=1e-12), None, None)
        fastest = 2 * run.kernel_min_eig[-1]
        assert fastest / 3 < measures_of(run)["certified_rate"] <= fastest, case.model
