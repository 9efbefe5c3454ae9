(** The four shapes g of rho(s) = sqrt(A) g(s/s-star), their integrals, and where the share beta of the integral is used up.

    Coq's square root of a negative number is 0, so that sqrt(1 - x) and sqrt(1 - x^2) vanish beyond x = 1 as they stand. *)
Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From linrate Require Import calculus master.
Open Scope R_scope.

(** A nonincreasing g >= 0 with its integral Gi. *)
Record shape (g Gi : R -> R) : Prop := {
  shape_nonneg : forall x, 0 <= x -> 0 <= g x;
  shape_monotone : nonincreasing_from_0 g;
  shape_integral : integral_of g Gi
}.

(** rho(s) = k g(s/e) and its integral. *)
Lemma scaled g Gi k e : shape g Gi -> 0 <= k -> 0 < e -> shape (fun s => k * g (s / e)) (fun s => k * e * Gi (s / e)).
Proof.
  intros [N D [Z I]] Hk He.
  assert (P : forall x y, 0 <= x <= y -> 0 <= x / e <= y / e).
  { intros x y H; split; [apply Rle_mult_inv_pos; lra|]; apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat|]; lra. }
  split.
  - intros x Hx; apply Rmult_le_pos; [trivial | apply N; apply (P x x); lra].
  - intros x y H; apply Rmult_le_compat_l; [trivial | apply D, P; trivial].
  - split; [unfold Rdiv; rewrite Rmult_0_l, Z; ring|]; intros x y H; destruct (I _ _ (P x y H)) as [A B].
    replace (k * e * Gi (y / e) - k * e * Gi (x / e)) with (k * e * (Gi (y / e) - Gi (x / e))) by ring.
    replace (k * g (y / e) * (y - x)) with (k * e * (g (y / e) * (y / e - x / e))) by (field; lra).
    replace (k * g (x / e) * (y - x)) with (k * e * (g (x / e) * (y / e - x / e))) by (field; lra).
    assert (0 <= k * e) by nra; split; apply Rmult_le_compat_l; trivial.
Qed.

Definition primitive (g : R -> R) (x : R) : R := RInt g 0 x.

Lemma RInt_derivative g x : (forall x, continuous g x) -> is_derive (primitive g) x (g x).
Proof.
  intros C; apply (is_derive_RInt g (primitive g) 0 x); [|apply C].
  exists (mkposreal 1 Rlt_0_1); intros z _; apply (RInt_correct (V := R_CompleteNormedModule)).
  apply (ex_RInt_continuous (V := R_CompleteNormedModule)); intros; apply C.
Qed.

Lemma continuous_shape g : (forall x, continuous g x) -> (forall x, 0 <= x -> 0 <= g x) -> nonincreasing_from_0 g ->
  shape g (primitive g).
Proof.
  intros C N D; split; trivial; apply integral_is_Riemann; trivial; intros.
  apply (ex_RInt_continuous (V := R_CompleteNormedModule)); intros; apply C.
Qed.

(** The integral up to x of a continuous g with a known primitive F. *)
Lemma closed_form g F x : (forall x, continuous g x) -> F 0 = 0 -> 0 <= x ->
  (forall u, 0 <= u <= x -> continuous F u) -> (forall u, 0 < u < x -> is_derive F u (g u)) -> primitive g x = F x.
Proof.
  intros C F0 Hx CF DF.
  assert (E : primitive g x - F x = primitive g 0 - F 0).
  { apply (constant (fun u => primitive g u - F u)); trivial.
    - intros u Hu; apply (continuous_minus (V := R_NormedModule) (primitive g) F); [|apply CF; trivial].
      apply (ex_derive_continuous (primitive g)); eexists; apply RInt_derivative; trivial.
    - intros u Hu; replace 0 with (g u - g u) by ring.
      apply (is_derive_minus (primitive g) F); [apply RInt_derivative; trivial | apply DF; trivial]. }
  unfold primitive in E at 2; rewrite F0, (RInt_point (V := R_CompleteNormedModule)) in E; unfold zero in E; simpl in E; lra.
Qed.

(** 1: the constant shape. *)
Definition g_constant (x : R) : R := 1.
Lemma shape_constant : shape g_constant (fun x => x).
Proof.
  split; unfold g_constant; [intros; lra | intros x y _; lra |].
  split; [trivial | intros; lra].
Qed.

(** sqrt(1 - x) (markov). *)
Definition g_root (x : R) : R := sqrt (1 - x).
Definition i_root (x : R) : R := primitive g_root x.

Lemma g_root_continuous x : continuous g_root x.
Proof.
  apply (continuous_comp (fun x => 1 - x) sqrt); [|apply continuous_sqrt].
  apply (ex_derive_continuous (fun x => 1 - x)); auto_derive; trivial.
Qed.

Lemma shape_root : shape g_root i_root.
Proof.
  apply continuous_shape; [apply g_root_continuous | intros; apply sqrt_pos |].
  intros x y H; apply sqrt_le_1_alt; lra.
