(** The printed statement is false: errata that are finite statements, each with its counterexample, and repairs. *)
Require Import Reals Psatz Lia ZArith.
From Coquelicot Require Import Coquelicot.
From linrate Require Import calculus sums gram flow.
Open Scope R_scope.

(** E1, (52): L' L^{-1/2} >= d/dt (2L)^{1/2} for a loss that falls. *)
Theorem printed_e1 : ~ (forall (L : R -> R) (t dL d : R), 0 < L t -> dL <= 0 -> is_derive L t dL ->
  is_derive (fun t => sqrt (2 * L t)) t d -> d <= dL / sqrt (L t)).
Proof.
  intros H.
  assert (S : 1 < sqrt 2) by (rewrite <- sqrt_1 at 1; apply sqrt_lt_1_alt; lra).
  specialize (H (fun t => 2 - t) 1 (-1) (- / sqrt 2)); cbv beta in H.
  replace (2 - 1) with 1 in H by ring; rewrite sqrt_1 in H.
  assert (D1 : is_derive (fun t : R => 2 - t) 1 (-1)) by (auto_derive; trivial; ring).
  assert (D2 : is_derive (fun t : R => sqrt (2 * (2 - t))) 1 (- / sqrt 2)).
  { auto_derive; [lra|]; replace (2 * (2 + - (1))) with 2 by ring; field; lra. }
  specialize (H ltac:(lra) ltac:(lra) D1 D2).
  assert (/ sqrt 2 < / 1) by (apply Rinv_lt_contravar; lra); lra.
Qed.

Theorem repaired_e1 (L : R -> R) (t dL : R) : 0 < L t -> is_derive L t dL ->
  is_derive (fun t => 2 * sqrt (L t)) t (dL / sqrt (L t)).
Proof.
  intros HL D; assert (0 < sqrt (L t)) by (apply sqrt_lt_R0; trivial).
  auto_derive; [split; [exists dL; trivial | lra]|]; rewrite (is_derive_unique (fun x : R => L x) t dL) by trivial; field; lra.
Qed.

(** E2, (64): P(sum_a f_a^2 >= Y^2) <= sum_a P(|f_a| >= Y), here on a finite probability space of N outcomes with
    probabilities p; f k a is the output at point a in outcome k. *)
Definition probability (N : nat) (p : nat -> R) (event : nat -> bool) : R := sum N (fun k => p k * if event k then 1 else 0).
Definition at_least (x u : R) : bool := if Rle_dec u x then true else false.

Theorem printed_e2 : ~ (forall (N n : nat) (p : nat -> R) (f : nat -> nat -> R) (Y : R), (forall k, 0 <= p k) -> sum N p = 1 -> 0 < Y ->
  probability N p (fun k => at_least (norm2 n (f k)) (Y ^ 2)) <= sum n (fun a => probability N p (fun k => at_least (Rabs (f k a)) Y))).
Proof.
  intros H; specialize (H 1%nat 2%nat (fun _ => 1) (fun _ _ => 1) (5 / 4)).
  unfold probability, at_least, norm2 in H; simpl in H; rewrite !Rabs_R1 in H.
  specialize (H ltac:(intros; lra) ltac:(lra) ltac:(lra)).
  destruct (Rle_dec (5 / 4) 1); [lra|]; destruct (Rle_dec (5 / 4 * (5 / 4 * 1)) (0 + 1 * (1 * 1) + 1 * (1 * 1))); lra.
Qed.

(** E3, (66): ||f|| <= ||y|| implies ||f - y||^2/2 <= ||y||^2. *)
Theorem printed_e3 : ~ (forall (n : nat) (f y : nat -> R), norm2 n f <= norm2 n y -> norm2 n (fun a => f a - y a) / 2 <= norm2 n y).
Proof. intros H; specialize (H 1%nat (fun _ => -1) (fun _ => 1)); unfold norm2 in H; simpl in H; lra. Qed.

Theorem repaired_e3 (n : nat) (f y : nat -> R) : norm2 n (fun a => f a - y a) / 2 <= (sqrt (norm2 n f) + sqrt (norm2 n y)) ^ 2 / 2.
Proof.
  assert (E : norm2 n (fun a => f a - y a) = norm2 n f - 2 * sum n (fun a => f a * y a) + norm2 n y).
  { unfold norm2; rewrite <- sum_scal, <- sum_minus, <- sum_plus; apply sum_ext; intros; ring. }
  pose proof (cauchy_schwarz n f y) as C; pose proof (norm2_nonneg n f) as Nf; pose proof (norm2_nonneg n y) as Ny.
  assert (B : - sum n (fun a => f a * y a) <= sqrt (norm2 n f) * sqrt (norm2 n y)).
  { rewrite <- sqrt_mult by trivial; apply Rle_trans with (Rabs (sum n (fun a => f a * y a))); [rewrite <- Rabs_Ropp; apply Rle_abs|].
    rewrite <- (sqrt_pow2 (Rabs _)) by apply Rabs_pos; rewrite pow2_abs; apply sqrt_le_1_alt; trivial. }
  pose proof (sqrt_def _ Nf); pose proof (sqrt_def _ Ny); rewrite E; nra.
Qed.

(** E6, text before (16): for the cubic L tends to 0. One neuron, one point, G = 1, c = 1, y = -1, h^0 = 1: the loss stays
    above 1/2 for as long as the flow exists. *)
Definition cubic : Model := {| n := 1; m := 1; G := fun _ _ => 1; sigma := fun u => u ^ 3; dsigma := fun u => 3 * u ^ 2;
  y := fun _ => -1; c := 1; signs := fun _ => 1 |}.

Lemma cubic_valid : valid cubic.
Proof.
  constructor; simpl; try lra; try lia.
  - intros a b _ _; trivial.
  - intros v; unfold form, apply; simpl; nra.
  - intros; ring.
  - intros; auto_derive; trivial; ring.
Qed.

Theorem printed_e6 T h s t : flow cubic T h s -> h 0 0%nat 0%nat = 1 -> 0 <= t <= T -> 1 / 2 <= loss cubic (h t).
Proof.
  intros F H0 Ht; pose (u := fun t => h t 0%nat 0%nat).
  pose (a := fun t => 3 * u t * (u t ^ 3 + 1)).
  assert (C : forall v, 0 <= v <= T -> continuous u v) by (intros; apply F; simpl; trivial; lia).
  assert (D : forall v, 0 < v < T -> is_derive u v (- a v * u v)).
  { intros v Hv; replace (- a v * u v) with (velocity cubic (h v) 0 0); [apply F; simpl; trivial; lia|].
    unfold velocity, apply, weighted, residual, output, mean, a, u; simpl; field. }
  assert (Ca : forall v, 0 <= v <= t -> continuity_pt (fun v => 2 * a v) v).
  { intros v Hv; apply continuity_of; unfold a.
    apply (continuous_comp u (fun x => 2 * (3 * x * (x ^ 3 + 1)))); [apply C; lra|].
    apply (ex_derive_continuous (fun x => 2 * (3 * x * (x ^ 3 + 1)))); auto_derive; trivial. }
  destruct (continuity_ab_maj (fun v => 2 * a v) 0 t (proj1 Ht) Ca) as [w [Hw _]].
  (* u^2 falls at most at the rate K, so u never reaches 0 *)
  pose (K := 2 * a w).
  assert (P : forall v, 0 <= v <= t -> 0 < u v ^ 2).
  { intros v Hv; assert (B : u 0 ^ 2 * exp (- K * v) <= u v ^ 2).
    { apply (gronwall_below (fun v => u v ^ 2) (fun v => 2 * u v * (- a v * u v))); try lra; intros x Hx.
      - apply continuous_square, C; lra.
      - apply (is_derive_square u), D; lra.
      - specialize (Hw x ltac:(lra)); fold K in Hw; pose proof (pow2_ge_0 (u x)); nra. }
    unfold u in B at 1; rewrite H0 in B; pose proof (exp_pos (- K * v)); lra. }
  assert (Pos : 0 < u t).
  { destruct (Rlt_le_dec 0 (u t)) as [|N]; trivial; exfalso.
    destruct (Req_dec t 0) as [->|Nt]; [unfold u in N; rewrite H0 in N; lra|].
    assert (Z : u t < 0) by (specialize (P t ltac:(lra)); destruct (Req_dec (u t) 0) as [E|]; [rewrite E in P|]; lra).
    destruct (Ranalysis5.IVT_interv (fun v => - u v) 0 t) as [z [Hz E]]; try lra.
    - intros v Hv; apply continuity_of, (continuous_opp (V := R_NormedModule) u), C; lra.
    - unfold u; rewrite H0; lra.
    - specialize (P z Hz); assert (E0 : u z = 0) by lra; rewrite E0 in P; lra. }
  unfold loss, norm2, residual, output, mean; simpl; fold (u t).
  assert (0 < u t * (u t * (u t * 1))) by (repeat apply Rmult_lt_0_compat; lra).
  replace ((0 + 1 * (u t * (u t * (u t * 1)))) / 1 - -1) with (u t * (u t * (u t * 1)) + 1) by field; nra.
Qed.

(** E7: I = (0, R) with R to infinity: K(I, 1, 1) of Lemma 3 falls below every positive number. *)
Theorem printed_e7 eps : 0 < eps -> exists b, 0 < b /\ b / (6 * sqrt (2 * PI)) * exp (- (b ^ 2 / 2)) < eps.
Proof.
  intros He; pose proof PI_RGT_0; pose proof PI2_3_2; assert (S : 1 <= sqrt (2 * PI)) by (rewrite <- sqrt_1 at 1; apply sqrt_le_1_alt; lra).
  exists (2 / eps); assert (Hb : 0 < 2 / eps) by (apply Rdiv_lt_0_compat; lra); split; trivial; set (b := 2 / eps) in *.
  assert (X : exp (- (b ^ 2 / 2)) <= / (b ^ 2 / 2)).
  { rewrite exp_Ropp; apply Rinv_le_contravar; [nra|]; left; eapply Rlt_trans; [|apply exp_ineq1; nra]; lra. }
  assert (Y : b * / (b ^ 2 / 2) = eps) by (unfold b; field; lra).
  assert (Z : 0 < / (6 * sqrt (2 * PI)) < 1).
  { split; [apply Rinv_0_lt_compat; lra|]; rewrite <- Rinv_1; apply Rinv_lt_contravar; lra. }
  assert (b * exp (- (b ^ 2 / 2)) <= eps) by (rewrite <- Y; apply Rmult_le_compat_l; lra).
  assert (0 < b * exp (- (b ^ 2 / 2))) by (apply Rmult_lt_0_compat; [lra | apply exp_pos]).
  unfold Rdiv; replace (b * / (6 * sqrt (2 * PI)) * exp (- (b ^ 2 * / 2))) with (/ (6 * sqrt (2 * PI)) * (b * exp (- (b ^ 2 / 2)))) by (unfold Rdiv; ring).
  nra.
Qed.

(** E8, (40): of two points, one with few active and one with few moved neurons. *)
Theorem printed_e8 : ~ (forall active started moved : bool -> R, (forall a, started a - moved a <= active a) ->
  Rmin (started true) (started false) - Rmin (moved true) (moved false) <= Rmin (active true) (active false)).
Proof.
  intros H; specialize (H (fun a => if a then 1 else 0) (fun _ => 1) (fun a => if a then 0 else 1)); cbv beta iota in H.
  unfold Rmin in H; destruct (Rle_dec 1 1); destruct (Rle_dec 0 1); destruct (Rle_dec 1 0); try lra;
    specialize (H ltac:(intros []; lra)); lra.
Qed.

Theorem repaired_e8 (active started moved : bool -> R) : (forall a, started a - moved a <= active a) ->
  Rmin (started true) (started false) - Rmax (moved true) (moved false) <= Rmin (active true) (active false).
Proof.
  intros H; pose proof (H true); pose proof (H false).
  pose proof (Rmin_l (started true) (started false)); pose proof (Rmin_r (started true) (started false)).
  pose proof (Rmax_l (moved true) (moved false)); pose proof (Rmax_r (moved true) (moved false)).
  apply Rmin_glb; lra.
Qed.

(** E9: with an odd number of neurons the signs do not cancel, and sigma = b + tau, |tau| <= 1, keeps the output away from y. *)
Lemma odd_sum c k e : (forall i, e i = c \/ e i = - c) -> exists z, sum (2 * k + 1) e = c * IZR (2 * z + 1).
Proof.
  intros H; induction k.
  - destruct (H 0%nat) as [E|E]; [exists 0%Z | exists (-1)%Z]; simpl; rewrite E; lra.
  - destruct IHk as [z E]; replace (2 * S k + 1)%nat with (S (S (2 * k + 1))) by lia.
    change (sum (S (S (2 * k + 1))) e) with (sum (2 * k + 1) e + e (2 * k + 1)%nat + e (S (2 * k + 1))); rewrite E.
    destruct (H (2 * k + 1)%nat) as [E1|E1]; destruct (H (S (2 * k + 1))) as [E2|E2]; rewrite E1, E2.
    + exists (z + 1)%Z; rewrite !plus_IZR, !mult_IZR, !plus_IZR; lra.
    + exists z; lra.
    + exists z; lra.
    + exists (z - 1)%Z; rewrite !plus_IZR, !mult_IZR, !minus_IZR; lra.
Qed.

Theorem printed_e9 k c b y e tau : 0 < c -> 0 <= b -> (forall i, e i = c \/ e i = - c) -> (forall i, Rabs (tau i) <= 1) ->
  c * b / INR (2 * k + 1) - c - Rabs y <= Rabs (mean (2 * k + 1) (fun i => e i * (b + tau i)) - y).
Proof.
  intros Hc Hb He Ht; pose (m := (2 * k + 1)%nat); fold m.
  assert (Hm : (0 < m)%nat) by (unfold m; lia); pose proof (INR_some m Hm) as HN.
  destruct (odd_sum c k e He) as [z E]; fold m in E.
  assert (Z : 1 <= Rabs (IZR (2 * z + 1))) by (rewrite <- abs_IZR; apply IZR_le; lia).
  assert (S : mean m (fun i => e i * (b + tau i)) = b * (c * IZR (2 * z + 1)) / INR m + mean m (fun i => e i * tau i)).
  { rewrite <- E; unfold mean; rewrite (sum_ext m _ (fun i => b * e i + e i * tau i)) by (intros; ring); rewrite sum_plus, sum_scal; field; lra. }
  assert (A : Rabs (mean m (fun i => e i * tau i)) <= c).
  { unfold mean, Rdiv; rewrite Rabs_mult, (Rabs_right (/ INR m)) by (left; apply Rinv_0_lt_compat; trivial).
    apply Rmult_le_reg_r with (INR m); trivial; rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
    eapply Rle_trans; [apply sum_abs|]; rewrite Rmult_comm, <- sum_const; apply sum_le; intros i _; rewrite Rabs_mult.
    assert (Rabs (e i) = c) by (destruct (He i) as [->| ->]; [apply Rabs_right | rewrite Rabs_Ropp; apply Rabs_right]; lra).
    rewrite H; specialize (Ht i); nra. }
  assert (B : c * b / INR m <= Rabs (b * (c * IZR (2 * z + 1)) / INR m)).
  { unfold Rdiv; rewrite !Rabs_mult, (Rabs_right b), (Rabs_right c), (Rabs_right (/ INR m)) by (try (left; apply Rinv_0_lt_compat; trivial); lra).
    apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; trivial|]; assert (0 <= b * c) by (apply Rmult_le_pos; lra); nra. }
  rewrite S; set (x := b * (c * IZR (2 * z + 1)) / INR m) in *; set (v := mean m (fun i => e i * tau i)) in *.
  pose proof (Rabs_triang_inv x (y - v)); pose proof (Rabs_triang y (- v)); rewrite Rabs_Ropp in *.
  replace (x + v - y) with (x - (y - v)) by ring; unfold Rminus in *; lra.
