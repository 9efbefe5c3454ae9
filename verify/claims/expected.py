"""What is expected to come out of a sweep. Only tests and tables read this: no verdict ever sees it."""

from __future__ import annotations

from bounds.erratum import errata
from verify.claims import CLAIMS

UNKNOWN = ("lemma-1-printed-many", "width-free-of-n", "descent-rate-relu")
PRINTED, READINGS, REMARKS = (
    tuple(f"printed-{erratum.id.lower()}" for erratum in errata() if erratum.grade == grade)
    for grade in ("proved", "reading", "remark")
)
REJECTED = ("slopes-free-of-n", *PRINTED)
ACCEPTED = tuple(name for name in CLAIMS if name not in (*UNKNOWN, *REJECTED, *READINGS, *REMARKS))


def expectation(identifier: str) -> str:
    """One of "accepted", "rejected", "unknown", "reading", "remark"."""
    groups = {"unknown": UNKNOWN, "rejected": REJECTED, "reading": READINGS, "remark": REMARKS}
    return next((group for group, names in groups.items() if identifier in names), "accepted")
