"""Experiment 2: a quadratic embedding against none (section 4.2, Figures 2 and 6)."""

from reports.experiments.case import Case
from reports.experiments.open_choices import METHOD, SEEDS, Choice, Size, data_seed, network_seed

FULL = Size(
    widths=(8192, 2048),
    ns=(50, 100, 150, 200, 250),
    d=30,
    seeds=5,
    test=500,
    t_max=50_000.0,
    steps=50_000,
    loss_ratio=1e-8,
    reduced=False,
)
QUICK = Size(
    widths=(512, 256),
    ns=(40, 80, 120),
    d=30,
    seeds=5,
    test=200,
    t_max=10_000.0,
    steps=3000,
    loss_ratio=1e-4,
    reduced=True,
)
MODELS = {"plain": "identity", "quadratic": "quadratic"}
CHOICES = (
    SEEDS,
    METHOD,
    Choice(
        "the law of x, and the scale of the teacher",
        "x standard normal, the teacher's sum divided by sqrt(5): test errors of the size that Figure 2 shows",
        "divided by 5, as (2) says, which makes every test error 5 times smaller",
    ),
    Choice("the test error", "the mean square of f - y on 500 points of the same law", "half of it, as in (6)"),
    Choice(
        "how long",
        "50,000 steps at most, as the text says, and no longer than until the loss is 1e-8 of the first one: the test"
        " error does not change in three digits from 1e-4 on",
        "10,000 steps, as the axis of Figure 6 says",
    ),
)


def cases(size: Size, width: int, ns: tuple[int, ...] | None = None) -> list[Case]:
    """The runs of both models with that width; ns: by default those of the size."""
    return [
        Case(
            experiment="experiment-2",
            model=model,
            data="experiment-2",
            n=n,
            d=size.d,
            data_seed=data_seed(n, k),
            test=size.test,
            activation="relu",
            embedding=embedding,
            width=width,
            seed=network_seed(n, width, k),
            method=size.method,
            t_max=size.t_max,
            steps=size.steps,
            loss_ratio=size.loss_ratio,
        )
        for n in ns or size.ns
        for model, embedding in MODELS.items()
        for k in range(size.seeds)
    ]
