(** Shadowing (docs/certificates.md): the distances (D1) and (D2), the scalar inequality z' <= k z + eps, and the corollary
    for one step, in which the growth rate k is known only as long as z <= w. *)
Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From linrate Require Import calculus sums gram flow methods descent.
Open Scope R_scope.

Section Distance.
  Variables (M : Model) (H0 U U' : nat -> nat -> R).
  Hypothesis V : valid M.
  Let some := some_neurons M V.
  (** h_i = H_i - c_i G U_i *)
  Definition state (U : nat -> nat -> R) (i a : nat) : R := H0 i a - signs M i * apply (n M) (G M) (U i) a.
  (** |Z|^2 = (1/m) sum_i Z_i'G Z_i *)
  Definition distance2 : R := mean (m M) (fun i => form (n M) (G M) (fun a => U i a - U' i a) (fun a => U i a - U' i a)).

  Lemma state_difference i a : state U i a - state U' i a = - signs M i * apply (n M) (G M) (fun b => U i b - U' i b) a.
  Proof.
    unfold state, apply; rewrite (sum_ext _ (fun b => G M a b * (U i b - U' i b)) (fun b => G M a b * U i b - G M a b * U' i b)) by (intros; ring).
    rewrite sum_minus; ring.
  Qed.

  Theorem distance_d1 a : (a < n M)%nat -> mean (m M) (fun i => (state U i a - state U' i a) ^ 2) <= c M ^ 2 * G M a a * distance2.
  Proof.
    intros Ha; unfold distance2; rewrite <- mean_scal; apply mean_le; trivial; intros i Hi.
    rewrite state_difference, <- (signs_of_scale M V i Hi), Rmult_assoc.
    replace ((- signs M i * apply (n M) (G M) (fun b => U i b - U' i b) a) ^ 2)
      with (signs M i ^ 2 * apply (n M) (G M) (fun b => U i b - U' i b) a ^ 2) by ring.
    apply Rmult_le_compat_l; [apply pow2_ge_0 | apply entry_of_gram_product; trivial; apply V].
  Qed.

  (** ||f - f~||^2 <= c^4 Ls^2 lambda_max |Z|^2 *)
  Theorem distance_d2 Ls lmax : lipschitz M Ls -> 0 <= lmax -> eigenvalues_to (n M) (G M) lmax ->
    norm2 (n M) (fun a => output M (state U) a - output M (state U') a) <= c M ^ 4 * Ls ^ 2 * lmax * distance2.
  Proof.
    intros HL Hl E; pose proof (positive_scale M V) as Hc.
    apply Rle_trans with (sum (n M) (fun a => (c M * Ls) ^ 2 * mean (m M) (fun i => (state U i a - state U' i a) ^ 2))).
    - apply sum_le; intros a Ha; pose proof (movement_lower M V (state U') Ls (state U) a HL) as B.
      rewrite <- pow2_abs.
      apply Rle_trans with ((c M * Ls * mean (m M) (fun i => Rabs (state U i a - state U' i a))) ^ 2); [apply pow_incr; split; [apply Rabs_pos | trivial]|].
      rewrite Rpow_mult_distr; apply Rmult_le_compat_l; [apply pow2_ge_0|].
      eapply Rle_trans; [apply mean_le_rms; trivial|]; apply mean_le; trivial; intros; rewrite pow2_abs; lra.
    - rewrite sum_scal; replace (c M ^ 4 * Ls ^ 2 * lmax * distance2) with ((c M * Ls) ^ 2 * (c M ^ 2 * lmax * distance2)) by ring.
      apply Rmult_le_compat_l; [apply pow2_ge_0|]; rewrite <- mean_sum_swap; unfold distance2; rewrite <- mean_scal.
      apply mean_le; trivial; intros i Hi; rewrite Rmult_assoc.
      rewrite (sum_factor _ (c M ^ 2) _ (fun a => apply (n M) (G M) (fun b => U i b - U' i b) a ^ 2)).
      + apply Rmult_le_compat_l; [apply pow2_ge_0|]; apply norm_of_gram_product; trivial; apply V.
      + intros a _; rewrite state_difference, <- (signs_of_scale M V i Hi); ring.
  Qed.
End Distance.

(** z' <= k z + eps, for z = sqrt(u): then z(T) <= exp(k T) (z(0) + eps T). *)
Theorem shadowing_scalar (u du : R -> R) (k eps T : R) : 0 <= T -> 0 <= k -> 0 <= eps ->
  (forall t, 0 <= t <= T -> continuous u t) -> (forall t, 0 < t < T -> is_derive u t (du t)) -> (forall t, 0 <= t <= T -> 0 <= u t) ->
  (forall t, 0 < t < T -> du t / 2 <= k * u t + eps * sqrt (u t)) ->
  sqrt (u T) <= exp (k * T) * (sqrt (u 0) + eps * T).
Proof.
  intros HT Hk He Hc Hd Hu Hle.
  assert (Ec : forall t, continuous (fun t => exp (- (2 * k * t))) t) by (intros; apply (ex_derive_continuous (fun t => exp (- (2 * k * t)))); auto_derive; trivial).
  assert (E : forall t, exp (- (2 * k * t)) = exp (- (k * t)) ^ 2).
  { intros; simpl; rewrite Rmult_1_r, <- exp_plus; f_equal; ring. }
  assert (B : sqrt (u T * exp (- (2 * k * T))) <= sqrt (u 0 * exp (- (2 * k * 0))) + (eps * T - eps * 0)).
  { apply (sqrt_growth (fun t => u t * exp (- (2 * k * t))) (fun t => (du t - 2 * k * u t) * exp (- (2 * k * t))) (fun t => eps * t) (fun _ => eps)); trivial.
    - intros t Ht; apply (continuous_mult (K := R_AbsRing) u (fun t => exp (- (2 * k * t)))); [apply Hc; trivial | apply Ec].
    - intros t _; apply (ex_derive_continuous (fun t => eps * t)); auto_derive; trivial.
    - intros t Ht; auto_derive; [repeat split; exists (du t); apply Hd; trivial|].
      rewrite (is_derive_unique (fun x : R => u x) t (du t)) by (apply Hd; trivial); ring.
    - intros t Ht; auto_derive; trivial; ring.
    - intros t Ht; apply Rmult_le_pos; [apply Hu; trivial | left; apply exp_pos].
    - intros t Ht; specialize (Hle t Ht); assert (Ut : 0 <= u t) by (apply Hu; lra); pose proof (exp_pos (- (k * t))) as P; rewrite E.
      rewrite sqrt_mult, sqrt_pow2 by (trivial; try apply pow2_ge_0; lra).
      assert (Q : exp (- (k * t)) <= 1).
      { rewrite <- exp_0; destruct (Req_dec (k * t) 0) as [->|N]; [rewrite Ropp_0; lra|]; left; apply exp_increasing.
        assert (0 <= k * t) by (apply Rmult_le_pos; lra); lra. }
      pose proof (sqrt_pos (u t)) as S.
      apply Rle_trans with (2 * eps * sqrt (u t) * exp (- (k * t)) ^ 2); [apply Rmult_le_compat_r; [apply pow2_ge_0 | lra]|].
      replace (2 * (sqrt (u t) * exp (- (k * t))) * eps) with (2 * eps * sqrt (u t) * exp (- (k * t))) by ring.
      apply Rmult_le_compat_l; [apply Rmult_le_pos; lra | simpl; nra]. }
  rewrite !E, !sqrt_mult, !sqrt_pow2 in B by (try apply pow2_ge_0; try (left; apply exp_pos); apply Hu; lra).
  rewrite Rmult_0_r, Ropp_0, exp_0 in B; rewrite exp_Ropp in B; pose proof (exp_pos (k * T)) as P.
  apply Rmult_le_reg_r with (/ exp (k * T)); [apply Rinv_0_lt_compat; trivial|].
  replace (exp (k * T) * (sqrt (u 0) + eps * T) * / exp (k * T)) with (sqrt (u 0) + eps * T) by (field; lra); lra.
Qed.

(** One step of duration theta: the inequality is only known where z <= w, and z_1 = exp(k theta) (z_0 + eps theta) < w. *)
Theorem shadowing_step (u du : R -> R) (k eps z0 w theta : R) : 0 <= theta -> 0 <= k -> 0 <= eps -> sqrt (u 0) <= z0 ->
  (forall t, 0 <= t <= theta -> continuous u t) -> (forall t, 0 < t < theta -> is_derive u t (du t)) -> (forall t, 0 <= t <= theta -> 0 <= u t) ->
  (forall t, 0 < t < theta -> sqrt (u t) <= w -> du t / 2 <= k * u t + eps * sqrt (u t)) ->
  exp (k * theta) * (z0 + eps * theta) < w ->
  forall t, 0 <= t <= theta -> sqrt (u t) <= exp (k * theta) * (z0 + eps * theta).
Proof.
  intros HT Hk He Hz Hc Hd Hu Hle Hw.
  assert (Z0 : 0 <= z0) by (pose proof (sqrt_pos (u 0)); lra).
  (* as long as z <= w before t, z <= z_1 at t *)
  assert (G : forall t, 0 <= t <= theta -> (forall v, 0 < v < t -> sqrt (u v) <= w) -> sqrt (u t) <= exp (k * theta) * (z0 + eps * theta)).
  { intros t Ht Hb; eapply Rle_trans; [apply (shadowing_scalar u du k eps t); trivial; try lra; intros|].
    - apply Hc; lra.
    - apply Hd; lra.
    - apply Hu; lra.
    - apply Hle; [lra | apply Hb; trivial].
    - assert (A : exp (k * t) <= exp (k * theta)).
      { destruct (Req_dec (k * t) (k * theta)) as [->|N]; [lra|]; left; apply exp_increasing; assert (k * t <= k * theta) by (apply Rmult_le_compat_l; lra); lra. }
      pose proof (exp_pos (k * t)); pose proof (sqrt_pos (u 0)).
      assert (eps * t <= eps * theta) by (apply Rmult_le_compat_l; lra); assert (0 <= eps * t) by (apply Rmult_le_pos; lra).
      apply Rmult_le_compat; lra. }
  (* the times up to which z <= w are all of [0, theta] *)
  pose (E := fun t => 0 <= t <= theta /\ forall v, 0 <= v <= t -> sqrt (u v) <= w).
  assert (E0 : E 0).
  { split; [lra|]; intros v Hv; replace v with 0 by lra; specialize (G 0 ltac:(lra) ltac:(intros; lra)); lra. }
  destruct (completeness E) as [tau [Hub Hlub]].
  - exists theta; intros t [Ht _]; lra.
  - exists 0; trivial.
  - assert (T0 : 0 <= tau <= theta) by (split; [apply Hub; trivial | apply Hlub; intros t [Ht _]; lra]).
    assert (Below : forall v, 0 <= v < tau -> sqrt (u v) <= w).
    { intros v Hv; destruct (Rle_lt_dec (sqrt (u v)) w) as [|N]; trivial; exfalso.
      assert (tau <= v); [|lra]; apply Hlub; intros t [Ht Hb]; destruct (Rle_lt_dec t v) as [|M0]; trivial; exfalso.
      specialize (Hb v ltac:(lra)); lra. }
    assert (At : sqrt (u tau) < w) by (eapply Rle_lt_trans; [apply G; trivial; intros; apply Below; lra | trivial]).
    assert (Full : tau = theta).
    { destruct (Req_dec tau theta) as [|N]; trivial; exfalso.
      assert (C : continuous (fun t => sqrt (u t)) tau) by (apply (continuous_comp u sqrt); [apply Hc; trivial | apply continuous_sqrt]).
      destruct (C (fun x => x < w)) as [d Hd0]; [apply (open_lt w); trivial|].
      pose (t := Rmin theta (tau + d / 2)); assert (Hdp := cond_pos d).
      assert (Ht : tau < t <= theta) by (unfold t; split; [apply Rmin_glb_lt; lra | apply Rmin_l]).
      assert (t <= tau); [|lra]; apply Hub; split; [lra|]; intros v Hv.
      destruct (Rlt_le_dec v tau) as [L|L]; [apply Below; lra|]; left; apply Hd0.
      unfold ball; simpl; unfold AbsRing_ball, abs, minus, plus, opp; simpl; assert (t <= tau + d / 2) by apply Rmin_r.
      apply Rabs_lt_between; lra. }
    intros t Ht; apply G; trivial; intros v Hv; apply Below; lra.
Qed.
