"""Experiment 1: random labels are fitted by a shallow tanh network (section 4.1, Figures 1 and 5)."""

from reports.experiments.case import Case
from reports.experiments.open_choices import SEEDS, Choice, Size, data_seed, network_seed

FULL = Size((8192, 4096), (20, 40, 60, 80), 20, 5, 0, 50_000.0, 50_000, 1e-10, False)
QUICK = Size((512, 256), (20, 40, 60, 80), 20, 5, 0, 2000.0, 2000, 1e-8, True)
CHOICES = (
    SEEDS,
    Choice(
        "the step",
        "none along the flow, which descent with step 1 and the summed loss (6) follows as long as that step is stable",
        "the mean loss, whose clock is n times slower",
    ),
    Choice("how long", "until the loss is 1e-10 of the first one, or time 50,000", "50,000 steps to the end"),
)


def cases(size: Size, width: int) -> list[Case]:
    """The runs with that width."""
    return [
        Case(
            experiment="experiment-1",
            model="shallow",
            data="experiment-1",
            n=n,
            d=size.d,
            data_seed=data_seed(n, k),
            test=0,
            activation="tanh",
            embedding="identity",
            width=width,
            seed=network_seed(n, width, k),
            method=size.method,
            t_max=size.t_max,
            loss_ratio=size.loss_ratio,
        )
        for n in size.ns
        for k in range(size.seeds)
    ]
