(** A trained last layer with mobility kap: dc_i/dt = -kap sum_a r_a sigma(h_ia), h as in (11) with c_i(t). *)
Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From linrate Require Import calculus sums gram flow master shapes constants methods.
Open Scope R_scope.

(** The model at a time, with the last layer that it has then. The scale c M is the size of the c_i at the start. *)
Definition with_layer (M : Model) (cs : nat -> R) : Model :=
  {| n := n M; m := m M; G := G M; sigma := sigma M; dsigma := dsigma M; y := y M; c := c M; signs := cs |}.

Section LastLayer.
  Variables (M : Model) (T kap : R) (cs : R -> nat -> R) (h : R -> nat -> nat -> R) (s : R -> R).
  Hypothesis V : valid M.
  Hypothesis kap_nonneg : 0 <= kap.
  Let some := some_neurons M V.
  Let N t := with_layer M (cs t).

  (** sum_a r_a sigma(h_ia), and P *)
  Definition pull (t : R) (i : nat) : R := sum (n M) (fun a => residual (N t) (h t) a * sigma M (h t i a)).
  Definition power_trained (t : R) : R :=
    mean (m M) (fun i => cs t i ^ 2 * form (n M) (G M) (weighted (N t) (h t) i) (weighted (N t) (h t) i)) + kap * mean (m M) (fun i => pull t i ^ 2).

  Hypothesis duration : 0 <= T.
  Hypothesis start_layer : forall i, (i < m M)%nat -> cs 0 i ^ 2 = c M ^ 2.
  Hypothesis moves_h : forall i a t, (i < m M)%nat -> (a < n M)%nat -> 0 < t < T ->
    is_derive (fun u => h u i a) t (- cs t i * apply (n M) (G M) (weighted (N t) (h t) i) a).
  Hypothesis moves_c : forall i t, (i < m M)%nat -> 0 < t < T -> is_derive (fun u => cs u i) t (- kap * pull t i).
  Hypothesis continues_h : forall i a t, (i < m M)%nat -> (a < n M)%nat -> 0 <= t <= T -> continuous (fun u => h u i a) t.
  Hypothesis continues_c : forall i t, (i < m M)%nat -> 0 <= t <= T -> continuous (fun u => cs u i) t.
  Hypothesis path_start : s 0 = 0.
  Hypothesis path_moves : forall t, 0 < t < T -> is_derive s t (sqrt (power_trained t)).
  Hypothesis path_continues : forall t, 0 <= t <= T -> continuous s t.

  Let L t := loss (N t) (h t).

  Lemma parts_nonneg t : 0 <= mean (m M) (fun i => cs t i ^ 2 * form (n M) (G M) (weighted (N t) (h t) i) (weighted (N t) (h t) i))
    /\ 0 <= kap * mean (m M) (fun i => pull t i ^ 2).
  Proof.
    split; [apply mean_nonneg; trivial; intros; apply Rmult_le_pos; [apply pow2_ge_0 | apply V]|].
    apply Rmult_le_pos; trivial; apply mean_sq_nonneg; trivial.
  Qed.

  Lemma power_trained_nonneg t : 0 <= power_trained t.
  Proof. destruct (parts_nonneg t); unfold power_trained; lra. Qed.

  Lemma trained_path_nonneg t : 0 <= t <= T -> 0 <= s t.
  Proof.
    intros Ht; rewrite <- path_start; apply (nondecreasing s (fun u => sqrt (power_trained u))); try lra; intros.
    - apply path_continues; lra.
    - apply path_moves; lra.
    - apply sqrt_pos.
  Qed.

  Lemma residual_continues t a : (a < n M)%nat -> 0 <= t <= T -> continuous (fun u => residual (N u) (h u) a) t.
  Proof.
    intros Ha Ht; apply (continuous_minus (V := R_NormedModule) (fun u => output (N u) (h u) a) (fun _ => y M a)); [|apply continuous_k].
    apply (continuous_mean (m M) (fun i u => cs u i * sigma M (h u i a))); intros i Hi.
    apply (continuous_mult (K := R_AbsRing) (fun u => cs u i) (fun u => sigma M (h u i a))); [apply continues_c; trivial|].
    apply (continuous_comp (fun u => h u i a) (sigma M)); [apply continues_h; trivial|].
    apply (ex_derive_continuous (sigma M)); eexists; apply V.
  Qed.

  (** dL/dt = -P *)
  Theorem last_layer_energy t : 0 < t < T -> is_derive L t (- power_trained t).
  Proof.
    intros Ht.
    pose (vel i a := - cs t i * apply (n M) (G M) (weighted (N t) (h t) i) a).
    pose (dr a := mean (m M) (fun i => - kap * pull t i * sigma M (h t i a) + cs t i * (vel i a * dsigma M (h t i a)))).
    assert (D : forall a, (a < n M)%nat -> is_derive (fun u => residual (N u) (h u) a) t (dr a)).
    { intros a Ha; replace (dr a) with (dr a - 0) by ring.
      apply (is_derive_minus (fun u => output (N u) (h u) a) (fun _ => y M a)); [|apply is_derive_k].
      apply (is_derive_mean (m M) (fun i u => cs u i * sigma M (h u i a))); intros i Hi.
      apply (is_derive_mult (K := R_AbsRing) (fun u => cs u i) (fun u => sigma M (h u i a))); [apply moves_c; trivial | | intros; apply Rmult_comm].
      apply (is_derive_comp (sigma M) (fun u => h u i a)); [apply V | apply moves_h; trivial]. }
    unfold L, loss; apply (is_derive_ext (fun u => / 2 * norm2 (n M) (residual (N u) (h u)))); [intros; apply Rmult_comm|].
    replace (- power_trained t) with (/ 2 * sum (n M) (fun a => 2 * residual (N t) (h t) a * dr a)).
    - apply is_derive_scal, (is_derive_sum (n M) (fun a u => residual (N u) (h u) a ^ 2)); intros a Ha.
      apply (is_derive_square (fun u => residual (N u) (h u) a)), D; trivial.
    - rewrite (sum_factor _ 2 _ (fun a => mean (m M) (fun i => residual (N t) (h t) a * (- kap * pull t i * sigma M (h t i a) + cs t i * (vel i a * dsigma M (h t i a))))))
        by (intros; unfold dr; rewrite mean_scal; ring).
      assert (EP : power_trained t = mean (m M) (fun i => cs t i ^ 2 * form (n M) (G M) (weighted (N t) (h t) i) (weighted (N t) (h t) i) + kap * pull t i ^ 2))
        by (unfold power_trained; rewrite mean_plus, mean_scal; trivial).
      rewrite <- mean_sum_swap, EP.
      transitivity (mean (m M) (fun i => sum (n M) (fun a => residual (N t) (h t) a * (- kap * pull t i * sigma M (h t i a) + cs t i * (vel i a * dsigma M (h t i a)))))); [field|].
      replace (- mean (m M) (fun i => cs t i ^ 2 * form (n M) (G M) (weighted (N t) (h t) i) (weighted (N t) (h t) i) + kap * pull t i ^ 2))
        with (-1 * mean (m M) (fun i => cs t i ^ 2 * form (n M) (G M) (weighted (N t) (h t) i) (weighted (N t) (h t) i) + kap * pull t i ^ 2)) by ring.
      apply mean_factor; intros i Hi.
      rewrite (sum_ext _ _ (fun a => (- kap * pull t i) * (residual (N t) (h t) a * sigma M (h t i a))
        + (- cs t i ^ 2) * (weighted (N t) (h t) i a * apply (n M) (G M) (weighted (N t) (h t) i) a))) by (intros; unfold vel, weighted; simpl; ring).
      rewrite sum_plus, !sum_scal; fold (pull t i); unfold form; ring.
  Qed.

  Lemma L_continues t : 0 <= t <= T -> continuous L t.
  Proof.
    intros Ht; apply (continuous_mult (K := R_AbsRing) (fun u => norm2 (n M) (residual (N u) (h u))) (fun _ => / 2)); [|apply continuous_k].
    apply (continuous_sum (n M) (fun a u => residual (N u) (h u) a ^ 2)); intros a Ha.
    apply continuous_square, residual_continues; trivial.
  Qed.

  (** Features move at most as far as before, and the last layer by at most sqrt(kap) s. *)
  Theorem last_layer_features a t : (a < n M)%nat -> 0 <= t <= T -> sqrt (mean (m M) (fun i => (h t i a - h 0 i a) ^ 2)) <= sqrt (G M a a) * s t.
  Proof.
    intros Ha Ht; pose proof (diagonal_nonneg (n M) (G M) a (gram_semidefinite M V) Ha) as D.
    apply (moved_by (m M) T power_trained s (fun i t => h t i a) (fun i t => - cs t i * apply (n M) (G M) (weighted (N t) (h t) i) a)); trivial; intros.
    - apply power_trained_nonneg.
    - apply moves_h; trivial.
    - apply continues_h; trivial.
    - apply Rle_trans with (G M a a * mean (m M) (fun i => cs u i ^ 2 * form (n M) (G M) (weighted (N u) (h u) i) (weighted (N u) (h u) i))).
      + rewrite <- mean_scal; apply mean_le; trivial; intros i Hi.
        pose proof (entry_of_gram_product (n M) (G M) a (weighted (N u) (h u) i) (gram_symmetric M V) (gram_semidefinite M V) Ha).
        pose proof (pow2_ge_0 (cs u i)); nra.
      + apply Rmult_le_compat_l; trivial; destruct (parts_nonneg u); unfold power_trained; lra.
  Qed.

  Theorem last_layer_moves t : 0 <= t <= T -> sqrt (mean (m M) (fun i => (cs t i - cs 0 i) ^ 2)) <= sqrt kap * s t.
  Proof.
    intros Ht; apply (moved_by (m M) T power_trained s (fun i t => cs t i) (fun i t => - kap * pull t i)); trivial; intros.
    - apply power_trained_nonneg.
    - rewrite (mean_factor _ (kap ^ 2) _ (fun i => pull u i ^ 2)) by (intros; ring).
      destruct (parts_nonneg u); unfold power_trained; nra.
  Qed.

  Variables (lmin Gmax Ls L2 q : R).
  Hypothesis lmin_pos : 0 < lmin.
  Hypothesis Gmax_pos : 0 < Gmax.
  Hypothesis eigenvalues : eigenvalues_from (n M) (G M) lmin.
  Hypothesis diagonal : forall a, (a < n M)%nat -> G M a a <= Gmax.
  Hypothesis Lip : lipschitz M Ls.
  Hypothesis smooth : slope_lipschitz M L2.
  Hypothesis L2_pos : 0 < L2.
  Hypothesis q_pos : 0 < q.
  Hypothesis start : forall a, (a < n M)%nat -> q ^ 2 <= slope2 M (h 0) a.
  Let l : R := c M * L2 * sqrt Gmax + Ls * sqrt kap.

  (** RMS_i |c_i sigma'(h_ia)| >= c q - (c L2 sqrt(Gmax) + Ls sqrt(kap)) s *)
  Lemma last_layer_slopes a t : (a < n M)%nat -> 0 <= t <= T ->
    c M * q - l * s t <= sqrt (mean (m M) (fun i => (cs t i * dsigma M (h t i a)) ^ 2)).
  Proof.
    intros Ha Ht; pose proof (positive_scale M V) as Hc; destruct smooth as [_ HL2]; destruct Lip as [HLs HL].
    pose proof (trained_path_nonneg t Ht) as Hs.
    (* c_i^0 sigma'(h^0) = c_i sigma'(h) + (c_i^0 - c_i) sigma'(h) + c_i^0 (sigma'(h^0) - sigma'(h)) *)
    pose proof (mean_triangle (m M) some (fun i => cs t i * dsigma M (h t i a))
      (fun i => (cs 0 i - cs t i) * dsigma M (h t i a) + cs 0 i * (dsigma M (h 0 i a) - dsigma M (h t i a)))) as T1; cbv beta in T1.
    pose proof (mean_triangle (m M) some (fun i => (cs 0 i - cs t i) * dsigma M (h t i a)) (fun i => cs 0 i * (dsigma M (h 0 i a) - dsigma M (h t i a)))) as T2; cbv beta in T2.
    rewrite (mean_ext _ (fun i => (cs t i * dsigma M (h t i a) + ((cs 0 i - cs t i) * dsigma M (h t i a) + cs 0 i * (dsigma M (h 0 i a) - dsigma M (h t i a)))) ^ 2)
      (fun i => c M ^ 2 * dsigma M (h 0 i a) ^ 2)) in T1 by (intros i Hi; rewrite <- (start_layer i Hi); ring).
    rewrite mean_scal, sqrt_mult, sqrt_pow2 in T1 by (try lra; try apply pow2_ge_0; apply mean_sq_nonneg; trivial).
    assert (Q : q <= sqrt (mean (m M) (fun i => dsigma M (h 0 i a) ^ 2))) by (rewrite <- (sqrt_pow2 q) by lra; apply sqrt_le_1_alt, start; trivial).
    assert (B1 : sqrt (mean (m M) (fun i => ((cs 0 i - cs t i) * dsigma M (h t i a)) ^ 2)) <= Ls * (sqrt kap * s t)).
    { apply Rle_trans with (Ls * sqrt (mean (m M) (fun i => (cs t i - cs 0 i) ^ 2))); [|apply Rmult_le_compat_l; [trivial | apply last_layer_moves; trivial]].
      rewrite <- (sqrt_pow2 Ls) at 1 by trivial; rewrite <- sqrt_mult; [|apply pow2_ge_0 | apply (mean_sq_nonneg (m M) some (fun i => cs t i - cs 0 i))].
      apply sqrt_le_1_alt; rewrite <- mean_scal; apply mean_le; trivial; intros i _; rewrite Rpow_mult_distr, Rmult_comm.
      replace ((cs 0 i - cs t i) ^ 2) with ((cs t i - cs 0 i) ^ 2) by ring; apply Rmult_le_compat_r; [apply pow2_ge_0|].
      rewrite <- (pow2_abs (dsigma M _)); apply pow_incr; split; [apply Rabs_pos | apply HL]. }
    assert (B2 : sqrt (mean (m M) (fun i => (cs 0 i * (dsigma M (h 0 i a) - dsigma M (h t i a))) ^ 2)) <= c M * (L2 * (sqrt (G M a a) * s t))).
    { rewrite (mean_factor _ (c M ^ 2) _ (fun i => (dsigma M (h 0 i a) - dsigma M (h t i a)) ^ 2)) by (intros; rewrite Rpow_mult_distr, start_layer; trivial).
      rewrite sqrt_mult, sqrt_pow2 by (try lra; try apply pow2_ge_0; apply (mean_sq_nonneg (m M) some (fun i => dsigma M (h 0 i a) - dsigma M (h t i a)))).
      apply Rmult_le_compat_l; [lra|].
      apply Rle_trans with (L2 * sqrt (mean (m M) (fun i => (h t i a - h 0 i a) ^ 2))); [|apply Rmult_le_compat_l; [lra | apply last_layer_features; trivial]].
      rewrite <- (sqrt_pow2 L2) at 1 by lra; rewrite <- sqrt_mult; [|apply pow2_ge_0 | apply (mean_sq_nonneg (m M) some (fun i => h t i a - h 0 i a))].
      apply sqrt_le_1_alt; rewrite <- mean_scal; apply mean_le; trivial; intros i _; specialize (HL2 (h 0 i a) (h t i a)).
      rewrite <- (pow2_abs (dsigma M (h 0 i a) - _)), <- (pow2_abs (h t i a - _)), (Rabs_minus_sym (h t i a)), <- Rpow_mult_distr.
      apply pow_incr; split; [apply Rabs_pos | trivial]. }
    assert (D : sqrt (G M a a) <= sqrt Gmax) by (apply sqrt_le_1_alt, diagonal; trivial).
    assert (B3 : c M * (L2 * (sqrt (G M a a) * s t)) <= c M * L2 * sqrt Gmax * s t).
    { replace (c M * (L2 * (sqrt (G M a a) * s t))) with (c M * L2 * sqrt (G M a a) * s t) by ring.
      apply Rmult_le_compat_r; trivial; apply Rmult_le_compat_l; [apply Rmult_le_pos; lra | trivial]. }
    assert (c M * q <= c M * sqrt (mean (m M) (fun i => dsigma M (h 0 i a) ^ 2))) by (apply Rmult_le_compat_l; lra).
    unfold l; lra.
  Qed.

  Let e : R := c M * q / l.

  (** slopes with L2 sqrt(Gmax) + Ls sqrt(kap)/c in place of L2 sqrt(Gmax). No sign of c_i need be kept. *)
  Theorem last_layer_rate t :
    let beta := 2 * (L2 * sqrt Gmax + Ls * sqrt kap / c M) / (sqrt lmin * q ^ 2) * sqrt (2 * L 0) / c M in beta < 1 -> 0 <= t <= T ->
    L t <= L 0 * exp (- (2 * c M ^ 2 * lmin * q ^ 2 * (1 - beta)) * t).
  Proof.
    intros beta Hb Ht; pose proof (positive_scale M V) as Hc; destruct Lip as [HLs _].
    assert (Hg : 0 < sqrt Gmax) by (apply sqrt_lt_R0; trivial); assert (Hl : 0 < sqrt lmin) by (apply sqrt_lt_R0; trivial).
    pose proof (sqrt_pos kap) as Hkap; pose proof (sqrt_pos (2 * L 0)) as H0.
    assert (LK : 0 <= Ls * sqrt kap) by (apply Rmult_le_pos; trivial).
    assert (LG : 0 < c M * L2 * sqrt Gmax) by (repeat apply Rmult_lt_0_compat; trivial).
    assert (Pl : 0 < l) by (unfold l; lra); assert (Pe : 0 < e) by (apply Rdiv_lt_0_compat; trivial; apply Rmult_lt_0_compat; trivial).
    assert (Eb : beta = 2 * l / (sqrt lmin * q ^ 2) * sqrt (2 * L 0) / c M ^ 2) by (unfold beta, l; field; repeat split; lra).
    assert (B : 0 <= beta).
    { rewrite Eb; apply Rle_mult_inv_pos; [|nra]; apply Rmult_le_pos; trivial; apply Rle_mult_inv_pos; [lra | apply Rmult_lt_0_compat; nra]. }
    destruct (position_line beta (conj B Hb)) as [X [I Q]].
    assert (Hk : 0 <= sqrt lmin * (c M * q)) by (apply Rmult_le_pos; [lra | apply Rmult_le_pos; lra]).
    destruct (scaled g_line i_line (sqrt lmin * (c M * q)) e shape_line Hk Pe) as [Gn Gm GI].
    assert (Slope : forall t, 0 < t < T -> 1 ^ 2 * (sqrt lmin * (c M * q) * g_line (s t / e)) ^ 2 * (2 * L t) <= power_trained t).
    { intros u Hu; destruct (parts_nonneg u) as [P1 P2].
      apply Rle_trans with (mean (m M) (fun i => cs u i ^ 2 * form (n M) (G M) (weighted (N u) (h u) i) (weighted (N u) (h u) i))); [|unfold power_trained; lra].
      apply Rle_trans with (lmin * sum (n M) (fun a => residual (N u) (h u) a ^ 2 * mean (m M) (fun i => (cs u i * dsigma M (h u i a)) ^ 2))).
      - replace (1 ^ 2 * (sqrt lmin * (c M * q) * g_line (s u / e)) ^ 2 * (2 * L u)) with (sqrt lmin * sqrt lmin * ((c M * q * g_line (s u / e)) ^ 2 * (2 * L u))) by ring.
        rewrite sqrt_sqrt by lra; apply Rmult_le_compat_l; [lra|].
        unfold L; rewrite <- norm_of_loss; unfold norm2; rewrite <- sum_scal; apply sum_le; intros a Ha; rewrite Rmult_comm.
        apply Rmult_le_compat_l; [apply pow2_ge_0|].
        pose proof (mean_sq_nonneg (m M) some (fun i => cs u i * dsigma M (h u i a))) as Nn; cbv beta in Nn.
        rewrite <- (sqrt_def _ Nn); pose proof (sqrt_pos (mean (m M) (fun i => (cs u i * dsigma M (h u i a)) ^ 2))) as Np.
        pose proof (last_layer_slopes a u Ha ltac:(lra)) as S.
        assert (E : c M * q * (1 - s u / e) = c M * q - l * s u) by (unfold e; field; repeat split; lra).
        assert (Cq : 0 < c M * q) by (apply Rmult_lt_0_compat; trivial).
        unfold g_line, Rmax; destruct (Rle_dec 0 (1 - s u / e)); [|rewrite Rmult_0_r; nra].
        rewrite E; assert (0 <= c M * q - l * s u) by (rewrite <- E; apply Rmult_le_pos; lra); nra.
      - rewrite <- sum_scal; rewrite (sum_ext _ _ (fun a => mean (m M) (fun i => cs u i ^ 2 * (lmin * weighted (N u) (h u) i a ^ 2)))).
        + rewrite <- mean_sum_swap; apply mean_le; trivial; intros i Hi; rewrite sum_scal, sum_scal; apply Rmult_le_compat_l; [apply pow2_ge_0 | apply eigenvalues].
        + intros a Ha; symmetry.
          rewrite (mean_factor _ (lmin * residual (N u) (h u) a ^ 2) _ (fun i => (cs u i * dsigma M (h u i a)) ^ 2)) by (intros; unfold weighted; simpl; ring); ring. }
    assert (Paid : 1 * (sqrt lmin * (c M * q) * e * i_line (e * (1 - sqrt (1 - beta)) / e)) = sqrt (2 * L 0)).
    { replace (e * (1 - sqrt (1 - beta)) / e) with (1 - sqrt (1 - beta)) by (field; lra).
      rewrite I, integral_line, Eb by lra; unfold e; field; repeat split; lra. }
    pose proof (master_theorem L power_trained s _ _ 1 T ltac:(lra) (fun t _ => loss_nonneg (N t) (h t)) L_continues last_layer_energy
      (fun t _ => power_trained_nonneg t) path_start path_continues path_moves Gn Gm GI Slope (e * (1 - sqrt (1 - beta)))
      ltac:(apply Rmult_le_pos; lra) Paid t Ht) as Z; cbv beta in Z.
    replace (e * (1 - sqrt (1 - beta)) / e) with (1 - sqrt (1 - beta)) in Z by (field; lra).
    replace (2 * 1 ^ 2 * (sqrt lmin * (c M * q) * g_line (1 - sqrt (1 - beta))) ^ 2) with (2 * c M ^ 2 * lmin * q ^ 2 * (1 - beta)) in Z; trivial.
    transitivity (2 * 1 ^ 2 * ((sqrt lmin * sqrt lmin) * (c M * q) ^ 2 * g_line (1 - sqrt (1 - beta)) ^ 2)); [rewrite Q, sqrt_sqrt by lra; ring | ring].
  Qed.
End LastLayer.

(** Biases b_i, trained like the weights: h_i = g_i + b0 b_i is the model with G + b0^2 11' for G. *)
Section Biases.
  Variables (n : nat) (G : nat -> nat -> R) (b0 : R).
  Definition with_bias (a b : nat) : R := G a b + b0 ^ 2.

  Lemma bias_form u v : form n with_bias u v = form n G u v + b0 ^ 2 * (sum n u * sum n v).
  Proof.
    unfold form, apply, with_bias.
    rewrite (sum_ext n _ (fun a => u a * sum n (fun b => G a b * v b) + (b0 ^ 2 * sum n v) * u a)).
    - rewrite sum_plus, sum_scal; ring.
    - intros a _; rewrite (sum_ext n (fun b => (G a b + b0 ^ 2) * v b) (fun b => G a b * v b + b0 ^ 2 * v b)) by (intros; ring); rewrite sum_plus, sum_scal; ring.
  Qed.

  Theorem biases_gram lmin : symmetric n G -> semidefinite n G -> eigenvalues_from n G lmin ->
    symmetric n with_bias /\ semidefinite n with_bias /\ eigenvalues_from n with_bias lmin.
  Proof.
    intros S P E; repeat split.
    - intros a b Ha Hb; unfold with_bias; rewrite (S a b); trivial.
    - intros v; rewrite bias_form; pose proof (P v); pose proof (pow2_ge_0 (b0 * sum n v)); nra.
    - intros v; rewrite bias_form; pose proof (E v); pose proof (pow2_ge_0 (b0 * sum n v)); nra.
  Qed.

  (** The pre-activation moves as (11) says with that matrix. *)
  Theorem biases_flow (g b : R -> R) (ci : R) (v : nat -> R) a t : is_derive g t (- ci * apply n G v a) -> is_derive b t (- ci * (b0 * sum n v)) ->
    is_derive (fun u => g u + b0 * b u) t (- ci * apply n with_bias v a).
  Proof.
    intros Dg Db; replace (- ci * apply n with_bias v a) with (- ci * apply n G v a + b0 * (- ci * (b0 * sum n v))).
    - apply (is_derive_plus g (fun u => b0 * b u)); [trivial | apply is_derive_scal; trivial].
    - unfold apply, with_bias; rewrite (sum_ext n (fun b => (G a b + b0 ^ 2) * v b) (fun b => G a b * v b + b0 ^ 2 * v b)) by (intros; ring).
      rewrite sum_plus, sum_scal; ring.
  Qed.
End Biases.
