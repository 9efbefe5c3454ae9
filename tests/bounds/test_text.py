"""Text of users and of files: nothing in it is obeyed by a terminal or a spreadsheet."""

import csv
import io

import pytest

from bounds.text import csv_cell, printable
from verify.report_rows import to_csv


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with accents: é λ", "plain, with accents: é λ"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("two\nlines\tand\rmore", "two lines and more"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b31m", "\\x9b31m"),
        ("\udcff", "\\udcff"),
        (5, "5"),
    ],
)
def test_printable(text, shown):
    assert printable(text) == shown
    assert printable(text).isprintable()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_is_a_formula(text):
    assert csv_cell(text).startswith("'")


def test_reports_keep_numbers_and_defuse_text():
    row = {"claim": "=cmd()", "data": "@x.csv", "activation": "-u", "embedding": "+e", "source": "=a.py:1",
           "quantity": "-dL/dt", "method": "=m()", "theory": -1.5, "measured": -2e-300,
           "slack": float("-inf")}  # fmt: skip
    (told,) = csv.DictReader(io.StringIO(to_csv([row])))
    for column in ("claim", "data", "activation", "embedding", "source", "quantity", "method"):
        assert told[column] == "'" + row[column]
    assert [float(told[k]) for k in ("theory", "measured", "slack")] == [-1.5, -2e-300, float("-inf")]
