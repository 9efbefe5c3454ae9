"""What a user may change in a run that does not fit into memory. Only what makes it fit is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulate.memory import Run, changed, largest, needed


def ways_out(run: Run, there: int) -> str:
    """A sentence that says with which arguments the run would fit into that many bytes."""

    def fits(other: Run) -> bool:
        return needed(other) <= there

    lower: dict[str, dict[str, Any]] = {}
    if not run.low_memory and not run.trained:
        lower["low_memory=True"] = {"low_memory": True}
    if run.dtype == "float64":
        lower["dtype='float32'"] = {"dtype": "float32"}
    ways = [name for name, changes in lower.items() if fits(changed(run, changes))]
    if not ways and len(lower) > 1 and fits(changed(run, {"low_memory": True, "dtype": "float32"})):
        ways = [" with ".join(lower)]
    ways += _smaller(run, fits)
    if not ways:
        return "Use a machine with more memory; no smaller size of one kind alone fits."
    return f"Use {', or '.join(ways)}."


def _smaller(run: Run, fits: Callable[[Run], bool]) -> list[str]:
    """The sizes of which a smaller one would do."""
    width, ways = largest(run, "width", fits), []
    if width is not None:
        width = _rounded(run, "width", width, fits)
        ways.append(f"a smaller width, such as {width}" if run.drawn else f"a network of {width} neurons")
    if run.tests and (tests := largest(run, "tests", fits)) is not None:
        ways.append(f"at most {tests} test points")
    if run.seeds > 1 and (seeds := largest(run, "seeds", fits)) is not None:
        ways.append(f"at most {seeds} seeds in one call")
    if run.saves and (saves := largest(run, "saves", fits)) is not None:
        ways.append(f"at most {saves} save points")
    if not ways and (n := largest(run, "n", fits)) is not None:
        ways.append(f"at most {n} data points")
    return ways


def _rounded(run: Run, name: str, size: int, fits: Callable[[Run], bool]) -> int:
    """Three digits of the size, if it fits with these too; an even one, as antisymmetric pairs want it."""
    unit = 10 ** max(0, len(str(size)) - 3)
    for rounded in (size // unit * unit, size // 2 * 2):
        if rounded > 0 and rounded % 2 == 0 and fits(changed(run, {name: rounded})):
            return rounded
    return size
