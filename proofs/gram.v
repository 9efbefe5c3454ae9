(** The Gram matrix G (n x n): symmetric, positive semidefinite, its extreme eigenvalues as bounds of the quadratic form. *)
Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From linrate Require Import calculus sums.
Open Scope R_scope.

Section Gram.
  Variable n : nat.
  Variable G : nat -> nat -> R.

  (** G v, and the bilinear form u'G v. *)
  Definition apply (v : nat -> R) (a : nat) : R := sum n (fun b => G a b * v b).
  Definition form (u v : nat -> R) : R := sum n (fun a => u a * apply v a).

  Definition symmetric : Prop := forall a b, (a < n)%nat -> (b < n)%nat -> G a b = G b a.
  Definition semidefinite : Prop := forall v, 0 <= form v v.

  (** lambda is at most the least eigenvalue, or at least the largest one. *)
  Definition eigenvalues_from (lambda : R) : Prop := forall v, lambda * norm2 n v <= form v v.
  Definition eigenvalues_to (lambda : R) : Prop := forall v, form v v <= lambda * norm2 n v.

  Lemma form_ext u u' v v' : (forall a, (a < n)%nat -> u a = u' a) -> (forall a, (a < n)%nat -> v a = v' a) ->
    form u v = form u' v'.
  Proof.
    intros Hu Hv; unfold form, apply; apply sum_ext; intros a Ha; rewrite Hu by trivial; f_equal.
    apply sum_ext; intros b Hb; rewrite Hv; trivial.
  Qed.

  Lemma form_linear_r u v w t : form u (fun a => v a + t * w a) = form u v + t * form u w.
  Proof.
    unfold form, apply; rewrite <- sum_scal, <- sum_plus; apply sum_ext; intros a _.
    replace (sum n (fun b => G a b * (v b + t * w b)))
      with (sum n (fun b => G a b * v b) + t * sum n (fun b => G a b * w b)); [ring|].
    rewrite <- sum_scal, <- sum_plus; apply sum_ext; intros; ring.
  Qed.

  Lemma form_linear_l u v w t : form (fun a => v a + t * w a) u = form v u + t * form w u.
  Proof. unfold form; rewrite <- sum_scal, <- sum_plus; apply sum_ext; intros; ring. Qed.

  Lemma form_sym u v : symmetric -> form u v = form v u.
  Proof.
    intros S; unfold form, apply.
    transitivity (sum n (fun a => sum n (fun b => u a * (G a b * v b)))).
    { apply sum_ext; intros; rewrite <- sum_scal; trivial. }
    rewrite sum_swap; apply sum_ext; intros a Ha; rewrite <- sum_scal; apply sum_ext; intros b Hb.
    rewrite (S b a) by trivial; ring.
  Qed.

  Lemma form_square u v t : symmetric ->
    form (fun a => u a + t * v a) (fun a => u a + t * v a) = form v v * t ^ 2 + 2 * form u v * t + form u u.
  Proof. intros S; rewrite form_linear_r, !form_linear_l, (form_sym v u S); ring. Qed.

  (** Cauchy and Schwarz in the inner product of G. *)
  Lemma gram_cauchy_schwarz u v : symmetric -> semidefinite -> form u v ^ 2 <= form u u * form v v.
  Proof.
    intros S P; rewrite Rmult_comm; apply discriminant; [apply P|]; intros t; rewrite <- form_square by trivial; apply P.
  Qed.

  (** Minkowski in the inner product of G. *)
  Lemma gram_triangle u v : symmetric -> semidefinite ->
    sqrt (form (fun a => u a + v a) (fun a => u a + v a)) <= sqrt (form u u) + sqrt (form v v).
  Proof.
    intros S P.
    assert (E : form (fun a => u a + v a) (fun a => u a + v a) = form u u + 2 * form u v + form v v).
    { rewrite (form_ext _ (fun a => u a + 1 * v a) _ (fun a => u a + 1 * v a)) by (intros; ring).
      rewrite form_square by trivial; ring. }
    pose proof (P (fun a => u a + v a)); rewrite E in *.
    apply triangle; trivial; apply gram_cauchy_schwarz; trivial.
  Qed.

  Definition unit (a b : nat) : R := if Nat.eqb b a then 1 else 0.

  Lemma form_unit a v : (a < n)%nat -> form (unit a) v = apply v a.
  Proof. intros; unfold form, unit; apply sum_unit; trivial. Qed.

  Lemma form_units a : (a < n)%nat -> form (unit a) (unit a) = G a a.
  Proof.
    intros Ha; rewrite form_unit by trivial; unfold apply, unit.
    rewrite (sum_ext n _ (fun b => (if Nat.eqb b a then 1 else 0) * G a b)) by (intros; ring); apply sum_unit; trivial.
  Qed.

  (** The key step: |e_a'G v|^2 <= G_aa v'G v. *)
  Lemma entry_of_gram_product a v : symmetric -> semidefinite -> (a < n)%nat -> apply v a ^ 2 <= G a a * form v v.
  Proof.
    intros S P Ha; pose proof (gram_cauchy_schwarz (unit a) v S P) as H.
    rewrite form_unit, form_units in H by trivial; trivial.
  Qed.

  Lemma diagonal_nonneg a : semidefinite -> (a < n)%nat -> 0 <= G a a.
  Proof. intros P Ha; rewrite <- form_units by trivial; apply P. Qed.

  Lemma norm2_unit a : (a < n)%nat -> norm2 n (unit a) = 1.
  Proof.
    intros Ha; unfold norm2, unit.
    rewrite (sum_ext n _ (fun b => (if Nat.eqb b a then 1 else 0) * 1)).
    - apply (sum_unit n (fun _ => 1)); trivial.
    - intros; destruct (Nat.eqb k a); ring.
  Qed.

  (** Diagonal entries lie between the extreme eigenvalues. *)
  Lemma diagonal_at_most lmax a : eigenvalues_to lmax -> (a < n)%nat -> G a a <= lmax.
  Proof. intros H Ha; pose proof (H (unit a)) as E; rewrite form_units, norm2_unit in E by trivial; lra. Qed.

  Lemma diagonal_at_least lmin a : eigenvalues_from lmin -> (a < n)%nat -> lmin <= G a a.
  Proof. intros H Ha; pose proof (H (unit a)) as E; rewrite form_units, norm2_unit in E by trivial; lra. Qed.

  (** ||G v||^2 <= lambda_max v'G v, without the spectral theorem. *)
  Lemma norm_of_gram_product lmax v : symmetric -> semidefinite -> 0 <= lmax -> eigenvalues_to lmax ->
    norm2 n (apply v) <= lmax * form v v.
  Proof.
    intros S P Hl H.
    assert (E : form (apply v) v = norm2 n (apply v)) by (unfold form, norm2; apply sum_ext; intros; ring).
    pose proof (gram_cauchy_schwarz (apply v) v S P) as C; rewrite E in C.
    pose proof (H (apply v)); pose proof (P v); pose proof (P (apply v)); pose proof (norm2_nonneg n (apply v)).
    destruct (Req_dec (norm2 n (apply v)) 0) as [->|N]; [apply Rmult_le_pos; trivial|].
    apply Rmult_le_reg_l with (norm2 n (apply v)); nra.
  Qed.
End Gram.
