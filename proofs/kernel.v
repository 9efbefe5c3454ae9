(** The method kernel: the least eigenvalue of the tangent kernel moves slowly. G need not be positive definite. *)
Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From linrate Require Import calculus sums gram flow master shapes constants methods.
Open Scope R_scope.

(** Minkowski for neurons stacked: sqrt((1/m) sum_i u_i'G u_i) is a seminorm. *)
Lemma stacked_triangle n m G (u v : nat -> nat -> R) : (0 < m)%nat -> symmetric n G -> semidefinite n G ->
  sqrt (mean m (fun i => form n G (fun a => u i a + v i a) (fun a => u i a + v i a)))
  <= sqrt (mean m (fun i => form n G (u i) (u i))) + sqrt (mean m (fun i => form n G (v i) (v i))).
Proof.
  intros Hm S P.
  assert (E : forall t, mean m (fun i => form n G (fun a => u i a + t * v i a) (fun a => u i a + t * v i a))
    = mean m (fun i => form n G (v i) (v i)) * t ^ 2 + 2 * mean m (fun i => form n G (u i) (v i)) * t + mean m (fun i => form n G (u i) (u i))).
  { intros t; rewrite (mean_ext _ _ (fun i => (t ^ 2 * form n G (v i) (v i) + 2 * t * form n G (u i) (v i)) + form n G (u i) (u i))).
    - rewrite !mean_plus, !mean_scal; ring.
    - intros; rewrite form_square by trivial; ring. }
  assert (N : forall t, 0 <= mean m (fun i => form n G (fun a => u i a + t * v i a) (fun a => u i a + t * v i a)))
    by (intros; apply mean_nonneg; trivial; intros; apply P).
  rewrite (mean_ext _ _ (fun i => form n G (fun a => u i a + 1 * v i a) (fun a => u i a + 1 * v i a)))
    by (intros; apply form_ext; intros; ring).
  rewrite E; pose proof (N 1) as N1; rewrite E in N1.
  replace (mean m (fun i => form n G (v i) (v i)) * 1 ^ 2 + 2 * mean m (fun i => form n G (u i) (v i)) * 1 + mean m (fun i => form n G (u i) (u i)))
    with (mean m (fun i => form n G (u i) (u i)) + 2 * mean m (fun i => form n G (u i) (v i)) + mean m (fun i => form n G (v i) (v i))) in * by ring.
  apply triangle; trivial; try (apply mean_nonneg; trivial; intros; apply P).
  rewrite Rmult_comm; apply discriminant; [apply mean_nonneg; trivial; intros; apply P | intros t; rewrite <- E; apply N].
Qed.

Section Kernel.
  Variables (M : Model) (T : R) (h : R -> nat -> nat -> R) (s : R -> R).
  Hypothesis V : valid M.
  Hypothesis F : flow M T h s.
  Variables (L2 lmax Gmax l0 : R).
  Hypothesis smooth : slope_lipschitz M L2.
  Hypothesis lmax_pos : 0 < lmax.
  Hypothesis largest : eigenvalues_to (n M) (G M) lmax.
  Hypothesis Gmax_pos : 0 < Gmax.
  Hypothesis diagonal : forall a, (a < n M)%nat -> G M a a <= Gmax.
  (** lambda_min(H^0) >= l0 *)
  Hypothesis start : eigenvalues_from (n M) (kernel M (h 0)) l0.

  (** Weyl's step, as an inequality of quadratic forms: sqrt(x'H^t x) >= (sqrt(l0) - L2 sqrt(lmax Gmax) s) |x|. *)
  Theorem kernel_path x t : 0 <= l0 -> 0 <= t <= T ->
    (sqrt l0 - L2 * sqrt (lmax * Gmax) * s t) * sqrt (norm2 (n M) x) <= sqrt (form (n M) (kernel M (h t)) x x).
  Proof.
    intros Hl Ht; pose proof (some_neurons M V) as some; destruct smooth as [HL HL2].
    pose proof (path_nonneg M T h s F t Ht) as Hs.
    pose proof (norm2_nonneg (n M) x) as Nx.
    pose (u := fun i a => x a * dsigma M (h t i a)); pose (v := fun i a => x a * (dsigma M (h 0 i a) - dsigma M (h t i a))).
    pose proof (stacked_triangle (n M) (m M) (G M) u v some (gram_symmetric M V) (gram_semidefinite M V)) as H.
    rewrite (mean_ext _ (fun i => form (n M) (G M) (fun a => u i a + v i a) (fun a => u i a + v i a))
      (fun i => form (n M) (G M) (fun a => x a * dsigma M (h 0 i a)) (fun a => x a * dsigma M (h 0 i a)))) in H
      by (intros; apply form_ext; intros; unfold u, v; ring).
    rewrite <- kernel_form in H.
    replace (mean (m M) (fun i => form (n M) (G M) (u i) (u i))) with (form (n M) (kernel M (h t)) x x) in H by (apply kernel_form).
    assert (A : sqrt l0 * sqrt (norm2 (n M) x) <= sqrt (form (n M) (kernel M (h 0)) x x)).
    { rewrite <- sqrt_mult by trivial; apply sqrt_le_1_alt, start. }
    assert (B : sqrt (mean (m M) (fun i => form (n M) (G M) (v i) (v i))) <= L2 * sqrt (lmax * Gmax) * s t * sqrt (norm2 (n M) x)).
    { assert (K : 0 <= L2 * sqrt (lmax * Gmax) * s t) by (apply Rmult_le_pos; [apply Rmult_le_pos; [trivial | apply sqrt_pos] | trivial]).
      rewrite <- (sqrt_pow2 (L2 * sqrt (lmax * Gmax) * s t)), <- sqrt_mult by (trivial; apply pow2_ge_0); apply sqrt_le_1_alt.
      replace ((L2 * sqrt (lmax * Gmax) * s t) ^ 2) with (lmax * (L2 ^ 2 * Gmax * s t ^ 2)).
      2: { rewrite !Rpow_mult_distr, <- (Rsqr_pow2 (sqrt _)), Rsqr_sqrt by nra; ring. }
      apply Rle_trans with (mean (m M) (fun i => lmax * norm2 (n M) (v i))).
      - apply mean_le; trivial; intros; apply largest.
      - rewrite mean_scal, Rmult_assoc; apply Rmult_le_compat_l; [lra|].
        unfold norm2; rewrite mean_sum_swap, <- sum_scal; apply sum_le; intros a Ha.
        rewrite (mean_factor _ (x a ^ 2) _ (fun i => (dsigma M (h 0 i a) - dsigma M (h t i a)) ^ 2)) by (intros; unfold v; ring).
        rewrite Rmult_comm; apply Rmult_le_compat_r; [apply pow2_ge_0|].
        apply Rle_trans with (L2 ^ 2 * mean (m M) (fun i => (h t i a - h 0 i a) ^ 2)).
        + rewrite <- mean_scal; apply mean_le; trivial; intros i _.
          rewrite <- (pow2_abs (dsigma M (h 0 i a) - _)), <- (pow2_abs (h t i a - _)), (Rabs_minus_sym (h t i a)), <- Rpow_mult_distr.
          apply pow_incr; split; [apply Rabs_pos | apply HL2].
        + rewrite Rmult_assoc; apply Rmult_le_compat_l; [apply pow2_ge_0|].
          eapply Rle_trans; [apply (movement_square M T h s V F a t Ha Ht)|].
          apply Rmult_le_compat_r; [apply pow2_ge_0 | apply diagonal; trivial]. }
    lra.
  Qed.

  Hypothesis L2_pos : 0 < L2.
  Hypothesis l0_pos : 0 < l0.

  Theorem kernel_rate t :
    let beta := a_kernel L2 lmax Gmax l0 * length M (h 0) / c M in beta < 1 -> 0 <= t <= T ->
    s t <= sqrt l0 / (L2 * sqrt (lmax * Gmax)) * (1 - sqrt (1 - beta)) /\
    loss M (h t) <= loss M (h 0) * exp (- (2 * c M ^ 2 * l0 * (1 - beta)) * t).
  Proof.
    intros beta Hb Ht; pose proof (positive_scale M V) as Hc; pose proof (some_neurons M V) as some.
    assert (Hg : 0 < sqrt (lmax * Gmax)) by (apply sqrt_lt_R0; nra); assert (Hl : 0 < sqrt l0) by (apply sqrt_lt_R0; trivial).
    assert (H0 : 0 <= length M (h 0)) by apply sqrt_pos.
    assert (LG : 0 < L2 * sqrt (lmax * Gmax)) by (apply Rmult_lt_0_compat; trivial).
    assert (B : 0 <= beta).
    { unfold beta, a_kernel; apply Rle_mult_inv_pos; trivial; apply Rmult_le_pos; trivial; apply Rle_mult_inv_pos; lra. }
    pose (e := sqrt l0 / (L2 * sqrt (lmax * Gmax))).
    assert (He : 0 < e) by (apply Rdiv_lt_0_compat; trivial).
    destruct (position_line beta (conj B Hb)) as [X [I Q]].
    destruct (flow_certified M T h s V F g_line i_line (sqrt l0) e shape_line ltac:(lra) He) with (x := 1 - sqrt (1 - beta)) (t := t) as [P Z]; trivial; try lra.
    - intros u Hu; rewrite power_of_kernel, Rmult_assoc by trivial; apply Rmult_le_compat_l; [apply pow2_ge_0|].
      rewrite <- norm_of_loss; pose proof (kernel_path (residual M (h u)) u ltac:(lra) ltac:(lra)) as K.
      pose proof (norm2_nonneg (n M) (residual M (h u))) as Nr.
      assert (Kp : 0 <= form (n M) (kernel M (h u)) (residual M (h u)) (residual M (h u)))
        by (rewrite kernel_form; apply mean_nonneg; trivial; intros; apply V).
      assert (E : sqrt l0 * (1 - s u / e) = sqrt l0 - L2 * sqrt (lmax * Gmax) * s u) by (unfold e; field; lra).
      unfold g_line, Rmax; destruct (Rle_dec 0 (1 - s u / e)) as [Y|Y].
      + rewrite E, <- (sqrt_def (form _ _ _ _)) by trivial; rewrite <- (sqrt_def (norm2 _ _)) by trivial.
        assert (0 <= sqrt l0 - L2 * sqrt (lmax * Gmax) * s u) by (rewrite <- E; apply Rmult_le_pos; lra).
        pose proof (sqrt_pos (norm2 (n M) (residual M (h u)))).
        replace ((sqrt l0 - L2 * sqrt (lmax * Gmax) * s u) ^ 2 * (sqrt (norm2 (n M) (residual M (h u))) * sqrt (norm2 (n M) (residual M (h u)))))
          with (((sqrt l0 - L2 * sqrt (lmax * Gmax) * s u) * sqrt (norm2 (n M) (residual M (h u)))) * ((sqrt l0 - L2 * sqrt (lmax * Gmax) * s u) * sqrt (norm2 (n M) (residual M (h u))))) by ring.
        apply Rmult_le_compat; trivial; apply Rmult_le_pos; trivial.
      + replace ((sqrt l0 * 0) ^ 2 * norm2 (n M) (residual M (h u))) with 0 by ring; trivial.
    - rewrite I, integral_line by lra; unfold beta, a_kernel, e.
      transitivity (length M (h 0) * (sqrt l0 * sqrt l0 / l0)); [field; repeat split; lra | rewrite sqrt_sqrt by lra; field; lra].
    - split; [trivial|]; rewrite Q, <- (Rsqr_pow2 (sqrt l0)), Rsqr_sqrt in Z by lra; rewrite (Rmult_assoc _ l0); trivial.
  Qed.
End Kernel.