Qed.

(** E11, Corollary 1: sigma bounded by 1, c = 1 and a target of 2: L >= 1/2 in every state, hence along every flow. *)
Theorem printed_e11 M h : valid M -> (0 < n M)%nat -> c M = 1 -> y M 0%nat = 2 -> (forall u, Rabs (sigma M u) <= 1) -> 1 / 2 <= loss M h.
Proof.
  intros V Hn Hc Hy Hs; pose proof (some_neurons M V) as some.
  assert (B : output M h 0 <= 1).
  { unfold output; rewrite <- (mean_const (m M) some 1); apply mean_le; trivial; intros i Hi.
    pose proof (signs_of_scale M V i Hi) as E; rewrite Hc in E; specialize (Hs (h i 0%nat)); apply Rabs_le_between in Hs.
    assert (signs M i = 1 \/ signs M i = -1) as [->| ->]; [|lra|lra].
    destruct (Rle_lt_dec 0 (signs M i)); [left | right]; nra. }
  pose proof (sum_term (n M) (fun a => residual M h a ^ 2) 0 ltac:(intros; apply pow2_ge_0) Hn) as S; cbv beta in S.
  assert (R0 : residual M h 0%nat <= -1) by (unfold residual; rewrite Hy; lra); unfold loss, norm2; nra.
