"""The claims, one file each. Adding one: CONTRIBUTING.md, "A claim"."""

from __future__ import annotations

from collections.abc import Sequence

from bounds.errors import ArgumentError, unknown_name
from verify.claims import energy, lemma_1, movement, pl, rate, smooth_lemma_1, theorem_1
from verify.claims.base import Claim, Comparison, NotApplicable

CLAIMS: dict[str, Claim] = {
    claim.id: claim
    for claim in (
        energy.CLAIM,
        pl.CLAIM,
        lemma_1.CLAIM,
        smooth_lemma_1.CLAIM,
        rate.CLAIM,
        theorem_1.CLAIM,
        movement.LOWER,
        movement.UPPER,
    )
}


def select_claims(ids: Sequence[str] | None) -> list[Claim]:
    """The claims of these ids, all of them for None. Raises ArgumentError for an unknown id or none at all."""
    if ids is None:
        return list(CLAIMS.values())
    if not ids:
        raise ArgumentError(f"no claim selected. Known: {', '.join(CLAIMS)}.")
    for name in ids:
        if name not in CLAIMS:
            raise unknown_name("claim", name, CLAIMS)
    return [CLAIMS[name] for name in ids]


__all__ = ["CLAIMS", "Claim", "Comparison", "NotApplicable", "select_claims"]
