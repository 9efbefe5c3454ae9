"""E20: Experiment 1 has n = 40 > d = 20, of which Corollary 1 says nothing."""

from __future__ import annotations

import numpy as np

from bounds.data.datasets import load_builtin
from bounds.erratum.base import Claim, Demonstration, Erratum
from bounds.methods.kernel import limit_tangent_kernel
from bounds.numerics.spectrum import spectrum
from bounds.problem import Problem

POINTS = 40


def demonstrate() -> Demonstration:
    """The data of Experiment 1 with n = 40: G has rank 20; the limit tangent kernel of tanh has full rank."""
    X, y = load_builtin("experiment-1", n=POINTS)
    problem = Problem(X, y)
    rank_at_most = min(X.shape)
    smallest = 0.0 if rank_at_most < POINTS else problem.spectrum.lmin[0]
    H, error = limit_tangent_kernel(problem)
    found = spectrum(H, error + 1e-9 * float(np.trace(H)))  # 1e-9: far more than what forming G and H rounds
    return Demonstration(
        quantity="lambda_min(G) (printed), lambda_min(H at infinite width) (repaired), n = 40, d = 20, to be positive",
        printed=Claim((smallest, smallest), ">", (0.0, 0.0)),
        repaired=Claim(found.lmin, ">", (0.0, 0.0)),
        evidence="enclosed",
        note=(
            f"G = X X'/d has rank {rank_at_most} at most, so lambda_min(G) = 0 exactly. H_ab = G_ab E sigma'(h_a)"
            f" sigma'(h_b), tanh, is positive definite: lambda_min(H) = {found.lmin[0]:.4f}."
        ),
    )


ERRATUM = Erratum(
    id="E20",
    where="section 4.1",
    title="Corollary 1 says nothing about n = 40 > d = 20",
    printed=(
        "With d = 20, nearly linear convergence for n = 20 and n = 40, and a rate that falls with n, are coherent with "
        "Corollary 1."
    ),
    fails=(
        "40 vectors in R^20 are linearly dependent, so G is singular and Corollary 1 does not apply; for n <= d it "
        "gives no comparison of rates between different n either."
    ),
    repaired=(
        "For n = 20 the sentence is right. What explains n = 40 is the tangent kernel H, which is positive definite "
        "although G is not: `method='kernel'`."
    ),
    proof=(
        "rank(X X') <= d. Entrywise, H = G * Q with Q_ab = E sigma'(h_a) sigma'(h_b), whose rank is not bounded by d; "
        "lambda_min(H) is enclosed here, and the kernel method of docs/theory.md needs nothing else."
    ),
    consequence="None for the theorems. The experiment goes beyond them, and is no evidence for Corollary 1 at n = 40.",
    grade="remark",
    demonstrate=demonstrate,
)
