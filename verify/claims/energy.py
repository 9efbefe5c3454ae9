"""Equation (14) as an equality, integrated: L^0 - L^t = the integral of scale^2 r'H r."""

from verify.claims.base import Claim, Comparison, NotApplicable
from verify.run import Run


def compare(run: Run) -> list[Comparison]:
    """The integral of -dL/dt computed as scale^2 r'H r, against L^0 - L^t."""
    if not run.problem.activation.smooth:
        raise NotApplicable("at kinks (14) holds with an element of Clarke's subdifferential, not with sigma'(0) = 0")
    if run.integrator == "descent":
        raise NotApplicable("stated for gradient flow")
    return [
        Comparison(
            quantity="L0 - L",
            side="equal",
            theory=run.dissipated[1:],
            measured=(run.loss[0] - run.loss)[1:],
            error=(run.errors["dissipated"] + run.errors["loss"] + run.errors["loss"][0])[1:],
            at=run.time[1:],
        )
    ]


CLAIM = Claim(
    id="equation-14",
    title="the loss falls by the integral of scale^2 r'H r",
    latex=r"L^0 - L^t = \hat c^2 \int_0^t r^\top H r\, ds",
    source="(14)",
    kind="every run",
    compare=compare,
    hypotheses="sigma in C^{1,1}: at kinks with an element of Clarke's subdifferential",
    whose="paper",
    proved=True,
)
