(** Written by `python -m proofs.reference`: what bounds.guarantee(method="slopes") starts from and prints
    for the reference problem, n = 10, d = 100, tanh, antisymmetric pairs, beta = 1/2. From below: lmin of G, and
    q2 = 0.8 min_a E X_a with X_a = sigma'(h_a)^2, and exponent_0 to exponent_9, with which
    P(mean of X_a over m independent pairs <= q2) <= exp(-m exponent_a). From above: Gmax, L2 and Y = ||y||. Printed:
    width, scale and rate. *)
Require Import Reals.
Open Scope R_scope.
Definition lmin : R := 8162326901342999 / 18014398509481984.
Definition q2 : R := 6104244173038707 / 18014398509481984.
Definition Gmax : R := 2845201278269561 / 2251799813685248.
Definition L2 : R := 3466872609579541 / 4503599627370496.
Definition Y : R := 1713059064847665 / 2251799813685248.
Definition delta : R := 3602879701896397 / 72057594037927936.
Definition width : R := 238 / 1.
Definition scale : R := 3249397323364135 / 281474976710656.
Definition rate : R := 2879666533038455 / 140737488355328.
Definition exponent_0 : R := 4768177637782213 / 72057594037927936.
Definition exponent_1 : R := 4930967055043073 / 72057594037927936.
Definition exponent_2 : R := 8314196942416275 / 288230376151711744.
Definition exponent_3 : R := 5575045566837425 / 72057594037927936.
Definition exponent_4 : R := 5413629348442809 / 144115188075855872.
Definition exponent_5 : R := 5912296152597133 / 72057594037927936.
Definition exponent_6 : R := 8382157300871305 / 144115188075855872.
Definition exponent_7 : R := 7343540131000017 / 144115188075855872.
Definition exponent_8 : R := 636832841893905 / 4503599627370496.
Definition exponent_9 : R := 7868359120625425 / 144115188075855872.
