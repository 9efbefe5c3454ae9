"""What several commands share: options, and rows without NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bounds.promise import SIMULABLE_WIDTH

if TYPE_CHECKING:
    import pandas as pd


def add_json(command: Any) -> None:
    """Add --json to the parser of a command."""
    command.add_argument("--json", action="store_true", help="all digits of every number, as JSON")


def add_budget(command: Any) -> None:
    """Add --budget to the parser of a command."""
    command.add_argument(
        "--budget", type=int, default=SIMULABLE_WIDTH, help="width beyond which a bound is vacuous (default 10^7)"
    )


def add_method(command: Any) -> None:
    """Add --method to the parser of a command."""
    command.add_argument("--method", default="best", help="a method's name, or best (the default)")


def without_nan(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table by column, None where there is no value."""
    return [
        {str(name): None if value is None or value != value else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]
