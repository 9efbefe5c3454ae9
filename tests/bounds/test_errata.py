"""Errata: printed statements are refuted by numbers, repaired ones hold in the same example, the page is current."""

import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bounds
from bounds.cli import main
from bounds.command_line import BAD_INPUT, HOLDS, REFUTED, UNDECIDED, run
from bounds.erratum import (
    Claim,
    get_erratum,
    report,
)
from reports.console import COMMANDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errata.md"
ERRATA = bounds.errata()
IDS = [e.id for e in ERRATA]


def test_they_are_in_order():
    assert [f"E{k}" for k in range(1, 25)] == IDS
    assert all(
        e.where and e.title and e.printed and e.fails and e.repaired and e.proof and e.consequence for e in ERRATA
    )


@pytest.mark.parametrize("identifier", IDS)
def test_printed_is_refuted_and_the_repair_holds(demonstrated, identifier):
    d = demonstrated[identifier]
    assert d.printed.holds is False
    assert d.repaired.holds is True
    assert d.refuted
    assert d.as_documented
    assert math.isfinite(d.printed_value)
    assert math.isfinite(d.true_value)


READINGS, REMARKS = {"E7", "E8", "E16", "E23"}, {"E17", "E20", "E21", "E24"}


def test_only_what_is_proved_refutes_the_paper(demonstrated):
    for e in ERRATA:
        assert e.grade == ("reading" if e.id in READINGS else "remark" if e.id in REMARKS else "proved")
        assert demonstrated[e.id].refuted
        assert e.refutes(demonstrated[e.id]) is (e.grade == "proved")
    undecided = replace(demonstrated["E3"], printed=Claim((0, 9), "<=", (1, 1)))
    assert not get_erratum("E3").refutes(undecided)


def test_every_listing_shows_the_grade(demonstrated):
    results = [(e, demonstrated[e.id]) for e in ERRATA]
    page, told = report.markdown(results), report.summary(results)
    for e, d in results:
        words = report.GRADES[e.grade]
        assert f" {e.grade} " in report.line(e, d, 0.0)
        assert re.search(rf"^  grade +{words}$", report.full(e, d), flags=re.MULTILINE)
        assert re.search(rf"^\| \[{e.id}\].*\| {words} \|", page, flags=re.MULTILINE)
    assert "24 of 24 refuted in the example" in told
    assert "16 refuted statements of the paper" in told
    assert "proved 16 (false as printed and proved so), reading 4 (depends on a reading), remark 4 (remark)" in told


@pytest.mark.parametrize("identifier", IDS)
def test_planted_truth_is_not_refuted(demonstrated, identifier):
    """With the repaired statement in the place of the printed one, nothing is refuted."""
    d = demonstrated[identifier]
    planted = replace(d, printed=d.repaired)
    assert not planted.refuted
    assert planted.as_documented is False
    swapped = replace(d, printed=d.repaired, repaired=d.printed)
    assert swapped.as_documented is False


OTHER_EXAMPLE = "E6 E7 E9 E11 E12 E13 E14 E16 E17 E18 E20 E21 E22 E23"  # the repair is about another number
SAME_EXAMPLE = [e for e in IDS if e not in OTHER_EXAMPLE.split()]


@pytest.mark.parametrize("identifier", SAME_EXAMPLE)
def test_both_statements_are_about_the_same_number(demonstrated, identifier):
    d = demonstrated[identifier]
    assert d.printed.actual == d.repaired.actual
    assert d.printed.relation == d.repaired.relation


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        (Claim((1, 2), "<=", (2, 3)), True),
        (Claim((1, 2.5), "<=", (2, 3)), None),
        (Claim((4, 5), "<=", (2, 3)), False),
        (Claim((3, 4), ">=", (2, 3)), True),
        (Claim((1, 1.5), ">=", (2, 3)), False),
        (Claim((0, 0), ">", (0, 0)), False),
        (Claim((0, 1), ">", (0, 0)), None),
        (Claim((1, 1), "==", (1, 1)), True),
        (Claim((1, 2), "==", (1, 2)), None),
        (Claim((1, 2), "==", (3, 4)), False),
        (Claim((math.nan, math.nan), "<=", (0, 0)), None),
        (Claim((math.nan, math.nan), "==", (0, 0)), None),
        (Claim((0, 0), ">=", (math.nan, math.nan)), None),
    ],
)
def test_a_claim_has_three_values(claim, holds):
    assert claim.holds is holds


NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w])")


def test_the_page_is_current(demonstrated):
    """The words agree exactly, the numbers to 5%. Run `linrate errata --markdown > docs/errata.md` where this fails."""
    page, now = PAGE.read_text(), report.markdown([(e, demonstrated[e.id]) for e in ERRATA])
    assert NUMBER.sub("#", page) == NUMBER.sub("#", now)
    stored, found = (np.array([float(x) for x in NUMBER.findall(text)]) for text in (page, now))
    np.testing.assert_allclose(stored, found, rtol=0.05)


def test_a_demonstration_is_repeatable(demonstrated):
    for identifier in ("E4", "E9", "E11", "E15"):
        assert get_erratum(identifier).demonstrate() == demonstrated[identifier]


def test_errata_are_loaded_late():
    code = (
        "import sys, bounds; bounds.errata();"
        "print([m for m in ('torch', 'pandas', 'sympy', 'scipy.integrate', 'simulate') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# The command line


def test_one_erratum_in_full(capsys):
    assert main(["errata", "e3"]) == HOLDS
    shown = capsys.readouterr().out
    assert shown.startswith("E3  (66)")
    assert "2 <= 1: false" in shown
    assert "2 <= 2: holds" in shown


def test_exit_codes_follow_the_numbers(monkeypatch, capsys):
    d = get_erratum("E3").demonstrate()

    def answers(*shown):
        fake = [replace(get_erratum("E3"), demonstrate=lambda s=s: s) for s in shown]
        monkeypatch.setattr("bounds.commands.errata.errata", lambda: fake)
        return main(["errata"])

    unknown = replace(d, printed=Claim((0, 9), "<=", (1, 1)))
    assert answers(d, d) == HOLDS
    assert answers(d, replace(d, printed=d.repaired)) == REFUTED
    assert answers(d, replace(d, repaired=d.printed)) == REFUTED
    assert answers(d, unknown) == UNDECIDED
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("NOT REFUTED", "REPAIR FAILS", "UNDECIDED"))


def test_unknown_errata_are_named(capsys):
    assert run(main, ["errata", "E77"]) == BAD_INPUT
    assert "unknown erratum 'E77'" in capsys.readouterr().err
    assert run(main, ["errata", "E7", "--markdown"]) == BAD_INPUT


def test_help_documents_the_exit_codes(capsys):
    with pytest.raises(SystemExit):
        main(["errata", "--help"])
    assert "0 every statement shown is refuted" in capsys.readouterr().out
    assert "errata" in COMMANDS
