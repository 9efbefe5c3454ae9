"""python -m proofs.reference > proofs/reference.v: the guarantee of the reference problem, as theorems for Coq.

The numbers that bounds.guarantee starts from (balls: their safe ends, exactly, as fractions) and those that it prints
(floats, exactly) become a Coq file, in which the formulas of proofs/constants.v and the theorem of the method slopes must
lead from the ones to the others. tests/verify/test_proofs.py notices when the file is out of date.
"""

from fractions import Fraction

from flint import arb

import bounds
from bounds.data.datasets import load_builtin
from bounds.methods.slopes import LEAST_L2

DELTA, TAU, BETA = 0.05, 0.2, 0.5
TEXT = """(** Written by `python -m proofs.reference`: the reference problem (n = {n}, d = {d}, {activation}, antisymmetric pairs, delta = {delta},
    tau = {tau}, beta = {beta}). Below, what bounds.guarantee(method="slopes") starts from, and what it prints. *)
Require Import Reals Psatz.
From Coquelicot Require Import Coquelicot.
From Interval Require Import Tactic.
From linrate Require Import calculus sums gram flow constants methods.
Open Scope R_scope.

(** From below lambda_min(G) = {lmin:.6g} and q^2 = (1 - tau) min_a E sigma'(h_a)^2 = {q2:.6g}; from above G_max = {gmax:.6g}, L2 = {l2:.6g},
    ||y|| = {y:.6g} and max_a E X_a^2/(E X_a)^2 = {ratio:.6g}, X_a = sigma'(h_a)^2. *)
Definition lmin : R := {lmin_exact}.
Definition q2 : R := {q2_exact}.
Definition Gmax : R := {gmax_exact}.
Definition L2 : R := {l2_exact}.
Definition Y : R := {y_exact}.
Definition ratio : R := {ratio_exact}.
Definition delta : R := {delta_exact}.
Definition tau : R := {tau_exact}.

(** Printed: width {width}, scale {scale!r}, rate {rate!r}. *)
Definition width : R := {width}.
Definition scale : R := {scale_exact}.
Definition rate : R := {rate_exact}.

(** The scale is a ||y||/beta, rounded up, and no larger than rounding asks for. *)
Theorem reference_scale : a_slopes L2 Gmax lmin (sqrt q2) * Y / {beta} <= scale <= (1 + 1 / 10 ^ 9) * (a_slopes L2 Gmax lmin (sqrt q2) * Y / {beta}).
Proof. unfold a_slopes, scale, lmin, q2, Gmax, L2, Y; split; interval with (i_prec 80). Qed.

(** The width is twice the number of independent pairs that the concentration asks for. *)
Theorem reference_width : 2 * (2 * ratio * ln (2 * {n} / delta) / tau ^ 2) <= width < 2 * (2 * ratio * ln (2 * {n} / delta) / tau ^ 2) + 2.
Proof. unfold width, ratio, delta, tau; split; interval with (i_prec 80). Qed.

Theorem reference_rate : rate <= 2 * scale ^ 2 * lmin * q2 * (1 - a_slopes L2 Gmax lmin (sqrt q2) * Y / scale) <= (1 + 1 / 10 ^ 9) * rate.
Proof. unfold a_slopes, scale, rate, lmin, q2, Gmax, L2, Y; split; interval with (i_prec 80). Qed.

(** Every network of that scale whose Gram matrix, slopes and residual at the start are as good as these numbers falls at
    the printed rate, for as long as its flow exists. (That a drawn network's slopes are so with probability 1 - delta is
    where the width comes in, and prose.) *)
Theorem reference_network M T h s t : valid M -> flow M T h s -> n M = {n}%nat -> c M = scale ->
  eigenvalues_from (n M) (G M) lmin -> (forall a, (a < n M)%nat -> G M a a <= Gmax) -> slope_lipschitz M L2 ->
  (forall a, (a < n M)%nat -> q2 <= slope2 M (h 0) a) -> length M (h 0) <= Y -> 0 <= t <= T ->
  loss M (h t) <= loss M (h 0) * exp (- rate * t).
Proof.
  intros V F Hn Hc Ev Dg Sm St Hy Ht.
  assert (P : 0 < lmin /\\ 0 < Gmax /\\ 0 < L2 /\\ 0 < q2 /\\ 0 < scale /\\ 0 < Y) by (unfold lmin, Gmax, L2, q2, scale, Y; lra).
  assert (Q : 0 < sqrt q2) by (apply sqrt_lt_R0; apply P).
  assert (Q2 : sqrt q2 ^ 2 = q2) by (rewrite <- Rsqr_pow2; apply Rsqr_sqrt; lra).
  assert (A : 0 <= a_slopes L2 Gmax lmin (sqrt q2)) by (unfold a_slopes, lmin, q2, Gmax, L2; interval with (i_prec 80)).
  assert (B : a_slopes L2 Gmax lmin (sqrt q2) * Y / scale < 1) by (unfold a_slopes, scale, lmin, q2, Gmax, L2, Y; interval with (i_prec 80)).
  assert (C : a_slopes L2 Gmax lmin (sqrt q2) * length M (h 0) / c M <= a_slopes L2 Gmax lmin (sqrt q2) * Y / scale).
  {{ rewrite Hc; apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; apply P | apply Rmult_le_compat_l; trivial]. }}
  destruct (slopes M T h s V F lmin Gmax ltac:(apply P) ltac:(apply P) Ev Dg L2 (sqrt q2) Sm ltac:(apply P) Q
    ltac:(intros; rewrite Q2; apply St; trivial) t ltac:(lra) Ht) as [_ Z].
  pose proof (loss_nonneg M (h 0)) as L0; eapply Rle_trans; [apply Z|]; apply Rmult_le_compat_l; trivial.
  destruct reference_rate as [Rt _]; rewrite Q2, Hc in *.
  assert (K : 0 <= 2 * scale ^ 2 * lmin * q2) by (unfold scale, lmin, q2; lra).
  assert (E : 2 * scale ^ 2 * lmin * q2 * (1 - a_slopes L2 Gmax lmin (sqrt q2) * Y / scale)
    <= 2 * scale ^ 2 * lmin * q2 * (1 - a_slopes L2 Gmax lmin (sqrt q2) * length M (h 0) / scale)) by (apply Rmult_le_compat_l; lra).
  apply Raux.exp_le; apply Rmult_le_compat_r; lra.
Qed.
"""


