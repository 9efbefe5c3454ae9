(** The hypotheses are not contradictory: a path length always exists for sigma in C^1, and one network with its flow meets
    all hypotheses of the theorem of slopes at once. A theorem with hypotheses that nothing fulfils would say nothing. *)
Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From linrate Require Import calculus sums gram flow shapes constants methods.
Open Scope R_scope.

(** t, kept between 0 and T *)
Definition clamp (T t : R) : R := Rmax 0 (Rmin T t).

Lemma clamp_inside T t : 0 <= T -> 0 <= clamp T t <= T.
Proof. intros; unfold clamp; split; [apply Rmax_l | apply Rmax_lub; [trivial | apply Rmin_l]]. Qed.

Lemma clamp_id T t : 0 <= t <= T -> clamp T t = t.
Proof. intros; unfold clamp; rewrite Rmin_right, Rmax_right; lra. Qed.

Lemma clamp_continuous T t : continuous (clamp T) t.
Proof.
  apply (continuous_ext (fun t => (((T + t - Rabs (T - t)) / 2) + Rabs ((T + t - Rabs (T - t)) / 2)) / 2)).
  { intros u; assert (E : (T + u - Rabs (T - u)) / 2 = Rmin T u).
    { unfold Rmin; destruct (Rle_dec T u); [rewrite Rabs_left1 | rewrite Rabs_right]; lra. }
    rewrite E; unfold clamp, Rmax; destruct (Rle_dec 0 (Rmin T u)); [rewrite Rabs_right | rewrite Rabs_left]; lra. }
  assert (A : forall f : R -> R, continuous f t -> continuous (fun t => Rabs (f t)) t)
    by (intros f C; apply (continuous_comp f Rabs); trivial; apply continuous_Rabs).
  assert (H : forall f : R -> R, continuous f t -> continuous (fun t => f t / 2) t)
    by (intros f C; apply (continuous_mult (K := R_AbsRing) f (fun _ => / 2)); trivial; apply continuous_k).
  assert (I : forall k : R, continuous (fun t => k + t) t) by (intros k; apply (ex_derive_continuous (fun t => k + t)); auto_derive; trivial).
  assert (J : forall k : R, continuous (fun t => k - t) t) by (intros k; apply (ex_derive_continuous (fun t => k - t)); auto_derive; trivial).
  assert (Q : continuous (fun t => (T + t - Rabs (T - t)) / 2) t)
    by (apply H, (continuous_minus (V := R_NormedModule) (fun t => T + t) (fun t => Rabs (T - t))); [apply I | apply A, J]).
  apply H, (continuous_plus (V := R_NormedModule) (fun t => (T + t - Rabs (T - t)) / 2) (fun t => Rabs ((T + t - Rabs (T - t)) / 2))); [trivial | apply A; trivial].
Qed.

(** For sigma in C^1 every solution of (11) has its path length. *)
Theorem path_exists M T h : valid M -> 0 <= T -> (forall u, continuous (dsigma M) u) ->
  (forall i a t, (i < m M)%nat -> (a < n M)%nat -> 0 < t < T -> is_derive (fun u => h u i a) t (velocity M (h t) i a)) ->
  (forall i a t, (i < m M)%nat -> (a < n M)%nat -> 0 <= t <= T -> continuous (fun u => h u i a) t) ->
  exists s, flow M T h s.
