"""The methods of proof, one file each. How to add one: CONTRIBUTING.md, "A method of proof"."""

from __future__ import annotations

from bounds.errors import unknown_name
from bounds.methods import (
    chebyshev,
    clipped,
    envelope,
    everywhere,
    kernel,
    markov,
    printed,
    printed_style,
    repaired,
    slopes,
    transport,
)
from bounds.methods.base import Method

METHODS: dict[str, Method] = {
    module.METHOD.name: module.METHOD
    for module in (
        printed,
        printed_style,
        repaired,
        markov,
        chebyshev,
        envelope,
        slopes,
        transport,
        clipped,
        kernel,
        everywhere,
    )
}

TRAINED = "last-layer"  # certifies a given network whose last layer is trained (certificates/last_layer_kernel.py)
SLOW_CERTIFICATES = ("transport", "shadowing")  # for a given network they take seconds, so "best" skips them


def get_method(name: str) -> Method:
    """The method of that name. Raises ArgumentError naming the nearest known one."""
    if not isinstance(name, str) or name not in METHODS:
        raise unknown_name("method", name, list(dict.fromkeys([*METHODS, *SLOW_CERTIFICATES, TRAINED, "best"])))
    return METHODS[name]


def proved_methods() -> list[Method]:
    """The methods whose statements are proved; "best" chooses among them."""
    return [method for method in METHODS.values() if method.proved]
