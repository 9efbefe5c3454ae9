"""The claims, one file for each group that shares a proof. How to add one: CONTRIBUTING.md, "A claim"."""

from __future__ import annotations

from collections.abc import Sequence

from bounds.errors import ArgumentError, unknown_name
from verify.claims import (
    aligned,
    appendices,
    biases,
    descent,
    descent_last_layer,
    draws,
    energy,
    key_lemma,
    last_layer,
    lemma_1,
    many_points,
    movement,
    pl,
    printed,
    rate,
    smooth_lemma_1,
    theorem_1,
    widths,
)
from verify.claims import random_features as features
from verify.claims.base import Claim, Comparison, NotApplicable

# Every claim by its id, in the order of the tables: the paper's results from (14) to the appendices.
CLAIMS: dict[str, Claim] = {
    claim.id: claim
    for claim in (
        energy.CLAIM,
        pl.CLAIM,
        key_lemma.SCHUR,
        key_lemma.SPEED,
        movement.LOWER,
        movement.UPPER,
        movement.PATH,
        lemma_1.CLAIM,
        lemma_1.SHARP,
        lemma_1.PRINTED_FEW,
        lemma_1.PRINTED_MANY,
        smooth_lemma_1.CLAIM,
        draws.DRAW,
        draws.LEMMA_2,
        draws.LEMMA_3,
        draws.OUTPUT,
        draws.PAIRS,
        widths.CRAMER,
        widths.ORTHOGONAL_RELU,
        key_lemma.PATH,
        key_lemma.KERNEL,
        rate.CLAIM,
        rate.RESIDUAL,
        rate.EVERYWHERE,
        biases.CLAIM,
        last_layer.MOVES,
        last_layer.SLOPES,
        last_layer.RATE,
        aligned.CLAIM,
        theorem_1.CLAIM,
        theorem_1.COROLLARY_1,
        theorem_1.KERNEL,
        many_points.SLOPES,
        many_points.CLAIM,
        features.LEMMA_4,
        features.CONDITION_1,
        features.TAILS,
        features.DIAGONAL,
        theorem_1.THEOREM_2,
        theorem_1.THEOREM_3,
        theorem_1.LAYERS,
        descent.STEP,
        descent.RATE,
        descent_last_layer.STEP,
        descent_last_layer.RATE,
        descent.RELU,
        appendices.XAVIER,
        appendices.SHIFT,
        *printed.CLAIMS,
    )
}


def select_claims(ids: Sequence[str] | None) -> list[Claim]:
    """The claims of these ids, all of them for None. Raises ArgumentError for an unknown id or an empty list."""
    if ids is None:
        return list(CLAIMS.values())
    if not ids:
        raise ArgumentError(f"no claim selected. Known: {', '.join(CLAIMS)}.")
    for name in ids:
        if name not in CLAIMS:
            raise unknown_name("claim", name, CLAIMS)
    return [CLAIMS[name] for name in ids]


__all__ = ["CLAIMS", "Claim", "Comparison", "NotApplicable", "select_claims"]
