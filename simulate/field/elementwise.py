"""Compiled loops over a row or a strip of neurons, written so that they fill the vector registers."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from simulate.field.compiling import can_cache

CACHE = can_cache()
# Sums may be reordered, which vector registers need; nothing else may, for exp_ below relies on its rounding.
SUMS: dict[str, Any] = {
    "fastmath": {"contract", "nsz", "reassoc"},
    "error_model": "numpy",
    "nogil": True,
    "cache": CACHE,
    "no_cfunc_wrapper": True,  # which takes its time to compile, and nothing needs
}
EXACT: dict[str, Any] = {**SUMS, "fastmath": {"contract", "nsz"}}
# For functions that only compiled ones call: without the entry for Python, which takes its time to compile too. A call
# from Python would crash the process, so one that a test needs is EXACT or SUMS.
INNER_SUMS: dict[str, Any] = {**SUMS, "no_cpython_wrapper": True}
INNER_EXACT: dict[str, Any] = {**EXACT, "no_cpython_wrapper": True}
# A function that is not inlined is compiled once by itself and once more beside its caller, and which of both serves
# depends on the order of loading. Where sums may be reordered, or either of two products be fused with their sum, the
# second time may give other roundings, so that a process that compiles and one that finds its loops in the cache would
# compute other last digits. So in the closed form of the residual and at kinks, where both were in use, such functions
# are inlined, or nothing but the sum and kept apart (see below); others leave no choice to the compiler.
INLINED_SUMS: dict[str, Any] = {**INNER_SUMS, "forceinline": True}
INLINED_EXACT: dict[str, Any] = {**INNER_EXACT, "forceinline": True}
# For those that make no array: without the counting of references, which is an atomic operation for each array, row or
# slice that is named, and a third of the time of short loops.
BORROWED: dict[str, Any] = {**INNER_SUMS, "fastmath": False, "_nrt": False}
BORROWED_SUMS: dict[str, Any] = {**INNER_SUMS, "_nrt": False}


def _wide_vectors(typingctx: Any) -> Any:
    """Let the function that calls this use the widest vector registers; by default LLVM keeps to half of them."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.none(), generate


_wide: Any = intrinsic(_wide_vectors)


