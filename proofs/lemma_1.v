(** Lemma 1 in its forms: kappa, kappa_sharp, the printed 9/2 for few active neurons, and for the slopes of a smooth sigma. *)
Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From linrate Require Import calculus sums gram flow master shapes constants methods.
Open Scope R_scope.

(** x^{3/2} *)
Definition three_halves (x : R) : R := x * sqrt x.

Lemma three_halves_le x y : 0 <= x <= y -> three_halves x <= three_halves y.
Proof. intros H; apply Rmult_le_compat; try lra; [apply sqrt_pos | apply sqrt_le_1_alt; lra]. Qed.

Lemma three_halves_nonneg x : 0 <= x -> 0 <= three_halves x.
Proof. intros; apply Rmult_le_pos; trivial; apply sqrt_pos. Qed.

Lemma three_halves_mult x y : 0 <= x -> 0 <= y -> three_halves (x * y) = three_halves x * three_halves y.
Proof. intros; unfold three_halves; rewrite sqrt_mult by trivial; ring. Qed.

(** 1 - (1 - x^2)^{3/2} <= (4/pi) int_0^x sqrt(1 - v^2) dv on [0, 1]: the difference vanishes at both ends, rises up to
    4/(3 pi) and falls from there. *)
Theorem disc_against_three_halves x : 0 <= x <= 1 -> 1 - three_halves (1 - x ^ 2) <= 4 / PI * i_disc x.
Proof.
  intros Hx; pose proof PI_RGT_0 as Hp.
  pose (f := fun x => 4 / PI * i_disc x - 1 + three_halves (1 - x ^ 2)).
  pose (df := fun x => sqrt (1 - x ^ 2) * (4 / PI - 3 * x)).
  cut (0 <= f x); [unfold f; lra|].
  assert (C : forall u, continuous f u).
  { intros u; apply (continuous_plus (V := R_NormedModule) (fun x => 4 / PI * i_disc x - 1) (fun x => three_halves (1 - x ^ 2))).
    - apply (continuous_minus (V := R_NormedModule) (fun x => 4 / PI * i_disc x) (fun _ => 1)); [|apply continuous_k].
      apply (continuous_mult (K := R_AbsRing) (fun _ => 4 / PI) i_disc); [apply continuous_k|].
      apply (ex_derive_continuous i_disc); eexists; apply RInt_derivative, g_disc_continuous.
    - apply (continuous_mult (K := R_AbsRing) (fun x => 1 - x ^ 2) g_disc); [|apply g_disc_continuous].
      apply (ex_derive_continuous (fun x => 1 - x ^ 2)); auto_derive; trivial. }
  assert (D : forall u, 0 < u < 1 -> is_derive f u (df u)).
  { intros u Hu; assert (P : 0 < sqrt (1 - u ^ 2)) by (apply sqrt_lt_R0; nra).
    replace (df u) with (4 / PI * g_disc u + - (3 * u * sqrt (1 - u ^ 2))) by (unfold df, g_disc; ring).
    apply (is_derive_plus (fun x => 4 / PI * i_disc x - 1) (fun x => three_halves (1 - x ^ 2))).
    - replace (4 / PI * g_disc u) with (4 / PI * g_disc u - 0) by ring.
      apply (is_derive_minus (fun x => 4 / PI * i_disc x) (fun _ => 1)); [|apply is_derive_k].
      apply is_derive_scal, RInt_derivative, g_disc_continuous.
    - unfold three_halves; auto_derive; [nra|].
      replace (1 + - (u * (u * 1))) with (1 - u ^ 2) by ring.
      assert (E : sqrt (1 - u ^ 2) * sqrt (1 - u ^ 2) = 1 - u ^ 2) by (apply sqrt_def; nra).
      set (w := sqrt (1 - u ^ 2)) in *; rewrite <- E; field; lra. }
  assert (F0 : f 0 = 0).
  { unfold f, three_halves; rewrite integral_disc by lra; replace (1 - 0 ^ 2) with 1 by ring; rewrite sqrt_1, asin_0; field; lra. }
  assert (F1 : f 1 = 0).
  { unfold f, three_halves; rewrite integral_disc_1; replace (1 - 1 ^ 2) with 0 by ring; field; lra. }
  assert (Q : 0 < 4 / PI) by (apply Rdiv_lt_0_compat; lra).
  destruct (Rle_lt_dec (3 * x) (4 / PI)) as [L|L].
  - rewrite <- F0; apply (nondecreasing f df); try lra; intros; trivial; [apply D; lra|].
    apply Rmult_le_pos; [apply sqrt_pos | lra].
  - rewrite <- F1; apply (nonincreasing f df); try lra; intros; trivial; [apply D; lra|].
    assert (0 <= sqrt (1 - t ^ 2)) by apply sqrt_pos; unfold df; nra.
