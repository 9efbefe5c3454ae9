(** Finite sums, means, and the inequality of Cauchy and Schwarz. [sum n f] is f 0 + ... + f (n - 1). *)
Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From linrate Require Import calculus.
Open Scope R_scope.

Fixpoint sum (n : nat) (f : nat -> R) : R := match n with O => 0 | S k => sum k f + f k end.

(** The mean over m neurons. *)
Definition mean (m : nat) (f : nat -> R) : R := sum m f / INR m.

(** The square of the Euclidean norm of a vector of n numbers. *)
Definition norm2 (n : nat) (v : nat -> R) : R := sum n (fun a => v a ^ 2).

Lemma sum_ext n f g : (forall k, (k < n)%nat -> f k = g k) -> sum n f = sum n g.
Proof. induction n; simpl; intros H; trivial; rewrite IHn, H by (auto with arith); trivial. Qed.

Lemma sum_le n f g : (forall k, (k < n)%nat -> f k <= g k) -> sum n f <= sum n g.
Proof. induction n; simpl; intros H; [lra|]; apply Rplus_le_compat; [apply IHn | apply H]; auto with arith. Qed.

Lemma sum_zero n : sum n (fun _ => 0) = 0.
Proof. induction n; simpl; lra. Qed.

Lemma sum_nonneg n f : (forall k, (k < n)%nat -> 0 <= f k) -> 0 <= sum n f.
Proof. intros H; rewrite <- (sum_zero n); apply sum_le; trivial. Qed.

Lemma sum_plus n f g : sum n (fun k => f k + g k) = sum n f + sum n g.
Proof. induction n; simpl; lra. Qed.

Lemma sum_minus n f g : sum n (fun k => f k - g k) = sum n f - sum n g.
Proof. induction n; simpl; lra. Qed.

Lemma sum_scal n c f : sum n (fun k => c * f k) = c * sum n f.
Proof. induction n; simpl; lra. Qed.

Lemma sum_scal_r n c f : sum n (fun k => f k * c) = sum n f * c.
Proof. induction n; simpl; lra. Qed.

Lemma sum_const n c : sum n (fun _ => c) = INR n * c.
Proof. induction n; [simpl; lra|]; rewrite S_INR; simpl; lra. Qed.

Lemma sum_swap n m (f : nat -> nat -> R) :
  sum n (fun a => sum m (fun i => f a i)) = sum m (fun i => sum n (fun a => f a i)).
Proof. induction n; simpl; [rewrite sum_zero; trivial|]; rewrite IHn, <- sum_plus; trivial. Qed.

Lemma sum_abs n f : Rabs (sum n f) <= sum n (fun k => Rabs (f k)).
Proof. induction n; simpl; [rewrite Rabs_R0; lra|]; eapply Rle_trans; [apply Rabs_triang|lra]. Qed.

Lemma sum_term n f k : (forall j, (j < n)%nat -> 0 <= f j) -> (k < n)%nat -> f k <= sum n f.
Proof.
  induction n; simpl; intros H Hk; [lia|].
  assert (0 <= sum n f) by (apply sum_nonneg; auto with arith); assert (0 <= f n) by auto.
  destruct (Nat.eq_dec k n) as [->|]; [lra|]; assert (f k <= sum n f) by (apply IHn; auto with arith; lia); lra.
Qed.

(** The sum with one entry of a vector of zeros and one 1. *)
Lemma sum_unit n f a : (a < n)%nat -> sum n (fun k => (if Nat.eqb k a then 1 else 0) * f k) = f a.
Proof.
  assert (Z : forall j, (j <= a)%nat -> sum j (fun k => (if Nat.eqb k a then 1 else 0) * f k) = 0).
  { induction j; simpl; intros; trivial; rewrite IHj by lia.
    replace (Nat.eqb j a) with false by (symmetry; apply Nat.eqb_neq; lia); lra. }
  induction n; [lia|]; simpl; intros Ha; destruct (Nat.eq_dec n a) as [->|].
  - rewrite Z by lia; rewrite Nat.eqb_refl; lra.
  - replace (Nat.eqb n a) with false by (symmetry; apply Nat.eqb_neq; lia); rewrite IHn by lia; lra.
Qed.

Lemma norm2_nonneg n v : 0 <= norm2 n v.
Proof. apply sum_nonneg; intros; nra. Qed.

(** A quadratic in t that is nowhere negative has no two roots. *)
Lemma discriminant (a b c : R) : 0 <= a -> (forall t, 0 <= a * t ^ 2 + 2 * b * t + c) -> b ^ 2 <= a * c.
Proof.
  intros Ha H; destruct (Rle_lt_or_eq_dec 0 a Ha) as [P|E].
  - specialize (H (- b / a)).
    replace (a * (- b / a) ^ 2 + 2 * b * (- b / a) + c) with (c - b ^ 2 / a) in H by (field; lra).
    assert (E : b ^ 2 = a * (b ^ 2 / a)) by (field; lra); nra.
  - rewrite <- E in *; destruct (Req_dec b 0) as [->|N]; [nra|].
    specialize (H (- (c + 1) / (2 * b))).
    replace (0 * (- (c + 1) / (2 * b)) ^ 2 + 2 * b * (- (c + 1) / (2 * b)) + c) with (-1) in H by (field; trivial); lra.
