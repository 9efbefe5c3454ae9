"""What the paper leaves open, as data: each question with the answer that is the default here, and the others."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reports.experiments.case import REPEATS

METHODS = ("flow", "descent")


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
    of test points; t_max, steps, loss_ratio: where a run stops; reduced: whether it is smaller than in the paper;
    method: "flow" or "descent"; dim: D of the random features, None for that of the network, m.
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
    method: str = "flow"
    dim: int | None = None

    @property
    def words(self) -> str:
        """For a title: nothing for the paper's size, else that it is reduced."""
        seeds = f"{self.seeds} seed{'s' if self.seeds > 1 else ''}"
        return f" (reduced: d = {self.d}, {seeds})" if self.reduced else ""

    def changed(
        self,
        *,
        width: int | None = None,
        seeds: int | None = None,
        method: str | None = None,
        dim: int | None = None,
    ) -> Size:
        """This size with another first width, whose halves are the further ones, another number of repetitions, the
        other method, or D random features; None: as it is. Fewer repetitions or another width make it a reduced size.
        """
        new = self if method is None else replace(self, method=method)
        new = new if dim is None else replace(new, dim=dim)
        if seeds is not None:
            new = replace(new, seeds=seeds, reduced=self.reduced or seeds < self.seeds)
        if width is not None:
            new = replace(new, widths=tuple(width // 2**k for k in range(len(self.widths))), reduced=True)
        return new


SEEDS = Choice(
    "what a seed draws",
    "the data, the embedding and the network; sets of different sizes and networks of different widths have different"
    " seeds, since the same seed shares its first points or neurons",
    "the network alone, on one data set",
)
METHOD = Choice(
    "gradient flow or descent",
    "the flow, with its error; Experiment 3 at the paper's size, where the flow takes tens of minutes a run, by descent"
    " whose step begins at a twentieth of the limit of stability and grows as 1/‖r‖ to half of it",
    "--method: the flow or that descent for any figure; descent with a fixed step: with a step near the limit the test"
    " errors of Experiment 3 change their order",
)


def data_seed(n: int, k: int) -> int:
    """The seed of the k-th training set of n points; the same for every width and model, which are compared on it."""
    return REPEATS * n + k


def network_seed(n: int, width: int, k: int) -> int:
    """The seed of the k-th network of that width for n points: no two networks share draws."""
    return REPEATS * (10**5 * width + n) + k
