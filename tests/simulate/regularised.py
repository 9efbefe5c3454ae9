"""The flow of a network whose kinks are rounded off over a width: it has no events and tends to Filippov's solution."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from tests.simulate.filippov import PIECES


def rounded_off(
    gram: np.ndarray, y: np.ndarray, H: np.ndarray, signs: np.ndarray, activation: str, times: np.ndarray, width: float
) -> np.ndarray:
    """The loss at the times, where sigma' rises linearly from one slope to the next within `width` of each kink."""
    pieces, (m, n), y = PIECES[activation], H.shape, np.asarray(y)
    jumps = np.diff(pieces.slopes)

    def sigma(h: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rounded sigma, sigma' and sigma''."""
        value, slope, bend = pieces.slopes[0] * h, np.full_like(h, pieces.slopes[0]), np.zeros_like(h)
        for kink, jump in zip(pieces.kinks, jumps, strict=True):
            share = np.clip((h - kink + width) / (2 * width), 0, 1)
            value += jump * (width * share**2 + np.maximum(h - kink - width, 0))
            slope += jump * share
            bend += jump * (abs(h - kink) < width) / (2 * width)
        return value, slope, bend

    def residual(h: np.ndarray) -> np.ndarray:
        return signs @ sigma(h)[0] / m - y

    def rate(_: float, flat: np.ndarray) -> np.ndarray:
        h = flat.reshape(m, n)
        return (-signs[:, None] * ((sigma(h)[1] * residual(h)) @ gram)).ravel()

    def jacobian(_: float, flat: np.ndarray) -> np.ndarray:
        h = flat.reshape(m, n)
        _, slope, bend = sigma(h)
        through_r = np.einsum("i,ab,ib,j,jb->iajb", signs, gram, slope, signs, slope) / m
        own = np.einsum("i,ab,ib,ij->iajb", signs, gram, bend * residual(h), np.eye(m))
        return -(through_r + own).reshape(m * n, m * n)

    options = {"method": "BDF", "jac": jacobian, "rtol": 1e-8, "atol": 1e-10}
    found = solve_ivp(rate, (0, times[-1]), H.ravel(), t_eval=times, **options)
    return np.array([float(np.sum(residual(state.reshape(m, n)) ** 2)) / 2 for state in found.y.T])


def extrapolated(gram, y, H, signs, activation: str, times: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """The losses for the width 0 by Richardson's extrapolation from `width` and half of it, and how far that went."""
    wide, narrow = (rounded_off(gram, y, H, signs, activation, times, w) for w in (width, width / 2))
    return 2 * narrow - wide, abs(narrow - wide)