Qed.

Section Lemma1.
  Variables (M : Model) (T : R) (h : R -> nat -> nat -> R) (s : R -> R).
  Hypothesis V : valid M.
  Hypothesis F : flow M T h s.
  Variables (lmin Gmax : R).
  Hypothesis lmin_pos : 0 < lmin.
  Hypothesis Gmax_pos : 0 < Gmax.
  Hypothesis eigenvalues : eigenvalues_from (n M) (G M) lmin.
  Hypothesis diagonal : forall a, (a < n M)%nat -> G M a a <= Gmax.

  (** sqrt(2) times the fall of sqrt(L) is the fall of ||r||. *)
  Lemma fall t : length M (h 0) - length M (h t) = sqrt 2 * (sqrt (loss M (h 0)) - sqrt (loss M (h t))).
  Proof.
    unfold length; rewrite !sqrt_mult by (lra || apply loss_nonneg); ring.
  Qed.

  (** I = (Il, Ir), with its middle third. *)
  Variables (Il Ir Ks eta : R).
  Hypothesis interval : Il < Ir.
  Hypothesis Ks_pos : 0 < Ks.
  Definition in_interval (lo hi u : R) : bool := if Rlt_dec lo u then if Rlt_dec u hi then true else false else false.
  Let inside := in_interval Il Ir.
  Let middle := in_interval (Il + (Ir - Il) / 3) (Ir - (Ir - Il) / 3).
  Hypothesis steep : forall u, Il < u < Ir -> Ks <= Rabs (dsigma M u).
  Hypothesis eta_pos : 0 < eta.
  Hypothesis start : forall a, (a < n M)%nat -> eta <= share M (h 0) middle a.

  Let xi : R := (Ir - Il) / 3.
  Let xi_pos : 0 < xi.
  Proof. unfold xi; lra. Qed.
  Let steep_inside u : inside u = true -> Ks <= Rabs (dsigma M u).
  Proof.
    unfold inside, in_interval; destruct (Rlt_dec Il u); [destruct (Rlt_dec u Ir)|]; intros; try discriminate; apply steep; lra.
  Qed.
  Let far u v : middle u = true -> inside v = false -> xi <= Rabs (v - u).
  Proof.
    unfold inside, middle, in_interval, xi; destruct (Rlt_dec (Il + (Ir - Il) / 3) u); [|discriminate].
    destruct (Rlt_dec u (Ir - (Ir - Il) / 3)); [|discriminate]; intros _.
    destruct (Rlt_dec Il v); [destruct (Rlt_dec v Ir); [discriminate|]|]; intros _;
      unfold Rabs; destruct (Rcase_abs (v - u)); lra.
  Qed.

  Let K : R := Ks * sqrt (lmin * eta).

  Lemma share_nonneg t a : 0 <= share M (h t) inside a.
  Proof. apply mean_nonneg; [apply V|]; intros; destruct (inside (h t i a)); lra. Qed.

  Theorem lemma_1_sharp a t : (a < n M)%nat -> 0 <= t <= T ->
    three_halves eta - kappa_sharp Gmax lmin Ks Il Ir * (sqrt (loss M (h 0)) - sqrt (loss M (h t))) / c M
    <= three_halves (share M (h t) inside a).
  Proof.
    intros Ha Ht; pose proof (positive_scale M V) as Hc.
    assert (Hg : 0 < sqrt Gmax) by (apply sqrt_lt_R0; trivial); assert (Hl : 0 < sqrt lmin) by (apply sqrt_lt_R0; trivial).
    assert (He : 0 < sqrt eta) by (apply sqrt_lt_R0; trivial); assert (H2 : 0 < sqrt 2) by (apply sqrt_lt_R0; lra).
    pose (e := xi * eta / sqrt Gmax); pose (x := s t / e).
    assert (e_pos : 0 < e) by (apply Rdiv_lt_0_compat; nra).
    pose proof (markov_pays M T h s V F lmin Gmax lmin_pos Gmax_pos eigenvalues diagonal inside middle Ks xi eta Ks_pos steep_inside xi_pos far eta_pos start t Ht) as P.
    pose proof (share_root M T h s V F Gmax Gmax_pos diagonal inside middle xi eta xi_pos far eta_pos start a t Ha Ht) as S.
    fold e in P, S; fold x in P, S.
    assert (Hx : 0 <= x) by (apply Rle_mult_inv_pos; trivial; apply (path_nonneg M T h s F t Ht)).
    pose proof (fall t) as D.
    (* what the fall of the loss pays for, in units of eta^{3/2} *)
    assert (U : three_halves eta * (3 / 2 * i_root x) <= kappa_sharp Gmax lmin Ks Il Ir * (sqrt (loss M (h 0)) - sqrt (loss M (h t))) / c M).
    { assert (E : kappa_sharp Gmax lmin Ks Il Ir * (sqrt (loss M (h 0)) - sqrt (loss M (h t))) / c M
        = 3 * sqrt Gmax / (2 * Ks * sqrt lmin * xi * c M) * (length M (h 0) - length M (h t))).
      { rewrite D; unfold kappa_sharp, xi; rewrite sqrt_ratio by lra.
        transitivity (9 * sqrt Gmax * (sqrt (loss M (h 0)) - sqrt (loss M (h t))) / (sqrt lmin * Ks * (Ir - Il) * c M) * (sqrt 2 * sqrt 2 / 2 / sqrt 2)).
        - rewrite sqrt_sqrt by lra; field; repeat split; lra.
        - field; repeat split; lra. }
      rewrite E; clear E.
      apply Rle_trans with (3 * sqrt Gmax / (2 * Ks * sqrt lmin * xi * c M) * (c M * (Ks * sqrt (lmin * eta) * e * i_root x))).
      - right; unfold e, three_halves; rewrite sqrt_mult by lra; field; repeat split; lra.
      - apply Rmult_le_compat_l; [|lra].
        apply Rle_mult_inv_pos; [lra|]; repeat apply Rmult_lt_0_compat; lra. }
    pose proof (three_halves_nonneg eta ltac:(lra)) as N.
    destruct (Rle_lt_dec x 1) as [L|L].
    - rewrite integral_root in U by lra; fold (three_halves (1 - x)) in U.
      assert (three_halves eta * three_halves (1 - x) <= three_halves (share M (h t) inside a)).
      { rewrite <- three_halves_mult by lra; apply three_halves_le; split; [apply Rmult_le_pos; lra | trivial]. }
      lra.
    - assert (I : 2 / 3 <= i_root x).
      { destruct (shape_integral _ _ shape_root) as [_ B]; destruct (B 1 x ltac:(lra)) as [B1 _].
        pose proof (integral_root 1 ltac:(lra)) as E; replace (1 - 1) with 0 in E by ring; rewrite sqrt_0 in E.
        assert (0 <= g_root x * (x - 1)) by (apply Rmult_le_pos; [apply sqrt_pos | lra]); lra. }
      pose proof (three_halves_nonneg _ (share_nonneg t a)).
      assert (three_halves eta * 1 <= three_halves eta * (3 / 2 * i_root x)) by (apply Rmult_le_compat_l; lra); lra.
  Qed.

  Variable lmax : R.
  Hypothesis largest : eigenvalues_to (n M) (G M) lmax.
  Hypothesis lmax_Gmax : Gmax <= lmax.

  (** A data point there must be: kappa compares lmax with lmin. *)
  Hypothesis points : (0 < n M)%nat.

  Lemma ratio : sqrt (Gmax / lmin) <= lmax / lmin.
  Proof.
    pose proof (diagonal_at_least (n M) (G M) lmin 0 eigenvalues points); pose proof (diagonal_at_most (n M) (G M) lmax 0 largest points).
    assert (R0 : 0 <= lmax / lmin) by (apply Rle_mult_inv_pos; lra).
    rewrite <- (sqrt_pow2 (lmax / lmin)) by trivial; apply sqrt_le_1_alt.
    assert (A : Gmax / lmin <= lmax / lmin) by (apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat|]; trivial).
    assert (B : 1 <= lmax / lmin) by (apply Rmult_le_reg_r with lmin; trivial; replace (lmax / lmin * lmin) with lmax by (field; lra); lra).
    nra.
  Qed.

  Lemma loss_falls t : 0 <= t <= T -> sqrt (loss M (h t)) <= sqrt (loss M (h 0)).
  Proof.
    intros Ht; apply sqrt_le_1_alt, (nonincreasing (fun u => loss M (h u)) (fun u => - power M (h u))); try lra; intros u Hu.
    - apply (loss_continues M T h s); trivial; lra.
    - apply (equation_14 M T h s); trivial; lra.
    - pose proof (power_nonneg M V (h u)); lra.
  Qed.

  Theorem lemma_1 a t : (a < n M)%nat -> 0 <= t <= T ->
    three_halves eta - kappa lmax lmin Ks Il Ir * (sqrt (loss M (h 0)) - sqrt (loss M (h t))) / c M
    <= three_halves (share M (h t) inside a).
  Proof.
    intros Ha Ht; pose proof (positive_scale M V) as Hc; eapply Rle_trans; [|apply lemma_1_sharp; trivial].
    apply Rplus_le_compat_l, Ropp_le_contravar, Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; trivial|].
    apply Rmult_le_compat_r; [pose proof (loss_falls t Ht); lra|].
    assert (H2 : 0 < sqrt 2) by (apply sqrt_lt_R0; lra).
    unfold kappa, kappa_sharp; replace (9 * lmax / (sqrt 2 * Ks * lmin * (Ir - Il))) with (9 / (sqrt 2 * Ks * (Ir - Il)) * (lmax / lmin)) by (field; repeat split; lra).
    replace (9 * sqrt (Gmax / lmin) / (sqrt 2 * Ks * (Ir - Il))) with (9 / (sqrt 2 * Ks * (Ir - Il)) * sqrt (Gmax / lmin)) by (field; repeat split; lra).
    apply Rmult_le_compat_l; [|apply ratio]; apply Rle_mult_inv_pos; [lra|]; repeat apply Rmult_lt_0_compat; lra.
  Qed.

  (** The printed constant, where at most 9 pi^2/128 of the neurons start active at the point with fewest. *)
  Theorem lemma_1_printed_few a t : eta <= 9 * PI ^ 2 / 128 -> (a < n M)%nat -> 0 <= t <= T ->
    three_halves eta - kappa_printed lmax lmin Ks Il Ir * (sqrt (loss M (h 0)) - sqrt (loss M (h t))) / c M
    <= three_halves (share M (h t) inside a).
  Proof.
    intros Hfew Ha Ht; pose proof (positive_scale M V) as Hc; pose proof PI_RGT_0 as Hp.
    assert (Hg : 0 < sqrt Gmax) by (apply sqrt_lt_R0; trivial); assert (Hl : 0 < sqrt lmin) by (apply sqrt_lt_R0; trivial).
    assert (He : 0 < sqrt eta) by (apply sqrt_lt_R0; trivial); assert (H2 : 0 < sqrt 2) by (apply sqrt_lt_R0; lra).
    pose (e := xi * sqrt (eta / Gmax)); pose (x := s t / e).
    assert (e_pos : 0 < e) by (apply Rmult_lt_0_compat; trivial; apply sqrt_lt_R0, Rdiv_lt_0_compat; trivial).
    pose proof (chebyshev_pays M T h s V F lmin Gmax lmin_pos Gmax_pos eigenvalues diagonal inside middle Ks xi eta Ks_pos steep_inside xi_pos far eta_pos start t Ht) as P.
    pose proof (share_disc M T h s V F Gmax Gmax_pos diagonal inside middle xi eta xi_pos far eta_pos start a t Ha Ht) as S.
    fold e in P, S; fold x in P, S.
    assert (Hx : 0 <= x) by (apply Rle_mult_inv_pos; trivial; apply (path_nonneg M T h s F t Ht)).
    pose proof (fall t) as D; pose proof (loss_falls t Ht) as Dn.
    pose (J := sqrt (loss M (h 0)) - sqrt (loss M (h t))); assert (HJ : 0 <= J) by (unfold J; lra).
    assert (I0 : 0 <= i_disc x).
    { destruct (shape_integral _ _ shape_disc) as [Z B]; destruct (B 0 x ltac:(lra)) as [B1 _]; rewrite Z in B1.
      assert (0 <= g_disc x * (x - 0)) by (apply Rmult_le_pos; [apply sqrt_pos | lra]); lra. }
    (* sqrt(eta) <= 3 pi/(8 sqrt 2) *)
    assert (few : sqrt eta * (4 * sqrt 2) <= 3 * PI / 2).
    { rewrite <- (sqrt_pow2 (3 * PI / 2)) by lra; rewrite <- (sqrt_pow2 (4 * sqrt 2)) by lra; rewrite <- sqrt_mult by (try apply pow2_ge_0; lra).
      apply sqrt_le_1_alt; rewrite Rpow_mult_distr, <- (Rsqr_pow2 (sqrt 2)), Rsqr_sqrt by lra; nra. }
    assert (U : three_halves eta * (4 / PI * i_disc x) <= kappa_printed lmax lmin Ks Il Ir * J / c M).
    { (* kappa_printed >= (3/2) sqrt(Gmax/lmin)/(Ks xi) *)
      apply Rle_trans with (3 / (2 * Ks * xi) * (sqrt Gmax / sqrt lmin) * J / c M).
      - apply Rle_trans with (3 / (2 * Ks * xi) * (sqrt Gmax / sqrt lmin) / c M * (c M * (Ks * sqrt (lmin * eta) * e * i_disc x) / sqrt 2)).
        + assert (E : 3 / (2 * Ks * xi) * (sqrt Gmax / sqrt lmin) / c M * (c M * (Ks * sqrt (lmin * eta) * e * i_disc x) / sqrt 2)
            = eta * i_disc x * (3 / (2 * sqrt 2))).
          { unfold e; rewrite sqrt_mult, sqrt_ratio by lra.
            transitivity (sqrt eta * sqrt eta * i_disc x * (3 / (2 * sqrt 2))); [field; repeat split; lra | rewrite sqrt_sqrt by lra; ring]. }
          rewrite E; unfold three_halves.
          replace (eta * sqrt eta * (4 / PI * i_disc x)) with (eta * i_disc x * (sqrt eta * (4 / PI))) by ring.
          apply Rmult_le_compat_l; [apply Rmult_le_pos; lra|].
          apply Rmult_le_reg_r with (PI * sqrt 2); [apply Rmult_lt_0_compat; trivial|].
          replace (sqrt eta * (4 / PI) * (PI * sqrt 2)) with (sqrt eta * (4 * sqrt 2)) by (field; lra).
          replace (3 / (2 * sqrt 2) * (PI * sqrt 2)) with (3 * PI / 2) by (field; lra); trivial.
        + replace (3 / (2 * Ks * xi) * (sqrt Gmax / sqrt lmin) * J / c M) with (3 / (2 * Ks * xi) * (sqrt Gmax / sqrt lmin) / c M * J) by (field; repeat split; lra).
          apply Rmult_le_compat_l.
          * repeat (apply Rle_mult_inv_pos || apply Rmult_le_pos || apply Rmult_lt_0_compat); lra.
          * apply Rmult_le_reg_r with (sqrt 2); trivial; unfold Rdiv; rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra; unfold J; lra.
      - apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; trivial|]; apply Rmult_le_compat_r; trivial.
        unfold kappa_printed; replace (9 * lmax / (2 * Ks * lmin * (Ir - Il))) with (3 / (2 * Ks * xi) * (lmax / lmin)) by (unfold xi; field; repeat split; lra).
        apply Rmult_le_compat_l; [apply Rle_mult_inv_pos; [lra|]; repeat apply Rmult_lt_0_compat; lra|].
        rewrite <- sqrt_ratio by lra; apply ratio. }
    pose proof (three_halves_nonneg eta ltac:(lra)) as N.
    unfold J in U; destruct (Rle_lt_dec x 1) as [L|L].
    - pose proof (disc_against_three_halves x ltac:(lra)) as B.
      assert (three_halves eta * three_halves (1 - x ^ 2) <= three_halves (share M (h t) inside a)).
      { assert (0 <= 1 - x ^ 2) by nra; rewrite <- three_halves_mult by lra; apply three_halves_le; split; [apply Rmult_le_pos; lra | trivial]. }
      assert (three_halves eta * (1 - three_halves (1 - x ^ 2)) <= three_halves eta * (4 / PI * i_disc x)) by (apply Rmult_le_compat_l; trivial).
      lra.
    - assert (I : PI / 4 <= i_disc x).
      { destruct (shape_integral _ _ shape_disc) as [_ B]; destruct (B 1 x ltac:(lra)) as [B1 _].
        rewrite integral_disc_1 in B1; assert (0 <= g_disc x * (x - 1)) by (apply Rmult_le_pos; [apply sqrt_pos | lra]); lra. }
      pose proof (three_halves_nonneg _ (share_nonneg t a)).
      assert (1 <= 4 / PI * i_disc x) by (apply Rmult_le_reg_r with (PI / 4); [lra|]; replace (4 / PI * i_disc x * (PI / 4)) with (i_disc x) by (field; lra); lra).
      assert (three_halves eta * 1 <= three_halves eta * (4 / PI * i_disc x)) by (apply Rmult_le_compat_l; lra); lra.
  Qed.
