"""Biases: trained, the linear rate where the points are affinely independent, one more than dimensions; or fixed."""

from verify.claims import rate
from verify.claims.base import Claim, Comparison, NotApplicable
from verify.run import Run


def compare(run: Run) -> list[Comparison]:
    """The comparisons of the claim `rate` that are about the certificate; with G + b_0^2 11' if biases are trained."""
    if run.problem.bias is None and run.problem.fixed_bias is None:
        raise NotApplicable("stated for biases")
    if not run.certificate.holds:
        raise NotApplicable("the scale is not above the critical one of any method")
    return [one for one in rate.compare(run) if one.quantity != "fastest average rate"]


CLAIM = Claim(
    id="biases",
    title="linear rate certified for a network with biases, trained ones on affinely independent points",
    latex=r"h_i = \tfrac{1}{\sqrt D} w_i \cdot \Phi + b_0 b_i: \quad"
    r" L^t \le L^0 e^{-2\hat c^2 \rho(S)^2 t} \text{ with } G + b_0^2 \mathbf{1}\mathbf{1}^\top \text{ for } G",
    source="biases; master theorem",
    kind="every run",
    compare=compare,
    hypotheses="lambda_min(G + b_0^2 11') > 0, biases drawn and trained like weights; or lambda_min(G) > 0, biases"
    " drawn and not trained; scale above the critical one",
    whose="ours",
    proved=True,
)