Qed.

(** E16, Appendix C: theta takes a_first = -1/2 to 0, b = 1/2 to 0 and c = 0 to -1 for theta = 1/2, not for theta = 1. *)
Theorem printed_e16 theta : -1 / 2 + theta = 0 /\ 1 / 2 - theta = 0 /\ 0 - 2 * theta = -1 <-> theta = 1 / 2.
Proof. split; [intros [? _]; lra | intros ->; lra]. Qed.

(** E18: K(I, l/2, 2 (2 - l)) for I = (-1, 1) and Gbar with diagonal 1 and eigenvalues l, 2 - l: 1/K^2 exceeds every number. *)
Theorem printed_e18 C : exists l, 0 < l < 1 /\ C < / (2 / (6 * sqrt (2 * PI * (2 * (2 - l)))) * exp (- (1 / (2 * (l / 2))))) ^ 2.
Proof.
  pose (l := / (2 + Rabs C)); pose proof (Rabs_pos C); assert (Hl : 0 < l < 1).
  { unfold l; split; [apply Rinv_0_lt_compat; lra|]; rewrite <- Rinv_1; apply Rinv_lt_contravar; lra. }
  exists l; split; trivial; pose proof PI_RGT_0; pose proof PI2_3_2.
  set (k := 2 / (6 * sqrt (2 * PI * (2 * (2 - l))))).
  assert (S : 1 <= sqrt (2 * PI * (2 * (2 - l)))) by (rewrite <- sqrt_1 at 1; apply sqrt_le_1_alt; nra).
  assert (Hk : 0 < k <= 1).
  { unfold k; split; [apply Rdiv_lt_0_compat; lra|]; apply Rmult_le_reg_r with (6 * sqrt (2 * PI * (2 * (2 - l)))); [lra|].
    unfold Rdiv; rewrite Rmult_assoc, Rinv_l by lra; lra. }
  replace (1 / (2 * (l / 2))) with (/ l) by (field; lra).
  assert (X : exp (- / l) <= l).
  { assert (0 < / l) by (apply Rinv_0_lt_compat; lra).
    rewrite exp_Ropp; rewrite <- (Rinv_involutive l) at 2 by lra; apply Rinv_le_contravar; trivial.
    left; eapply Rlt_trans; [|apply exp_ineq1; lra]; lra. }
  pose proof (exp_pos (- / l)); assert (Q : 0 < k * exp (- / l) <= l) by (split; [apply Rmult_lt_0_compat|]; nra).
  apply Rlt_le_trans with (/ l ^ 2).
  - assert (El : / l = 2 + Rabs C) by (unfold l; rewrite Rinv_involutive; lra); rewrite Rinv_pow, El by lra.
    pose proof (Rle_abs C); nra.
  - apply Rinv_le_contravar; [nra|]; apply pow_incr; lra.
Qed.

(** E22, Appendix H: x and -x with odd features make the Gram matrix singular, whatever their number D is. *)
Theorem printed_e22 D (phi : nat -> R -> R) x : (forall j u, phi j (- u) = - phi j u) ->
  let point a := match a with O => x | _ => - x end in
  form 2 (fun a b => sum D (fun j => phi j (point a) * phi j (point b)) / INR D) (fun _ => 1) (fun _ => 1) = 0.
Proof.
  intros odd; cbv zeta; unfold form, apply; simpl.
  assert (E : forall a b : R, sum D (fun j => phi j a * phi j (- b)) = - sum D (fun j => phi j a * phi j b)).
  { intros; rewrite (sum_factor D (-1) _ (fun j => phi j a * phi j b)) by (intros; rewrite odd; ring); ring. }
  assert (E' : sum D (fun j => phi j (- x) * phi j x) = - sum D (fun j => phi j x * phi j x)).
  { rewrite (sum_factor D (-1) _ (fun j => phi j x * phi j x)) by (intros; rewrite odd; ring); ring. }
  rewrite !E, E'; unfold Rdiv; ring.
Qed.
