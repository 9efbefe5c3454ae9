"""Experiment 3: the partially trained three-layer network in three scalings (section 4.3, Figures 3, 4, 7 and 8)."""

from reports.experiments.case import Case
from reports.experiments.open_choices import METHOD, SEEDS, Choice, Size, data_seed, network_seed

FULL = Size(
    widths=(8192,),
    ns=(200, 400, 600, 800),
    d=50,
    seeds=5,
    test=500,
    t_max=10_000.0,
    steps=100_000,
    loss_ratio=1e-6,
    reduced=False,
    method="descent",
)
QUICK = Size(
    widths=(256,), ns=(30, 60, 90), d=15, seeds=5, test=100, t_max=1000.0, steps=4000, loss_ratio=1e-3, reduced=True
)
# Name -> scaling and init. The paper makes its model in the NTK scaling antisymmetric, and no other.
MODELS = {"ours": ("ours", "independent"), "ntk": ("ntk", "antisymmetric"), "mf": ("mf", "independent")}
CHOICES = (
    SEEDS,
    METHOD,
    Choice(
        "the step",
        "of descent: the rule above; at the paper's size step 1 with the summed loss (6) is far beyond the limit"
        " of stability and leaves nearly every neuron dead (E17)",
        "step 1 with the mean loss",
    ),
    Choice(
        "how many random features",
        "D = m, as Table 1 has one m for both layers",
        "--dim D: another number, with which the mean-field scaling begins at 1/sqrt D and not at 1/sqrt m",
    ),
    Choice("the test error", "the mean square of f - y on 500 points of the same law", "the share of wrong signs"),
    Choice(
        "how long",
        "until the loss is 1e-6 of the first one, where the test error is that of the end within 0.2%",
        "50,000 steps",
    ),
)


def cases(size: Size, width: int, ns: tuple[int, ...] | None = None) -> list[Case]:
    """The runs in all three scalings with m = that width, and as many random features, D = m, unless the size says
    otherwise; ns: by default those of the size."""
    dim = width if size.dim is None else size.dim
    return [
        Case(
            experiment="experiment-3",
            model=model,
            data="experiment-3",
            n=n,
            d=size.d,
            data_seed=data_seed(n, k),
            test=size.test,
            activation="relu",
            embedding=f"random-features:depth=1,activation=relu,dim={dim},seed={network_seed(n, width, k)}",
            width=width,
            seed=network_seed(n, width, k),
            scaling=scaling,
            init=init,
            method=size.method,
            t_max=size.t_max,
            steps=size.steps,
            loss_ratio=size.loss_ratio,
        )
        for n in ns or size.ns
        for model, (scaling, init) in MODELS.items()
        for k in range(size.seeds)
    ]