Qed.

(** From b^2 <= a c, the triangle inequality of norms. *)
Lemma triangle (a b c : R) : 0 <= a -> 0 <= c -> 0 <= a + 2 * b + c -> b ^ 2 <= a * c ->
  sqrt (a + 2 * b + c) <= sqrt a + sqrt c.
Proof.
  intros Ha Hc Hs H; pose proof (sqrt_pos a); pose proof (sqrt_pos c).
  pose proof (sqrt_def a Ha); pose proof (sqrt_def c Hc).
  rewrite <- (sqrt_Rsqr (sqrt a + sqrt c)) by lra; apply sqrt_le_1_alt; unfold Rsqr.
  assert (b <= sqrt a * sqrt c).
  { rewrite <- sqrt_mult by trivial; destruct (Rle_dec b 0) as [|N]; [pose proof (sqrt_pos (a * c)); lra|].
    rewrite <- (sqrt_Rsqr b) by lra; apply sqrt_le_1_alt; unfold Rsqr; nra. }
  nra.
Qed.

Lemma cauchy_schwarz n f g : (sum n (fun k => f k * g k)) ^ 2 <= norm2 n f * norm2 n g.
Proof.
  rewrite Rmult_comm; apply discriminant; [apply norm2_nonneg|]; intros t.
  replace (norm2 n g * t ^ 2 + 2 * sum n (fun k => f k * g k) * t + norm2 n f)
    with (norm2 n (fun k => f k + t * g k)); [apply norm2_nonneg|].
  unfold norm2; induction n; simpl in *; [lra|]; rewrite IHn; ring.
Qed.

Section Means.
  Variable m : nat.
  Hypothesis some : (0 < m)%nat.

  Lemma INR_some : 0 < INR m.
  Proof. apply lt_0_INR; trivial. Qed.

  Lemma mean_le f g : (forall i, (i < m)%nat -> f i <= g i) -> mean m f <= mean m g.
  Proof.
    intros H; pose proof INR_some; apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; trivial|].
    apply sum_le; trivial.
  Qed.

  Lemma mean_const c : mean m (fun _ => c) = c.
  Proof. pose proof INR_some; unfold mean; rewrite sum_const; field; lra. Qed.

  Lemma mean_sq_nonneg f : 0 <= mean m (fun i => f i ^ 2).
  Proof. rewrite <- (mean_const 0); apply mean_le; intros; nra. Qed.

  Lemma mean_nonneg f : (forall i, (i < m)%nat -> 0 <= f i) -> 0 <= mean m f.
  Proof. intros H; rewrite <- (mean_const 0); apply mean_le; trivial. Qed.

  (** Root mean squares: Cauchy and Schwarz. *)
  Lemma mean_cauchy f g : (mean m (fun i => f i * g i)) ^ 2 <= mean m (fun i => f i ^ 2) * mean m (fun i => g i ^ 2).
  Proof.
    pose proof INR_some as H; pose proof (cauchy_schwarz m f g) as C; unfold norm2, mean in *.
    replace ((sum m (fun i => f i * g i) / INR m) ^ 2) with ((sum m (fun i => f i * g i)) ^ 2 * (/ INR m) ^ 2) by (field; lra).
    replace (sum m (fun i => f i ^ 2) / INR m * (sum m (fun i => g i ^ 2) / INR m))
      with (sum m (fun i => f i ^ 2) * sum m (fun i => g i ^ 2) * (/ INR m) ^ 2) by (field; lra).
    apply Rmult_le_compat_r; [nra | trivial].
  Qed.

  Lemma mean_le_rms f : (mean m f) ^ 2 <= mean m (fun i => f i ^ 2).
  Proof.
    pose proof (mean_cauchy f (fun _ => 1)) as H; cbv beta in H; rewrite (mean_const (1 ^ 2)) in H.
    replace (mean m (fun i => f i * 1)) with (mean m f) in H; [lra|].
    unfold mean; f_equal; apply sum_ext; intros; ring.
  Qed.

  (** Root mean squares: Minkowski. *)
  Lemma mean_triangle f g :
    sqrt (mean m (fun i => (f i + g i) ^ 2)) <= sqrt (mean m (fun i => f i ^ 2)) + sqrt (mean m (fun i => g i ^ 2)).
  Proof.
    assert (E : mean m (fun i => (f i + g i) ^ 2)
      = mean m (fun i => f i ^ 2) + 2 * mean m (fun i => f i * g i) + mean m (fun i => g i ^ 2)).
    { unfold mean; pose proof INR_some.
      replace (sum m (fun i => (f i + g i) ^ 2))
        with (sum m (fun i => f i ^ 2) + 2 * sum m (fun i => f i * g i) + sum m (fun i => g i ^ 2)); [field; lra|].
      rewrite <- sum_scal, <- !sum_plus; apply sum_ext; intros; ring. }
    pose proof (mean_sq_nonneg (fun i => f i + g i)) as S; cbv beta in S; rewrite E in *.
    apply triangle; trivial; try apply mean_sq_nonneg; apply mean_cauchy.
  Qed.

  Lemma mean_scal c f : mean m (fun i => c * f i) = c * mean m f.
  Proof. unfold mean; rewrite sum_scal; unfold Rdiv; ring. Qed.

  Lemma mean_plus f g : mean m (fun i => f i + g i) = mean m f + mean m g.
  Proof. unfold mean; rewrite sum_plus; unfold Rdiv; ring. Qed.

  Lemma mean_minus f g : mean m (fun i => f i - g i) = mean m f - mean m g.
  Proof. unfold mean; rewrite sum_minus; unfold Rdiv; ring. Qed.
