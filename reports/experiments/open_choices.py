"""What the paper leaves open, as data: each question with the answer that is the default here, and the others."""

from __future__ import annotations

from dataclasses import dataclass

from reports.experiments.case import REPEATS


@dataclass(frozen=True)
class Choice:
    """question: what the paper does not say; default: what is done here, and why; others: what else it may mean."""

    question: str
    default: str
    others: str


@dataclass(frozen=True)
class Size:
    """How large an experiment is run.

    widths, ns, seeds: of the networks, of the training sets, and how many of each; d: of the inputs; test: the number
    of test points; t_max, steps, loss_ratio: where a run stops; reduced: whether it is smaller than in the paper.
    """

    widths: tuple[int, ...]
    ns: tuple[int, ...]
    d: int
    seeds: int
    test: int
    t_max: float
    steps: int
    loss_ratio: float
    reduced: bool

    @property
    def words(self) -> str:
        """For a title: nothing for the paper's size, else that it is reduced."""
        return f" (reduced: d = {self.d}, {self.seeds} seeds)" if self.reduced else ""


SEEDS = Choice(
    "what a seed draws",
    "the data, the embedding and the network; sets of different sizes and networks of different widths have different"
    " seeds, since the same seed shares its first points or neurons",
    "the network alone, on one data set",
)
METHOD = Choice(
    "gradient flow or descent",
    "descent whose step begins at a twentieth of the limit of stability and grows as 1/‖r‖ to half of it, where the"
    " activation has a kink; the flow otherwise",
    "descent with a fixed step: with a step near the limit the test errors of Experiment 3 change their order",
)


def data_seed(n: int, k: int) -> int:
    """The seed of the k-th training set of n points; the same for every width and model, which are compared on it."""
    return REPEATS * n + k


def network_seed(n: int, width: int, k: int) -> int:
    """The seed of the k-th network of that width for n points: no two networks share draws."""
    return REPEATS * (10**5 * width + n) + k
