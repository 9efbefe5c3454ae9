"""The table of methods as a data frame that can go into a paper. Imports pandas, so it is imported late."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bounds.presented import latex
from bounds.rounding import Side, rounded

# The side on which each column stays true.
SIDES: dict[str, Side] = {
    "width": "up",
    "embedding_dim": "up",
    "scale": "up",
    "rate": "down",
    "rate / (scale^2 lambda_min)": "down",
    "path_length": "up",
    "beta": "up",
    "critical_scale": "up",
}
IN_PRINT = ("method", *SIDES, "proved")  # columns that fit a page


class MethodTable(pd.DataFrame):
    """What `bounds.table` returns: a data frame whose LaTeX is rounded to the safe side."""

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame  # a selection of rows or columns is an ordinary data frame

    def to_latex(self, *arguments: Any, **options: Any) -> Any:
        """The table with four digits to a number, as a tabular with the rules of the LaTeX package booktabs.

        With arguments, what pandas.DataFrame.to_latex makes of them, all digits kept.
        """
        if arguments or options:
            return super().to_latex(*arguments, **options)
        columns = [column for column in self.columns if column in IN_PRINT]
        lines = [" & ".join(latex(column) for column in columns)]
        lines += [" & ".join(_cell(column, row[column]) for column in columns) for _, row in self.iterrows()]
        head, *body = [f"{line} \\\\" for line in lines]
        rules = [r"\begin{tabular}{l" + "r" * (len(columns) - 1) + "}", r"\toprule", head, r"\midrule"]
        return "\n".join([*rules, *body, r"\bottomrule", r"\end{tabular}", ""])


def _cell(column: str, value: Any) -> str:
    """One value in LaTeX: numbers safely rounded, truth as a word, nothing as a dash."""
    if column in ("method", "proved"):
        return {True: "yes", False: "no"}.get(value) or latex(value)
    return "--" if pd.isna(value) else rounded(value, SIDES[column])
