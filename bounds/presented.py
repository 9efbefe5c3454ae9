"""Objects that show themselves and travel: a short text, a small HTML table, and plain values for other programs."""

from __future__ import annotations

import dataclasses
import enum
import html
import json
import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from flint import arb

from bounds.numerics.arithmetic import float_down, float_up
from bounds.text import printable

if TYPE_CHECKING:
    import pandas as pd

Facts = dict[str, str]

# The characters that LaTeX reads as commands.
LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}", "|": r"\ensuremath{|}",
}  # fmt: skip


class Presented:
    """A short `repr`, and a table for notebooks and reports, from the facts that a class states about itself."""

    def _facts(self) -> Facts:
        """What a reader wants to know, by name, in few words and safely rounded numbers."""
        raise NotImplementedError

    def _headline(self) -> str:
        """The facts in one line, for `repr`."""
        return ", ".join(f"{name}={value}" for name, value in self._facts().items())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({printable(self._headline())})"

    def _repr_html_(self) -> str:
        """A small table; every text in it is escaped."""
        return facts_as_html(type(self).__name__, self._facts())

    def to_latex(self) -> str:
        """The facts as a tabular with the rules of the LaTeX package booktabs."""
        lines = [f"{latex(name)} & {latex(value)} \\\\" for name, value in self._facts().items()]
        return "\n".join([r"\begin{tabular}{ll}", r"\toprule", *lines, r"\bottomrule", r"\end{tabular}", ""])


class Portable:
    """Plain Python values, JSON and a data frame from the fields of a dataclass."""

    _not_in_dict: ClassVar[tuple[str, ...]] = ()

    def to_dict(self) -> dict[str, Any]:
        """The fields by name as numbers, texts, lists and dictionaries; an enclosed number as [lower, upper]."""
        names = [field.name for field in dataclasses.fields(self)]  # type: ignore[arg-type]
        return {name: plain(getattr(self, name)) for name in names if name not in self._not_in_dict}

    def to_json(self) -> str:
        """`to_dict` as JSON, all digits kept; numbers that are not finite are the texts "inf", "-inf" and "nan"."""
        return json.dumps(finite(self.to_dict()), allow_nan=False)

    def to_frame(self) -> pd.DataFrame:
        """One row, a column for each field that is one value; a tuple of texts is joined by semicolons."""
        import pandas as pd

        row = {}
        for name, value in self.to_dict().items():
            if isinstance(value, list):
                row[name] = "; ".join(map(str, value))
            elif not isinstance(value, dict):
                row[name] = value
        return pd.DataFrame([row])


def plain(value: Any) -> Any:
    """The value made of numbers, texts, None, lists and dictionaries only.

    An enclosed number becomes [lower, upper], rounded outwards; an enumeration its name; an array a list; any other
    object its name, if it has one, else its repr.
    """
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, arb):
        return [float_down(value), float_up(value)]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, Portable):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and not hasattr(value, "name"):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)} or repr(value)
    return str(getattr(value, "name", None) or repr(value))


def finite(value: Any) -> Any:
    """Plain values with the floats that JSON does not know replaced by the texts "inf", "-inf" and "nan"."""
    if isinstance(value, dict):
        return {name: finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [finite(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def facts_as_html(title: str, facts: Facts) -> str:
    """A table of two columns with a caption, as a fragment of HTML without styles of its own."""
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left">{html.escape(printable(name))}</th>'
        f'<td style="text-align:left">{html.escape(printable(value))}</td></tr>'
        for name, value in facts.items()
    )
    return f"<table><caption>{html.escape(printable(title))}</caption><tbody>{rows}</tbody></table>"


def latex(text: object) -> str:
    r"""The text with the characters that LaTeX reads as commands escaped.

    >>> latex("lambda_min >= 5%")
    'lambda\\_min \\ensuremath{>}= 5\\%'
    """
    return "".join(LATEX.get(character, character) for character in printable(text))
