"""The figures in sizes that take seconds, and runs of them that several tests share."""

import bounds.cells.options
from reports.experiments import experiment_1, experiment_2, experiment_3
from reports.experiments.case import Case, run_case
from reports.experiments.open_choices import Size
from simulate import Trajectory

TINY = {
    experiment_1: Size((16, 8), (3, 5), 4, 2, 0, 100.0, 100, 1e-3, True),
    experiment_2: Size((16, 8), (4, 5), 3, 2, 5, 50.0, 200, 1e-1, True),
    experiment_3: Size((16,), (4, 5, 6), 3, 2, 5, 50.0, 200, 1e-1, True),
}
_known: dict[Case, Trajectory] = {}


def shrink(monkeypatch):
    """--quick is TINY from here on, and the runs are made in this process."""
    for module, size in TINY.items():
        monkeypatch.setattr(module, "QUICK", size)
    monkeypatch.setattr(bounds.cells.options, "usable_cores", lambda: 1)  # processes do not pay for so little


def a_case() -> Case:
    return experiment_3.cases(TINY[experiment_3], 16, (5,))[0]


def run_once(case, checkpoint, progress):
    """run_case, which makes each run once in a process: for tests that are not about how it goes."""
    if case not in _known:
        _known[case] = run_case(case, checkpoint, progress)
    return _known[case]
