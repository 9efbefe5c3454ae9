"""The larger loops that a whole step calls, by address (see by_address.py), so that they are the machine code of the
ordinary loop."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import types

from simulate.field.by_address import Types, address_of, array, caller
from simulate.field.kernels import count_inside, displacement_sizes, evaluate, moments
from simulate.integrators.exponential.path_length import node_times
from simulate.integrators.exponential.residual import along_path
from simulate.integrators.spectra import spectra
from simulate.solve.observables import observe


def _types(state: Any) -> dict[str, Types]:
    """The types with which the larger loops are called, for states of this type of number."""
    whole, real = types.int64, types.float64
    one, two, three, h = array(real, 1), array(real, 2), array(real, 3), array(state, 3)
    four = array(real, 4)
    known: Any = types.UniTuple(h, 4)  # type: ignore[no-untyped-call]
    chunks, queue = array(whole, 2), array(whole, 2)
    return {
        "evaluate": (whole, whole, chunks, queue, whole, h, known, three, three, three, h, h, h, h, three, four, two),
        "displacement_sizes": (chunks, queue, whole, known, three, three, h, three, three),
        "along_path": (two, three, two, three, one, three, one, one, one, three, three, two, two),
        "node_times": (two, two, one, one, two),
        "spectra": (three, two, three),
        "moments": (h, h, chunks, queue, whole, four, four),
        "count_inside": (h, h, real, real, chunks, queue, whole, four),
        "observe": (one, real, whole, two, three, two, three, two, three, two, three),
    }


TYPES = {"float64": _types(types.float64), "float32": _types(types.float32)}
LOOPS = {
    "evaluate": evaluate,
    "displacement_sizes": displacement_sizes,
    "along_path": along_path,
    "node_times": node_times,
    "spectra": spectra,
    "moments": moments,
    "count_inside": count_inside,
    "observe": observe,
}
# Their places in an array of addresses.
EVALUATE, SIZES, ALONG, NODES, SPECTRA, MOVED, INSIDE, OBSERVE = range(len(LOOPS))
call: Any = caller(tuple(dict.fromkeys(kinds[name] for kinds in TYPES.values() for name in LOOPS)))


@cache
def addresses(dtype: str) -> np.ndarray:
    """Where the loops are, in the order of LOOPS."""
    return np.array([address_of(loop, TYPES[dtype][name]) for name, loop in LOOPS.items()])
