(** Written by `python -m proofs.reference`: what bounds.guarantee(method="slopes") starts from and prints
    for the reference problem, n = 10, d = 100, tanh, antisymmetric pairs, beta = 1/2. From below: lmin of G, and
    q2 = (1 - tau) min_a E X_a with X_a = sigma'(h_a)^2. From above: Gmax, L2, Y = ||y||, and
    ratio = max_a E X_a^2/(E X_a)^2. Printed: width, scale and rate. *)
Require Import Reals.
Open Scope R_scope.
Definition lmin : R := 8162326901342999 / 18014398509481984.
Definition q2 : R := 6104244173038707 / 18014398509481984.
Definition Gmax : R := 2845201278269561 / 2251799813685248.
Definition L2 : R := 3466872609579541 / 4503599627370496.
Definition Y : R := 1713059064847665 / 2251799813685248.
Definition ratio : R := 3862980565929279 / 2251799813685248.
Definition delta : R := 3602879701896397 / 72057594037927936.
Definition tau : R := 3602879701896397 / 18014398509481984.
Definition width : R := 1028 / 1.
Definition scale : R := 3249397323364135 / 281474976710656.
Definition rate : R := 2879666533038455 / 140737488355328.
