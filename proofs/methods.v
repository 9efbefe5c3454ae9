(** The methods of proof markov, chebyshev, envelope, slopes and kernel: from the flow (11) to a linear rate in closed form. *)
Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From linrate Require Import calculus sums gram flow master shapes constants.
Open Scope R_scope.

(** ||r||, as a number. *)
Definition length (M : Model) (h : nat -> nat -> R) : R := sqrt (2 * loss M h).

(** The share of neurons that a set counts at a data point. *)
Definition share (M : Model) (h : nat -> nat -> R) (inside : R -> bool) (a : nat) : R :=
  mean (m M) (fun i => if inside (h i a) then 1 else 0).

Lemma sqrt_ratio x y : 0 <= x -> 0 < y -> sqrt (x / y) = sqrt x / sqrt y.
Proof. intros; apply sqrt_div; trivial. Qed.

Lemma sqrt_below_0 x : x <= 0 -> sqrt x = 0.
Proof. apply sqrt_neg_0. Qed.

Section Certified.
  Variables (M : Model) (T : R) (h : R -> nat -> nat -> R) (s : R -> R).
  Hypothesis V : valid M.
  Hypothesis F : flow M T h s.
  Let some := some_neurons M V.

  (** The master theorem for a flow and rho(s) = k g(s/e): ||r^t|| <= ||r^0|| - c int rho; the path is at most e x, where
      x is the position at which the integral is used up, and the rate is 2 c^2 k^2 g(x)^2. *)
  Section Rho.
    Variables (g Gi : R -> R) (k e : R).
    Hypothesis shape_g : shape g Gi.
    Hypothesis k_nonneg : 0 <= k.
    Hypothesis e_pos : 0 < e.
    Hypothesis slope : forall t, 0 < t < T -> c M ^ 2 * (k * g (s t / e)) ^ 2 * (2 * loss M (h t)) <= power M (h t).

    Let N := shape_nonneg _ _ (scaled g Gi k e shape_g k_nonneg e_pos).
    Let D := shape_monotone _ _ (scaled g Gi k e shape_g k_nonneg e_pos).
    Let I := shape_integral _ _ (scaled g Gi k e shape_g k_nonneg e_pos).
    Let Lp t (_ : 0 <= t <= T) := loss_nonneg M (h t).
    Let Lc := loss_continues M T h s V F.
    Let Lm := equation_14 M T h s V F.
    Let Pp t (_ : 0 < t < T) := power_nonneg M V (h t).
    Let S0 := path_start M T h s F.
    Let Sc := path_continues M T h s F.
    Let Sm := path_moves M T h s F.

    Lemma flow_pays t : 0 <= t <= T -> length M (h t) + c M * (k * e * Gi (s t / e)) <= length M (h 0).
    Proof. exact (residual_pays _ _ s _ _ (c M) T (positive_scale M V) Lp Lc Lm Pp S0 Sc Sm N D I slope t). Qed.

    Lemma flow_certified x t : 0 <= x -> c M * (k * e * Gi x) = length M (h 0) -> 0 <= t <= T ->
      s t <= e * x /\ loss M (h t) <= loss M (h 0) * exp (- (2 * c M ^ 2 * (k ^ 2 * g x ^ 2)) * t).
    Proof.
      intros Hx Hp Ht.
      assert (Ex : e * x / e = x) by (field; lra).
      assert (HS : 0 <= e * x) by (apply Rmult_le_pos; lra).
      assert (Hp' : c M * (k * e * Gi (e * x / e)) = length M (h 0)) by (rewrite Ex; trivial).
      split.
      - exact (path_bounded _ _ s _ _ (c M) T (positive_scale M V) Lp Lc Lm Pp S0 Sc Sm N D I slope (e * x) HS Hp' t Ht).
      - replace (k ^ 2 * g x ^ 2) with ((k * g (e * x / e)) ^ 2) by (rewrite Ex; ring).
        exact (master_theorem _ _ s _ _ (c M) T (positive_scale M V) Lp Lc Lm Pp S0 Sc Sm N D I slope (e * x) HS Hp' t Ht).
    Qed.
  End Rho.

  (** The bounds that every method uses: lmin of G from below, Gmax of its diagonal from above. *)
  Variables (lmin Gmax : R).
  Hypothesis lmin_pos : 0 < lmin.
  Hypothesis Gmax_pos : 0 < Gmax.
  Hypothesis eigenvalues : eigenvalues_from (n M) (G M) lmin.
  Hypothesis diagonal : forall a, (a < n M)%nat -> G M a a <= Gmax.

  (** From a lower bound of the mean square slopes to that of P. *)
  Lemma slope_from_squares q2 t : (forall a, (a < n M)%nat -> q2 <= slope2 M (h t) a) ->
    c M ^ 2 * (lmin * q2) * (2 * loss M (h t)) <= power M (h t).
  Proof. intros H; pose proof (pl M V (h t) lmin q2 ltac:(lra) eigenvalues H); lra. Qed.

  (** *** slopes *)
  Section Slopes.
    Variables (L2 q : R).
    Hypothesis smooth : slope_lipschitz M L2.
    Hypothesis L2_pos : 0 < L2.

    (** q_a(t) >= q_a(0) - L2 sqrt(G_aa) s *)
    Lemma slopes_fall a t : (a < n M)%nat -> 0 <= t <= T ->
      sqrt (slope2 M (h 0) a) - L2 * sqrt (G M a a) * s t <= sqrt (slope2 M (h t) a).
    Proof.
      intros Ha Ht.
      pose proof (mean_triangle (m M) some (fun i => dsigma M (h t i a)) (fun i => dsigma M (h 0 i a) - dsigma M (h t i a))) as H; cbv beta in H.
      rewrite (mean_ext _ (fun i => (dsigma M (h t i a) + (dsigma M (h 0 i a) - dsigma M (h t i a))) ^ 2) (fun i => dsigma M (h 0 i a) ^ 2)) in H by (intros; ring).
      assert (B : sqrt (mean (m M) (fun i => (dsigma M (h 0 i a) - dsigma M (h t i a)) ^ 2)) <= L2 * (sqrt (G M a a) * s t)).
      { pose proof (movement_upper M T h s V F a t Ha Ht) as U.
        apply Rle_trans with (L2 * sqrt (mean (m M) (fun i => (h t i a - h 0 i a) ^ 2))); [|apply Rmult_le_compat_l; lra].
        rewrite <- (sqrt_pow2 L2) at 1 by lra; rewrite <- sqrt_mult; [|nra | apply (mean_sq_nonneg (m M) some (fun i => h t i a - h 0 i a))].
        apply sqrt_le_1_alt; rewrite <- mean_scal; apply mean_le; trivial; intros i _.
        destruct smooth as [_ L]; specialize (L (h 0 i a) (h t i a)).
        rewrite <- (pow2_abs (_ - _)), <- (pow2_abs (h t i a - h 0 i a)), (Rabs_minus_sym (h t i a)).
        pose proof (Rabs_pos (dsigma M (h 0 i a) - dsigma M (h t i a))); pose proof (Rabs_pos (h 0 i a - h t i a)).
        rewrite <- Rpow_mult_distr; apply pow_incr; lra. }
      unfold slope2; lra.
    Qed.

    Hypothesis q_pos : 0 < q.
    Hypothesis start : forall a, (a < n M)%nat -> q ^ 2 <= slope2 M (h 0) a.

    Let e : R := q / (L2 * sqrt Gmax).

    Lemma slopes_e : 0 < e.
    Proof. apply Rdiv_lt_0_compat; trivial; apply Rmult_lt_0_compat; trivial; apply sqrt_lt_R0; trivial. Qed.

    Lemma slopes_line a t : (a < n M)%nat -> 0 <= t <= T -> (q * g_line (s t / e)) ^ 2 <= slope2 M (h t) a.
    Proof.
      intros Ha Ht; pose proof (slope2_nonneg M V (h t) a) as N.
      rewrite <- (sqrt_def (slope2 M (h t) a)) by trivial.
      pose proof (sqrt_pos (slope2 M (h t) a)) as N2.
      pose proof (path_nonneg M T h s F t Ht) as Hs.
      assert (H : q - L2 * sqrt Gmax * s t <= sqrt (slope2 M (h t) a)).
      { eapply Rle_trans; [|apply slopes_fall; trivial].
        assert (q <= sqrt (slope2 M (h 0) a)) by (rewrite <- (sqrt_pow2 q) by lra; apply sqrt_le_1_alt, start; trivial).
        assert (sqrt (G M a a) <= sqrt Gmax) by (apply sqrt_le_1_alt, diagonal; trivial).
        assert (L2 * sqrt (G M a a) * s t <= L2 * sqrt Gmax * s t) by (apply Rmult_le_compat_r; trivial; apply Rmult_le_compat_l; lra).
        lra. }
      assert (E : q * (1 - s t / e) = q - L2 * sqrt Gmax * s t).
      { unfold e; assert (0 < sqrt Gmax) by (apply sqrt_lt_R0; trivial); field; lra. }
      unfold g_line, Rmax; destruct (Rle_dec 0 (1 - s t / e)); [|rewrite Rmult_0_r; nra].
      rewrite E; assert (0 <= q - L2 * sqrt Gmax * s t) by (rewrite <- E; nra); nra.
    Qed.

    Lemma slopes_slope t : 0 < t < T -> c M ^ 2 * (sqrt lmin * q * g_line (s t / e)) ^ 2 * (2 * loss M (h t)) <= power M (h t).
    Proof.
      intros Ht; replace ((sqrt lmin * q * g_line (s t / e)) ^ 2) with (lmin * (q * g_line (s t / e)) ^ 2).
      - apply slope_from_squares; intros a Ha; apply slopes_line; trivial; lra.
      - rewrite <- (sqrt_def lmin) at 1 by lra; ring.
    Qed.

    Let k_nonneg : 0 <= sqrt lmin * q.
    Proof. apply Rmult_le_pos; [apply sqrt_pos | lra]. Qed.

    (** The claim master-theorem: ||r^t|| <= ||r^0|| - c sqrt(lmin) int_0^s (q - L2 sqrt(Gmax) u)_+ du. *)
    Theorem slopes_pays t : 0 <= t <= T -> length M (h t) + c M * (sqrt lmin * q * e * i_line (s t / e)) <= length M (h 0).
    Proof. intros Ht; apply flow_pays with (g := g_line); trivial; [apply shape_line | apply slopes_e | apply slopes_slope]. Qed.

    Theorem slopes t :
      let beta := a_slopes L2 Gmax lmin q * length M (h 0) / c M in beta < 1 -> 0 <= t <= T ->
      s t <= q / (L2 * sqrt Gmax) * (1 - sqrt (1 - beta)) /\
      loss M (h t) <= loss M (h 0) * exp (- (2 * c M ^ 2 * lmin * q ^ 2 * (1 - beta)) * t).
    Proof.
      intros beta Hb Ht; pose proof (positive_scale M V) as Hc.
      assert (Hg : 0 < sqrt Gmax) by (apply sqrt_lt_R0; trivial); assert (Hl : 0 < sqrt lmin) by (apply sqrt_lt_R0; trivial).
      assert (H0 : 0 <= length M (h 0)) by apply sqrt_pos.
      assert (B : 0 <= beta).
      { unfold beta, a_slopes; repeat (apply Rle_mult_inv_pos || apply Rmult_le_pos || apply Rmult_lt_0_compat); nra. }
      destruct (position_line beta (conj B Hb)) as [X [I Q]].
      destruct (flow_certified g_line i_line (sqrt lmin * q) e shape_line k_nonneg slopes_e slopes_slope (1 - sqrt (1 - beta)) t) as [P Z];
        trivial; [lra | |].
      - rewrite I, integral_line by lra; unfold beta, a_slopes, e; field; repeat split; lra.
      - split; [trivial|]; rewrite Q in Z.
        replace (2 * c M ^ 2 * lmin * q ^ 2 * (1 - beta)) with (2 * c M ^ 2 * ((sqrt lmin * q) ^ 2 * (1 - beta))); trivial.
        rewrite <- (sqrt_def lmin) at 2 by lra; ring.
    Qed.
    (** The claim residual: ||r^t|| <= ||r^0|| (1 - beta)/(exp(k (1 - beta) t) - beta), k = c^2 lmin q^2. *)
    Theorem slopes_residual t :
      let beta := a_slopes L2 Gmax lmin q * length M (h 0) / c M in beta < 1 -> 0 <= t <= T ->
      length M (h t) * (exp (c M ^ 2 * lmin * q ^ 2 * (1 - beta) * t) - beta) <= length M (h 0) * (1 - beta).
    Proof.
      intros beta Hb Ht; pose proof (positive_scale M V) as Hc.
      assert (Hg : 0 < sqrt Gmax) by (apply sqrt_lt_R0; trivial); assert (Hl : 0 < sqrt lmin) by (apply sqrt_lt_R0; trivial).
      pose proof slopes_e as He; pose (r := fun t => length M (h t)); pose (k := c M ^ 2 * lmin * q ^ 2).
      assert (Rp : forall u, 0 <= r u) by (intros; apply sqrt_pos); assert (H0 := Rp 0); unfold r in H0.
      assert (B : 0 <= beta).
      { unfold beta, a_slopes; repeat (apply Rle_mult_inv_pos || apply Rmult_le_pos || apply Rmult_lt_0_compat); nra. }
      fold (r t) (r 0); fold k; destruct (Rle_lt_dec (r t) 0) as [Z|Pos].
      { replace (r t) with 0 by (specialize (Rp t); lra); rewrite Rmult_0_l; apply Rmult_le_pos; [apply Rp | lra]. }
      pose (D := c M * (sqrt lmin * q * e)).
      assert (HD : 0 < D) by (unfold D; apply Rmult_lt_0_compat; [|apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat|]]; trivial).
      assert (ED : D * beta = 2 * r 0) by (unfold D, beta, a_slopes, e, r; field; repeat split; lra).
      (* while the residual falls from r 0 to r t it is positive *)
      assert (Falls : forall u, 0 <= u <= t -> 0 < loss M (h u)).
      { intros u Hu; assert (loss M (h t) <= loss M (h u)).
        { apply (nonincreasing (fun u => loss M (h u)) (fun u => - power M (h u))); try lra; intros v Hv.
          - apply (loss_continues M T h s); trivial; lra.
          - apply (equation_14 M T h s); trivial; lra.
          - pose proof (power_nonneg M V (h v)); lra. }
        assert (0 < loss M (h t)); [|lra]; destruct (Rle_lt_dec (loss M (h t)) 0) as [N|]; trivial; exfalso.
        unfold r, length in Pos; rewrite sqrt_below_0 in Pos; lra. }
      assert (Pr : forall u, 0 <= u <= t -> 0 < r u) by (intros u Hu; apply sqrt_lt_R0; specialize (Falls u Hu); lra).
      assert (R0 := Pr 0 ltac:(lra)).
      assert (Dr : forall u, 0 < u < t -> is_derive r u (- power M (h u) / r u)).
      { intros u Hu; specialize (Falls u ltac:(lra)); assert (Ru := Pr u ltac:(lra)).
        pose (L := fun u => loss M (h u)); assert (DL : is_derive L u (- power M (h u))) by (apply (equation_14 M T h s); trivial; lra).
        change (is_derive (fun u => sqrt (2 * L u)) u (- power M (h u) / r u)); change (0 < L u) in Falls; auto_derive.
        - repeat split; [exists (- power M (h u)); trivial | lra].
        - rewrite (is_derive_unique (fun x : R => L x) u (- power M (h u))) by trivial.
          change (r u) with (sqrt (2 * L u)) in *; field; lra. }
      assert (Cr : forall u, 0 <= u <= t -> continuous r u).
      { intros u Hu; apply (continuous_comp (fun u => 2 * loss M (h u)) sqrt); [|apply continuous_sqrt].
        apply (continuous_mult (K := R_AbsRing) (fun _ => 2) (fun u => loss M (h u))); [apply continuous_k | apply (loss_continues M T h s); trivial; lra]. }
      (* g^2 >= 1 - beta + beta r/r0 *)
      assert (G2 : forall u, 0 <= u <= t -> (1 - beta) * r 0 + beta * r u <= g_line (s u / e) ^ 2 * r 0).
      { intros u Hu; pose proof (slopes_pays u ltac:(lra)) as P; fold (r u) (r 0) in P.
        replace (c M * (sqrt lmin * q * e * i_line (s u / e))) with (D * i_line (s u / e)) in P by (unfold D; ring).
        assert (Hx : 0 <= s u / e) by (apply Rle_mult_inv_pos; trivial; apply (path_nonneg M T h s F u); lra).
        specialize (Pr u Hu); destruct (Rle_lt_dec (s u / e) 1) as [X|X].
        - rewrite integral_line in P by lra; unfold g_line; rewrite Rmax_right by lra.
          apply Rmult_le_reg_l with D; trivial.
          replace (D * ((1 - beta) * r 0 + beta * r u)) with (D * r 0 - D * beta * (r 0 - r u)) by ring; rewrite ED.
          assert (r 0 * (D * (s u / e - (s u / e) ^ 2 / 2)) <= r 0 * (r 0 - r u)) by (apply Rmult_le_compat_l; lra); nra.
        - exfalso; destruct (shape_integral _ _ shape_line) as [_ Bi]; destruct (Bi 1 (s u / e) ltac:(lra)) as [B1 _].
          rewrite (integral_line 1) in B1 by lra; assert (0 <= g_line (s u / e) * (s u / e - 1)) by (apply Rmult_le_pos; [apply Rmax_l | lra]).
          assert (D * (1 / 2) <= D * i_line (s u / e)) by (apply Rmult_le_compat_l; lra); nra. }
      (* z = r0/r + beta/(1 - beta) grows at least at the rate k (1 - beta) *)
      pose (z := fun u => r 0 / r u + beta / (1 - beta)).
      assert (Zt : z 0 * exp (- (- (k * (1 - beta))) * t) <= z t).
      { apply (gronwall_below z (fun u => r 0 * power M (h u) / r u ^ 3)); try lra; intros u Hu.
        - apply (continuous_plus (V := R_NormedModule) (fun u => r 0 / r u) (fun _ => beta / (1 - beta))); [|apply continuous_k].
          apply (continuous_mult (K := R_AbsRing) (fun _ => r 0) (fun u => / r u)); [apply continuous_k|].
          apply (continuous_comp r Rinv); [apply Cr; trivial | apply continuous_Rinv; specialize (Pr u Hu); lra].
        - specialize (Dr u Hu); assert (Ru := Pr u ltac:(lra)); unfold z; auto_derive.
          + repeat split; [exists (- power M (h u) / r u); trivial | lra].
          + rewrite (is_derive_unique (fun x : R => r x) u (- power M (h u) / r u)) by trivial; field; lra.
        - assert (Ru := Pr u ltac:(lra)); specialize (G2 u ltac:(lra)).
          pose proof (slopes_slope u ltac:(lra)) as P.
          assert (E2 : 2 * loss M (h u) = r u ^ 2) by (unfold r, length; rewrite <- Rsqr_pow2, Rsqr_sqrt; [trivial | pose proof (loss_nonneg M (h u)); lra]).
          assert (P' : k * g_line (s u / e) ^ 2 * r u ^ 2 <= power M (h u)).
          { rewrite <- E2; eapply Rle_trans; [right | apply P].
            transitivity (c M ^ 2 * ((sqrt lmin * sqrt lmin) * q ^ 2 * g_line (s u / e) ^ 2) * (2 * loss M (h u))); [rewrite sqrt_sqrt by lra; unfold k; ring | ring]. }
          apply Rle_trans with (k * (g_line (s u / e) ^ 2 * r 0) / r u).
          + replace (- - (k * (1 - beta)) * z u) with (k * ((1 - beta) * r 0 + beta * r u) / r u) by (unfold z; field; lra).
            apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; trivial|]; apply Rmult_le_compat_l; trivial.
            unfold k; repeat apply Rmult_le_pos; try lra; apply pow2_ge_0 || lra.
          + apply Rmult_le_reg_r with (r u ^ 3); [apply pow_lt; trivial|].
            replace (r 0 * power M (h u) / r u ^ 3 * r u ^ 3) with (r 0 * power M (h u)) by (field; lra).
            replace (k * (g_line (s u / e) ^ 2 * r 0) / r u * r u ^ 3) with (r 0 * (k * g_line (s u / e) ^ 2 * r u ^ 2)) by (field; lra).
            apply Rmult_le_compat_l; lra. }
      assert (Z0 : z 0 = / (1 - beta)) by (unfold z; field; lra); rewrite Z0, Ropp_involutive in Zt; unfold z in Zt.
      apply Rmult_le_compat_l with (r := r t * (1 - beta)) in Zt; [|apply Rmult_le_pos; lra].
      replace (r t * (1 - beta) * (/ (1 - beta) * exp (k * (1 - beta) * t))) with (r t * exp (k * (1 - beta) * t)) in Zt by (field; lra).
      replace (r t * (1 - beta) * (r 0 / r t + beta / (1 - beta))) with (r 0 * (1 - beta) + r t * beta) in Zt by (field; lra); lra.
    Qed.
  End Slopes.

  (** *** markov and chebyshev: sets I and I0 of pre-activations, xi the distance from I0 to the outside of I *)
  Section Shares.
    Variables (inside inside0 : R -> bool) (Ks xi eta : R).
    Hypothesis Ks_pos : 0 < Ks.
    Hypothesis steep : forall u, inside u = true -> Ks <= Rabs (dsigma M u).
    Hypothesis xi_pos : 0 < xi.
    Hypothesis far : forall u v, inside0 u = true -> inside v = false -> xi <= Rabs (v - u).

    Lemma slope2_of_share a t : Ks ^ 2 * share M (h t) inside a <= slope2 M (h t) a.
    Proof.
      unfold share, slope2; rewrite <- mean_scal; apply mean_le; trivial; intros i _.
      destruct (inside (h t i a)) eqn:E; [|nra]; specialize (steep _ E).
      rewrite <- (pow2_abs (dsigma M (h t i a))); nra.
    Qed.

    (** A neuron that leaves has moved by xi: counted with |movement|/xi (Markov) or its square (Chebyshev). *)
    Lemma share_markov a t : (a < n M)%nat -> 0 <= t <= T ->
      share M (h 0) inside0 a - sqrt (G M a a) * s t / xi <= share M (h t) inside a.
    Proof.
      intros Ha Ht.
      assert (B : mean (m M) (fun i => Rabs (h t i a - h 0 i a)) <= sqrt (G M a a) * s t).
      { eapply Rle_trans; [|apply (movement_upper M T h s V F a t Ha Ht)].
        pose proof (mean_le_rms (m M) some (fun i => Rabs (h t i a - h 0 i a))) as R; cbv beta in R.
        rewrite (mean_ext _ (fun i => Rabs (h t i a - h 0 i a) ^ 2) (fun i => (h t i a - h 0 i a) ^ 2)) in R by (intros; apply pow2_abs).
        rewrite <- (sqrt_pow2 (mean (m M) (fun i => Rabs (h t i a - h 0 i a)))); [apply sqrt_le_1_alt; trivial|].
        apply mean_nonneg; trivial; intros; apply Rabs_pos. }
      assert (D : share M (h 0) inside0 a - / xi * mean (m M) (fun i => Rabs (h t i a - h 0 i a)) <= share M (h t) inside a).
      { unfold share; rewrite <- mean_scal, <- mean_minus; apply mean_le; trivial; intros i _.
        assert (0 < / xi) by (apply Rinv_0_lt_compat; trivial); pose proof (Rabs_pos (h t i a - h 0 i a)).
        assert (0 <= / xi * Rabs (h t i a - h 0 i a)) by (apply Rmult_le_pos; lra).
        destruct (inside0 (h 0 i a)) eqn:E0; destruct (inside (h t i a)) eqn:E; try lra.
        specialize (far _ _ E0 E); assert (/ xi * xi = 1) by (field; lra); nra. }
      assert (/ xi * mean (m M) (fun i => Rabs (h t i a - h 0 i a)) <= / xi * (sqrt (G M a a) * s t))
        by (apply Rmult_le_compat_l; [left; apply Rinv_0_lt_compat|]; trivial).
      unfold Rdiv; lra.
    Qed.

    Lemma share_chebyshev a t : (a < n M)%nat -> 0 <= t <= T ->
      share M (h 0) inside0 a - G M a a * s t ^ 2 / xi ^ 2 <= share M (h t) inside a.
    Proof.
      intros Ha Ht; pose proof (movement_square M T h s V F a t Ha Ht) as B.
      assert (X : 0 < / xi ^ 2) by (apply Rinv_0_lt_compat; nra).
      assert (D : share M (h 0) inside0 a - / xi ^ 2 * mean (m M) (fun i => (h t i a - h 0 i a) ^ 2) <= share M (h t) inside a).
      { unfold share; rewrite <- mean_scal, <- mean_minus; apply mean_le; trivial; intros i _.
        assert (0 <= / xi ^ 2 * (h t i a - h 0 i a) ^ 2) by (apply Rmult_le_pos; [lra | apply pow2_ge_0]).
        destruct (inside0 (h 0 i a)) eqn:E0; destruct (inside (h t i a)) eqn:E; try lra.
        specialize (far _ _ E0 E); assert (/ xi ^ 2 * xi ^ 2 = 1) by (field; lra).
        rewrite <- (pow2_abs (h t i a - h 0 i a)); assert (xi ^ 2 <= Rabs (h t i a - h 0 i a) ^ 2) by (apply pow_incr; lra); nra. }
      assert (/ xi ^ 2 * mean (m M) (fun i => (h t i a - h 0 i a) ^ 2) <= / xi ^ 2 * (G M a a * s t ^ 2)) by (apply Rmult_le_compat_l; lra).
      unfold Rdiv; lra.
    Qed.

    Hypothesis eta_pos : 0 < eta.
    Hypothesis start : forall a, (a < n M)%nat -> eta <= share M (h 0) inside0 a.

    Let e1 : R := xi * eta / sqrt Gmax.
    Let e2 : R := xi * sqrt (eta / Gmax).

    Lemma share_root a t : (a < n M)%nat -> 0 <= t <= T -> eta * (1 - s t / e1) <= share M (h t) inside a.
    Proof.
      intros Ha Ht; assert (Hg : 0 < sqrt Gmax) by (apply sqrt_lt_R0; trivial).
      eapply Rle_trans; [|apply share_markov; trivial]; pose proof (start a Ha).
      replace (eta * (1 - s t / e1)) with (eta - sqrt Gmax * s t / xi) by (unfold e1; field; lra).
      assert (sqrt (G M a a) <= sqrt Gmax) by (apply sqrt_le_1_alt, diagonal; trivial).
      pose proof (path_nonneg M T h s F t Ht).
      assert (sqrt (G M a a) * s t / xi <= sqrt Gmax * s t / xi)
        by (apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; trivial | apply Rmult_le_compat_r; trivial]).
      lra.
    Qed.

    Lemma share_disc a t : (a < n M)%nat -> 0 <= t <= T -> eta * (1 - (s t / e2) ^ 2) <= share M (h t) inside a.
    Proof.
      intros Ha Ht; eapply Rle_trans; [|apply share_chebyshev; trivial]; pose proof (start a Ha).
      assert (E2 : e2 ^ 2 = xi ^ 2 * (eta / Gmax)).
      { unfold e2; rewrite Rpow_mult_distr; f_equal; rewrite <- Rsqr_pow2; apply Rsqr_sqrt; apply Rle_mult_inv_pos; lra. }
      assert (P2 : 0 < e2) by (apply Rmult_lt_0_compat; trivial; apply sqrt_lt_R0, Rdiv_lt_0_compat; trivial).
      replace (eta * (1 - (s t / e2) ^ 2)) with (eta - Gmax * s t ^ 2 / xi ^ 2).
      - assert (G M a a * s t ^ 2 / xi ^ 2 <= Gmax * s t ^ 2 / xi ^ 2)
          by (apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; nra | apply Rmult_le_compat_r; [nra | apply diagonal; trivial]]).
        lra.
      - replace ((s t / e2) ^ 2) with (s t ^ 2 / e2 ^ 2) by (field; lra); rewrite E2; field; lra.
    Qed.

    Lemma e1_pos : 0 < e1.
    Proof. apply Rdiv_lt_0_compat; [nra | apply sqrt_lt_R0; trivial]. Qed.

    Lemma e2_pos : 0 < e2.
    Proof. apply Rmult_lt_0_compat; trivial; apply sqrt_lt_R0, Rdiv_lt_0_compat; trivial. Qed.

    Let k : R := Ks * sqrt (lmin * eta).
    Let k_nonneg : 0 <= k.
    Proof. apply Rmult_le_pos; [lra | apply sqrt_pos]. Qed.
    Let k_square : k ^ 2 = lmin * (Ks ^ 2 * eta).
    Proof. unfold k; rewrite Rpow_mult_distr, <- (Rsqr_pow2 (sqrt _)), Rsqr_sqrt by nra; ring. Qed.

    Lemma share_slope x t : (forall a, (a < n M)%nat -> eta * x <= share M (h t) inside a) ->
      c M ^ 2 * (k * sqrt x) ^ 2 * (2 * loss M (h t)) <= power M (h t).
    Proof.
      intros H; rewrite Rpow_mult_distr, k_square.
      replace (lmin * (Ks ^ 2 * eta) * sqrt x ^ 2) with (lmin * (Ks ^ 2 * eta * sqrt x ^ 2)) by ring.
      apply slope_from_squares; intros a Ha; eapply Rle_trans; [|apply slope2_of_share].
      rewrite Rmult_assoc; apply Rmult_le_compat_l; [nra|].
      destruct (Rle_lt_dec 0 x) as [P|N].
      - rewrite <- Rsqr_pow2, Rsqr_sqrt by trivial; apply H; trivial.
      - rewrite sqrt_below_0 by lra; replace (eta * 0 ^ 2) with 0 by ring.
        apply mean_nonneg; trivial; intros; destruct (inside (h t i a)); lra.
    Qed.

    Lemma markov_pays t : 0 <= t <= T -> length M (h t) + c M * (k * e1 * i_root (s t / e1)) <= length M (h 0).
    Proof.
      intros Ht; apply flow_pays with (g := g_root); trivial; [apply shape_root | apply e1_pos |].
      intros u Hu; apply share_slope; intros; apply share_root; trivial; lra.
    Qed.

    Lemma chebyshev_pays t : 0 <= t <= T -> length M (h t) + c M * (k * e2 * i_disc (s t / e2)) <= length M (h 0).
    Proof.
      intros Ht; apply flow_pays with (g := g_disc); trivial; [apply shape_disc | apply e2_pos |].
      intros u Hu; apply share_slope; intros; apply share_disc; trivial; lra.
    Qed.

    Theorem markov t :
      let beta := a_markov Gmax lmin Ks xi eta * length M (h 0) / c M in beta < 1 -> 0 <= t <= T ->
      s t <= xi * eta / sqrt Gmax * (1 - Rpower (1 - beta) (2 / 3)) /\
      loss M (h t) <= loss M (h 0) * exp (- (2 * c M ^ 2 * lmin * Ks ^ 2 * eta * Rpower (1 - beta) (2 / 3)) * t).
    Proof.
      intros beta Hb Ht; pose proof (positive_scale M V) as Hc.
      assert (Hg : 0 < sqrt Gmax) by (apply sqrt_lt_R0; trivial); assert (Hl : 0 < sqrt lmin) by (apply sqrt_lt_R0; trivial).
      assert (He : 0 < sqrt eta) by (apply sqrt_lt_R0; trivial); assert (H0 : 0 <= length M (h 0)) by apply sqrt_pos.
      assert (B : 0 <= beta).
      { unfold beta, a_markov; rewrite sqrt_ratio by lra; repeat (apply Rle_mult_inv_pos || apply Rmult_le_pos || apply Rmult_lt_0_compat); nra. }
      destruct (position_root beta (conj B Hb)) as [X [I Q]].
      destruct (flow_certified g_root i_root k e1 shape_root k_nonneg e1_pos) with (x := 1 - Rpower (1 - beta) (2 / 3)) (t := t) as [P Z];
        trivial; try lra.
      - intros u Hu; apply share_slope; intros; apply share_root; trivial; lra.
      - rewrite I, integral_root by lra; replace (1 - 1) with 0 by ring; rewrite sqrt_0; unfold beta, a_markov, e1, k.
        rewrite sqrt_ratio, sqrt_mult by lra; field; repeat split; lra.
      - split; [trivial|]; rewrite Q, k_square in Z.
        replace (2 * c M ^ 2 * lmin * Ks ^ 2 * eta * Rpower (1 - beta) (2 / 3)) with (2 * c M ^ 2 * (lmin * (Ks ^ 2 * eta) * Rpower (1 - beta) (2 / 3))) by ring; trivial.
    Qed.

    Theorem chebyshev x t :
      let beta := a_chebyshev Gmax lmin Ks xi eta * length M (h 0) / c M in
      0 <= x <= 1 -> 2 / PI * (x * sqrt (1 - x ^ 2) + asin x) = beta -> 0 <= t <= T ->
      s t <= xi * sqrt (eta / Gmax) * x /\
      loss M (h t) <= loss M (h 0) * exp (- (2 * c M ^ 2 * lmin * Ks ^ 2 * eta * (1 - x ^ 2)) * t).
    Proof.
      intros beta Hx Hb Ht; pose proof (positive_scale M V) as Hc; pose proof PI_RGT_0.
      assert (Hg : 0 < sqrt Gmax) by (apply sqrt_lt_R0; trivial); assert (Hl : 0 < sqrt lmin) by (apply sqrt_lt_R0; trivial).
      assert (He : 0 < sqrt eta) by (apply sqrt_lt_R0; trivial).
      destruct (position_disc beta x Hx Hb) as [I Q].
      destruct (flow_certified g_disc i_disc k e2 shape_disc k_nonneg e2_pos) with (x := x) (t := t) as [P Z]; trivial; try lra.
      - intros u Hu; apply share_slope; intros; apply share_disc; trivial; lra.
      - rewrite I, integral_disc_1; unfold beta, a_chebyshev, e2, k.
        rewrite !sqrt_ratio, sqrt_mult by lra.
        transitivity (length M (h 0) * (sqrt eta * sqrt eta / eta)); [field; repeat split; lra|].
        rewrite sqrt_sqrt by lra; field; lra.
      - split; [trivial|]; rewrite Q, k_square in Z.
        replace (2 * c M ^ 2 * lmin * Ks ^ 2 * eta * (1 - x ^ 2)) with (2 * c M ^ 2 * (lmin * (Ks ^ 2 * eta) * (1 - x ^ 2))) by ring; trivial.
    Qed.
  End Shares.

  (** *** envelope: env a lies below sigma'(u)^2 + mu_a (u - h)^2 for every u *)
  Section Envelope.
    Variables (env : nat -> R -> R) (mu : nat -> R).
    Hypothesis mu_nonneg : forall a, (a < n M)%nat -> 0 <= mu a.
    Hypothesis below : forall a u v, (a < n M)%nat -> env a v <= dsigma M u ^ 2 + mu a * (u - v) ^ 2.

    (** q_a(t)^2 >= A_a - mu_a G_aa s^2, for every mu_a: what transport takes the best of *)
    Theorem envelope_falls a t : (a < n M)%nat -> 0 <= t <= T ->
      mean (m M) (fun i => env a (h 0 i a)) - mu a * (G M a a * s t ^ 2) <= slope2 M (h t) a.
    Proof.
      intros Ha Ht; pose proof (movement_square M T h s V F a t Ha Ht) as B.
      assert (D : mean (m M) (fun i => env a (h 0 i a)) - mu a * mean (m M) (fun i => (h t i a - h 0 i a) ^ 2) <= slope2 M (h t) a).
      { unfold slope2; rewrite <- mean_scal, <- mean_minus; apply mean_le; trivial; intros i _.
        pose proof (below a (h t i a) (h 0 i a) Ha); lra. }
      pose proof (mu_nonneg a Ha); nra.
    Qed.

    Variables (nu A : R).
    Hypothesis nu_pos : 0 < nu.
    Hypothesis same_parabola : forall a, (a < n M)%nat -> mu a * G M a a <= nu.
    Hypothesis A_pos : 0 < A.
    Hypothesis start : forall a, (a < n M)%nat -> A <= mean (m M) (fun i => env a (h 0 i a)).

    Theorem envelope x t :
      let beta := a_envelope nu lmin A * length M (h 0) / c M in
      0 <= x <= 1 -> 2 / PI * (x * sqrt (1 - x ^ 2) + asin x) = beta -> 0 <= t <= T ->
      s t <= sqrt (A / nu) * x /\ loss M (h t) <= loss M (h 0) * exp (- (2 * c M ^ 2 * lmin * A * (1 - x ^ 2)) * t).
    Proof.
      intros beta Hx Hb Ht; pose proof (positive_scale M V) as Hc; pose proof PI_RGT_0.
      assert (Hl : 0 < sqrt lmin) by (apply sqrt_lt_R0; trivial); assert (HA : 0 < sqrt A) by (apply sqrt_lt_R0; trivial).
      assert (Hn : 0 < sqrt nu) by (apply sqrt_lt_R0; trivial).
      assert (He : 0 < sqrt (A / nu)) by (apply sqrt_lt_R0, Rdiv_lt_0_compat; trivial).
      assert (Hk : 0 <= sqrt (lmin * A)) by apply sqrt_pos.
      assert (K2 : sqrt (lmin * A) ^ 2 = lmin * A) by (rewrite <- Rsqr_pow2; apply Rsqr_sqrt; nra).
      destruct (position_disc beta x Hx Hb) as [I Q].
      destruct (flow_certified g_disc i_disc (sqrt (lmin * A)) (sqrt (A / nu)) shape_disc Hk He) with (x := x) (t := t) as [P Z]; trivial; try lra.
      - intros u Hu; rewrite Rpow_mult_distr, K2.
        replace (lmin * A * g_disc (s u / sqrt (A / nu)) ^ 2) with (lmin * (A * g_disc (s u / sqrt (A / nu)) ^ 2)) by ring.
        apply slope_from_squares; intros a Ha.
        assert (E : A * (1 - (s u / sqrt (A / nu)) ^ 2) = A - nu * s u ^ 2).
        { replace ((s u / sqrt (A / nu)) ^ 2) with (s u ^ 2 / (sqrt (A / nu) * sqrt (A / nu))) by (field; lra).
          rewrite sqrt_sqrt by (apply Rle_mult_inv_pos; lra); field; lra. }
        unfold g_disc; destruct (Rle_lt_dec 0 (1 - (s u / sqrt (A / nu)) ^ 2)) as [Y|Y].
        + rewrite <- (Rsqr_pow2 (sqrt _)), Rsqr_sqrt, E by trivial; eapply Rle_trans; [|apply envelope_falls; trivial; lra].
          pose proof (start a Ha).
          assert (mu a * (G M a a * s u ^ 2) <= nu * s u ^ 2)
            by (rewrite <- Rmult_assoc; apply Rmult_le_compat_r; [apply pow2_ge_0 | apply same_parabola; trivial]); lra.
        + rewrite sqrt_below_0 by lra; replace (A * 0 ^ 2) with 0 by ring; apply slope2_nonneg; trivial.
      - rewrite I, integral_disc_1; unfold beta, a_envelope; rewrite sqrt_ratio, sqrt_mult by lra.
        transitivity (length M (h 0) * (sqrt A * sqrt A / A)); [field; repeat split; lra|].
        rewrite sqrt_sqrt by lra; field; lra.
      - split; [trivial|]; rewrite Q, K2 in Z.
        replace (2 * c M ^ 2 * lmin * A * (1 - x ^ 2)) with (2 * c M ^ 2 * (lmin * A * (1 - x ^ 2))) by ring; trivial.
    Qed.
  End Envelope.
End Certified.
