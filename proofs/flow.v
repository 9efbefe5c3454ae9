(** The network, its gradient flow (11), and what holds of every state and every run: equation (14), the inequality (PL),
    the key lemma, both movement bounds with (15), the two-sided bounds of path and rate. *)
Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From linrate Require Import calculus sums gram.
Open Scope R_scope.

(** Numbers of points and neurons, Gram matrix, activation with its derivative, targets, scale, and the c_i. *)
Record Model := {
  n : nat;  m : nat;
  G : nat -> nat -> R;
  sigma : R -> R;  dsigma : R -> R;
  y : nat -> R;
  c : R;  signs : nat -> R
}.

(** What every statement asks of a model. [derivative]: sigma has no kink. *)
Record valid (M : Model) : Prop := {
  some_neurons : (0 < m M)%nat;
  gram_symmetric : symmetric (n M) (G M);
  gram_semidefinite : semidefinite (n M) (G M);
  positive_scale : 0 < c M;
  signs_of_scale : forall i, (i < m M)%nat -> signs M i ^ 2 = c M ^ 2;
  derivative : forall u, is_derive (sigma M) u (dsigma M u)
}.

(** Lipschitz constants of sigma (as a bound of its derivative) and of its derivative. *)
Definition lipschitz (M : Model) (Ls : R) : Prop := 0 <= Ls /\ forall u, Rabs (dsigma M u) <= Ls.
Definition slope_lipschitz (M : Model) (L2 : R) : Prop :=
  0 <= L2 /\ forall u v, Rabs (dsigma M u - dsigma M v) <= L2 * Rabs (u - v).