Proof.
  intros V HT Cd Mv Cn.
  assert (Cf : forall f : R -> R, (forall u, continuous f u) -> forall i a t, (i < m M)%nat -> (a < n M)%nat -> 0 <= t <= T -> continuous (fun u => f (h u i a)) t)
    by (intros f C i a t Hi Ha Ht; apply (continuous_comp (fun u => h u i a) f); [apply Cn; trivial | apply C]).
  assert (Cs : forall u, continuous (sigma M) u) by (intros u; apply (ex_derive_continuous (sigma M)); eexists; apply V).
  assert (Cr : forall a t, (a < n M)%nat -> 0 <= t <= T -> continuous (fun u => residual M (h u) a) t).
  { intros a t Ha Ht; apply (continuous_minus (V := R_NormedModule) (fun u => output M (h u) a) (fun _ => y M a)); [|apply continuous_k].
    apply continuous_mean; intros i Hi; apply (continuous_mult (K := R_AbsRing) (fun _ => signs M i) (fun u => sigma M (h u i a))); [apply continuous_k | apply Cf; trivial]. }
  assert (Cw : forall i a t, (i < m M)%nat -> (a < n M)%nat -> 0 <= t <= T -> continuous (fun u => weighted M (h u) i a) t).
  { intros i a t Hi Ha Ht; apply (continuous_mult (K := R_AbsRing) (fun u => residual M (h u) a) (fun u => dsigma M (h u i a))); [apply Cr; trivial | apply Cf; trivial]. }
  assert (Cp : forall t, 0 <= t <= T -> continuous (fun u => power M (h u)) t).
  { intros t Ht; apply (continuous_mult (K := R_AbsRing) (fun _ => c M ^ 2) (fun u => mean (m M) (fun i => form (n M) (G M) (weighted M (h u) i) (weighted M (h u) i)))); [apply continuous_k|].
    apply continuous_mean; intros i Hi; apply (continuous_sum (n M) (fun a u => weighted M (h u) i a * apply (n M) (G M) (weighted M (h u) i) a)); intros a Ha.
    apply (continuous_mult (K := R_AbsRing) (fun u => weighted M (h u) i a) (fun u => apply (n M) (G M) (weighted M (h u) i) a)); [apply Cw; trivial|].
    apply (continuous_sum (n M) (fun b u => G M a b * weighted M (h u) i b)); intros b Hb.
    apply (continuous_mult (K := R_AbsRing) (fun _ => G M a b) (fun u => weighted M (h u) i b)); [apply continuous_k | apply Cw; trivial]. }
  pose (g := fun t => sqrt (power M (h (clamp T t)))).
  assert (Cg : forall t, continuous g t).
  { intros t; apply (continuous_comp (fun t => power M (h (clamp T t))) sqrt); [|apply continuous_sqrt].
    apply (continuous_comp (clamp T) (fun u => power M (h u))); [apply clamp_continuous | apply Cp, clamp_inside; trivial]. }
  exists (primitive g); constructor; trivial.
  - exact (RInt_point (V := R_CompleteNormedModule) 0 g).
  - intros t Ht; replace (sqrt (power M (h t))) with (g t) by (unfold g; rewrite clamp_id by lra; trivial); apply RInt_derivative; trivial.
  - intros t Ht; apply (ex_derive_continuous (primitive g)); eexists; apply RInt_derivative; trivial.
Qed.

(** One point, one neuron, sigma(u) = u, y = 0, c = 1, h^0 = 1: h = exp(-t). *)
Definition one : Model := {| n := 1; m := 1; G := fun _ _ => 1; sigma := fun u => u; dsigma := fun _ => 1;
  y := fun _ => 0; c := 1; signs := fun _ => 1 |}.

Theorem hypotheses_consistent : exists M h s, valid M /\ (forall T, 0 <= T -> flow M T h s) /\ eigenvalues_from (n M) (G M) 1 /\
  (forall a, (a < n M)%nat -> G M a a <= 1) /\ slope_lipschitz M (1 / 4) /\ (forall a, (a < n M)%nat -> 1 ^ 2 <= slope2 M (h 0) a) /\
  a_slopes (1 / 4) 1 1 1 * length M (h 0) / c M = 1 / 2 /\ 0 < loss M (h 0).
