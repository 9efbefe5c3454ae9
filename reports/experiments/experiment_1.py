"""Experiment 1: random labels are fitted by a shallow tanh network (section 4.1, Figures 1 and 5)."""

from reports.experiments.case import Case
from reports.experiments.open_choices import SEEDS, Choice, Size, data_seed, network_seed

FULL = Size(
    widths=(8192, 4096),
    ns=(20, 40, 60, 80),
    d=20,
    seeds=5,
    test=0,
    t_max=50_000.0,
    steps=50_000,
    loss_ratio=1e-10,
    reduced=False,
)
QUICK = Size(
    widths=(512, 256),
    ns=(20, 40, 60, 80),
    d=20,
    seeds=5,
    test=0,
    t_max=2000.0,
    steps=2000,
    loss_ratio=1e-8,
    reduced=True,
)
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
