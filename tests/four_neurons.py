"""A problem of two points and a network of four neurons: valid arguments, which tests replace one by one."""

import numpy as np

import bounds
import simulate

X = np.array([[1.0, 0.2, -0.3], [0.1, -0.8, 0.5]])
Y = np.array([0.3, -0.2])
H = np.array([[0.5, -0.1], [1.0, 0.3], [-0.7, 0.2], [0.1, -1.1]])
SIGNS = np.array([1.0, -1.0, 1.0, -1.0])
W = np.arange(12.0).reshape(4, 3) / 10 - 0.5
PROBLEM = bounds.Problem(X, Y)
NETWORK = simulate.Network(H, SIGNS)
MASKED = np.ma.array(X, mask=X > 0.4)


def flow(**options):
    return simulate.gradient_flow(PROBLEM, **{"width": 4, "t_max": 0.1, **options})