def _never_inlined(typingctx: Any) -> Any:
    """Keep the function that calls this apart from its callers, so that its sums do not mix with what they compute."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.none(), generate


apart: Any = intrinsic(_never_inlined)


def _float_of(typingctx: Any, bits: Any) -> Any:
    return types.float64(types.int64), lambda c, b, s, args: b.bitcast(args[0], ir.DoubleType())


def _bits_of(typingctx: Any, number: Any) -> Any:
    return types.int64(types.float64), lambda c, b, s, args: b.bitcast(args[0], ir.IntType(64))


def _added_one(typingctx: Any, address: Any) -> Any:
    """Atomic fetch-and-add of 1 on the int64 at `address`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        return builder.atomic_rmw("add", place, ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(types.int64), generate


add_one: Any = intrinsic(_added_one)
_as_float: Any = intrinsic(_float_of)
_as_bits: Any = intrinsic(_bits_of)


@njit(**EXACT)
def exp_(x: float) -> float:
    """exp on [-700, 700] to 2 ulp, without branches, so that it vectorises: 2^k by its bits, the rest a polynomial."""
    shifted = x * 1.4426950408889634 + 6755399441055744.0  # adding 1.5 2^52 rounds to an integer
    k = shifted - 6755399441055744.0
    r = x - k * 0.693147180369123816490
    r = r - k * 1.90821492927058770002e-10
    # By halves, for the chain of a Horner scheme is longer than the wait for its sums.
    r2 = r * r
    low = (1.0 + r) + r2 * (0.5 + r * (1 / 6.0))
    middle = (1 / 24.0 + r * (1 / 120.0)) + r2 * (1 / 720.0 + r * (1 / 5040.0))
    high = (1 / 40320.0 + r * (1 / 362880.0)) + r2 * (1 / 3628800.0 + r * (1 / 39916800.0))
    r4 = r2 * r2
    top = 1 / 479001600.0 + r * (1 / 6227020800.0)
    p = low + r4 * (middle + r4 * (high + r4 * top))
    return p * _as_float((_as_bits(shifted) + 1023) << 52)


# tanh(y) = y S(y^2)/C(y^2) to 5e-18 for |y| <= log(2)/4: quadratics of least relative error.
S1, S2 = 0.11109908463020566, 0.0010573998936251373
C1, C2 = 0.44443241796353096, 0.015868205883612798


@njit(**INNER_EXACT)
def _tanh(x: float) -> float:
    """tanh to 2.8e-16 absolute and 4.3e-16 relative, so near zero too; 1 - tanh^2 to 6.5e-16 absolute. NaN stays NaN.

    With 2x = k log 2 + 2y and P = 2^k, exp(2x) = P (C + yS)/(C - yS), so that
    tanh x = ((P - 1) C + (P + 1) yS)/((P + 1) C + (P - 1) yS): one division, and a third of the arithmetic of exp_.
    """
    x = -20.0 if x < -20.0 else x
    x = 20.0 if x > 20.0 else x
    shifted = x * 2.8853900817779268 + 6755399441055744.0  # adding 1.5 2^52 rounds to an integer
    y = x - (shifted - 6755399441055744.0) * 0.34657359027997264
    z = y * y
    odd, even = y * (1.0 + z * (S1 + z * S2)), 1.0 + z * (C1 + z * C2)
    P = _as_float((_as_bits(shifted) + 1023) << 52)
    value = ((P - 1.0) * even + (P + 1.0) * odd) / ((P + 1.0) * even + (P - 1.0) * odd)
    value = 1.0 if value > 1.0 else value  # by rounding
    return -1.0 if value < -1.0 else value


@njit(**SUMS)
def tanh_row(h: Any, gain: Any, Gv: Any, slope: Any, c: Any, w: int) -> float:
    """slope = sigma'(h - gain Gv); returns sum c sigma."""
    _wide()
    total = 0.0
    for j in range(w):
        value = _tanh(h[j] - gain[j] * Gv[j])
        slope[j] = 1.0 - value * value
        total += value * c[j]
    return total


@njit(**SUMS)
def relu_row(h: Any, gain: Any, Gv: Any, slope: Any, c: Any, w: int) -> float:
    _wide()
    total = 0.0
    for j in range(w):
        x = h[j] - gain[j] * Gv[j]
        slope[j] = 1.0 if x > 0.0 else 0.0
        total += (0.0 if x <= 0.0 else x) * c[j]  # NaN stays NaN
    return total


@njit(**INNER_SUMS)
def tanh_row_moved(h: Any, gain: Any, Gv: Any, slope: Any, c: Any, w: int) -> float:
    """tanh and its slope at h - gain Gv, which overwrites h."""
    _wide()
    total = 0.0
    for j in range(w):
        h[j] = h[j] - gain[j] * Gv[j]
        value = _tanh(h[j])  # of what is stored, rounded to its dtype
        slope[j] = 1.0 - value * value
        total += value * c[j]
    return total


@njit(**INNER_SUMS)
def relu_row_moved(h: Any, gain: Any, Gv: Any, slope: Any, c: Any, w: int) -> float:
    _wide()
    total = 0.0
    for j in range(w):
        h[j] = h[j] - gain[j] * Gv[j]
        x = h[j]
        slope[j] = 1.0 if x > 0.0 else 0.0
        total += (0.0 if x <= 0.0 else x) * c[j]
    return total


@njit(**INNER_SUMS)
def weigh_row(total: Any, k: int, weight: float, slope: Any, w: int) -> None:
    """total = weight slope for the first term (k = 0), added to it for the others."""
    _wide()
    if k == 0:
        for j in range(w):
            total[j] = weight * slope[j]
    else:
        for j in range(w):
            total[j] += weight * slope[j]


@njit(**INNER_SUMS)
def dot_row(left: Any, right: Any, w: int) -> float:
    _wide()
    total = 0.0
    for j in range(w):
        total += left[j] * right[j]
    return total


@njit(**INNER_SUMS)
def displace_row(x: Any, h: Any, gain: Any, Gv: Any, w: int) -> None:
    _wide()
    for j in range(w):
        x[j] = h[j] - gain[j] * Gv[j]


@njit(**INNER_SUMS)
def copy_row(to: Any, row: Any, w: int) -> None:
    _wide()
    for j in range(w):
        to[j] = row[j]


@njit(**EXACT)
def aligned(size: int) -> Any:
    """Zeros that start at a cache line: vectors that straddle two lines take twice as long."""
    array = np.zeros(size + 8)
    ahead = (64 - array.ctypes.data % 64) % 64 // 8
    return array[ahead : ahead + size]