End Lemma1.

(** Lemma 1 for the mean square slope of a smooth sigma. *)
Theorem smooth_lemma_1 M T h s lmin Gmax L2 q a t : valid M -> flow M T h s -> 0 < lmin -> 0 < Gmax ->
  eigenvalues_from (n M) (G M) lmin -> (forall a, (a < n M)%nat -> G M a a <= Gmax) ->
  slope_lipschitz M L2 -> 0 < L2 -> 0 < q -> (forall a, (a < n M)%nat -> q ^ 2 <= slope2 M (h 0) a) ->
  (a < n M)%nat -> 0 <= t <= T ->
  q ^ 2 - kappa_smooth L2 Gmax lmin * (sqrt (loss M (h 0)) - sqrt (loss M (h t))) / c M <= slope2 M (h t) a.
Proof.
  intros V F lmin_pos Gmax_pos Ev Dg Sm L2_pos q_pos St Ha Ht; pose proof (positive_scale M V) as Hc.
  pose proof (slopes_pays M T h s V F lmin Gmax lmin_pos Gmax_pos Ev Dg L2 q Sm L2_pos q_pos St t Ht) as P.
  pose proof (slopes_line M T h s V F Gmax Gmax_pos Dg L2 q Sm L2_pos q_pos St a t Ha Ht) as S.
  assert (Hg : 0 < sqrt Gmax) by (apply sqrt_lt_R0; trivial); assert (Hl : 0 < sqrt lmin) by (apply sqrt_lt_R0; trivial).
  assert (H2 : 0 < sqrt 2) by (apply sqrt_lt_R0; lra).
  pose (e := q / (L2 * sqrt Gmax)); fold e in P, S; pose (x := s t / e); fold x in P, S.
  assert (e_pos : 0 < e) by (apply Rdiv_lt_0_compat; trivial; apply Rmult_lt_0_compat; trivial).
  assert (Hx : 0 <= x) by (apply Rle_mult_inv_pos; trivial; apply (path_nonneg M T h s F t Ht)).
  assert (U : q ^ 2 * (2 * i_line x) <= kappa_smooth L2 Gmax lmin * (sqrt (loss M (h 0)) - sqrt (loss M (h t))) / c M).
  { assert (E : kappa_smooth L2 Gmax lmin * (sqrt (loss M (h 0)) - sqrt (loss M (h t))) / c M
      = 2 * L2 * sqrt Gmax / (sqrt lmin * c M) * (length M (h 0) - length M (h t))).
    { rewrite (fall M h t); unfold kappa_smooth; rewrite sqrt_ratio by lra; field; repeat split; lra. }
    rewrite E; apply Rle_trans with (2 * L2 * sqrt Gmax / (sqrt lmin * c M) * (c M * (sqrt lmin * q * e * i_line x))).
    - right; unfold e; field; repeat split; lra.
    - apply Rmult_le_compat_l; [|lra]; apply Rle_mult_inv_pos; [nra | apply Rmult_lt_0_compat; lra]. }
  destruct (Rle_lt_dec x 1) as [L|L].
  - rewrite integral_line in U by lra; unfold g_line in S; rewrite Rmax_right in S by lra; nra.
  - assert (I : 1 / 2 <= i_line x).
    { destruct (shape_integral _ _ shape_line) as [_ B]; destruct (B 1 x ltac:(lra)) as [B1 _].
      rewrite (integral_line 1) in B1 by lra; assert (0 <= g_line x * (x - 1)) by (apply Rmult_le_pos; [apply Rmax_l | lra]); lra. }
    pose proof (slope2_nonneg M V (h t) a); assert (q ^ 2 * 1 <= q ^ 2 * (2 * i_line x)) by (apply Rmult_le_compat_l; [apply pow2_ge_0 | lra]); lra.
Qed.