Qed.

Theorem integral_root x : 0 <= x <= 1 -> i_root x = 2 / 3 * (1 - (1 - x) * sqrt (1 - x)).
Proof.
  intros Hx; apply (closed_form g_root (fun x => 2 / 3 * (1 - (1 - x) * sqrt (1 - x)))); [apply g_root_continuous | | lra | |].
  - rewrite Rminus_0_r, sqrt_1; ring.
  - intros u _; apply (continuous_mult (K := R_AbsRing) (fun _ => 2 / 3) (fun u => 1 - (1 - u) * g_root u)); [apply continuous_k|].
    apply (continuous_minus (V := R_NormedModule) (fun _ => 1) (fun u => (1 - u) * g_root u)); [apply continuous_k|].
    apply (continuous_mult (K := R_AbsRing) (fun u => 1 - u) g_root); [|apply g_root_continuous].
    apply (ex_derive_continuous (fun x => 1 - x)); auto_derive; trivial.
  - intros u Hu; unfold g_root; auto_derive; [lra|].
    assert (0 < sqrt (1 - u)) by (apply sqrt_lt_R0; lra).
    pose proof (sqrt_def (1 - u) ltac:(lra)) as E.
    apply Rmult_eq_reg_r with (sqrt (1 - u)); [|lra].
    replace (1 + - u) with (1 - u) by ring; field_simplify; [|lra]; nra.
Qed.

(** sqrt(1 - x^2) (chebyshev, envelope). *)
Definition g_disc (x : R) : R := sqrt (1 - x ^ 2).
Definition i_disc (x : R) : R := primitive g_disc x.

Lemma g_disc_continuous x : continuous g_disc x.
Proof.
  apply (continuous_comp (fun x => 1 - x ^ 2) sqrt); [|apply continuous_sqrt].
  apply (ex_derive_continuous (fun x => 1 - x ^ 2)); auto_derive; trivial.
Qed.

Lemma shape_disc : shape g_disc i_disc.
Proof.
  apply continuous_shape; [apply g_disc_continuous | intros; apply sqrt_pos |].
  intros x y H; apply sqrt_le_1_alt; nra.
Qed.

(** With x = sin(theta) the primitive is (theta + sin cos)/2; no square root has to be differentiated at 1. *)
Lemma integral_disc_sin theta : 0 <= theta <= PI / 2 -> i_disc (sin theta) = (theta + sin theta * cos theta) / 2.
Proof.
  intros H.
  assert (E : i_disc (sin theta) - (theta + sin theta * cos theta) / 2 = i_disc (sin 0) - (0 + sin 0 * cos 0) / 2).
  { apply (constant (fun u => i_disc (sin u) - (u + sin u * cos u) / 2)); [lra | |].
    - intros u _; apply (continuous_minus (V := R_NormedModule) (fun u => i_disc (sin u)) (fun u => (u + sin u * cos u) / 2)).
      + apply (continuous_comp sin i_disc); [apply continuous_sin|].
        apply (ex_derive_continuous i_disc); eexists; apply RInt_derivative, g_disc_continuous.
      + apply (ex_derive_continuous (fun u => (u + sin u * cos u) / 2)); auto_derive; trivial.
    - intros u Hu; assert (0 < cos u) by (apply cos_gt_0; lra).
      assert (E : g_disc (sin u) = cos u).
      { unfold g_disc; replace (1 - sin u ^ 2) with (cos u ^ 2); [apply sqrt_pow2; lra|].
        pose proof (sin2_cos2 u); unfold Rsqr in *; nra. }
      replace 0 with (cos u * g_disc (sin u) - cos u ^ 2) by (rewrite E; ring).
      apply (is_derive_minus (fun u => i_disc (sin u)) (fun u => (u + sin u * cos u) / 2)).
      + apply (is_derive_comp i_disc sin); [apply RInt_derivative, g_disc_continuous | apply is_derive_sin].
      + auto_derive; trivial; pose proof (sin2_cos2 u); unfold Rsqr in *; nra. }
  rewrite sin_0, Rmult_0_l in E; replace (i_disc 0) with 0 in E; [lra|].
  symmetry; exact (RInt_point (V := R_CompleteNormedModule) 0 g_disc).
Qed.

Theorem integral_disc x : 0 <= x <= 1 -> i_disc x = (x * sqrt (1 - x ^ 2) + asin x) / 2.
Proof.
  intros H; assert (B : 0 <= asin x <= PI / 2).
  { pose proof (asin_bound x); split; [|lra].
    destruct (Rle_lt_dec 0 (asin x)) as [|N]; trivial; exfalso; pose proof PI_RGT_0.
    assert (sin (asin x) < 0) by (apply sin_lt_0_var; lra); rewrite sin_asin in *; lra. }
  pose proof (integral_disc_sin (asin x) B) as E; rewrite sin_asin, cos_asin in E by lra.
  rewrite E; unfold Rsqr; replace (x ^ 2) with (x * x) by ring; lra.
Qed.