(** A state h: pre-activation h i a of neuron i at data point a. *)
Section State.
  Variable M : Model.
  Variable h : nat -> nat -> R.

  Definition output (a : nat) : R := mean (m M) (fun i => signs M i * sigma M (h i a)).
  Definition residual (a : nat) : R := output a - y M a.
  Definition loss : R := norm2 (n M) residual / 2.
  (** v_ia = r_a sigma'(h_ia) *)
  Definition weighted (i a : nat) : R := residual a * dsigma M (h i a).
  (** (11): dh_ia/dt *)
  Definition velocity (i a : nat) : R := - signs M i * apply (n M) (G M) (weighted i) a.
  (** (14): P = (c^2/m) sum_i v_i'G v_i *)
  Definition power : R := c M ^ 2 * mean (m M) (fun i => form (n M) (G M) (weighted i) (weighted i)).
  (** q_a^2 *)
  Definition slope2 (a : nat) : R := mean (m M) (fun i => dsigma M (h i a) ^ 2).
  (** H_ab, the tangent kernel divided by c^2 *)
  Definition kernel (a b : nat) : R := G M a b * mean (m M) (fun i => dsigma M (h i a) * dsigma M (h i b)).
End State.

(** A run: h follows (11) on [0, T], and s is its path length, the integral of sqrt(P). *)
Record flow (M : Model) (T : R) (h : R -> nat -> nat -> R) (s : R -> R) : Prop := {
  duration : 0 <= T;
  moves : forall i a t, (i < m M)%nat -> (a < n M)%nat -> 0 < t < T -> is_derive (fun u => h u i a) t (velocity M (h t) i a);
  continues : forall i a t, (i < m M)%nat -> (a < n M)%nat -> 0 <= t <= T -> continuous (fun u => h u i a) t;
  path_start : s 0 = 0;
  path_moves : forall t, 0 < t < T -> is_derive s t (sqrt (power M (h t)));
  path_continues : forall t, 0 <= t <= T -> continuous s t
}.

(** A run ends where one likes. *)
Lemma flow_until M T h s t : flow M T h s -> 0 <= t <= T -> flow M t h s.
Proof.
  intros [H1 H2 H3 H4 H5 H6] Ht; constructor; intros; try lra.
  - apply H2; trivial; lra.
  - apply H3; trivial; lra.
  - apply H5; lra.
  - apply H6; lra.
Qed.

Section Statics.
  Variable M : Model.
  Hypothesis V : valid M.
  Variable h : nat -> nat -> R.
  Let some := some_neurons M V.

  Lemma loss_nonneg : 0 <= loss M h.
  Proof. unfold loss; pose proof (norm2_nonneg (n M) (residual M h)); lra. Qed.

  Lemma norm_of_loss : norm2 (n M) (residual M h) = 2 * loss M h.
  Proof. unfold loss; lra. Qed.

  Lemma power_nonneg : 0 <= power M h.
  Proof.
    unfold power; apply Rmult_le_pos; [nra|]; apply mean_nonneg; trivial.
    intros i _; apply gram_semidefinite; trivial.
  Qed.

  Lemma slope2_nonneg a : 0 <= slope2 M h a.
  Proof. unfold slope2; apply mean_sq_nonneg; trivial. Qed.

  (** x'H x = (1/m) sum_i (D_i x)'G(D_i x), D_i the diagonal matrix of the slopes. *)
  Lemma kernel_form x :
    form (n M) (kernel M h) x x
    = mean (m M) (fun i => form (n M) (G M) (fun a => x a * dsigma M (h i a)) (fun a => x a * dsigma M (h i a))).
  Proof.
    unfold form, apply, kernel; rewrite mean_sum_swap; apply sum_ext; intros a _.
    transitivity (sum (n M) (fun b => mean (m M) (fun i => x a * dsigma M (h i a) * (G M a b * (x b * dsigma M (h i b)))))).
    - rewrite <- sum_scal; apply sum_ext; intros b _.
      transitivity ((x a * G M a b * x b) * mean (m M) (fun i => dsigma M (h i a) * dsigma M (h i b))); [ring|].
      symmetry; apply mean_factor; intros; ring.
    - rewrite <- mean_sum_swap; apply mean_ext; intros i _; rewrite <- sum_scal; trivial.
  Qed.

  (** (14): P = c^2 r'H r. *)
  Theorem power_of_kernel : power M h = c M ^ 2 * form (n M) (kernel M h) (residual M h) (residual M h).
  Proof. unfold power; rewrite kernel_form; trivial. Qed.

  (** The mean over neurons of sum_a x_a^2 sigma'(h_ia)^2. *)
  Lemma sum_of_slopes x :
    mean (m M) (fun i => norm2 (n M) (fun a => x a * dsigma M (h i a))) = sum (n M) (fun a => x a ^ 2 * slope2 M h a).
  Proof.
    unfold norm2; rewrite mean_sum_swap; apply sum_ext; intros a _; unfold slope2; rewrite <- mean_scal.
    apply mean_ext; intros; ring.
  Qed.

  (** Schur: lambda_min(H) >= lambda_min(G) min_a q_a^2. *)
  Theorem schur lmin q2 : 0 <= lmin -> eigenvalues_from (n M) (G M) lmin ->
    (forall a, (a < n M)%nat -> q2 <= slope2 M h a) -> eigenvalues_from (n M) (kernel M h) (lmin * q2).
  Proof.
    intros Hl H Hq x; rewrite kernel_form.
    apply Rle_trans with (lmin * mean (m M) (fun i => norm2 (n M) (fun a => x a * dsigma M (h i a)))).
    - rewrite sum_of_slopes, Rmult_assoc; apply Rmult_le_compat_l; trivial; unfold norm2; rewrite <- sum_scal.
      apply sum_le; intros a Ha; specialize (Hq a Ha); rewrite (Rmult_comm q2); apply Rmult_le_compat_l; [nra | trivial].
    - rewrite <- mean_scal; apply mean_le; trivial; intros i _; apply H.
  Qed.

  (** (PL): P >= 2 c^2 lambda_min min_a q_a^2 L. *)
  Theorem pl lmin q2 : 0 <= lmin -> eigenvalues_from (n M) (G M) lmin ->
    (forall a, (a < n M)%nat -> q2 <= slope2 M h a) -> 2 * c M ^ 2 * lmin * q2 * loss M h <= power M h.
  Proof.
    intros Hl H Hq; pose proof (schur lmin q2 Hl H Hq (residual M h)) as E; rewrite norm_of_loss in E.
    rewrite power_of_kernel; assert (0 <= c M ^ 2) by nra; nra.
  Qed.

  (** P <= c^2 lambda_max Ls^2 ||r||^2. *)
  Theorem power_at_most lmax Ls : 0 <= lmax -> eigenvalues_to (n M) (G M) lmax -> lipschitz M Ls ->
    power M h <= c M ^ 2 * lmax * Ls ^ 2 * (2 * loss M h).
  Proof.
    intros Hl H [HL Hs]; unfold power; rewrite !Rmult_assoc; apply Rmult_le_compat_l; [nra|].
    rewrite <- norm_of_loss.
    apply Rle_trans with (mean (m M) (fun i => lmax * (Ls ^ 2 * norm2 (n M) (residual M h)))).
    - apply mean_le; trivial; intros i _; eapply Rle_trans; [apply H|]; apply Rmult_le_compat_l; trivial.
      unfold norm2; rewrite <- sum_scal; apply sum_le; intros a _; unfold weighted.
      specialize (Hs (h i a)); apply Rabs_le_between in Hs.
      assert (dsigma M (h i a) ^ 2 <= Ls ^ 2) by nra; assert (0 <= residual M h a ^ 2) by nra; nra.
    - rewrite mean_const by trivial; lra.
  Qed.

  (** Key lemma: the mean square speed at a data point is at most G_aa P, hence the mean speed at most sqrt(G_aa P). *)
  Lemma key_lemma_square a : (a < n M)%nat -> mean (m M) (fun i => velocity M h i a ^ 2) <= G M a a * power M h.
  Proof.
    intros Ha; unfold power.
    replace (G M a a * (c M ^ 2 * mean (m M) (fun i => form (n M) (G M) (weighted M h i) (weighted M h i))))
      with (mean (m M) (fun i => c M ^ 2 * (G M a a * form (n M) (G M) (weighted M h i) (weighted M h i))))
      by (rewrite !mean_scal; ring).
    apply mean_le; trivial; intros i Hi; unfold velocity.
    replace ((- signs M i * apply (n M) (G M) (weighted M h i) a) ^ 2)
      with (signs M i ^ 2 * apply (n M) (G M) (weighted M h i) a ^ 2) by ring.
    rewrite signs_of_scale by trivial; apply Rmult_le_compat_l; [nra|].
    apply entry_of_gram_product; trivial; apply V.
  Qed.

  Theorem key_lemma a : (a < n M)%nat -> mean (m M) (fun i => Rabs (velocity M h i a)) <= sqrt (G M a a * power M h).
  Proof.
    intros Ha; pose proof (mean_le_rms (m M) some (fun i => Rabs (velocity M h i a))) as H; cbv beta in H.
    rewrite (mean_ext _ (fun i => Rabs (velocity M h i a) ^ 2) (fun i => velocity M h i a ^ 2)) in H by (intros; apply pow2_abs).
    pose proof (key_lemma_square a Ha).
    assert (0 <= mean (m M) (fun i => Rabs (velocity M h i a))) by (apply mean_nonneg; trivial; intros; apply Rabs_pos).
    rewrite <- (sqrt_pow2 (mean (m M) (fun i => Rabs (velocity M h i a)))) by trivial; apply sqrt_le_1_alt; lra.
  Qed.

  (** (15): two states whose outputs differ have features that differ. *)
  Theorem movement_lower Ls h' a : lipschitz M Ls ->
    Rabs (output M h' a - output M h a) <= c M * Ls * mean (m M) (fun i => Rabs (h' i a - h i a)).
  Proof.
    intros [HL Hs]; unfold output; rewrite <- mean_minus; unfold mean.
    pose proof (INR_some (m M) some).
    unfold Rdiv at 1; rewrite Rabs_mult, (Rabs_right (/ INR (m M))) by (left; apply Rinv_0_lt_compat; trivial).
    replace (c M * Ls * (sum (m M) (fun i => Rabs (h' i a - h i a)) / INR (m M)))
      with (sum (m M) (fun i => c M * Ls * Rabs (h' i a - h i a)) * / INR (m M)) by (rewrite sum_scal; field; lra).
    apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; trivial|].
    eapply Rle_trans; [apply sum_abs|]; apply sum_le; intros i Hi.
    replace (signs M i * sigma M (h' i a) - signs M i * sigma M (h i a))
      with (signs M i * (sigma M (h' i a) - sigma M (h i a))) by ring.
    rewrite Rabs_mult, Rmult_assoc.
    assert (Rabs (signs M i) = c M).
    { pose proof (positive_scale M V); rewrite <- (Rabs_right (c M)) by lra; apply Rsqr_eq_abs_0.
      rewrite !Rsqr_pow2; apply signs_of_scale; trivial. }
    rewrite H0; apply Rmult_le_compat_l; [pose proof (positive_scale M V); lra|].
    destruct (MVT_gen (sigma M) (h i a) (h' i a) (dsigma M)) as [x [_ E]].
    - intros; apply V.
    - intros; apply continuity_of, (ex_derive_continuous (sigma M)); exists (dsigma M x); apply V.
    - rewrite E, Rabs_mult; apply Rmult_le_compat_r; [apply Rabs_pos | apply Hs].
  Qed.
End Statics.

(** Whatever moves with mean square speed at most K P has moved by at most sqrt(K) s, s the integral of sqrt(P): Minkowski
    along the path. *)
Lemma moved_by (m : nat) (T : R) (P s : R -> R) (x dx : nat -> R -> R) K t : (0 < m)%nat -> 0 <= K -> 0 <= t <= T ->
  (forall u, 0 < u < T -> 0 <= P u) -> s 0 = 0 ->
  (forall u, 0 <= u <= T -> continuous s u) -> (forall u, 0 < u < T -> is_derive s u (sqrt (P u))) ->
  (forall i u, (i < m)%nat -> 0 < u < T -> is_derive (x i) u (dx i u)) ->
  (forall i u, (i < m)%nat -> 0 <= u <= T -> continuous (x i) u) ->
  (forall u, 0 < u < T -> mean m (fun i => dx i u ^ 2) <= K * P u) ->
  sqrt (mean m (fun i => (x i t - x i 0) ^ 2)) <= sqrt K * s t.
Proof.
  intros some HK Ht HP s0 Sc Sm Hd Hc Hs.
  pose (u := fun t => mean m (fun i => (x i t - x i 0) ^ 2)).
  pose (du := fun t => mean m (fun i => 2 * (x i t - x i 0) * dx i t)).
  assert (H : sqrt (u t) <= sqrt (u 0) + (sqrt K * s t - sqrt K * s 0)).
  { apply (sqrt_growth u du (fun t => sqrt K * s t) (fun t => sqrt K * sqrt (P t))); try lra.
    - intros v Hv; apply continuous_mean; intros i Hi; apply continuous_square.
      apply (continuous_minus (V := R_NormedModule) (x i) (fun _ => x i 0)); [apply Hc; trivial; lra | apply continuous_k].
    - intros v Hv; apply (continuous_mult (K := R_AbsRing) (fun _ => sqrt K) s); [apply continuous_k | apply Sc; lra].
    - intros v Hv; apply is_derive_mean; intros i Hi; apply (is_derive_square (fun v => x i v - x i 0)).
      replace (dx i v) with (dx i v - 0) by ring.
      apply (is_derive_minus (x i) (fun _ => x i 0)); [apply Hd; trivial; lra | apply is_derive_k].
    - intros v Hv; apply is_derive_scal, Sm; lra.
    - intros v Hv; apply mean_sq_nonneg; trivial.
    - intros v Hv; apply Rmult_le_pos; apply sqrt_pos.
    - intros v Hv; assert (E : du v = 2 * mean m (fun i => (x i v - x i 0) * dx i v)).
      { unfold du; rewrite <- mean_scal; apply mean_ext; intros; ring. }
      rewrite E; rewrite (Rmult_assoc 2); apply Rmult_le_compat_l; [lra|].
      assert (Pv : 0 <= P v) by (apply HP; lra).
      rewrite <- sqrt_mult by trivial.
      assert (KP : 0 <= K * P v) by (apply Rmult_le_pos; trivial).
      assert (Hu : 0 <= u v) by (apply mean_sq_nonneg; trivial).
      rewrite <- sqrt_mult by trivial.
      apply Rle_trans with (sqrt ((mean m (fun i => (x i v - x i 0) * dx i v)) ^ 2)); [rewrite <- pow2_abs, sqrt_pow2 by apply Rabs_pos; apply Rle_abs|].
      apply sqrt_le_1_alt; eapply Rle_trans; [apply (mean_cauchy m some (fun i => x i v - x i 0) (fun i => dx i v))|].
      apply Rmult_le_compat_l; [trivial | apply Hs; lra]. }
  rewrite s0 in H; replace (u 0) with 0 in H; [rewrite sqrt_0 in H; unfold u in H; lra|].
  unfold u; rewrite <- (mean_const m some 0) at 1; apply mean_ext; intros; ring.
Qed.

Section Dynamics.
  Variables (M : Model) (T : R) (h : R -> nat -> nat -> R) (s : R -> R).
  Hypothesis V : valid M.
  Hypothesis F : flow M T h s.
  Let some := some_neurons M V.

  Lemma sigma_moves i a t : (i < m M)%nat -> (a < n M)%nat -> 0 < t < T ->
    is_derive (fun u => sigma M (h u i a)) t (velocity M (h t) i a * dsigma M (h t i a)).
  Proof.
    intros Hi Ha Ht; apply (is_derive_comp (sigma M) (fun u => h u i a)); [apply V | apply F; trivial].
  Qed.

  Lemma sigma_continues i a t : (i < m M)%nat -> (a < n M)%nat -> 0 <= t <= T -> continuous (fun u => sigma M (h u i a)) t.
  Proof.
    intros Hi Ha Ht; apply (continuous_comp (fun u => h u i a) (sigma M)); [apply F; trivial|].
    apply (ex_derive_continuous (sigma M)); eexists; apply V.
  Qed.

  (** dr/dt = -c^2 H r. *)
  Theorem residual_moves a t : (a < n M)%nat -> 0 < t < T ->
    is_derive (fun u => residual M (h u) a) t (- c M ^ 2 * apply (n M) (kernel M (h t)) (residual M (h t)) a).
  Proof.
    intros Ha Ht.
    replace (- c M ^ 2 * apply (n M) (kernel M (h t)) (residual M (h t)) a)
      with (mean (m M) (fun i => signs M i * (velocity M (h t) i a * dsigma M (h t i a))) - 0).
    - apply (is_derive_minus (fun u => output M (h u) a) (fun _ => y M a)); [|apply is_derive_k].
      apply is_derive_mean; intros i Hi; apply is_derive_scal, sigma_moves; trivial.
    - unfold apply, kernel, velocity, weighted, apply; rewrite Rminus_0_r, <- sum_scal.
      rewrite (mean_ext _ _ (fun i => sum (n M) (fun b => - c M ^ 2 * (G M a b * (dsigma M (h t i a) * dsigma M (h t i b)) * residual M (h t) b)))).
      + rewrite mean_sum_swap; apply sum_ext; intros b _.
        rewrite (mean_factor _ (- c M ^ 2 * G M a b * residual M (h t) b) _ (fun i => dsigma M (h t i a) * dsigma M (h t i b))) by (intros; ring).
        ring.
      + intros i Hi; rewrite <- (signs_of_scale M V i Hi).
        rewrite (sum_factor _ (- signs M i ^ 2 * dsigma M (h t i a)) (fun b => - signs M i ^ 2 * _)
          (fun b => G M a b * (residual M (h t) b * dsigma M (h t i b)))) by (intros; ring).
        ring.
  Qed.

  Lemma residual_continues a t : (a < n M)%nat -> 0 <= t <= T -> continuous (fun u => residual M (h u) a) t.
  Proof.
    intros Ha Ht; apply (continuous_minus (V := R_NormedModule) (fun u => output M (h u) a) (fun _ => y M a)); [|apply continuous_k].
    apply continuous_mean; intros i Hi; apply (continuous_mult (K := R_AbsRing) (fun _ => signs M i) (fun u => sigma M (h u i a))).
    - apply continuous_k.
    - apply sigma_continues; trivial.
  Qed.

  (** (14): dL/dt = -P. *)
  Theorem equation_14 t : 0 < t < T -> is_derive (fun u => loss M (h u)) t (- power M (h t)).
  Proof.
    intros Ht; unfold loss; apply (is_derive_ext (fun u => / 2 * norm2 (n M) (residual M (h u)))); [intros; apply Rmult_comm|].
    replace (- power M (h t)) with (/ 2 * sum (n M) (fun a => 2 * residual M (h t) a * (- c M ^ 2 * apply (n M) (kernel M (h t)) (residual M (h t)) a))).
    - apply is_derive_scal, is_derive_sum; intros a Ha; apply is_derive_square, residual_moves; trivial.
    - rewrite power_of_kernel by trivial; unfold form; rewrite <- sum_scal, Ropp_mult_distr_l, <- sum_scal.
      apply sum_ext; intros; field.
  Qed.

  Lemma loss_continues t : 0 <= t <= T -> continuous (fun u => loss M (h u)) t.
  Proof.
    intros Ht; apply (continuous_mult (K := R_AbsRing) (fun u => norm2 (n M) (residual M (h u))) (fun _ => / 2)); [|apply continuous_k].
    apply continuous_sum; intros a Ha; apply continuous_square, residual_continues; trivial.
  Qed.

  Lemma path_nonneg t : 0 <= t <= T -> 0 <= s t.
  Proof.
    intros Ht; rewrite <- (path_start M T h s F); apply (nondecreasing s (fun u => sqrt (power M (h u)))); try lra; intros.
    - apply F; lra.
    - apply F; lra.
    - apply sqrt_pos.
  Qed.

  (** The features move at most as far as the path. *)
  Theorem movement_upper a t : (a < n M)%nat -> 0 <= t <= T ->
    sqrt (mean (m M) (fun i => (h t i a - h 0 i a) ^ 2)) <= sqrt (G M a a) * s t.
  Proof.
    intros Ha Ht; apply (moved_by (m M) T (fun t => power M (h t)) s (fun i t => h t i a) (fun i t => velocity M (h t) i a)); trivial; intros.
    - apply (diagonal_nonneg (n M)); trivial; apply V.
    - apply power_nonneg; trivial.
    - apply F.
    - apply F; trivial.
    - apply F; trivial.
    - apply F; trivial.
    - apply F; trivial.
    - apply key_lemma_square; trivial.
  Qed.

  (** The same with squares. *)
  Lemma movement_square a t : (a < n M)%nat -> 0 <= t <= T ->
    mean (m M) (fun i => (h t i a - h 0 i a) ^ 2) <= G M a a * s t ^ 2.
  Proof.
    intros Ha Ht; pose proof (movement_upper a t Ha Ht) as H.
    pose proof (mean_sq_nonneg (m M) some (fun i => h t i a - h 0 i a)) as N; cbv beta in N.
    pose proof (diagonal_nonneg (n M) (G M) a (gram_semidefinite M V) Ha) as D.
    rewrite <- (sqrt_def _ N) at 1; rewrite <- (sqrt_def _ D).
    pose proof (sqrt_pos (mean (m M) (fun i => (h t i a - h 0 i a) ^ 2))); nra.
  Qed.

  (** A loss that falls needs a path. *)
  Theorem path_lower lmax Ls t : 0 <= lmax -> eigenvalues_to (n M) (G M) lmax -> lipschitz M Ls -> 0 <= t <= T ->
    sqrt (2 * loss M (h 0)) - sqrt (2 * loss M (h t)) <= c M * Ls * sqrt lmax * s t.
  Proof.
    intros Hl H HL Ht.
    (* run backwards, the norm of r grows at most at the speed c Ls sqrt(lambda_max) of the path *)
    pose (k := c M * Ls * sqrt lmax).
    assert (Hk : 0 <= k) by (unfold k; pose proof (positive_scale M V); destruct HL; pose proof (sqrt_pos lmax); apply Rmult_le_pos; [nra | lra]).
    assert (R : forall u, is_derive (fun u => t - u) u (-1)) by (intros; auto_derive; trivial; ring).
    assert (RC : forall u, continuous (fun u => t - u) u) by (intros; apply (ex_derive_continuous (fun u => t - u)); eexists; apply R).
    assert (E : sqrt (2 * loss M (h (t - t))) <= sqrt (2 * loss M (h (t - 0))) + ((- (k * s (t - t))) - (- (k * s (t - 0))))).
    { apply (sqrt_growth (fun u => 2 * loss M (h (t - u))) (fun u => 2 * power M (h (t - u)))
               (fun u => - (k * s (t - u))) (fun u => k * sqrt (power M (h (t - u))))); try lra.
      - intros u Hu; apply (continuous_mult (K := R_AbsRing) (fun _ => 2) (fun u => loss M (h (t - u)))); [apply continuous_k|].
        apply (continuous_comp (fun u => t - u) (fun u => loss M (h u))); [apply RC | apply loss_continues; lra].
      - intros u Hu; apply (continuous_opp (V := R_NormedModule) (fun u => k * s (t - u))).
        apply (continuous_mult (K := R_AbsRing) (fun _ => k) (fun u => s (t - u))); [apply continuous_k|].
        apply (continuous_comp (fun u => t - u) s); [apply RC | apply F; lra].
      - intros u Hu; apply is_derive_scal.
        replace (power M (h (t - u))) with (-1 * - power M (h (t - u))) by ring.
        apply (is_derive_comp (fun u => loss M (h u)) (fun u => t - u)); [apply equation_14; lra | apply R].
      - intros u Hu; replace (k * sqrt (power M (h (t - u)))) with (- (k * (-1 * sqrt (power M (h (t - u)))))) by ring.
        apply (is_derive_opp (fun u => k * s (t - u))), is_derive_scal.
        apply (is_derive_comp s (fun u => t - u)); [apply F; lra | apply R].
      - intros u Hu; pose proof (loss_nonneg M (h (t - u))); lra.
      - intros u Hu; apply Rmult_le_pos; [trivial | apply sqrt_pos].
      - intros u Hu; rewrite Rmult_assoc; apply Rmult_le_compat_l; [lra|].
        pose proof (power_nonneg M V (h (t - u))) as P; pose proof (loss_nonneg M (h (t - u))) as N.
        pose proof (power_at_most M V (h (t - u)) lmax Ls Hl H HL) as B.
        rewrite <- (sqrt_def (power M (h (t - u)))) at 1 by trivial; rewrite <- Rmult_assoc.
        apply Rmult_le_compat_r; [apply sqrt_pos|].
        assert (Q : sqrt (2 * loss M (h (t - u))) * k = sqrt (c M ^ 2 * lmax * Ls ^ 2 * (2 * loss M (h (t - u))))).
        { replace (c M ^ 2 * lmax * Ls ^ 2 * (2 * loss M (h (t - u)))) with ((c M * Ls) ^ 2 * (lmax * (2 * loss M (h (t - u))))) by ring.
          pose proof (positive_scale M V); destruct HL as [HL0 _].
          rewrite (sqrt_mult ((c M * Ls) ^ 2)), (sqrt_mult lmax), sqrt_pow2 by (try nra; apply Rmult_le_pos; lra).
          unfold k; ring. }
        rewrite Q; apply sqrt_le_1_alt; trivial. }
    replace (t - t) with 0 in E by ring; replace (t - 0) with t in E by ring.
    rewrite (path_start M T h s F) in E; unfold k in E; lra.
  Qed.

  (** No loss falls faster than this rate. *)
  Theorem rate_most lmax Ls t : 0 <= lmax -> eigenvalues_to (n M) (G M) lmax -> lipschitz M Ls -> 0 <= t <= T ->
    loss M (h 0) * exp (- (2 * c M ^ 2 * lmax * Ls ^ 2) * t) <= loss M (h t).
  Proof.
    intros Hl H HL Ht; apply (gronwall_below (fun u => loss M (h u)) (fun u => - power M (h u))); try lra.
    - intros; apply loss_continues; lra.
    - intros; apply equation_14; lra.
    - intros u Hu; pose proof (power_at_most M V (h u) lmax Ls Hl H HL); lra.
  Qed.

  (** (16): the rate where |sigma'| is at least Ks on the whole line. *)
  Theorem equation_16 lmin Ks t : 0 <= lmin -> eigenvalues_from (n M) (G M) lmin -> 0 <= Ks ->
    (forall u, Ks <= Rabs (dsigma M u)) -> 0 <= t <= T ->
    loss M (h t) <= loss M (h 0) * exp (- (2 * c M ^ 2 * lmin * Ks ^ 2) * t).
  Proof.
    intros Hl H HK Hs Ht; apply (gronwall (fun u => loss M (h u)) (fun u => - power M (h u))); try lra.
    - intros; apply loss_continues; lra.
    - intros; apply equation_14; lra.
    - intros u Hu; pose proof (pl M V (h u) lmin (Ks ^ 2) Hl H) as E; cut (2 * c M ^ 2 * lmin * Ks ^ 2 * loss M (h u) <= power M (h u)); [lra|].
      apply E; intros a Ha; rewrite <- (mean_const (m M) some (Ks ^ 2)); apply mean_le; trivial; intros i _.
      specialize (Hs (h u i a)); rewrite <- (pow2_abs (dsigma M (h u i a))); pose proof (Rabs_pos (dsigma M (h u i a))); nra.
  Qed.
End Dynamics.
