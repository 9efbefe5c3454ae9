"""The table of methods as a data frame that can go into a paper. Imports pandas, so it is imported late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bounds.errors import require
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

    def plot(self, axes: Any = None, *, enough: Mapping[str, float] | None = None) -> Any:  # type: ignore[override]
        """Draw the ladder: what each method asks for in width, scale and rate, and what is necessary; returns the axes.

        axes: three axes of matplotlib; None for those of a new figure. enough: what was found to be enough in
        simulation, by the names "width", "scale" and "rate_over_scale_squared" (`linrate slack` measures it). Hollow
        dots are not proved; in the hatched region nothing works, whatever the proof.

            bounds.table(problem).plot()[0].figure.savefig("ladder.pdf")

        Raises ArgumentError where `axes` is not three axes, AssumptionError where matplotlib is not installed.
        """
        from bounds.pictures.ladder import PANELS, SIZE, draw_rungs, labels
        from bounds.pictures.style import on_axes

        require(enough is None or set(enough) <= set(PANELS), "enough", f"a dictionary of {', '.join(PANELS)}", enough)
        shown = self[self["width"].notna()] if "width" in self else self
        rows: list[dict[str, Any]] = [
            {
                **{str(name): value for name, value in row.items()},
                "init": self.attrs.get("init", ""),
                "rate_over_scale_squared": row["rate"] / row["scale"] ** 2,
            }
            for row in sorted(shown.to_dict("records"), key=lambda row: -row["width"])
        ]
        necessary = {}
        if rows:
            necessary = {"width": rows[0]["necessary_width"], "scale": rows[0]["necessary_scale"]}
            necessary["rate_over_scale_squared"] = rows[0]["possible_rate"] / rows[0]["scale"] ** 2
        with on_axes(axes, 3, SIZE, "axes", sharey=True) as panels:
            draw_rungs(panels, rows, [row["method"] for row in rows], necessary=necessary, enough=enough)
            panels[0].figure.legend(*labels(panels), loc="outside lower center", ncols=4)
            panels[1].set_xlabel(self.attrs.get("words", ""))
        return panels


def _cell(column: str, value: Any) -> str:
    """One value in LaTeX: numbers safely rounded, truth as a word, nothing as a dash."""
    if column in ("method", "proved"):
        return {True: "yes", False: "no"}.get(value) or latex(value)
    return "--" if pd.isna(value) else rounded(value, SIDES[column])