Lemma integral_disc_1 : i_disc 1 = PI / 4.
Proof. rewrite integral_disc by lra; rewrite asin_1; replace (1 - 1 ^ 2) with 0 by ring; rewrite sqrt_0; lra. Qed.

(** 1 - x, cut off at 0 (slopes, kernel). *)
Definition g_line (x : R) : R := Rmax 0 (1 - x).
Definition i_line (x : R) : R := primitive g_line x.

Lemma g_line_continuous x : continuous g_line x.
Proof.
  apply (continuous_ext (fun x => (1 - x + Rabs (1 - x)) / 2)).
  { intros u; unfold g_line, Rmax; destruct (Rle_dec 0 (1 - u)); [rewrite Rabs_right | rewrite Rabs_left]; lra. }
  assert (C : continuous (fun x : R => 1 - x) x) by (apply (ex_derive_continuous (fun x => 1 - x)); auto_derive; trivial).
  apply (continuous_mult (K := R_AbsRing) (fun x => 1 - x + Rabs (1 - x)) (fun _ => / 2)); [|apply continuous_k].
  apply (continuous_plus (V := R_NormedModule) (fun x => 1 - x) (fun x => Rabs (1 - x))); trivial.
  apply (continuous_comp (fun x => 1 - x) Rabs); trivial; apply continuous_Rabs.
Qed.

Lemma shape_line : shape g_line i_line.
Proof.
  apply continuous_shape; [apply g_line_continuous | intros; apply Rmax_l |].
  intros x y H; unfold g_line; apply Rle_max_compat_l; lra.
Qed.

Theorem integral_line x : 0 <= x <= 1 -> i_line x = x - x ^ 2 / 2.
Proof.
  intros Hx; apply (closed_form g_line (fun x => x - x ^ 2 / 2)); [apply g_line_continuous | lra | lra | |].
  - intros u _; apply (ex_derive_continuous (fun x => x - x ^ 2 / 2)); auto_derive; trivial.
  - intros u Hu; unfold g_line; rewrite Rmax_right by lra; auto_derive; trivial; lra.
Qed.

(** Where the share beta of the integral is used up: position x and g(x)^2, in closed form. *)
Theorem position_root beta : 0 <= beta < 1 ->
  let x := 1 - Rpower (1 - beta) (2 / 3) in
  0 <= x < 1 /\ i_root x = beta * i_root 1 /\ g_root x ^ 2 = Rpower (1 - beta) (2 / 3).
Proof.
  intros Hb x; pose (u := Rpower (1 - beta) (2 / 3)).
  assert (U : 0 < u <= 1).
  { split; [apply exp_pos|]; unfold u, Rpower; apply Rle_trans with (exp 0); [|rewrite exp_0; lra].
    destruct (Req_dec beta 0) as [->|N]; [rewrite Rminus_0_r, ln_1, Rmult_0_r; lra|].
    left; apply exp_increasing; assert (ln (1 - beta) < 0) by (rewrite <- ln_1; apply ln_increasing; lra); lra. }
  assert (C : u * sqrt u = 1 - beta).
  { rewrite <- Rpower_sqrt by lra; unfold u; rewrite Rpower_mult, <- Rpower_plus.
    replace (2 / 3 + 2 / 3 * / 2) with 1 by field; apply Rpower_1; lra. }
  assert (E : 1 - x = u) by (unfold x, u; ring).
  fold u; clearbody u; clearbody x; split; [lra|]; split.
  - rewrite !integral_root by lra; rewrite E, C; replace (1 - 1) with 0 by ring; rewrite sqrt_0; ring.
  - unfold g_root; rewrite E; simpl; rewrite Rmult_1_r; apply sqrt_def; lra.
Qed.

Theorem position_disc beta x : 0 <= x <= 1 -> 2 / PI * (x * sqrt (1 - x ^ 2) + asin x) = beta ->
  i_disc x = beta * i_disc 1 /\ g_disc x ^ 2 = 1 - x ^ 2.
Proof.
  intros Hx <-; pose proof PI_RGT_0; rewrite integral_disc_1, integral_disc by trivial; split; [field; lra|].
  unfold g_disc; rewrite <- Rsqr_pow2; apply Rsqr_sqrt; nra.
Qed.

Theorem position_line beta : 0 <= beta < 1 ->
  let x := 1 - sqrt (1 - beta) in 0 <= x < 1 /\ i_line x = beta * i_line 1 /\ g_line x ^ 2 = 1 - beta.
Proof.
  intros Hb x; assert (0 < sqrt (1 - beta)) by (apply sqrt_lt_R0; lra).
  assert (sqrt (1 - beta) <= 1) by (rewrite <- sqrt_1 at 2; apply sqrt_le_1_alt; lra).
  pose proof (sqrt_def (1 - beta) ltac:(lra)); split; [unfold x; lra|]; split.
  - rewrite !integral_line by (unfold x; lra); unfold x; nra.
  - unfold g_line, x; rewrite Rmax_right by lra; nra.
Qed.