def exact(value: float | arb) -> str:
    """The number as a fraction; a ball must be a single point."""
    if isinstance(value, arb):
        mantissa, exponent = value.man_exp()
        fraction = int(mantissa) * Fraction(2) ** int(exponent)
    else:
        fraction = Fraction(value)
    return f"{fraction.numerator} / {fraction.denominator}"


def reference() -> str:
    """The text of proofs/reference.v."""
    X, y = load_builtin("reference")
    problem = bounds.Problem(X, y, activation="tanh")
    found = bounds.guarantee(problem, DELTA, method="slopes", init="antisymmetric", beta=BETA, tau=TAU)
    below = {"lmin": problem.spectrum.lmin_floor, "q2": found.constants["q_squared"]}
    above = {
        "gmax": problem.gmax,
        "l2": problem.activation.L2.max(LEAST_L2),
        "y": problem.y_norm,
        "ratio": found.constants["moment_ratio"],
    }
    ends = {name: ball.lower() for name, ball in below.items()} | {name: ball.upper() for name, ball in above.items()}
    printed = {"delta": DELTA, "tau": TAU, "scale": found.scale, "rate": found.rate}
    return TEXT.format(
        n=problem.n,
        d=X.shape[1],
        activation=problem.activation.name,
        beta=BETA,
        width=found.width,
        **printed,
        **{name: float(end) for name, end in ends.items()},
        **{f"{name}_exact": exact(value) for name, value in {**ends, **printed}.items()},
    )


if __name__ == "__main__":
    print(reference(), end="")
