(** Calculus that the proofs share: monotone functions, Gronwall's inequality, and the growth of a square root.

    A function of time is asked to be continuous on [a, b] and differentiable inside only, so that nothing is assumed
    of it before a or after b. *)
Require Import Reals Psatz.
From Coquelicot Require Import Coquelicot.
Open Scope R_scope.

Lemma continuity_of (g : R -> R) (x : R) : continuous g x -> continuity_pt g x.
Proof. intros H; apply continuity_pt_filterlim; exact H. Qed.

Lemma continuous_k (k t : R) : continuous (fun _ : R => k) t.
Proof. exact (continuous_const (U := R_UniformSpace) (V := R_UniformSpace) k t). Qed.

Lemma is_derive_k (k t : R) : is_derive (fun _ : R => k) t 0.
Proof. exact (is_derive_const (K := R_AbsRing) (V := R_NormedModule) k t). Qed.

Lemma nonincreasing (g dg : R -> R) (a b : R) : a <= b ->
  (forall t, a <= t <= b -> continuous g t) ->
  (forall t, a < t < b -> is_derive g t (dg t)) ->
  (forall t, a < t < b -> dg t <= 0) -> g b <= g a.
Proof.
  intros Hab Hc Hd Hn.
  (* the mean value may be reached at an end, where dg is not known: read 0 there *)
  pose (inside := fun t => if Rlt_dec a t then if Rlt_dec t b then dg t else 0 else 0).
  destruct (MVT_gen g a b inside) as [c [Hin E]].
  - intros t Ht; rewrite Rmin_left, Rmax_right in Ht by lra; unfold inside.
    destruct (Rlt_dec a t); [|lra]; destruct (Rlt_dec t b); [|lra]; apply Hd; lra.
  - intros t Ht; rewrite Rmin_left, Rmax_right in Ht by lra; apply continuity_of, Hc; lra.
  - assert (inside c <= 0).
    { unfold inside; destruct (Rlt_dec a c); [|lra]; destruct (Rlt_dec c b); [|lra]; apply Hn; lra. }
    nra.
Qed.

Lemma nondecreasing (g dg : R -> R) (a b : R) : a <= b ->
  (forall t, a <= t <= b -> continuous g t) ->
  (forall t, a < t < b -> is_derive g t (dg t)) ->
  (forall t, a < t < b -> 0 <= dg t) -> g a <= g b.
Proof.
  intros Hab Hc Hd Hn; cut (- g b <= - g a); [lra|].
  apply (nonincreasing (fun t => - g t) (fun t => - dg t)); trivial.
  - intros t Ht; apply (continuous_opp (V := R_NormedModule) g), Hc; trivial.
  - intros t Ht; apply (is_derive_opp g), Hd; trivial.
  - intros t Ht; specialize (Hn t Ht); lra.
Qed.

Lemma constant (g : R -> R) (a b : R) : a <= b ->
  (forall t, a <= t <= b -> continuous g t) ->
  (forall t, a < t < b -> is_derive g t 0) -> g b = g a.
Proof.
  intros Hab Hc Hd; apply Rle_antisym.
  - apply (nonincreasing g (fun _ => 0)); trivial; intros; lra.
  - apply (nondecreasing g (fun _ => 0)); trivial; intros; lra.
Qed.

(** A quantity bounded by any positive number, times a constant, is not positive. *)
Lemma small_is_zero (x k : R) : 0 <= k -> (forall eps, 0 < eps -> x <= k * eps) -> x <= 0.
Proof.
  intros Hk H; destruct (Rle_dec x 0) as [|N]; trivial; exfalso.
  assert (E : x <= k * (x / (2 * (k + 1)))) by (apply H, Rdiv_lt_0_compat; lra).
  assert (F : k * (x / (2 * (k + 1))) <= x / 2).
  { replace (k * (x / (2 * (k + 1)))) with (x / 2 * (k / (k + 1))) by (field; lra).
    assert (k / (k + 1) <= 1) by (apply Rle_div_l; lra); nra. }
  lra.
Qed.

Lemma natural_above (r : R) : 0 < r -> exists N, r < INR N /\ (0 < N)%nat.
Proof.
  intros Hr; destruct (nfloor_ex r) as [k Hk]; [lra|]; exists (S k); rewrite S_INR; split; [lra | apply Nat.lt_0_succ].
Qed.

