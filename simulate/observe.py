"""Observables at save points, with the difference between two runs of different step as their error."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import torch

from bounds.activations import Interval
from simulate.flow import Flow
from simulate.integrators.base import Point


class Recorder:
    """Collects the observables of one run; memory O(T n), never O(m n) per save point."""

    def __init__(self, flow: Flow, h0: torch.Tensor, interval: Interval) -> None:
        self.flow, self.h0, self.interval = flow, h0, interval
        self.rows: dict[str, list[np.ndarray | float]] = defaultdict(list)
        self.error_rows: dict[str, list[np.ndarray | float]] = defaultdict(list)
        self.largest = float(h0.abs().max())
        self.epsilon = float(torch.finfo(h0.dtype).eps)

    def record(self, time: float, fine: Point, fine_path: np.ndarray, coarse: Point, coarse_path: np.ndarray) -> None:
        """Save the fine state; the coarse one only tells the error. The paths are (s, integral of P)."""
        values, twin = self._observe(fine, fine_path), self._observe(coarse, coarse_path)
        active, uncertain = self._active(fine.h, coarse.h)
        self.rows["time"].append(time)
        for name, value in values.items():
            self.rows[name].append(value)
            difference = self._difference(name, value, twin[name], fine.residual - coarse.residual, fine.residual)
            self.error_rows[name].append(difference + self._rounding(name, fine, value))
        self.rows["active_fraction"].append(active)
        self.error_rows["active_fraction"].append(uncertain)

    def _difference(
        self, name: str, value: np.ndarray | float, twin: np.ndarray | float, apart: np.ndarray, residual: np.ndarray
    ) -> np.ndarray | float:
        """How far the two runs are apart, in norms that do not vanish where one component happens to cross."""
        if name == "loss":
            distance = float(np.linalg.norm(apart))
            return distance * (float(np.linalg.norm(residual)) + distance / 2)
        if name == "output":
            return np.full_like(apart, np.linalg.norm(apart))
        gap = np.max(np.abs(value - twin)) + 0.0 * value
        before = self.error_rows[name][-1] if self.error_rows[name] else 0.0
        return np.maximum(gap, before) if name in ("path_length", "dissipated") else gap

    def arrays(self) -> dict[str, np.ndarray]:
        """Observable name -> (T,) or (T, n)."""
        return {name: np.array(rows) for name, rows in self.rows.items()}

    def errors(self) -> dict[str, np.ndarray]:
        """The same for the errors."""
        return {name: np.array(rows) for name, rows in self.error_rows.items()}

    def residual_rounding(self, point: Point) -> np.ndarray:
        """A bound on the rounding of r, (n,): |sigma| <= |sigma(0)| + Ls |h|, pairwise sums over m neurons."""
        act, flow = self.flow.activation, self.flow
        size = abs(float(act.value(0.0))) + float(act.Ls) * float(point.h.abs().max())
        if act.bounded_by is not None:
            size = min(size, act.bounded_by)
        weight = flow.alpha * float(flow.c[0].abs())
        terms = 4 + math.sqrt(math.log2(flow.m + 1))
        return self.epsilon * (terms * weight * size / math.sqrt(flow.m) + np.abs(flow.y) + np.abs(point.residual))

    def _rounding(self, name: str, point: Point, value: np.ndarray | float) -> np.ndarray | float:
        if len(self.rows["time"]) == 1 and name in ("path_length", "dissipated", "movement", "movement_rms"):
            return value * 0.0  # nothing has moved yet: exactly zero
        r = self.residual_rounding(point)
        if name == "output":
            return r
        if name == "loss":
            return float(np.abs(point.residual) @ r + r @ r / 2)
        if name in ("movement", "movement_rms"):  # h is stored to a few ulps of itself, however little it moved
            return 8 * self.epsilon * self.largest + 0.0 * value
        return 64 * self.epsilon * np.abs(value)

    def _observe(self, point: Point, path: np.ndarray) -> dict[str, np.ndarray | float]:
        flow, r = self.flow, point.residual
        modes = point.eigenvectors.T @ r
        absolute, square = (torch.zeros(flow.n, dtype=self.h0.dtype, device=self.h0.device) for _ in range(2))
        for part in flow.blocks(finer=4):
            moved = point.h[:, part] - self.h0[:, part]
            square += torch.linalg.vecdot(moved, moved, dim=1)
            absolute += moved.abs_().sum(1)
        return {
            "loss": float(r @ r) / 2,
            "output": r + flow.y,
            "mean_square_slope": np.diagonal(point.slope_gram).copy(),
            "path_length": float(path[0]),
            "dissipated": float(path[1]),
            "power": float(point.eigenvalues @ (modes * modes)),
            "movement": absolute.to("cpu", torch.float64).numpy() / flow.m,
            "movement_rms": np.sqrt(square.to("cpu", torch.float64).numpy() / flow.m),
            "kernel_min_eig": float(point.eigenvalues[0]) / flow.speed,
            "kernel_max_eig": float(point.eigenvalues[-1]) / flow.speed,
        }

    def _active(self, fine: torch.Tensor, coarse: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """(share of neurons in I, share of those that the error of h might carry across an end of I), each (n,)."""
        left, right = self.interval
        inside, unsure = (torch.zeros(self.flow.n, device=fine.device) for _ in range(2))
        for part in self.flow.blocks(finer=4):
            h = fine[:, part]
            gap = (h - coarse[:, part]).abs_()
            inside += ((h > left) & (h < right)).sum(1)
            unsure += (((h - left).abs_() <= gap) | ((h - right).abs_() <= gap)).sum(1) if gap.any() else 0
        m = self.flow.m
        return inside.to("cpu", torch.float64).numpy() / m, unsure.to("cpu", torch.float64).numpy() / m
