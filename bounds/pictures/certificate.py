"""The picture of a certificate: how much of each ingredient is used up, where all of it would be too much."""

from __future__ import annotations

import math
from typing import Any

from bounds.numerics.arithmetic import float_down, float_up
from bounds.pictures.style import COLOURS, NOTES
from bounds.rounding import rounded

SIZE = (7.0, 2.6)
MOST = 4.0  # the largest share that is shown; longer bars are cut there, and their numbers stand below


def ingredients(certificate: Any) -> dict[str, tuple[float, str]]:
    """Name -> (how much of it is used, its numbers in words); a certificate fails where one reaches 1.

    certificate: a bounds.Certificate. A share that is not known, as that of a method which proves nothing at any scale,
    is infinite.
    """
    c = certificate
    found = {
        "scale: critical / used (beta)": (c.beta, f"critical scale {rounded(c.critical_scale, 'up')}"),
    }
    if c.method == "shadowing":
        return found | _of_shadowing(c)
    extent, A = c.constants.get("extent"), c.constants.get("A")
    if extent is not None:
        whole = float_down(extent)
        used = c.path_length / whole if whole > 0 else math.inf
        words = f"path at most {rounded(c.path_length, 'up')} of {rounded(whole, 'down')}"
        found["path: its bound / where slopes are known"] = (used if c.holds else math.inf, words)
    if A is not None:
        scale = c.critical_scale / c.beta if 0 < c.beta < math.inf else math.nan
        fastest = 2 * scale**2 * float_up(A)
        lost = 1 - c.rate / fastest if fastest > 0 and math.isfinite(fastest) else math.inf
        words = f"rate {rounded(c.rate, 'down')} of {rounded(fastest, 'up')} at the start"
        found["rate: share lost along the path"] = (max(lost, 0.0) if c.holds else math.inf, words)
    return found


def _of_shadowing(c: Any) -> dict[str, tuple[float, str]]:
    """Its path is followed: what the distance of the true path from the computed one, and the way there, cost."""
    facts = c.constants
    found = {}
    if facts.get("rate after"):
        words = f"rate {rounded(c.rate, 'down')} of {rounded(facts['rate after'], 'down')} after the handover"
        found["rate: share lost before the handover"] = (max(1 - c.rate / facts["rate after"], 0.0), words)
    if facts.get("loss ratio") is not None:
        words = f"followed until the loss is {rounded(facts['loss ratio'], 'up')} of the start"
        found["loss at the handover / at the start"] = (facts["loss ratio"], words)
    return found


def draw_certificate(axes: Any, certificate: Any) -> None:
    """One bar for each ingredient, as long as the share of it that is used; at the line at 1 the certificate fails."""
    found = ingredients(certificate)
    finite = [share for share, _ in found.values() if math.isfinite(share)]
    right = min(max([1.3, *(1.1 * share for share in finite)]), MOST)
    for k, (share, words) in enumerate(found.values()):
        fails = not share < 1
        colour = COLOURS[1] if fails else COLOURS[0]
        axes.barh(k, min(share, right), height=0.5, color=colour, hatch="xx" if fails else "", edgecolor="white", lw=0)
        known = rounded(share, "up", 3) if math.isfinite(share) else "nothing is proved"
        axes.annotate(
            f"{known}   ({words})", (0.01, k + 0.42), xycoords=("axes fraction", "data"), va="center", **NOTES
        )
    axes.axvline(1.0, color="black", lw=1.4)
    axes.annotate("fails", (1.0, 1.0), xycoords=("data", "axes fraction"), xytext=(3, -2), va="top",
                  textcoords="offset points", **NOTES)  # fmt: skip
    axes.set_xlim(0, right)
    axes.set_ylim(len(found) - 0.3, -0.6)
    axes.set_yticks(range(len(found)), found)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("share that is used (the certificate fails at 1)")
    words = f"holds, rate {rounded(certificate.rate, 'down')}" if certificate.holds else "does not hold"
    axes.set_title(f"certificate by {certificate.method}: {words}")
