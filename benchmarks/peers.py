"""The integrators that a user could choose instead of linrate, each given the same vector field in function space.

A peer is a function (field, h0, times, rtol) that returns the losses at `times`, where h0 is the initial state, (n, m).
torchdiffeq, scikit-sundae and extensisq come with the extra `bench`. SUNDIALS' own stabilised method (LSRKStep) and
Siconos, for Filippov's solutions, have no package that pip could install.
"""

from __future__ import annotations

import importlib.util
import time as clock
from collections.abc import Callable, Iterable

import numpy as np
import torch

from bounds import Problem
from simulate.field.activations import value_and_slope

# Module -> the name under which it is installed.
PACKAGES = {"torchdiffeq": "torchdiffeq", "sksundae": "scikit-sundae", "extensisq": "extensisq"}
ATOL = 1e-2  # absolute tolerance of the peers, in units of rtol: pre-activations are of size one


class OutOfTime(Exception):
    """The peer did not finish in its time. args[0]: the flow time that it reached, as a part of the last one."""


def missing() -> list[str]:
    """The packages of the extra `bench` that are not installed."""
    return [shown for module, shown in PACKAGES.items() if importlib.util.find_spec(module) is None]


class Failed(Exception):
    """The peer gave up. args[0]: its message."""


class Field:
    """dh/dt of equation (11), for tensors (n, m) or flat numpy vectors; it counts its calls.

    end: last time of the run. seconds: after which a call raises OutOfTime.
    """

    def __init__(
        self, problem: Problem, signs: np.ndarray, end: float, seconds: float = float("inf"), device: str = "cpu"
    ) -> None:
        self.n, self.m, self.activation = problem.n, len(signs), problem.activation
        self.G, self.y, self.c = (torch.tensor(np.array(a), device=device) for a in (problem.gram, problem.y, signs))
        self.value, self.slope = (torch.empty(self.n, self.m, dtype=torch.float64, device=device) for _ in range(2))
        self.end, self.calls, self.stop_at = end, 0, clock.perf_counter() + seconds

    def residual(self, h: torch.Tensor) -> torch.Tensor:
        """r = f - y, (n,). The slopes sigma'(h) are left in self.slope."""
        value_and_slope(self.activation, h, self.value, self.slope)
        return self.value @ self.c / self.m - self.y

    def loss(self, h: torch.Tensor) -> float:
        """L at the state h."""
        return float(self.residual(h).square().sum()) / 2

    def tensor(self, t: torch.Tensor | float, h: torch.Tensor) -> torch.Tensor:
        """dh/dt = -c G (r * sigma'(h)), (n, m). Raises OutOfTime."""
        self.calls += 1
        if clock.perf_counter() > self.stop_at:
            raise OutOfTime(float(t) / self.end)
        residual = self.residual(h)
        return ((self.G * -residual) @ self.slope).mul_(self.c)

    def flat(self, t: float, state: np.ndarray) -> np.ndarray:
        """dh/dt as a flat vector, for solvers whose states are vectors. Raises OutOfTime."""
        h = torch.from_numpy(np.array(state)).view(self.n, self.m)  # a copy: CVODE's vector is read-only
        rate: np.ndarray = self.tensor(t, h).numpy().ravel()
        return rate

    def losses(self, states: Iterable[np.ndarray]) -> np.ndarray:
        """The losses of flat states, (T,)."""
        return np.array([self.loss(torch.from_numpy(np.array(y)).view(self.n, self.m)) for y in states])


def dopri5(field: Field, h0: torch.Tensor, times: np.ndarray, rtol: float) -> np.ndarray:
    """The Dormand-Prince pair 5(4) of torchdiffeq."""
    from torchdiffeq import odeint

    t = torch.tensor(np.concatenate([[0.0], times]), device=h0.device)
    states = odeint(field.tensor, h0, t, rtol=rtol, atol=ATOL * rtol, method="dopri5")
    return np.array([field.loss(h) for h in states[1:]])


def cvode(field: Field, h0: torch.Tensor, times: np.ndarray, rtol: float) -> np.ndarray:
    """CVODE of SUNDIALS: BDF with matrix-free GMRES."""
    from sksundae.cvode import CVODE

    failed: list[BaseException] = []

    def rate(t: float, y: np.ndarray, yp: np.ndarray) -> None:
        # The C code loses exceptions: keep it, and let the rest of the run be a constant solution that costs nothing.
        if failed:
            yp[:] = 0
            return
        try:
            yp[:] = field.flat(t, y)
        except OutOfTime as error:
            failed.append(error)

    solver = CVODE(
        rate, method="BDF", linsolver="gmres", krylov_dim=20, rtol=rtol, atol=ATOL * rtol, max_num_steps=10**7
    )
    found = solver.solve(np.concatenate([[0.0], times]), h0.numpy().ravel().copy())
    if failed:
        raise failed[0]
    return field.losses(found.y[1:])


def stabilised(field: Field, h0: torch.Tensor, times: np.ndarray, rtol: float) -> np.ndarray:
    """The stabilised explicit method of extensisq (Runge-Kutta-Chebyshev)."""
    from extensisq import SSV2stab
    from scipy.integrate import solve_ivp

    found = solve_ivp(
        field.flat,
        (0.0, float(times[-1])),
        h0.numpy().ravel(),
        method=SSV2stab,
        t_eval=times,
        rtol=rtol,
        atol=ATOL * rtol,
    )
    if not found.success:
        raise Failed(found.message)
    return field.losses(found.y.T)


Peer = Callable[[Field, torch.Tensor, np.ndarray, float], np.ndarray]
PEERS: dict[str, Peer] = {
    "torchdiffeq dopri5": dopri5,
    "SUNDIALS CVODE, BDF + GMRES": cvode,
    "extensisq SSV2stab": stabilised,
}
