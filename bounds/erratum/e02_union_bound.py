"""E2: the union bound (64) lacks a factor sqrt(n) in the level, and Lemma 2 a factor n in the width."""

from __future__ import annotations

import math

from flint import arb

from bounds.activation.gaussian import value_variance
from bounds.activation.registry import get_activation
from bounds.erratum.base import Claim, Demonstration, Erratum, enclose

N, DELTA, FACTOR = 1_000_000, 0.05, 20


def union_bound(n: int, m: int, level: arb) -> arb:
    """min(1, sum_a P(|f_a| >= level)) by Hoeffding for |c sigma| <= 1: the last line of (64) with its constant."""
    return (2 * n * (-(level * level) * m / 2).exp()).min(arb(1))


def demonstrate() -> Demonstration:
    """tanh, G = I, c = ||y|| = 1: the f_a are independent with variance v/m, so sum f_a^2 is about n v/m, not 1."""
    m = math.ceil(FACTOR * math.log(N / DELTA))
    v = value_variance(get_activation("tanh"), arb(1))
    mean = N * v / m
    # Var f_a^2 <= E f_a^4 <= 3 (v/m)^2 + v/m^3, for |tanh| <= 1; then Chebyshev for sum f_a^2 < 1.
    fails = N * (3 * (v / m) ** 2 + v / arb(m) ** 3) / (mean - 1) ** 2
    actual = (enclose(1 - fails)[0], 1.0)
    return Demonstration(
        quantity=f"P(sum_a f_a^2 >= ||y||^2) at initialisation, n = {N}, m = {m}",
        printed=Claim(actual, "<=", enclose(union_bound(N, m, arb(1)))),
        repaired=Claim(actual, "<=", enclose(union_bound(N, m, 1 / arb(N).sqrt()))),
        evidence="enclosed",
        note=(
            f"tanh, G = I, c = ||y|| = 1, delta = {DELTA}, m = {FACTOR} log(n/delta), which is {FACTOR} times what"
            f" Lemma 2 asks with C = 1. E sum f_a^2 = n E tanh(Z)^2/m = {float(mean):.4g}, so E L^0 ="
            f" {float(mean + 1) / 2:.4g} ||y||^2 where Lemma 2 promises at most ||y||^2."
        ),
    )


ERRATUM = Erratum(
    id="E2",
    where="(64), (65), Lemma 2",
    title="the union bound needs the level ||y||/sqrt(n)",
    printed=(
        "P(sum_a f_a^2 >= ||y||^2) <= sum_a P(|f_a| >= ||y||), hence Lemma 2: L^0 <= ||y||^2 with probability 1 -"
        " delta if m >= C c^2 log(n/delta) G_max/||y||^2."
    ),
    fails=(
        "sum_a f_a^2 >= ||y||^2 does not force one |f_a| to reach ||y||, only one to reach ||y||/sqrt(n). With "
        "independent outputs sum f_a^2 is about n c^2 E sigma^2/m, which exceeds ||y||^2 for every C once n/log n"
        " is large."
    ),
    repaired=(
        "With probability 1 - delta, ||f^0|| <= c sqrt(2 n V log(2n/delta)/m), V = max_a min(sup sigma^2, mu_a^2 "
        "+ Ls^2 G_aa), mu_a = E sigma(h_a); or, with lambda_max for n, ||f^0|| <= c B/sqrt(m) with B of "
        "`bounds.constants.B`. Antisymmetric pairs of neurons have f^0 = 0."
    ),
    proof=(
        "E exp(l eps sigma(h)) <= cosh(l mu) exp(l^2 Ls^2 G_aa/2) <= exp(l^2 V/2) for a sign eps independent of h"
        " (or <= exp(l^2 sup sigma^2/2)), so P(|f_a| >= u) <= 2 exp(-m u^2/(2 c^2 V)). If every |f_a| < u then "
        "||f^0|| < u sqrt(n); u = c sqrt(2 V log(2n/delta)/m) leaves delta to the union of n events. The vector "
        "form is proved in docs/theory.md."
    ),
    consequence=(
        "Lemma 2 is false as printed. Theorem 1 survives with m >= C (1 + c^2 n/||y||^2) log(n/delta), for "
        "example m >= 2 c^2 n V log(4n/delta)/((sqrt(2) - 1)^2 ||y||^2) beside Lemma 3's width, or with "
        "antisymmetric pairs. Some dependence on n is needed: see E10."
    ),
    grade="proved",
    demonstrate=demonstrate,
)
