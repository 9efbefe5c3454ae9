"""verify: is a claim true? Claims as data, three-valued verdicts, and the tests that `pytest verify/` runs."""

from verify.bracket import Bracket, bracket
from verify.claims import CLAIMS, Claim, Comparison, NotApplicable
from verify.conjecture import Conjecture, FaultyConjecture, conjecture
from verify.ledger import Entry, Ledger
from verify.picture import draw_margin
from verify.run import Run
from verify.statistics import failure_rate
from verify.verdict import Verdict, combine, judge

__all__ = [
    "CLAIMS",
    "Bracket",
    "Claim",
    "Comparison",
    "Conjecture",
    "Entry",
    "FaultyConjecture",
    "Ledger",
    "NotApplicable",
    "Run",
    "Verdict",
    "bracket",
    "combine",
    "conjecture",
    "draw_margin",
    "failure_rate",
    "judge",
]