Proof.
  exists one, (fun t _ _ => exp (- t)), (fun t => 1 - exp (- t)).
  assert (R0 : forall t, residual one (fun _ _ => exp (- t)) 0 = exp (- t)) by (intros; unfold residual, output, mean; simpl; field).
  assert (P : forall t, power one (fun _ _ => exp (- t)) = exp (- t) ^ 2).
  { intros t; unfold power, mean, form, apply, weighted; simpl; change 0%nat with 0%nat; rewrite R0; field. }
  assert (L0 : loss one (fun _ _ => exp (- 0)) = 1 / 2).
  { unfold loss, norm2; simpl; rewrite R0, Ropp_0, exp_0; field. }
  assert (De : forall t, is_derive (fun t => exp (- t)) t (- exp (- t))) by (intros; auto_derive; trivial; ring).
  assert (Ds : forall t, is_derive (fun t => 1 - exp (- t)) t (exp (- t))) by (intros; auto_derive; trivial; ring).
  assert (V : valid one).
  { constructor; simpl.
    - lia.
    - intros a b _ _; trivial.
    - intros v; unfold form, apply; simpl; nra.
    - lra.
    - intros; ring.
    - intros; auto_derive; trivial. }
  split; [exact V|]; split.
  { intros T HT; constructor.
    - trivial.
    - intros i a t Hi Ha Ht; simpl in Ha; replace a with 0%nat by lia.
      assert (E : velocity one (fun _ _ => exp (- t)) i 0 = - exp (- t)) by (unfold velocity, apply, weighted; simpl; rewrite R0; ring).
      rewrite E; exact (De t).
    - intros i a t _ _ _; apply (ex_derive_continuous (fun u => exp (- u))); exists (- exp (- t)); exact (De t).
    - rewrite Ropp_0, exp_0; ring.
    - intros t _; rewrite P, sqrt_pow2 by (left; apply exp_pos); exact (Ds t).
    - intros t _; apply (ex_derive_continuous (fun u => 1 - exp (- u))); exists (exp (- t)); exact (Ds t). }
  split; [intros v; unfold norm2, form, apply; simpl; lra|]; split; [intros; simpl; lra|]; split.
  { split; [lra|]; intros; simpl; rewrite Rminus_eq_0, Rabs_R0; pose proof (Rabs_pos (u - v)); lra. }
  split; [intros; unfold slope2, mean; simpl; lra|]; split.
  - unfold a_slopes, length; rewrite L0; replace (2 * (1 / 2)) with 1 by field; rewrite sqrt_1; simpl; field.
  - rewrite L0; lra.
Qed.

(** Antisymmetric pairs, neurons 2 k and 2 k + 1 with the same h and opposite signs, start from f = 0. *)
Theorem antisymmetric_start M h k : m M = (2 * k)%nat ->
  (forall i a, h (2 * i + 1)%nat a = h (2 * i)%nat a) -> (forall i, signs M (2 * i + 1)%nat = - signs M (2 * i)%nat) ->
  loss M h = norm2 (n M) (y M) / 2.
Proof.
  intros Em Eh Es.
  assert (O : forall a, output M h a = 0).
  { intros a; unfold output, mean; rewrite Em.
    replace (sum (2 * k) (fun i => signs M i * sigma M (h i a))) with 0; [unfold Rdiv; ring|].
    clear Em; induction k; [trivial|]; replace (2 * S k)%nat with (S (S (2 * k))) by lia.
    change (sum (S (S (2 * k))) (fun i => signs M i * sigma M (h i a)))
      with (sum (2 * k) (fun i => signs M i * sigma M (h i a)) + signs M (2 * k)%nat * sigma M (h (2 * k)%nat a) + signs M (S (2 * k)) * sigma M (h (S (2 * k)) a)).
    replace (S (2 * k)) with (2 * k + 1)%nat by lia; rewrite Eh, Es, <- IHk; ring. }
  unfold loss; f_equal; unfold norm2; apply sum_ext; intros a _; unfold residual; rewrite O; ring.
Qed.

(** Appendix C: r of (36), for L layers with exponents a (0 to L - 1 hidden, a_last), b_last and c, does not change under theta. *)
Definition r_abc (a_first a_middle a_last b_last c : R) : R :=
  Rmin b_last (a_last + c) + a_last + c + Rmin (2 * a_first) (2 * a_middle - 1).

Theorem appendix_c a_first a_middle a_last b_last c theta :
  r_abc (a_first + theta) (a_middle + theta) (a_last + theta) (b_last - theta) (c - 2 * theta) = r_abc a_first a_middle a_last b_last c
  /\ r_abc 0 (1 / 2) 1 0 (-1) = 0 /\ r_abc (-1 / 2) 0 (1 / 2) (1 / 2) 0 = 0.
Proof. unfold r_abc, Rmin; repeat split; repeat destruct Rle_dec; lra. Qed.

(** Appendix B: a step of size delta on theta, W = k theta (k^2 = m), is a step of size m delta on W. Coordinate by coordinate. *)
Theorem appendix_b (L dL : R -> R) theta k delta m : k ^ 2 = m -> (forall w, is_derive L w (dL w)) ->
  k * (theta - delta * Derive (fun theta => L (k * theta)) theta) = k * theta - m * delta * dL (k * theta).
Proof.
  intros E D; rewrite (is_derive_unique _ _ (k * dL (k * theta))); [rewrite <- E; ring|].
  apply (is_derive_comp L (fun theta => k * theta)); [apply D | auto_derive; trivial; ring].
Qed.
