(** Gradient descent (9) for a sigma with Lipschitz derivative: one step against the flow, and the rate by slopes. *)
Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From linrate Require Import calculus sums gram flow master shapes constants methods.
Open Scope R_scope.

Lemma norm_triangle n u v : sqrt (norm2 n (fun a => u a + v a)) <= sqrt (norm2 n u) + sqrt (norm2 n v).
Proof.
  assert (E : norm2 n (fun a => u a + v a) = norm2 n u + 2 * sum n (fun a => u a * v a) + norm2 n v).
  { unfold norm2; rewrite <- sum_scal, <- !sum_plus; apply sum_ext; intros; ring. }
  pose proof (norm2_nonneg n (fun a => u a + v a)); rewrite E in *.
  apply triangle; trivial; try apply norm2_nonneg; apply cauchy_schwarz.
Qed.

(** |sigma(u + d) - sigma(u) - sigma'(u) d| <= L2 d^2/2 *)
Lemma taylor M L2 u d : (forall u, is_derive (sigma M) u (dsigma M u)) -> slope_lipschitz M L2 ->
  Rabs (sigma M (u + d) - sigma M u - dsigma M u * d) <= L2 / 2 * d ^ 2.
Proof.
  intros D [HL L].
  assert (K : forall e, Rabs e = 1 -> e * (sigma M (u + d) - sigma M u - dsigma M u * d) <= L2 / 2 * d ^ 2).
  { intros e He.
    pose (f := fun x => e * (sigma M (u + x * d) - x * (dsigma M u * d)) - L2 / 2 * d ^ 2 * x ^ 2).
    assert (Df : forall x, is_derive f x (e * (d * dsigma M (u + x * d) - dsigma M u * d) - L2 * d ^ 2 * x)).
    { intros x; apply (is_derive_minus (fun x => e * (sigma M (u + x * d) - x * (dsigma M u * d))) (fun x => L2 / 2 * d ^ 2 * x ^ 2)).
      - apply is_derive_scal, (is_derive_minus (fun x => sigma M (u + x * d)) (fun x => x * (dsigma M u * d))).
        + apply (is_derive_comp (sigma M) (fun x => u + x * d)); [apply D | auto_derive; trivial; ring].
        + auto_derive; trivial; ring.
      - auto_derive; trivial; field. }
    assert (E : f 1 <= f 0).
    { apply (nonincreasing f (fun x => e * (d * dsigma M (u + x * d) - dsigma M u * d) - L2 * d ^ 2 * x)); [lra | | |].
      - intros x _; apply (ex_derive_continuous f); eexists; apply Df.
      - intros; apply Df.
      - intros x Hx; specialize (L (u + x * d) u); replace (u + x * d - u) with (x * d) in L by ring.
        apply Rle_minus; eapply Rle_trans; [apply Rle_abs|]; rewrite Rabs_mult, He, Rmult_1_l.
        replace (d * dsigma M (u + x * d) - dsigma M u * d) with (d * (dsigma M (u + x * d) - dsigma M u)) by ring.
        rewrite Rabs_mult; replace (L2 * d ^ 2 * x) with (Rabs d * (L2 * Rabs (x * d))); [apply Rmult_le_compat_l; [apply Rabs_pos | trivial]|].
        rewrite Rabs_mult, (Rabs_right x), <- (pow2_abs d) by lra; ring. }
    unfold f in E; rewrite Rmult_0_l, Rplus_0_r, Rmult_1_l in E; lra. }
  pose proof (K 1 ltac:(apply Rabs_R1)); pose proof (K (-1) ltac:(rewrite Rabs_left; lra)).
  apply Rabs_le; lra.
Qed.

(** sqrt(A^2 + B) <= A + B/(2A) *)
Lemma sqrt_tangent A B : 0 < A -> 0 <= A ^ 2 + B -> sqrt (A ^ 2 + B) <= A + B / (2 * A).
Proof.
  intros HA HB; assert (E : 0 <= A + B / (2 * A)).
  { replace (A + B / (2 * A)) with ((A ^ 2 + (A ^ 2 + B)) / (2 * A)) by (field; lra); apply Rle_mult_inv_pos; nra. }
  rewrite <- (sqrt_pow2 (A + B / (2 * A))) by trivial; apply sqrt_le_1_alt.
  replace ((A + B / (2 * A)) ^ 2) with (A ^ 2 + B + (B / (2 * A)) ^ 2) by (field; lra).
  pose proof (pow2_ge_0 (B / (2 * A))); lra.
Qed.

Section Step.
  Variable M : Model.
  Hypothesis V : valid M.
  Variables (Ls L2 lmax Gmax step : R).
  Hypothesis Lip : lipschitz M Ls.
  Hypothesis Smooth : slope_lipschitz M L2.
  Hypothesis lmax_nonneg : 0 <= lmax.
  Hypothesis largest : eigenvalues_to (n M) (G M) lmax.
  Hypothesis Gmax_nonneg : 0 <= Gmax.
  Hypothesis diagonal : forall a, (a < n M)%nat -> G M a a <= Gmax.
  Hypothesis step_nonneg : 0 <= step.
  Let some := some_neurons M V.

  (** (9) in function space: every neuron moves by step times the velocity of the flow. *)
  Definition next (h : nat -> nat -> R) (i a : nat) : R := h i a + step * velocity M h i a.

  Variable h : nat -> nat -> R.
  Let r := residual M h.
  Let P := power M h.
  Let speed a := mean (m M) (fun i => velocity M h i a ^ 2).

  Lemma speeds : sum (n M) speed <= lmax * P.
  Proof.
    unfold speed, P, power; rewrite <- mean_sum_swap.
    replace (lmax * (c M ^ 2 * mean (m M) (fun i => form (n M) (G M) (weighted M h i) (weighted M h i))))
      with (mean (m M) (fun i => c M ^ 2 * (lmax * form (n M) (G M) (weighted M h i) (weighted M h i)))) by (rewrite !mean_scal; ring).
    apply mean_le; trivial; intros i Hi.
    rewrite (sum_factor _ (c M ^ 2) _ (fun a => apply (n M) (G M) (weighted M h i) a ^ 2)).
    - apply Rmult_le_compat_l; [apply pow2_ge_0|]; apply norm_of_gram_product; trivial; apply V.
    - intros a _; unfold velocity; rewrite <- (signs_of_scale M V i Hi); ring.
  Qed.

  (** What a step of the linearised flow would give, and the rest. *)
  Let euler a := r a - step * (c M ^ 2 * apply (n M) (kernel M h) r a).
  Let rest a := residual M (next h) a - euler a.

  Lemma kernel_apply a : c M ^ 2 * apply (n M) (kernel M h) r a = - mean (m M) (fun i => signs M i * (dsigma M (h i a) * velocity M h i a)).
  Proof.
    unfold apply, kernel, velocity, weighted, apply; rewrite <- sum_scal.
    transitivity (sum (n M) (fun b => mean (m M) (fun i => c M ^ 2 * (G M a b * (dsigma M (h i a) * dsigma M (h i b)) * r b)))).
    - apply sum_ext; intros b _; symmetry; rewrite (mean_factor _ (c M ^ 2 * G M a b * r b) _ (fun i => dsigma M (h i a) * dsigma M (h i b))) by (intros; ring); ring.
    - rewrite <- mean_sum_swap.
      replace (- mean (m M) (fun i => signs M i * (dsigma M (h i a) * (- signs M i * sum (n M) (fun b => G M a b * (residual M h b * dsigma M (h i b)))))))
        with (-1 * mean (m M) (fun i => signs M i * (dsigma M (h i a) * (- signs M i * sum (n M) (fun b => G M a b * (residual M h b * dsigma M (h i b))))))) by ring.
      apply mean_factor; intros i Hi; rewrite <- (signs_of_scale M V i Hi).
      rewrite (sum_factor _ (signs M i ^ 2 * dsigma M (h i a)) (fun b => signs M i ^ 2 * _)
        (fun b => G M a b * (r b * dsigma M (h i b)))) by (intros; ring).
      unfold r; ring.
  Qed.

  Lemma rest_small a : (a < n M)%nat -> Rabs (rest a) <= c M * L2 / 2 * step ^ 2 * speed a.
  Proof.
    intros Ha; pose proof (positive_scale M V) as Hc.
    assert (E : rest a = mean (m M) (fun i => signs M i * (sigma M (next h i a) - sigma M (h i a) - dsigma M (h i a) * (step * velocity M h i a)))).
    { unfold rest, euler; rewrite kernel_apply; unfold r, residual, output, mean; pose proof (INR_some (m M) some).
      rewrite (sum_ext (m M) (fun i => signs M i * (sigma M (next h i a) - sigma M (h i a) - dsigma M (h i a) * (step * velocity M h i a)))
        (fun i => (signs M i * sigma M (next h i a) - signs M i * sigma M (h i a)) - step * (signs M i * (dsigma M (h i a) * velocity M h i a)))) by (intros; ring).
      rewrite !sum_minus, sum_scal; field; lra. }
    rewrite E; unfold mean, speed, mean; pose proof (INR_some (m M) some).
    unfold Rdiv at 1; rewrite Rabs_mult, (Rabs_right (/ INR (m M))) by (left; apply Rinv_0_lt_compat; trivial).
    replace (c M * L2 / 2 * step ^ 2 * (sum (m M) (fun i => velocity M h i a ^ 2) / INR (m M)))
      with (sum (m M) (fun i => c M * L2 / 2 * step ^ 2 * velocity M h i a ^ 2) * / INR (m M)) by (rewrite sum_scal; field; lra).
    apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; trivial|].
    eapply Rle_trans; [apply sum_abs|]; apply sum_le; intros i Hi; rewrite Rabs_mult.
    assert (Es : Rabs (signs M i) = c M).
    { rewrite <- (Rabs_right (c M)) by lra; apply Rsqr_eq_abs_0; rewrite !Rsqr_pow2; apply signs_of_scale; trivial. }
    rewrite Es; replace (c M * L2 / 2 * step ^ 2 * velocity M h i a ^ 2) with (c M * (L2 / 2 * (step * velocity M h i a) ^ 2)) by (field; lra).
    apply Rmult_le_compat_l; [lra|]; apply taylor; trivial; apply V.
  Qed.

  Lemma rest_norm : sqrt (norm2 (n M) rest) <= c M * L2 / 2 * step ^ 2 * (sqrt (Gmax * lmax) * P).
  Proof.
    pose proof (positive_scale M V) as Hc; pose proof (power_nonneg M V h) as HP; destruct Smooth as [HL _]; fold P in HP.
    assert (K : 0 <= c M * L2 / 2 * step ^ 2) by (apply Rmult_le_pos; [nra | apply pow2_ge_0]).
    assert (N : 0 <= sqrt (Gmax * lmax)) by apply sqrt_pos.
    rewrite <- (sqrt_pow2 (c M * L2 / 2 * step ^ 2 * (sqrt (Gmax * lmax) * P))) by (apply Rmult_le_pos; trivial; apply Rmult_le_pos; trivial).
    apply sqrt_le_1_alt; rewrite Rpow_mult_distr, (Rpow_mult_distr (sqrt _)), <- (Rsqr_pow2 (sqrt _)), Rsqr_sqrt by (apply Rmult_le_pos; trivial).
    apply Rle_trans with (sum (n M) (fun a => (c M * L2 / 2 * step ^ 2) ^ 2 * (Gmax * P * speed a))).
    - apply sum_le; intros a Ha; pose proof (rest_small a Ha) as R.
      assert (S0 : 0 <= speed a) by (apply mean_sq_nonneg; trivial).
      assert (S1 : speed a <= Gmax * P).
      { eapply Rle_trans; [apply key_lemma_square; trivial|]; apply Rmult_le_compat_r; trivial; apply diagonal; trivial. }
      rewrite <- (pow2_abs (rest a)).
      apply Rle_trans with ((c M * L2 / 2 * step ^ 2 * speed a) ^ 2); [apply pow_incr; split; [apply Rabs_pos | trivial]|].
      rewrite Rpow_mult_distr; apply Rmult_le_compat_l; [apply pow2_ge_0|]; simpl; rewrite Rmult_1_r; apply Rmult_le_compat_r; trivial.
    - rewrite sum_scal; apply Rmult_le_compat_l; [apply pow2_ge_0|].
      rewrite sum_scal; pose proof speeds; assert (0 <= Gmax * P) by (apply Rmult_le_pos; trivial).
      apply Rle_trans with (Gmax * P * (lmax * P)); [apply Rmult_le_compat_l; trivial | right; ring].
  Qed.

  (** c^4 ||H r||^2 <= c^2 lambda_max Ls^2 P *)
  Lemma kernel_norm : norm2 (n M) (fun a => c M ^ 2 * apply (n M) (kernel M h) r a) <= c M ^ 2 * lmax * Ls ^ 2 * P.
  Proof.
    destruct Lip as [HLs Hs].
    apply Rle_trans with (sum (n M) (fun a => c M ^ 2 * Ls ^ 2 * speed a)).
    - apply sum_le; intros a Ha; rewrite kernel_apply, <- Rsqr_pow2, <- Rsqr_neg, Rsqr_pow2.
      eapply Rle_trans; [apply mean_le_rms; trivial|]; unfold speed; rewrite <- mean_scal; apply mean_le; trivial; intros i Hi.
      rewrite !Rpow_mult_distr, signs_of_scale, <- Rmult_assoc by trivial.
      apply Rmult_le_compat_r; [apply pow2_ge_0|]; apply Rmult_le_compat_l; [apply pow2_ge_0|].
      rewrite <- (pow2_abs (dsigma M (h i a))); apply pow_incr; split; [apply Rabs_pos | apply Hs].
    - rewrite sum_scal; replace (c M ^ 2 * lmax * Ls ^ 2 * P) with (c M ^ 2 * Ls ^ 2 * (lmax * P)) by ring.
      apply Rmult_le_compat_l; [|apply speeds]; apply Rmult_le_pos; apply pow2_ge_0.
  Qed.

  Lemma euler_square : norm2 (n M) euler <= norm2 (n M) r + (step ^ 2 * (c M ^ 2 * lmax * Ls ^ 2 * P) - 2 * step * P).
  Proof.
    assert (E : norm2 (n M) euler = norm2 (n M) r + (step ^ 2 * norm2 (n M) (fun a => c M ^ 2 * apply (n M) (kernel M h) r a) - 2 * step * P)).
    { unfold P; rewrite power_of_kernel by trivial; unfold norm2, form, euler.
      transitivity (sum (n M) (fun a => r a ^ 2 + (step ^ 2 * (c M ^ 2 * apply (n M) (kernel M h) r a) ^ 2 - 2 * step * c M ^ 2 * (r a * apply (n M) (kernel M h) r a)))).
      - apply sum_ext; intros; ring.
      - rewrite sum_plus, sum_minus, !sum_scal; fold r; ring. }
    rewrite E; pose proof kernel_norm; pose proof (pow2_ge_0 step); nra.
  Qed.

  (** ||r_{k+1}|| <= ||r_k|| - (1 - w) step P_k/||r_k||, for R0 at least ||r_k||. *)
  Theorem descent_step R0 : 0 < length M h <= R0 ->
    length M (next h) <= length M h - (1 - descent_w step (c M) lmax Ls L2 Gmax R0) * step * P / length M h.
  Proof.
    intros [Hr HR]; pose proof (positive_scale M V) as Hc; pose proof (power_nonneg M V h) as HP; fold P in HP.
    assert (N : length M h = sqrt (norm2 (n M) r)) by (unfold length; rewrite <- norm_of_loss; trivial).
    assert (N' : length M (next h) = sqrt (norm2 (n M) (fun a => euler a + rest a))).
    { unfold length; rewrite <- norm_of_loss; f_equal; apply sum_ext; intros; unfold rest; ring. }
    pose proof (norm_triangle (n M) euler rest) as Tr; rewrite <- N' in Tr; pose proof rest_norm as Rn.
    assert (En : sqrt (norm2 (n M) euler) <= length M h + (step ^ 2 * (c M ^ 2 * lmax * Ls ^ 2 * P) - 2 * step * P) / (2 * length M h)).
    { assert (N2 : length M h ^ 2 = norm2 (n M) r) by (rewrite N, <- Rsqr_pow2; apply Rsqr_sqrt, norm2_nonneg).
      pose proof euler_square as Eq; pose proof (norm2_nonneg (n M) euler); rewrite <- N2 in Eq.
      eapply Rle_trans; [apply sqrt_le_1_alt, Eq|]; apply sqrt_tangent; lra. }
    destruct Smooth as [HL _].
    assert (Z : c M * L2 / 2 * step ^ 2 * (sqrt (Gmax * lmax) * P) <= step * c M / 2 * (L2 * sqrt (Gmax * lmax) * R0) * step * P / length M h).
    { apply Rmult_le_reg_r with (length M h); trivial.
      replace (step * c M / 2 * (L2 * sqrt (Gmax * lmax) * R0) * step * P / length M h * length M h)
        with (c M * L2 / 2 * step ^ 2 * (sqrt (Gmax * lmax) * P) * R0) by (field; lra).
      apply Rmult_le_compat_l; trivial; pose proof (sqrt_pos (Gmax * lmax)).
      repeat (apply Rmult_le_pos; trivial); try lra; apply pow2_ge_0. }
    eapply Rle_trans; [apply Tr|]; eapply Rle_trans; [apply Rplus_le_compat; [apply En | eapply Rle_trans; [apply Rn | apply Z]]|].
    right; unfold descent_w; field; lra.
  Qed.

  (** A residual of zero stays zero, and such a state has P = 0. *)
  Lemma at_rest : length M h = 0 -> P = 0 /\ length M (next h) = 0.
  Proof.
    intros E; unfold length in E; pose proof (loss_nonneg M h) as L0.
    assert (Lz : loss M h = 0) by (apply sqrt_eq_0 in E; lra).
    assert (rz : forall a, (a < n M)%nat -> residual M h a = 0).
    { intros a Ha; pose proof (sum_term (n M) (fun a => residual M h a ^ 2) a ltac:(intros; apply pow2_ge_0) Ha) as H; cbv beta in H.
      fold (norm2 (n M) (residual M h)) in H; rewrite norm_of_loss, Lz in H; pose proof (pow2_ge_0 (residual M h a)); nra. }
    assert (Az : forall v a, (forall b, (b < n M)%nat -> v b = 0) -> apply (n M) (G M) v a = 0).
    { intros v a Hv; unfold apply; rewrite <- (sum_zero (n M)); apply sum_ext; intros; rewrite Hv; trivial; ring. }
    assert (wz : forall i b, (b < n M)%nat -> weighted M h i b = 0) by (intros; unfold weighted; rewrite rz; trivial; ring).
    split.
    - unfold P, power; rewrite (mean_ext _ _ (fun _ => 0)), mean_const; trivial; [ring|].
      intros i _; unfold form; rewrite <- (sum_zero (n M)); apply sum_ext; intros; rewrite wz; trivial; ring.
    - unfold length; assert (El : loss M (next h) = 0); [|rewrite El, Rmult_0_r; apply sqrt_0].
      assert (En : norm2 (n M) (residual M (next h)) = 0); [|unfold loss; rewrite En; lra].
      unfold norm2; rewrite <- (sum_zero (n M)); apply sum_ext; intros a Ha.
      replace (residual M (next h) a) with (residual M h a); [rewrite rz; trivial; ring|].
      unfold residual, output; f_equal; apply mean_ext; intros i _; f_equal; f_equal.
      unfold next, velocity; rewrite Az; [ring | intros; apply wz; trivial].
  Qed.
End Step.

(** Descent by slopes: the residual falls by a fixed factor in every step. *)
Section Slopes.
  Variable M : Model.
  Hypothesis V : valid M.
  Variables (Ls L2 lmin lmax Gmax step q : R).
  Hypothesis Lip : lipschitz M Ls.
  Hypothesis Smooth : slope_lipschitz M L2.
  Hypothesis lmin_pos : 0 < lmin.
  Hypothesis eigenvalues : eigenvalues_from (n M) (G M) lmin.
  Hypothesis lmax_nonneg : 0 <= lmax.
  Hypothesis largest : eigenvalues_to (n M) (G M) lmax.
  Hypothesis Gmax_pos : 0 < Gmax.
  Hypothesis diagonal : forall a, (a < n M)%nat -> G M a a <= Gmax.
  Hypothesis step_nonneg : 0 <= step.
  Hypothesis L2_pos : 0 < L2.
  Hypothesis q_pos : 0 < q.
  (** The states h k of the descent, and the path length s_k = sum_(j < k) step sqrt(P_j). *)
  Variable h : nat -> nat -> nat -> R.
  Hypothesis descends : forall k i a, h (S k) i a = next M step (h k) i a.
  Hypothesis start : forall a, (a < n M)%nat -> q ^ 2 <= slope2 M (h 0%nat) a.
  Let some := some_neurons M V.
  Let s k := sum k (fun j => step * sqrt (power M (h j))).
  Let w := descent_w step (c M) lmax Ls L2 Gmax (length M (h 0%nat)).
  Hypothesis w_small : w < 1.
  Let beta := a_slopes L2 Gmax lmin q * length M (h 0%nat) / ((1 - w) * c M).
  Hypothesis beta_small : beta < 1.
  Let e := q / (L2 * sqrt Gmax).

  Lemma s_nonneg k : 0 <= s k.
  Proof. apply sum_nonneg; intros; apply Rmult_le_pos; [trivial | apply sqrt_pos]. Qed.

  Lemma length_next k : length M (h (S k)) = length M (next M step (h k)).
  Proof.
    unfold length, loss; do 3 f_equal; apply sum_ext; intros a _; unfold residual, output; do 2 f_equal.
    apply mean_ext; intros i _; rewrite descends; trivial.
  Qed.

  Lemma descent_moves a k : (a < n M)%nat -> sqrt (mean (m M) (fun i => (h k i a - h 0%nat i a) ^ 2)) <= sqrt (G M a a) * s k.
  Proof.
    intros Ha; pose proof (diagonal_nonneg (n M) (G M) a (gram_semidefinite M V) Ha) as D.
    induction k.
    - rewrite (mean_ext _ _ (fun _ => 0)), mean_const, sqrt_0 by (trivial || intros; ring); apply Rmult_le_pos; [apply sqrt_pos | apply s_nonneg].
    - pose proof (mean_triangle (m M) some (fun i => h k i a - h 0%nat i a) (fun i => step * velocity M (h k) i a)) as Tr; cbv beta in Tr.
      rewrite (mean_ext _ _ (fun i => (h (S k) i a - h 0%nat i a) ^ 2)) in Tr by (intros; rewrite descends; unfold next; ring).
      assert (B : sqrt (mean (m M) (fun i => (step * velocity M (h k) i a) ^ 2)) <= sqrt (G M a a) * (step * sqrt (power M (h k)))).
      { rewrite (mean_factor _ (step ^ 2) _ (fun i => velocity M (h k) i a ^ 2)) by (intros; ring).
        rewrite sqrt_mult, sqrt_pow2 by (trivial; try apply pow2_ge_0; apply mean_sq_nonneg; trivial).
        replace (sqrt (G M a a) * (step * sqrt (power M (h k)))) with (step * (sqrt (G M a a) * sqrt (power M (h k)))) by ring.
        apply Rmult_le_compat_l; trivial; rewrite <- sqrt_mult by (trivial; apply power_nonneg; trivial).
        apply sqrt_le_1_alt, key_lemma_square; trivial. }
      replace (s (S k)) with (s k + step * sqrt (power M (h k))) by reflexivity; rewrite Rmult_plus_distr_l.
      eapply Rle_trans; [apply Tr | apply Rplus_le_compat; trivial].
  Qed.

  Lemma descent_slopes a k : (a < n M)%nat -> (q * g_line (s k / e)) ^ 2 <= slope2 M (h k) a.
  Proof.
    intros Ha; pose proof (slope2_nonneg M V (h k) a) as N; destruct Smooth as [HL L].
    assert (Hg : 0 < sqrt Gmax) by (apply sqrt_lt_R0; trivial); pose proof (s_nonneg k) as Hs.
    pose proof (mean_triangle (m M) some (fun i => dsigma M (h k i a)) (fun i => dsigma M (h 0%nat i a) - dsigma M (h k i a))) as H; cbv beta in H.
    rewrite (mean_ext _ (fun i => (dsigma M (h k i a) + (dsigma M (h 0%nat i a) - dsigma M (h k i a))) ^ 2) (fun i => dsigma M (h 0%nat i a) ^ 2)) in H by (intros; ring).
    assert (B : sqrt (mean (m M) (fun i => (dsigma M (h 0%nat i a) - dsigma M (h k i a)) ^ 2)) <= L2 * (sqrt (G M a a) * s k)).
    { apply Rle_trans with (L2 * sqrt (mean (m M) (fun i => (h k i a - h 0%nat i a) ^ 2))); [|apply Rmult_le_compat_l; [lra | apply descent_moves; trivial]].
      rewrite <- (sqrt_pow2 L2) at 1 by lra; rewrite <- sqrt_mult; [|apply pow2_ge_0 | apply (mean_sq_nonneg (m M) some (fun i => h k i a - h 0%nat i a))].
      apply sqrt_le_1_alt; rewrite <- mean_scal; apply mean_le; trivial; intros i _; specialize (L (h 0%nat i a) (h k i a)).
      rewrite <- (pow2_abs (dsigma M (h 0%nat i a) - _)), <- (pow2_abs (h k i a - _)), (Rabs_minus_sym (h k i a)), <- Rpow_mult_distr.
      apply pow_incr; split; [apply Rabs_pos | trivial]. }
    fold (slope2 M (h 0%nat) a) in H; fold (slope2 M (h k) a) in H.
    assert (Q : q <= sqrt (slope2 M (h 0%nat) a)) by (rewrite <- (sqrt_pow2 q) by lra; apply sqrt_le_1_alt, start; trivial).
    assert (D : L2 * (sqrt (G M a a) * s k) <= L2 * sqrt Gmax * s k).
    { rewrite <- Rmult_assoc; apply Rmult_le_compat_r; trivial; apply Rmult_le_compat_l; [lra|]; apply sqrt_le_1_alt, diagonal; trivial. }
    assert (E : q * (1 - s k / e) = q - L2 * sqrt Gmax * s k) by (unfold e; field; lra).
    rewrite <- (sqrt_def (slope2 M (h k) a)) by trivial; pose proof (sqrt_pos (slope2 M (h k) a)).
    unfold g_line, Rmax; destruct (Rle_dec 0 (1 - s k / e)); [|rewrite Rmult_0_r; nra].
    rewrite E; assert (0 <= q - L2 * sqrt Gmax * s k) by (rewrite <- E; apply Rmult_le_pos; lra); nra.
  Qed.

  Lemma descent_power k : c M * (sqrt lmin * q * g_line (s k / e)) * length M (h k) <= sqrt (power M (h k)).
  Proof.
    pose proof (pl M V (h k) lmin ((q * g_line (s k / e)) ^ 2) ltac:(lra) eigenvalues (fun a Ha => descent_slopes a k Ha)) as H.
    pose proof (positive_scale M V); pose proof (loss_nonneg M (h k)).
    assert (N : 0 <= c M * (sqrt lmin * q * g_line (s k / e))).
    { apply Rmult_le_pos; [lra|]; apply Rmult_le_pos; [apply Rmult_le_pos; [apply sqrt_pos | lra] | apply Rmax_l]. }
    unfold length; rewrite <- (sqrt_pow2 (c M * (sqrt lmin * q * g_line (s k / e)))), <- sqrt_mult by (trivial; try apply pow2_ge_0; lra).
    apply sqrt_le_1_alt; replace ((c M * (sqrt lmin * q * g_line (s k / e))) ^ 2) with (c M ^ 2 * (sqrt lmin * sqrt lmin) * (q * g_line (s k / e)) ^ 2) by ring.
    rewrite sqrt_sqrt by lra; lra.
  Qed.

  (** The residual pays for the path, at the price reduced by 1 - w; and it never grows. *)
  Lemma descent_pays k : length M (h k) <= length M (h 0%nat) /\
    length M (h k) + (1 - w) * c M * (sqrt lmin * q * e * i_line (s k / e)) <= length M (h 0%nat).
  Proof.
    assert (Hg : 0 < sqrt Gmax) by (apply sqrt_lt_R0; trivial); assert (Hl : 0 < sqrt lmin) by (apply sqrt_lt_R0; trivial).
    assert (He : 0 < e) by (apply Rdiv_lt_0_compat; trivial; apply Rmult_lt_0_compat; trivial); pose proof (positive_scale M V) as Hc.
    destruct (scaled g_line i_line (sqrt lmin * q) e shape_line ltac:(apply Rmult_le_pos; lra) He) as [Gn Gm [G0 GI]].
    cbv beta in G0, GI; induction k.
    - unfold s; simpl; split; [lra | rewrite G0; lra].
    - destruct IHk as [I1 I2]; rewrite length_next.
      assert (Es : s (S k) = s k + step * sqrt (power M (h k))) by reflexivity.
      pose proof (sqrt_pos (2 * loss M (h k))) as Hr; fold (length M (h k)) in Hr.
      destruct (Req_dec (length M (h k)) 0) as [Z|Nz].
      + destruct (at_rest M V step (h k) Z) as [Pz Rz].
        rewrite Es, Pz, sqrt_0, Rmult_0_r, Rplus_0_r, Rz; rewrite Z in *; split; lra.
      + pose proof (descent_step M V Ls L2 lmax Gmax step Lip Smooth lmax_nonneg largest ltac:(lra) diagonal step_nonneg (h k) (length M (h 0%nat)) ltac:(lra)) as D.
        fold w in D; pose proof (descent_power k) as Pk; pose proof (sqrt_pos (power M (h k))) as Sp; pose proof (power_nonneg M V (h k)) as Pn.
        assert (Q : step * sqrt (power M (h k)) * (c M * (sqrt lmin * q * g_line (s k / e))) <= step * power M (h k) / length M (h k)).
        { apply Rmult_le_reg_r with (length M (h k)); [lra|].
          replace (step * power M (h k) / length M (h k) * length M (h k)) with (step * power M (h k)) by (field; lra).
          rewrite <- (sqrt_def (power M (h k))) at 2 by trivial; rewrite !Rmult_assoc; apply Rmult_le_compat_l; trivial.
          apply Rmult_le_compat_l; trivial; lra. }
        destruct (GI (s k) (s (S k))) as [_ B].
        { rewrite Es; pose proof (s_nonneg k); assert (0 <= step * sqrt (power M (h k))) by (apply Rmult_le_pos; trivial); lra. }
        replace (s (S k) - s k) with (step * sqrt (power M (h k))) in B by (rewrite Es; ring).
        assert (Dp : 0 <= step * power M (h k) / length M (h k)) by (apply Rle_mult_inv_pos; [apply Rmult_le_pos; trivial | lra]).
        replace ((1 - w) * step * power M (h k) / length M (h k)) with ((1 - w) * (step * power M (h k) / length M (h k))) in D by (field; lra).
        split; [nra|].
        assert ((1 - w) * c M * (sqrt lmin * q * e * i_line (s (S k) / e) - sqrt lmin * q * e * i_line (s k / e)) <= (1 - w) * (step * power M (h k) / length M (h k))); [|lra].
        apply Rle_trans with ((1 - w) * (step * sqrt (power M (h k)) * (c M * (sqrt lmin * q * g_line (s k / e))))); [|apply Rmult_le_compat_l; lra].
        replace ((1 - w) * (step * sqrt (power M (h k)) * (c M * (sqrt lmin * q * g_line (s k / e)))))
          with ((1 - w) * c M * (sqrt lmin * q * g_line (s k / e) * (step * sqrt (power M (h k))))) by ring.
        apply Rmult_le_compat_l; [apply Rmult_le_pos; lra | trivial].
  Qed.

  Theorem descent_rate k :
    length M (h (S k)) <= (1 - (1 - w) * step * c M ^ 2 * lmin * q ^ 2 * (1 - beta)) * length M (h k).
  Proof.
    assert (Hg : 0 < sqrt Gmax) by (apply sqrt_lt_R0; trivial); assert (Hl : 0 < sqrt lmin) by (apply sqrt_lt_R0; trivial).
    assert (He : 0 < e) by (apply Rdiv_lt_0_compat; trivial; apply Rmult_lt_0_compat; trivial); pose proof (positive_scale M V) as Hc.
    pose proof (sqrt_pos (2 * loss M (h k))) as Hr; fold (length M (h k)) in Hr; rewrite length_next.
    destruct (Req_dec (length M (h k)) 0) as [Z|Nz]; [destruct (at_rest M V step (h k) Z) as [_ Rz]; rewrite Rz, Z; lra|].
    destruct (descent_pays k) as [I1 I2].
    assert (W : 0 < (1 - w) * c M) by (apply Rmult_lt_0_compat; lra).
    assert (B : 0 <= beta).
    { unfold beta, a_slopes; apply Rle_mult_inv_pos; trivial; apply Rmult_le_pos; [|apply sqrt_pos]; apply Rle_mult_inv_pos; [nra|]; apply Rmult_lt_0_compat; trivial; nra. }
    destruct (position_line beta (conj B beta_small)) as [X [I Q]].
    (* while the residual is not zero, the path is shorter than S *)
    assert (HS : s k / e <= 1 - sqrt (1 - beta)).
    { destruct (Rle_lt_dec (s k / e) (1 - sqrt (1 - beta))) as [|N]; trivial; exfalso.
      destruct (shape_integral _ _ shape_line) as [_ Bi]; destruct (Bi (1 - sqrt (1 - beta)) (s k / e) ltac:(lra)) as [Bl _].
      assert (0 <= g_line (s k / e) * (s k / e - (1 - sqrt (1 - beta)))) by (apply Rmult_le_pos; [apply Rmax_l | lra]).
      assert (E : (1 - w) * c M * (sqrt lmin * q * e * i_line (1 - sqrt (1 - beta))) = length M (h 0%nat)).
      { rewrite I, integral_line by lra; unfold beta, a_slopes, e; field; repeat split; lra. }
      assert ((1 - w) * c M * (sqrt lmin * q * e * i_line (1 - sqrt (1 - beta))) <= (1 - w) * c M * (sqrt lmin * q * e * i_line (s k / e))); [|lra].
      apply Rmult_le_compat_l; [lra|]; apply Rmult_le_compat_l; [|lra]; apply Rmult_le_pos; [apply Rmult_le_pos; lra | lra]. }
    pose proof (shape_monotone _ _ shape_line (s k / e) (1 - sqrt (1 - beta))) as Mo.
    assert (Hx : 0 <= s k / e) by (apply Rle_mult_inv_pos; [apply s_nonneg | trivial]); specialize (Mo (conj Hx HS)).
    pose proof (descent_step M V Ls L2 lmax Gmax step Lip Smooth lmax_nonneg largest ltac:(lra) diagonal step_nonneg (h k) (length M (h 0%nat)) ltac:(lra)) as D.
    fold w in D; pose proof (descent_power k) as Pk; pose proof (power_nonneg M V (h k)) as Pn.
    assert (G0 : 0 <= g_line (1 - sqrt (1 - beta))) by apply Rmax_l.
    assert (Pb : c M ^ 2 * lmin * q ^ 2 * (1 - beta) * length M (h k) ^ 2 <= power M (h k)).
    { rewrite <- Q, <- (sqrt_def (power M (h k))) by trivial.
      assert (A : c M * (sqrt lmin * q * g_line (1 - sqrt (1 - beta))) * length M (h k) <= sqrt (power M (h k))).
      { eapply Rle_trans; [|apply Pk]; apply Rmult_le_compat_r; trivial; apply Rmult_le_compat_l; [lra|]; apply Rmult_le_compat_l; [apply Rmult_le_pos; lra | trivial]. }
      assert (A0 : 0 <= c M * (sqrt lmin * q * g_line (1 - sqrt (1 - beta))) * length M (h k)) by (repeat apply Rmult_le_pos; lra).
      replace (c M ^ 2 * lmin * q ^ 2 * g_line (1 - sqrt (1 - beta)) ^ 2 * length M (h k) ^ 2)
        with ((c M * (sqrt lmin * q * g_line (1 - sqrt (1 - beta))) * length M (h k)) * (c M * (sqrt lmin * q * g_line (1 - sqrt (1 - beta))) * length M (h k))).
      - apply Rmult_le_compat; trivial.
      - transitivity (c M ^ 2 * (sqrt lmin * sqrt lmin) * q ^ 2 * g_line (1 - sqrt (1 - beta)) ^ 2 * length M (h k) ^ 2); [ring | rewrite sqrt_sqrt by lra; ring]. }
    assert (F : (1 - w) * step * c M ^ 2 * lmin * q ^ 2 * (1 - beta) * length M (h k) <= (1 - w) * step * power M (h k) / length M (h k)).
    { apply Rmult_le_reg_r with (length M (h k)); [lra|].
      replace ((1 - w) * step * power M (h k) / length M (h k) * length M (h k)) with ((1 - w) * step * power M (h k)) by (field; lra).
      replace ((1 - w) * step * c M ^ 2 * lmin * q ^ 2 * (1 - beta) * length M (h k) * length M (h k))
        with ((1 - w) * step * (c M ^ 2 * lmin * q ^ 2 * (1 - beta) * length M (h k) ^ 2)) by ring.
      apply Rmult_le_compat_l; [apply Rmult_le_pos; lra | trivial]. }
    lra.
  Qed.
End Slopes.
