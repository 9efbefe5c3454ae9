(** Numbers, computed inside Coq by interval arithmetic. *)
Require Import Reals Psatz.
From Coquelicot Require Import Coquelicot.
From Interval Require Import Tactic.
Open Scope R_scope.

(** Up to this share of active neurons Lemma 1 is proved with the printed constant. *)
Theorem threshold : Rabs (9 * PI ^ 2 / 128 - 694 / 1000) <= 1 / 1000.
Proof. interval with (i_prec 60). Qed.

(** E5, Lemma 3: the mass of the middle third of I = (6, 12) under N(0, 10) is smaller than the K of the reading with the
    smallest K, exp(-max(|I_l|, |I_r|)^2/G_min^2). *)
Theorem printed_e5 : RInt (fun u => exp (- (u ^ 2 / 20)) / sqrt (20 * PI)) 8 10 < 6 / (6 * sqrt (20 * PI)) * exp (- (12 ^ 2 / 10 ^ 2)).
Proof.
  apply Rle_lt_trans with (1 / 100); [|interval with (i_prec 60)].
  integral with (i_prec 60).
Qed.
