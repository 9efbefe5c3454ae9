"""The verdicts that are expected. Only tests and tables read this module: no verdict depends on it."""

from __future__ import annotations

from bounds.erratum import errata
from verify.claims import CLAIMS

# Claims without a known proof or counterexample.
UNKNOWN = ("lemma-1-printed-many", "width-free-of-n", "descent-rate-relu", "aligned-scale")
# The claims of the errata by their grade: false as printed, false in one reading, remarks.
PRINTED, READINGS, REMARKS = (
    tuple(f"printed-{erratum.id.lower()}" for erratum in errata() if erratum.grade == grade)
    for grade in ("proved", "reading", "remark")
)
REJECTED = ("slopes-free-of-n", *PRINTED)
ACCEPTED = tuple(name for name in CLAIMS if name not in (*UNKNOWN, *REJECTED, *READINGS, *REMARKS))


def expectation(identifier: str) -> str:
    """What is expected of the claim with this id: "accepted", "rejected", "unknown", "reading" or "remark"."""
    groups = {"unknown": UNKNOWN, "rejected": REJECTED, "reading": READINGS, "remark": REMARKS}
    return next((group for group, names in groups.items() if identifier in names), "accepted")
