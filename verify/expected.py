"""What is expected to come out of a sweep. Only tests and tables read this: no verdict ever sees it."""

from __future__ import annotations

from verify.claims import CLAIMS
from verify.verdict import Verdict

UNKNOWN = ("lemma-1-printed-many", "width-free-of-n", "descent-rate-relu")
REJECTED = tuple(f"printed-e{k}" for k in range(1, 18))
ACCEPTED = tuple(name for name in CLAIMS if name not in UNKNOWN + REJECTED)

VERDICTS = {"accepted": Verdict.HOLDS, "rejected": Verdict.REFUTED, "unknown": Verdict.UNDECIDED}


def expectation(identifier: str) -> str:
    """One of "accepted", "rejected", "unknown"."""
    if identifier in UNKNOWN:
        return "unknown"
    return "rejected" if identifier in REJECTED else "accepted"
