(** The guarantee of the reference problem, evaluated inside Coq: from the numbers that bounds.guarantee starts from, the
    formulas of constants.v and the theorem of the method slopes lead to those that it prints (reference_data.v). *)
Require Import Reals Psatz List.
From Coquelicot Require Import Coquelicot.
From Interval Require Import Tactic.
From linrate Require Import calculus sums gram flow constants methods reference_data.
Open Scope R_scope.

(** The scale is a ||y||/beta, rounded up, and no larger than rounding asks for. *)
Theorem reference_scale : a_slopes L2 Gmax lmin (sqrt q2) * Y / 0.5 <= scale <= (1 + 1 / 10 ^ 9) * (a_slopes L2 Gmax lmin (sqrt q2) * Y / 0.5).
Proof. unfold a_slopes, scale, lmin, q2, Gmax, L2, Y; split; interval with (i_prec 80). Qed.

(** What is left for the event that some mean of m pairs is at most q2: the sum of the tails of the ten data points. *)
Fixpoint failures (m : R) (es : list R) : R := match es with nil => 0 | cons e rest => exp (- m * e) + failures m rest end.

Definition exponents : list R := exponent_0 :: exponent_1 :: exponent_2 :: exponent_3 :: exponent_4 :: exponent_5
  :: exponent_6 :: exponent_7 :: exponent_8 :: exponent_9 :: nil.

(** The width is twice the least number of independent pairs for which these tails together are at most delta. *)
Theorem reference_width : failures (width / 2) exponents <= delta < failures (width / 2 - 1) exponents.
Proof.
  cbv beta iota delta [failures exponents width delta exponent_0 exponent_1 exponent_2 exponent_3 exponent_4 exponent_5
    exponent_6 exponent_7 exponent_8 exponent_9]; split; interval with (i_prec 80).
Qed.

Theorem reference_rate : rate <= 2 * scale ^ 2 * lmin * q2 * (1 - a_slopes L2 Gmax lmin (sqrt q2) * Y / scale) <= (1 + 1 / 10 ^ 9) * rate.
Proof. unfold a_slopes, scale, rate, lmin, q2, Gmax, L2, Y; split; interval with (i_prec 80). Qed.

(** Every network of that scale whose Gram matrix, slopes and residual at the start are as good as these numbers falls at
    the printed rate, for as long as its flow exists. (That a drawn network's slopes are so with probability 1 - delta is
    where the width comes in, and prose.) *)
Theorem reference_network M T h s t : valid M -> flow M T h s -> n M = 10%nat -> c M = scale ->
  eigenvalues_from (n M) (G M) lmin -> (forall a, (a < n M)%nat -> G M a a <= Gmax) -> slope_lipschitz M L2 ->
  (forall a, (a < n M)%nat -> q2 <= slope2 M (h 0) a) -> length M (h 0) <= Y -> 0 <= t <= T ->
  loss M (h t) <= loss M (h 0) * exp (- rate * t).
Proof.
  intros V F Hn Hc Ev Dg Sm St Hy Ht.
  assert (P : 0 < lmin /\ 0 < Gmax /\ 0 < L2 /\ 0 < q2 /\ 0 < scale /\ 0 < Y) by (unfold lmin, Gmax, L2, q2, scale, Y; lra).
  assert (Q : 0 < sqrt q2) by (apply sqrt_lt_R0; apply P).
  assert (Q2 : sqrt q2 ^ 2 = q2) by (rewrite <- Rsqr_pow2; apply Rsqr_sqrt; lra).
  assert (A : 0 <= a_slopes L2 Gmax lmin (sqrt q2)) by (unfold a_slopes, lmin, q2, Gmax, L2; interval with (i_prec 80)).
  assert (B : a_slopes L2 Gmax lmin (sqrt q2) * Y / scale < 1) by (unfold a_slopes, scale, lmin, q2, Gmax, L2, Y; interval with (i_prec 80)).
  assert (C : a_slopes L2 Gmax lmin (sqrt q2) * length M (h 0) / c M <= a_slopes L2 Gmax lmin (sqrt q2) * Y / scale).
  { rewrite Hc; apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; apply P | apply Rmult_le_compat_l; trivial]. }
  destruct (slopes M T h s V F lmin Gmax ltac:(apply P) ltac:(apply P) Ev Dg L2 (sqrt q2) Sm ltac:(apply P) Q
    ltac:(intros; rewrite Q2; apply St; trivial) t ltac:(lra) Ht) as [_ Z].
  pose proof (loss_nonneg M (h 0)) as L0; eapply Rle_trans; [apply Z|]; apply Rmult_le_compat_l; trivial.
  destruct reference_rate as [Rt _]; rewrite Q2, Hc in *.
  assert (K : 0 <= 2 * scale ^ 2 * lmin * q2) by (unfold scale, lmin, q2; lra).
  assert (E : 2 * scale ^ 2 * lmin * q2 * (1 - a_slopes L2 Gmax lmin (sqrt q2) * Y / scale)
    <= 2 * scale ^ 2 * lmin * q2 * (1 - a_slopes L2 Gmax lmin (sqrt q2) * length M (h 0) / scale)) by (apply Rmult_le_compat_l; lra).
  apply Raux.exp_le; apply Rmult_le_compat_r; lra.
Qed.
