"""The statements of the errata as claims, each tested by the counterexample of its erratum."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from bounds.erratum import Demonstration, Erratum, errata
from verify.claims.base import Claim, Comparison
from verify.claims.printed_runs import RUNS, STATISTICAL

# What is claimed, by erratum; the words of the paper and the proof that it fails are the erratum's own.
LATEX = {
    "E1": r"L' L^{-1/2} \ge \frac{d}{dt} (2L)^{1/2}",
    "E2": r"P\Big(\sum_a f_a^2 \ge \|y\|^2\Big) \le \sum_a P(|f_a| \ge \|y\|)",
    "E3": r"\|f^0\| \le \|y\| \Rightarrow L^0 \le \|y\|^2",
    "E4": r"\|c_i \sigma(h_i(x_a))\|_{\psi_2} \le \hat c L_s \sqrt{G_{aa}}\, M",
    "E5": r"\pi(I_0) \ge 2 K,"
    r" \quad K = \frac{I_r - I_l}{6 \sqrt{2\pi G_{\max}}} e^{-\max(|I_l|, |I_r|)^2 / (2 G_{\min}^2)}",
    "E6": r"\sigma(u) = u^3 \Rightarrow \inf |\sigma'| > 0",
    "E7": r"I = (0, \infty) \Rightarrow K(I, G_{\min}, G_{\max}) > 0",
    "E8": r"1 - \eta^t \le \min_a \#\{i : |h_i^t(x_a) - h_i^0(x_a)| \ge |I|/3\}/m",
    "E9": r"m \ge C (1 + \hat c^2) \log(n/\delta),\ C \text{ free of } \sigma(0)",
    "E10": r"m \ge C (1 + \hat c^2) \log(n/\delta),\ C \text{ free of } n",
    "E11": r"\operatorname{rank} X = n \Rightarrow L^t \le L^0 e^{-rt} \text{ for every } \hat c",
    "E12": r"\|\sigma(z \cdot x_a/\sqrt d)\|_{\psi_2} \le M \Rightarrow P(\|G - \bar G\| \le u) \ge 1 - \delta",
    "E13": r"P(\|G - \bar G\| \le (u')^2) \ge 1 - \delta",
    "E14": r"m \ge C \log(n/\delta) \Rightarrow P((57)) \ge \delta",
    "E15": r"\sigma'(0) = 0 \Rightarrow \dot L = -\hat c^2\, r^\top H r",
    "E16": r"\theta = 1:\ \mu P \mapsto (a, b, c) = (0, \tfrac12, \dots, \tfrac12, 1), 0, -1",
    "E17": r"\delta = 1:\ W_k \approx W^{t = k}",
    "E18": r"m \ge \frac{\log(4n/\delta)}{2 K(I, \lambda_{\min}(\bar G)/2, 2 \lambda_{\max}(\bar G))^2}"
    r" \le C \log(n/\delta),\ C \text{ free of } \lambda_{\min}(\bar G)",
    "E19": r"D \ge C_2 n^2 \log(n/\delta) / \lambda_{\min}(\bar G)^2,\ C_2 \text{ free of } L_\sigma",
    "E20": r"n = 40,\ d = 20:\ \lambda_{\min}(G) > 0",
    "E21": r"\max(D, m) \sim n^4",
    "E22": r"\sigma \text{ analytic, no polynomial} \Rightarrow \lambda_{\min}(\bar G) > 0",
    "E23": r"y = 0:\ P(L^0 \le \|y\|^2) \ge 1 - \delta",
    "E24": r"\Big(\frac1m\sum_i (h_i^1 - h_i^0)^2\Big)^{1/2} \sim m^{-r},\ r \text{ of (36)}",
}
# Claim.whose of each grade: only a statement that is false as printed, and proved so, refutes the paper.
WHOSE_BY_GRADE = {"proved": "paper, as printed", "reading": "paper, one reading", "remark": "remark on the paper"}


def as_comparison(found: Demonstration) -> Comparison:
    """The number that the statement gives in its erratum's example, next to the true one."""
    claim = found.printed
    actual, promised = claim.ends
    if claim.relation == ">":
        promised = math.nextafter(promised, math.inf)
    one = np.ones(1)
    return Comparison(
        quantity=found.quantity,
        side={"<=": "upper", ">=": "lower", ">": "lower", "==": "equal"}[claim.relation],
        theory=promised * one,
        measured=actual * one,
        error=(0.0 if claim.holds is not None else math.inf) * one,  # enclosures that overlap decide nothing
        at=0 * one,
        method=found.evidence,
    )


def check(erratum: Erratum) -> list[Comparison]:
    """The comparison of the computed counterexample, and those of the simulator's own (printed_runs.py), if any."""
    again = RUNS[erratum.id]() if erratum.id in RUNS else []
    return [as_comparison(erratum.demonstrate()), *again]


def claim_of(erratum: Erratum) -> Claim:
    """The statement of an erratum as a claim; `whose` follows from the erratum's grade."""
    return Claim(
        id=f"printed-{erratum.id.lower()}",
        title=erratum.printed,
        latex=LATEX[erratum.id],
        source=f"{erratum.where}, as printed ({erratum.id})",
        kind="constants",
        hypotheses="those of the paper",
        whose=WHOSE_BY_GRADE[erratum.grade],
        proved=False,
        check=partial(check, erratum),
        statistical=int(erratum.id in STATISTICAL),
    )


CLAIMS = [claim_of(erratum) for erratum in errata()]