End Means.

Lemma mean_ext m f g : (forall i, (i < m)%nat -> f i = g i) -> mean m f = mean m g.
Proof. intros H; unfold mean; f_equal; apply sum_ext; trivial. Qed.

Lemma mean_factor m c f g : (forall i, (i < m)%nat -> f i = c * g i) -> mean m f = c * mean m g.
Proof. intros H; unfold mean, Rdiv; rewrite <- Rmult_assoc, <- sum_scal; f_equal; apply sum_ext; trivial. Qed.

Lemma sum_factor n c f g : (forall i, (i < n)%nat -> f i = c * g i) -> sum n f = c * sum n g.
Proof. intros H; rewrite <- sum_scal; apply sum_ext; trivial. Qed.

Lemma mean_sum_swap m n (f : nat -> nat -> R) : mean m (fun i => sum n (fun a => f i a)) = sum n (fun a => mean m (fun i => f i a)).
Proof. unfold mean, Rdiv; rewrite sum_swap, <- sum_scal_r; trivial. Qed.

(** Derivatives and continuity of sums and means of functions of time. *)
Lemma is_derive_sum n (F : nat -> R -> R) (dF : nat -> R) t :
  (forall k, (k < n)%nat -> is_derive (F k) t (dF k)) -> is_derive (fun t => sum n (fun k => F k t)) t (sum n dF).
Proof.
  induction n; simpl; intros H; [apply (is_derive_const (V := R_NormedModule) 0)|].
  apply (is_derive_plus (fun t => sum n (fun k => F k t)) (F n)); [apply IHn | apply H]; auto with arith.
Qed.

Lemma is_derive_mean m (F : nat -> R -> R) (dF : nat -> R) t :
  (forall k, (k < m)%nat -> is_derive (F k) t (dF k)) -> is_derive (fun t => mean m (fun k => F k t)) t (mean m dF).
Proof.
  intros H; unfold mean; apply (is_derive_ext (fun t => / INR m * sum m (fun k => F k t))).
  { intros; unfold Rdiv; apply Rmult_comm. }
  unfold Rdiv; rewrite Rmult_comm; apply is_derive_scal, is_derive_sum; trivial.
Qed.

Lemma continuous_sum n (F : nat -> R -> R) t :
  (forall k, (k < n)%nat -> continuous (F k) t) -> continuous (fun t => sum n (fun k => F k t)) t.
Proof.
  induction n; simpl; intros H; [apply continuous_k|].
  apply (continuous_plus (V := R_NormedModule) (fun t => sum n (fun k => F k t)) (F n)); [apply IHn | apply H]; auto with arith.
Qed.

Lemma continuous_mean m (F : nat -> R -> R) t :
  (forall k, (k < m)%nat -> continuous (F k) t) -> continuous (fun t => mean m (fun k => F k t)) t.
Proof.
  intros H; unfold mean; apply (continuous_mult (K := R_AbsRing) (fun t => sum m (fun k => F k t)) (fun _ => / INR m)).
  - apply continuous_sum; trivial.
  - apply continuous_k.
Qed.

Lemma continuous_square (f : R -> R) t : continuous f t -> continuous (fun t => f t ^ 2) t.
Proof.
  intros H; apply (continuous_ext (fun t => f t * f t)); [intros; simpl; ring|].
  apply (continuous_mult (K := R_AbsRing) f f); trivial.
Qed.

Lemma is_derive_square (f : R -> R) t d : is_derive f t d -> is_derive (fun t => f t ^ 2) t (2 * f t * d).
Proof.
  intros H; auto_derive; [exists d; trivial|]; rewrite (is_derive_unique (fun x : R => f x) t d) by trivial; ring.
Qed.
