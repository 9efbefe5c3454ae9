(** The master theorem as it is used: rho >= 0 and nonincreasing, neither continuous nor positive; r may reach zero.

    The proof never differentiates the integral of rho. Between two times the residual falls at least by c rho(s_2)
    (s_2 - s_1), which is a lower sum of the integral, and lower sums of a monotone function are as close to it as one
    likes. So rho may jump, as that of the transport method does. *)
Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From linrate Require Import calculus.
Open Scope R_scope.

Definition nonincreasing_from_0 (rho : R -> R) : Prop := forall x y, 0 <= x <= y -> rho y <= rho x.

(** Rho is the integral of rho from 0: for a nonincreasing rho that is what these two inequalities say. *)
Definition integral_of (rho Rho : R -> R) : Prop :=
  Rho 0 = 0 /\ forall x y, 0 <= x <= y -> rho y * (y - x) <= Rho y - Rho x <= rho x * (y - x).

(** They hold of the Riemann integral... *)
Lemma integral_is_Riemann rho : nonincreasing_from_0 rho -> (forall x y, 0 <= x <= y -> ex_RInt rho x y) ->
  integral_of rho (fun x => RInt rho 0 x).
Proof.
  intros Hm Hi; split; [apply (RInt_point (V := R_CompleteNormedModule))|]; intros x y Hxy.
  assert (E : RInt rho 0 y - RInt rho 0 x = RInt rho x y).
  { rewrite <- (RInt_Chasles rho 0 x y) by (apply Hi; lra); unfold plus; simpl; ring. }
  rewrite E; split.
  - replace (rho y * (y - x)) with (RInt (fun _ => rho y) x y) by (rewrite RInt_const; unfold scal; simpl; unfold mult; simpl; ring).
    apply RInt_le; [lra | apply ex_RInt_const | apply Hi; lra | intros; apply Hm; lra].
  - replace (rho x * (y - x)) with (RInt (fun _ => rho x) x y) by (rewrite RInt_const; unfold scal; simpl; unfold mult; simpl; ring).
    apply RInt_le; [lra | apply Hi; lra | apply ex_RInt_const | intros; apply Hm; lra].
Qed.

(** ... and of nothing else: two such functions agree. *)
Lemma integral_unique rho Rho1 Rho2 x : 0 <= x -> nonincreasing_from_0 rho ->
  integral_of rho Rho1 -> integral_of rho Rho2 -> Rho1 x = Rho2 x.
Proof.
  intros Hx Hm [A1 B1] [A2 B2].
  assert (K : forall U V, integral_of rho U -> integral_of rho V -> U x <= V x).
  { intros U W [U0 HU] [W0 HW].
    assert (S : forall N j, (0 < N)%nat ->
      U (INR j * (x / INR N)) - W (INR j * (x / INR N)) <= x / INR N * (rho 0 - rho (INR j * (x / INR N)))).
    { intros N j HN; assert (0 < INR N) by (apply lt_0_INR; trivial).
      assert (Hd : 0 <= x / INR N) by (apply Rle_mult_inv_pos; trivial).
      induction j; [simpl; rewrite !Rmult_0_l, U0, W0; lra|].
      rewrite S_INR; pose proof (pos_INR j).
      assert (0 <= INR j * (x / INR N) <= (INR j + 1) * (x / INR N)) by (split; nra).
      destruct (HU _ _ H1) as [_ P]; destruct (HW _ _ H1) as [Q _]; nra. }
    cut (U x - W x <= 0); [lra|].
    assert (Hk : 0 <= x * (rho 0 - rho x)) by (apply Rmult_le_pos; [lra|]; pose proof (Hm 0 x); lra).
    apply (small_is_zero _ _ Hk); intros eps He.
    assert (Hpos : 0 < / eps) by (apply Rinv_0_lt_compat; trivial).
    destruct (natural_above (/ eps) Hpos) as [N [HN HN0]].
    specialize (S N N HN0); replace (INR N * (x / INR N)) with x in S by (field; lra).
    assert (/ INR N <= eps) by (rewrite <- (Rinv_involutive eps) by lra; apply Rinv_le_contravar; lra).
    unfold Rdiv in S; eapply Rle_trans; [apply S|]; nra. }
  apply Rle_antisym; apply K; split; trivial.
