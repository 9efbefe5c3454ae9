(** Constants of docs/theory.md, named and written as there; tests/verify/test_proofs.py compares each with the code's formula. *)
Require Import Reals.
Open Scope R_scope.

Definition a_markov (Gmax lmin Ks xi eta : R) : R := 3 * sqrt (Gmax / lmin) / (2 * Ks * xi * (eta * sqrt eta)).
Definition a_chebyshev (Gmax lmin Ks xi eta : R) : R := 4 * sqrt (Gmax / lmin) / (PI * Ks * xi * eta).
Definition a_envelope (nu lmin A : R) : R := 4 * sqrt nu / (PI * sqrt lmin * A).
Definition a_slopes (L2 Gmax lmin q : R) : R := 2 * L2 * sqrt Gmax / (sqrt lmin * q ^ 2).
Definition a_kernel (L2 lmax Gmax lmin_kernel : R) : R := 2 * L2 * sqrt (lmax * Gmax) / lmin_kernel.
Definition kappa (lmax lmin Ks Il Ir : R) : R := 9 * lmax / (sqrt 2 * Ks * lmin * (Ir - Il)).
Definition kappa_printed (lmax lmin Ks Il Ir : R) : R := 9 * lmax / (2 * Ks * lmin * (Ir - Il)).
Definition kappa_sharp (Gmax lmin Ks Il Ir : R) : R := 9 * sqrt (Gmax / lmin) / (sqrt 2 * Ks * (Ir - Il)).
Definition kappa_smooth (L2 Gmax lmin : R) : R := 2 * sqrt 2 * L2 * sqrt (Gmax / lmin).
Definition rate_everywhere (c lmin Ks : R) : R := 2 * c ^ 2 * lmin * Ks ^ 2.
Definition rate_most (c lmax Ls : R) : R := 2 * c ^ 2 * lmax * Ls ^ 2.
Definition descent_w (step c lmax Ls L2 Gmax R0 : R) : R := step * c * (c * lmax * Ls ^ 2 + L2 * sqrt (Gmax * lmax) * R0) / 2.
