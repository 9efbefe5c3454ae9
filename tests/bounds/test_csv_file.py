"""The one CSV writer: formulas are defused, numbers kept in full, a missing value is an empty cell."""

import csv
import io
import math

import numpy as np
import pytest

from bounds.csv_file import csv_text, write_csv
from bounds.errors import DataError


def read(text):
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-dL/dt", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_is_a_formula_for_a_spreadsheet(text):
    header, row = read(csv_text([{text: text}], [text]))
    assert header[0].startswith("'")
    assert row[0].startswith("'")


def test_text_with_control_characters_is_made_harmless():
    _, row = read(csv_text([{"data": 'a,b\n"c"\x1b[2J'}], ["data"]))
    assert row == ['a,b "c"\\x1b[2J']


def test_numbers_are_read_back_as_the_same_floats():
    numbers = [-1.5, 0.1 + 0.2, -2e-300, math.inf, -math.inf, np.float64(1) / 3, np.int64(7), 10**40]
    columns = [f"c{k}" for k in range(len(numbers))]
    _, row = read(csv_text([dict(zip(columns, numbers, strict=True))], columns))
    assert [float(cell) for cell in row[:-1]] == numbers[:-1]
    assert int(row[-1]) == numbers[-1]
    assert read(csv_text([{"c": True}], ["c"]))[1] == ["True"]
    assert read(csv_text([{"c": math.nan}], ["c"]))[1] == ["nan"]


def test_missing_values_and_unknown_keys():
    text = csv_text([{"a": None, "b": 1}, {"unknown": 2}], ["a", "b"])
    assert text == "a,b\n,1\n,\n"
    assert csv_text([], ["a", "b"]) == "a,b\n"


def test_the_file_is_replaced_in_one_step(tmp_path):
    file = tmp_path / "new" / "rows.csv"
    write_csv(file, [{"a": 1}], ["a"])
    assert file.read_bytes() == b"a\n1\n"

    def failing_rows():
        yield {"a": 2}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_csv(file, failing_rows(), ["a"])
    assert file.read_bytes() == b"a\n1\n"
    assert [p.name for p in file.parent.iterdir()] == ["rows.csv"]
    with pytest.raises(DataError, match="folder"):
        write_csv(tmp_path, [], ["a"])