(** Gronwall's inequality. *)
Theorem gronwall (L dL : R -> R) (k T : R) : 0 <= T ->
  (forall t, 0 <= t <= T -> continuous L t) ->
  (forall t, 0 < t < T -> is_derive L t (dL t)) ->
  (forall t, 0 < t < T -> dL t <= - k * L t) ->
  L T <= L 0 * exp (- k * T).
Proof.
  intros HT Hc Hd Hle.
  assert (H : L T * exp (k * T) <= L 0 * exp (k * 0)).
  { apply (nonincreasing (fun t => L t * exp (k * t)) (fun t => (dL t + k * L t) * exp (k * t))); trivial.
    - intros t Ht; apply (continuous_mult (K := R_AbsRing) L (fun t => exp (k * t))); [apply Hc; trivial|].
      apply (ex_derive_continuous (fun t => exp (k * t))); auto_derive; trivial.
    - intros t Ht; auto_derive; [repeat split; exists (dL t); apply Hd; lra|].
      rewrite (is_derive_unique (fun x : R => L x) t (dL t)) by (apply Hd; lra); ring.
    - intros t Ht; specialize (Hle t Ht); assert (0 < exp (k * t)) by apply exp_pos; nra. }
  rewrite Rmult_0_r, exp_0, Rmult_1_r in H.
  replace (- k * T) with (- (k * T)) by ring; rewrite exp_Ropp.
  assert (0 < exp (k * T)) by apply exp_pos.
  apply Rmult_le_reg_r with (exp (k * T)); trivial.
  rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra; exact H.
Qed.

(** The same from below. *)
Theorem gronwall_below (L dL : R -> R) (k T : R) : 0 <= T ->
  (forall t, 0 <= t <= T -> continuous L t) ->
  (forall t, 0 < t < T -> is_derive L t (dL t)) ->
  (forall t, 0 < t < T -> - k * L t <= dL t) ->
  L 0 * exp (- k * T) <= L T.
Proof.
  intros HT Hc Hd Hle; cut (- L T <= - L 0 * exp (- k * T)); [lra|].
  apply (gronwall (fun t => - L t) (fun t => - dL t)); trivial.
  - intros t Ht; apply (continuous_opp (V := R_NormedModule) L), Hc; trivial.
  - intros t Ht; apply (is_derive_opp L), Hd; trivial.
  - intros t Ht; specialize (Hle t Ht); lra.
Qed.

(** If u >= 0 changes at most at the speed 2 sqrt(u) g', then sqrt(u) changes at most as much as g. The square root need
    not be differentiable: sqrt(u + eps^2) is, and eps is arbitrary. This is Minkowski's inequality along a path. *)
Lemma sqrt_growth (u du g dg : R -> R) (a b : R) : a <= b ->
  (forall t, a <= t <= b -> continuous u t) ->
  (forall t, a <= t <= b -> continuous g t) ->
  (forall t, a < t < b -> is_derive u t (du t)) ->
  (forall t, a < t < b -> is_derive g t (dg t)) ->
  (forall t, a <= t <= b -> 0 <= u t) ->
  (forall t, a < t < b -> 0 <= dg t) ->
  (forall t, a < t < b -> du t <= 2 * sqrt (u t) * dg t) ->
  sqrt (u b) <= sqrt (u a) + (g b - g a).
Proof.
  intros Hab Hcu Hcg Hdu Hdg Hu Hg Hle.
  cut (sqrt (u b) - sqrt (u a) - (g b - g a) <= 0); [lra|].
  apply (small_is_zero _ 1); [lra|]; intros eps He.
  assert (E : sqrt (u b + eps ^ 2) - g b <= sqrt (u a + eps ^ 2) - g a).
  { apply (nonincreasing (fun t => sqrt (u t + eps ^ 2) - g t)
             (fun t => du t / (2 * sqrt (u t + eps ^ 2)) - dg t)); trivial.
    - intros t Ht; apply (continuous_minus (V := R_NormedModule) (fun t => sqrt (u t + eps ^ 2)) g); [|apply Hcg; lra].
      apply (continuous_comp (fun t => u t + eps ^ 2) sqrt).
      + apply (continuous_plus (V := R_NormedModule) u); [apply Hcu; lra | apply continuous_k].
      + apply continuous_sqrt.
    - intros t Ht; assert (0 <= u t) by (apply Hu; lra); assert (0 < eps ^ 2) by nra.
      auto_derive.
      + repeat split; [exists (du t); apply Hdu; lra | simpl in *; lra | exists (dg t); apply Hdg; lra].
      + rewrite (is_derive_unique (fun x : R => u x) t (du t)), (is_derive_unique (fun x : R => g x) t (dg t))
          by (apply Hdu || apply Hdg; lra).
        assert (0 < sqrt (u t + eps ^ 2)) by (apply sqrt_lt_R0; lra).
        simpl in *; field; lra.
    - intros t Ht; assert (Hut : 0 <= u t) by (apply Hu; lra); assert (0 < eps ^ 2) by nra.
      specialize (Hle t Ht); specialize (Hg t Ht).
      assert (0 < sqrt (u t + eps ^ 2)) by (apply sqrt_lt_R0; lra).
      assert (sqrt (u t) <= sqrt (u t + eps ^ 2)) by (apply sqrt_le_1; lra).
      cut (du t / (2 * sqrt (u t + eps ^ 2)) <= dg t); [lra|].
      apply Rle_div_l; nra. }
  assert (sqrt (u b) <= sqrt (u b + eps ^ 2)) by (apply sqrt_le_1_alt; nra).
  assert (sqrt (u a + eps ^ 2) <= sqrt (u a) + eps).
  { assert (0 <= u a) by (apply Hu; lra); assert (0 <= sqrt (u a)) by apply sqrt_pos.
    rewrite <- (sqrt_Rsqr (sqrt (u a) + eps)) by lra; apply sqrt_le_1_alt.
    unfold Rsqr; pose proof (sqrt_def (u a)); nra. }
  lra.
Qed.
