"""The one table: alignment, formats, missing values, text that a terminal would obey."""

import numpy as np
import pytest

from bounds.text_table import Column, TextTable, fitted_table

COLUMNS = [Column("method", 8, "<"), Column("n", 4, number_format="d"), Column("rate", 9), Column("where", align="<")]


def test_head_and_lines_are_aligned():
    table = TextTable(COLUMNS)
    assert table.head() == "method      n      rate  where"
    assert table.line(["slopes", 10, 81.85125, "here"]) == "slopes     10     81.85  here"
    assert table.line(["slopes", np.int64(10), np.float64(81.85125), None]) == "slopes     10     81.85  -"
    assert table.line(["slopes", 12345, None, ""]) == "slopes   12345         -"  # too wide: shown in full


def test_text_is_harmless_and_truth_values_are_words():
    column = Column("data")
    assert column.text("a\x1b[2J\nb") == "a\\x1b[2J b"
    assert column.text(True) == "True"
    assert column.text(float("nan")) == "nan"


def test_a_line_has_a_value_for_each_column():
    with pytest.raises(ValueError, match="argument"):
        TextTable(COLUMNS).line(["slopes"])


def test_a_fitted_table_is_as_wide_as_its_cells():
    columns = [Column("name", align="<"), Column("width", number_format="d")]
    shown = fitted_table(columns, [("a", 10**12), ("longer name", None)])
    assert shown.split("\n") == ["name                width", "a           1000000000000", "longer name             -"]
