"""Theorem 1 by the paper's own steps, each with its factor restored: L^0 <= ||y||^2 by a union bound."""

from __future__ import annotations

from dataclasses import replace

from bounds.methods import repaired
from bounds.methods.base import APriori, Method, no_check
from bounds.problem import Problem


def a_priori(problem: Problem, failure: float, tau: float) -> APriori:
    """The profile and the width of the method `repaired`, with ||f^0|| bounded by a union bound over its n entries."""
    return replace(repaired.a_priori(problem, failure, tau), output="union")


METHOD = Method(
    name="printed-style",
    source="Theorem 1 with (52), (64), (66), (71) repaired, union bound on the initial output",
    proved=True,
    check=no_check,
    a_priori=a_priori,
    a_posteriori=None,
)
