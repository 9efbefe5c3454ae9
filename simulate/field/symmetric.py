"""Sums of w w' over many rows w, for compiled code: the BLAS routine dsyrk, which needs half the products of a matrix
product, since it finds one triangle only. numba has no name for it, so it is called by its address."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic

ADDRESS: int = get_cython_function_address("scipy.linalg.cython_blas", "dsyrk")
_MATRIX = types.Array(types.float64, 2, "C")


def _add_squares(typingctx: Any, address: Any, factor: Any, rows: Any, into: Any) -> Any:
    """add_squares(ADDRESS, factor, rows, into): into (n, n) += factor * rows' rows, for rows (k, n), in the lower
    triangle of `into`; what stands above it is left alone."""
    if rows != _MATRIX or into != _MATRIX:
        return None

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        integer, real = ir.IntType(32), ir.DoubleType()
        given, found = (context.make_array(_MATRIX)(context, builder, value) for value in values[2:])
        count, size = (builder.trunc(length, integer) for length in cgutils.unpack_tuple(builder, given.shape, 2))  # type: ignore[no-untyped-call]

        def place(value: Any) -> Any:
            return cgutils.alloca_once_value(builder, value)  # type: ignore[no-untyped-call]

        # In the order of Fortran the C-ordered rows are a matrix (n, k), and the lower triangle the upper one.
        uplo, trans = (place(ir.Constant(ir.IntType(8), ord(letter))) for letter in "UN")
        n, k, one = place(size), place(count), place(ir.Constant(real, 1.0))
        arguments = [uplo, trans, n, k, place(values[1]), given.data, n, one, found.data, n]
        kind = ir.FunctionType(ir.VoidType(), [argument.type for argument in arguments])
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), arguments)
        return context.get_dummy_value()

    return types.none(types.int64, types.float64, _MATRIX, _MATRIX), generate


add_squares: Any = intrinsic(_add_squares)