Qed.

Section Master.
  (** Loss, P = -dL/dt and path length as functions of time; rho with its integral. *)
  Variables (L P s : R -> R) (rho Rho : R -> R) (c T : R).
  Hypothesis scale : 0 < c.
  Hypothesis duration : 0 <= T.
  Hypothesis L_nonneg : forall t, 0 <= t <= T -> 0 <= L t.
  Hypothesis L_continues : forall t, 0 <= t <= T -> continuous L t.
  Hypothesis L_moves : forall t, 0 < t < T -> is_derive L t (- P t).
  Hypothesis P_nonneg : forall t, 0 < t < T -> 0 <= P t.
  Hypothesis s_start : s 0 = 0.
  Hypothesis s_continues : forall t, 0 <= t <= T -> continuous s t.
  Hypothesis s_moves : forall t, 0 < t < T -> is_derive s t (sqrt (P t)).
  Hypothesis rho_nonneg : forall x, 0 <= x -> 0 <= rho x.
  Hypothesis rho_monotone : nonincreasing_from_0 rho.
  Hypothesis integral : integral_of rho Rho.
  (** P >= c^2 rho(s)^2 ||r||^2 along the run *)
  Hypothesis slope : forall t, 0 < t < T -> c ^ 2 * rho (s t) ^ 2 * (2 * L t) <= P t.

  Let r (t : R) : R := sqrt (2 * L t).

  Lemma L_falls t1 t2 : 0 <= t1 <= t2 -> t2 <= T -> L t2 <= L t1.
  Proof.
    intros; apply (nonincreasing L (fun t => - P t)); try lra; intros.
    - apply L_continues; lra.
    - apply L_moves; lra.
    - pose proof (P_nonneg t); lra.
  Qed.

  Lemma s_grows t1 t2 : 0 <= t1 <= t2 -> t2 <= T -> s t1 <= s t2.
  Proof.
    intros; apply (nondecreasing s (fun t => sqrt (P t))); try lra; intros.
    - apply s_continues; lra.
    - apply s_moves; lra.
    - apply sqrt_pos.
  Qed.

  (** While L > 0, the residual pays for the path at the least price met on the way. *)
  Lemma pays t1 t2 : 0 <= t1 <= t2 -> t2 <= T -> 0 < L t2 -> r t2 + c * rho (s t2) * (s t2 - s t1) <= r t1.
  Proof.
    intros H1 H2 HL; pose (k := c * rho (s t2)).
    assert (Hk : 0 <= k).
    { unfold k; assert (0 <= s t2) by (rewrite <- s_start; apply s_grows; lra); pose proof (rho_nonneg (s t2)); nra. }
    assert (E : r t2 + k * s t2 <= r t1 + k * s t1); [|unfold k in E; lra].
    apply (nonincreasing (fun t => r t + k * s t) (fun t => - P t / r t + k * sqrt (P t))); try lra.
    - intros t Ht; apply (continuous_plus (V := R_NormedModule) r (fun t => k * s t)).
      + apply (continuous_comp (fun t => 2 * L t) sqrt); [|apply continuous_sqrt].
        apply (continuous_mult (K := R_AbsRing) (fun _ => 2) L); [apply continuous_k | apply L_continues; lra].
      + apply (continuous_mult (K := R_AbsRing) (fun _ => k) s); [apply continuous_k | apply s_continues; lra].
    - intros t Ht; assert (0 < L t) by (pose proof (L_falls t t2); lra).
      assert (0 < r t) by (apply sqrt_lt_R0; lra).
      apply (is_derive_plus r (fun t => k * s t)); [|apply is_derive_scal, s_moves; lra].
      unfold r; auto_derive.
      + repeat split; [exists (- P t); apply L_moves; lra | lra].
      + rewrite (is_derive_unique (fun x : R => L x) t (- P t)) by (apply L_moves; lra); unfold r in *; field; lra.
    - intros t Ht; assert (HLt : 0 < L t) by (pose proof (L_falls t t2); lra).
      assert (Hr : 0 < r t) by (apply sqrt_lt_R0; lra).
      assert (HP : 0 <= P t) by (apply P_nonneg; lra).
      assert (HQ : k * r t <= sqrt (P t)).
      { assert (Hs0 : 0 <= s t) by (rewrite <- s_start; apply s_grows; lra).
        assert (Hm : rho (s t2) <= rho (s t)) by (apply rho_monotone; split; [trivial | apply s_grows; lra]).
        assert (0 <= rho (s t2)) by (apply rho_nonneg; rewrite <- s_start; apply s_grows; lra).
        apply Rle_trans with (sqrt (c ^ 2 * rho (s t) ^ 2 * (2 * L t))); [|apply sqrt_le_1_alt, slope; lra].
        replace (c ^ 2 * rho (s t) ^ 2 * (2 * L t)) with ((c * rho (s t)) ^ 2 * (2 * L t)) by ring.
        rewrite sqrt_mult, sqrt_pow2 by nra; unfold k; apply Rmult_le_compat_r; [apply sqrt_pos | nra]. }
      pose proof (sqrt_pos (P t)).
      assert (P t / r t = sqrt (P t) * (sqrt (P t) / r t)) by (rewrite <- (sqrt_def (P t)) at 1 by trivial; field; lra).
      assert (k <= sqrt (P t) / r t).
      { apply Rmult_le_reg_r with (r t); trivial; unfold Rdiv; rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra; trivial. }
      unfold Rdiv in *; nra.
  Qed.

  (** Every path length on the way is reached. *)
  Lemma reached t x : 0 <= t <= T -> 0 <= x <= s t -> exists u, 0 <= u <= t /\ s u = x.
  Proof.
    intros Ht Hx.
    destruct (Req_dec x 0) as [->|N0]; [exists 0; split; [lra | trivial]|].
    destruct (Req_dec x (s t)) as [->|N1]; [exists t; split; [lra | trivial]|].
    destruct (Req_dec t 0) as [->|Nt]; [rewrite s_start in Hx; lra|].
    destruct (Ranalysis5.IVT_interv (fun u => s u - x) 0 t) as [u [Hu E]].
    - intros u Hu; apply continuity_of, (continuous_minus (V := R_NormedModule) s (fun _ => x)); [apply s_continues; lra | apply continuous_k].
    - lra.
    - rewrite s_start; lra.
    - lra.
    - exists u; split; [trivial | lra].
  Qed.

  Lemma pays_integral t : 0 <= t <= T -> 0 < L t -> r t + c * Rho (s t) <= r 0.
  Proof.
    intros Ht HL; destruct integral as [Rho0 HI].
    assert (Hs : 0 <= s t) by (rewrite <- s_start; apply s_grows; lra).
    assert (S : forall N j u, (0 < N)%nat -> 0 <= u <= T -> 0 < L u -> s u = INR j * (s t / INR N) ->
      r u + c * Rho (INR j * (s t / INR N)) <= r 0 + c * (s t / INR N) * (rho 0 - rho (INR j * (s t / INR N)))).
    { intros N j; induction j; intros u HN Hu HLu E; assert (HN' : 0 < INR N) by (apply lt_0_INR; trivial).
      - simpl; rewrite !Rmult_0_l, Rho0.
        assert (r u <= r 0) by (apply sqrt_le_1_alt; pose proof (L_falls 0 u); lra); lra.
      - assert (Hd : 0 <= s t / INR N) by (apply Rle_mult_inv_pos; trivial).
        rewrite S_INR in *; pose proof (pos_INR j).
        destruct (reached u (INR j * (s t / INR N)) Hu) as [v [Hv Ev]]; [split; nra|].
        assert (HLv : 0 < L v) by (pose proof (L_falls v u); lra).
        specialize (IHj v HN (conj (proj1 Hv) (Rle_trans _ _ _ (proj2 Hv) (proj2 Hu))) HLv Ev).
        pose proof (pays v u Hv (proj2 Hu) HLu) as Pv; rewrite Ev, E in Pv.
        assert (B : 0 <= INR j * (s t / INR N) <= (INR j + 1) * (s t / INR N)) by (split; nra).
        destruct (HI _ _ B) as [_ Q].
        assert (c * (Rho ((INR j + 1) * (s t / INR N)) - Rho (INR j * (s t / INR N)))
          <= c * (rho (INR j * (s t / INR N)) * ((INR j + 1) * (s t / INR N) - INR j * (s t / INR N))))
          by (apply Rmult_le_compat_l; lra).
        lra. }
    cut (r t + c * Rho (s t) - r 0 <= 0); [lra|].
    assert (Hk : 0 <= c * s t * (rho 0 - rho (s t))).
    { apply Rmult_le_pos; [nra|]; pose proof (rho_monotone 0 (s t)); lra. }
    apply (small_is_zero _ _ Hk); intros eps He.
    assert (Hpos : 0 < / eps) by (apply Rinv_0_lt_compat; trivial).
    destruct (natural_above (/ eps) Hpos) as [N [HN HN0]].
    assert (EN : INR N * (s t / INR N) = s t) by (field; lra).
    specialize (S N N t HN0 Ht HL); rewrite EN in S; specialize (S eq_refl).
    assert (/ INR N <= eps) by (rewrite <- (Rinv_involutive eps) by lra; apply Rinv_le_contravar; lra).
    unfold Rdiv in S.
    replace (c * (s t * / INR N) * (rho 0 - rho (s t))) with (c * s t * (rho 0 - rho (s t)) * / INR N) in S by ring.
    assert (c * s t * (rho 0 - rho (s t)) * / INR N <= c * s t * (rho 0 - rho (s t)) * eps) by (apply Rmult_le_compat_l; trivial).
    lra.
  Qed.

  (** When the loss has reached zero nothing moves any more, so a path that goes on had a positive loss before. *)
  Lemma positive_before u t : 0 <= u <= t -> t <= T -> s u < s t -> 0 < L u.
  Proof.
    intros Hu Ht H; destruct (Rle_lt_dec (L u) 0) as [Z|]; trivial; exfalso.
    assert (s t = s u); [|lra].
    apply constant; try lra; [intros; apply s_continues; lra|]; intros v Hv.
    replace 0 with (sqrt (P v)); [apply s_moves; lra|].
    replace (P v) with 0; [apply sqrt_0|].
    assert (E : is_derive L v 0).
    { apply (is_derive_ext_loc (fun _ => 0)); [|apply is_derive_k].
      assert (Hp : 0 < Rmin (v - u) (t - v)) by (apply Rmin_pos; lra).
      exists (mkposreal _ Hp); intros w Hw; unfold ball in Hw; simpl in Hw; unfold AbsRing_ball, abs, minus, plus, opp in Hw; simpl in Hw.
      apply Rabs_lt_between in Hw; pose proof (Rmin_l (v - u) (t - v)); pose proof (Rmin_r (v - u) (t - v)).
      assert (0 <= L w) by (apply L_nonneg; lra); pose proof (L_falls u w); lra. }
    pose proof (is_derive_unique _ _ _ E) as E0; rewrite (is_derive_unique _ _ _ (L_moves v ltac:(lra))) in E0; lra.
  Qed.

  (** ||r^t|| <= ||r^0|| - c int_0^s(t) rho, at every t. *)
  Theorem residual_pays t : 0 <= t <= T -> r t + c * Rho (s t) <= r 0.
  Proof.
    intros Ht; destruct (Rle_lt_dec (L t) 0) as [Z|]; [|apply pays_integral; trivial].
    assert (E : L t = 0) by (pose proof (L_nonneg t Ht); lra).
    replace (r t) with 0 by (unfold r; rewrite E, Rmult_0_r, sqrt_0; trivial).
    assert (Hs : 0 <= s t) by (rewrite <- s_start; apply s_grows; lra).
    destruct integral as [Rho0 HI].
    destruct (Req_dec (s t) 0) as [Z0|N0]; [rewrite Z0, Rho0; pose proof (sqrt_pos (2 * L 0)); unfold r; lra|].
    cut (c * Rho (s t) - r 0 <= 0); [lra|].
    assert (Hk : 0 <= c * rho 0) by (pose proof (rho_nonneg 0); nra).
    apply (small_is_zero _ _ Hk); intros eps He.
    pose (x := Rmax 0 (s t - eps)).
    assert (Hx : 0 <= x < s t) by (unfold x; split; [apply Rmax_l | apply Rmax_lub_lt; lra]).
    destruct (reached t x Ht) as [u [Hu Eu]]; [lra|].
    assert (HL : 0 < L u) by (apply (positive_before u t); lra).
    pose proof (pays_integral u ltac:(lra) HL) as H; rewrite Eu in H.
    destruct (HI x (s t)) as [_ B]; [lra|].
    assert (rho x <= rho 0) by (apply rho_monotone; lra).
    assert (0 <= rho x) by (apply rho_nonneg; lra).
    assert (s t - x <= eps) by (unfold x; pose proof (Rmax_r 0 (s t - eps)); lra).
    assert (rho x * (s t - x) <= rho 0 * eps) by (apply Rmult_le_compat; lra).
    pose proof (sqrt_pos (2 * L u)); unfold r in *; nra.
  Qed.

  Variable S : R.
  Hypothesis S_nonneg : 0 <= S.
  Hypothesis paid : c * Rho S = r 0.

  (** The whole path is at most S... *)
  Theorem path_bounded t : 0 <= t <= T -> s t <= S.
  Proof.
    intros Ht; destruct (Rle_lt_dec (s t) S) as [|N]; trivial; exfalso.
    pose (x := (S + s t) / 2).
    destruct (reached t x Ht) as [u [Hu Eu]]; [unfold x; lra|].
    assert (HL : 0 < L u) by (apply (positive_before u t); unfold x in *; lra).
    pose proof (pays_integral u ltac:(lra) HL) as H; rewrite Eu in H.
    assert (0 < r u) by (apply sqrt_lt_R0; lra).
    destruct integral as [_ HI]; destruct (HI S x) as [B _]; [unfold x; lra|].
    assert (0 <= rho x) by (apply rho_nonneg; unfold x; lra).
    assert (0 <= rho x * (x - S)) by (apply Rmult_le_pos; unfold x in *; lra).
    nra.
  Qed.

  (** ... and L^t <= L^0 exp(-2 c^2 rho(S)^2 t). *)
  Theorem master_theorem t : 0 <= t <= T -> L t <= L 0 * exp (- (2 * c ^ 2 * rho S ^ 2) * t).
  Proof.
    intros Ht; apply (gronwall L (fun t => - P t)); try lra.
    - intros; apply L_continues; lra.
    - intros; apply L_moves; lra.
    - intros u Hu; pose proof (slope u ltac:(lra)) as H; pose proof (L_nonneg u ltac:(lra)) as HL.
      pose proof (path_bounded u ltac:(lra)) as HS.
      assert (H0 : 0 <= s u) by (rewrite <- s_start; apply s_grows; lra).
      pose proof (rho_monotone (s u) S ltac:(lra)) as HM; pose proof (rho_nonneg S S_nonneg) as HN.
      assert (rho S ^ 2 <= rho (s u) ^ 2) by nra.
      assert (0 <= c ^ 2 * (2 * L u)) by (apply Rmult_le_pos; nra); nra.
  Qed.
End Master.
