"""What a checkpoint must hold: the arrays by name, each with its kind and shape, and what their numbers may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from bounds.data.archives import Field
from bounds.errors import DataError
from simulate.field.flow import Flow
from simulate.field.last_layer import TrainedFlow
from simulate.solve.observables import SCALARS, VECTORS

FORMAT = 3  # raised whenever the arrays or what they mean change
HEAD = {"format": Field("integer", ()), "options": Field("text"), "seconds": Field("float", ())}
COUNTS = ("run", "steps", "rejected", "evaluations", "saved", "unresolved")
KINDS = ("value", "error")
NOT_NEGATIVE = ("at", "last", "error", "target", "done", "elapsed", "first")
PATHS = ("coarse_path", "fine_path")
OF_NEURONS = ("h", *(f"{name}{part}" for name in ("coarse", "fine") for part in ("", ".past", ".sides")))  # (..., m)
Fields = dict[str, Field]


def flow_fields(flow: Flow, counters: Iterable[str], *, holds: bool) -> Fields:
    """Those of a loop with one run; counters: the names of what the loop counts for it; holds: see Integrator."""
    found: Fields = {}
    for name in (*counters, *PATHS):
        width = (3 + flow.n,) if name in PATHS else ()
        found[f"at.{name}"] = Field("integer" if name in COUNTS else "float", (1, *width))
    for name in ("coarse", "fine"):
        found[name] = Field("float", (1, flow.rows, flow.m))
        if flow.keeps_previous:
            found[f"{name}.past"] = Field("float", (1, flow.slope_rows, flow.m))
            found[f"{name}.past_kernel"] = Field("float", (1, flow.n, flow.n))
        if holds:
            found[f"{name}.sides"] = Field("integer", (1, flow.n, flow.m))
            for matrix in ("kernel", "trend"):
                found[f"{name}.{matrix}"] = Field("float", (1, flow.n, flow.n))
            for vector in ("residual", "squares"):
                found[f"{name}.{vector}"] = Field("float", (1, flow.n))
        if flow.keeps_previous or holds:
            found[f"{name}.behind"] = Field("float", (1,))
    return found | recorded_fields(flow)


def descent_fields(flow: Flow) -> Fields:
    """Those of gradient descent."""
    state: Fields = {"h": Field("float", (1, flow.rows, flow.m)), "path": Field("float", (1, 3 + flow.n))}
    state |= {"target": Field("float", ()), "done": Field("integer", ()), "recorded": Field("integer", ())}
    state |= {"elapsed": Field("float", ()), "first": Field("float", ())}
    return state | recorded_fields(flow)


def recorded_fields(flow: Flow) -> Fields:
    """Those of the recorder, T save points long; a run that is stopped before the first has none of them."""
    found: Fields = {f"last.{name}": Field("float", (1,)) for name in ("path_length", "dissipated")}
    found["owners"] = Field("integer", ("T",), optional=True)
    observed: dict[str, tuple[int | str, ...]] = dict.fromkeys(SCALARS, ("T",))
    observed |= dict.fromkeys((*VECTORS, "active_fraction"), ("T", flow.n))
    if flow.tests:
        observed["test_output"] = ("T", flow.tests)
    if isinstance(flow, TrainedFlow):
        observed["last_layer_movement"] = ("T",)
    found |= {f"{kind}.{name}": Field("float", shape, True) for name, shape in observed.items() for kind in KINDS}
    alone = ("time",) if flow.activation.smooth else ("time", "sliding", "other_side")
    return found | {f"value.{name}": Field("float", ("T",), True) for name in alone}


def check_numbers(where: str, state: dict[str, np.ndarray], wanted: Fields, ends: Mapping[str, float]) -> None:
    """DataError naming the array whose numbers no run can have left there. ends: the largest that an array may hold, by
    name; what is counted, timed or summed up is not negative."""
    for name, array in state.items():
        kind, _, what = name.partition(".")
        counted = (kind in NOT_NEGATIVE and what not in PATHS) or what in ("behind", "sides", "squares")
        low, high = -1.0 if name == "recorded" else 0.0 if counted else -np.inf, ends.get(name, np.inf)
        if np.any(array < low) or np.any(array > high):
            raise DataError(f"{where}: array {name!r} must be in [{low:g}, {high:g}]. Found {array.ravel()[:9]}.")
    recorded = [name for name in wanted if name.startswith((*KINDS, "owners"))]
    if missing := [name for name in recorded if name not in state]:
        if len(missing) < len(recorded):
            raise DataError(f"{where}: arrays {missing[:9]} are missing.")
    elif np.any(np.diff(state["value.time"]) < 0) or np.any(state["owners"] != 0):
        raise DataError(f"{where}: array 'value.time' must increase, and 'owners' must be zeros.")
