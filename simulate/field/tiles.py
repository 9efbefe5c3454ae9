"""Matrix products of a strip of neurons, a tile at a time whose sums stay in the vector registers.

Two functions are used outside: product (p = G v, with G prepared by panels) and add_gram (gram += v v'). Written as
LLVM vectors: what the compiler makes of loops over arrays keeps the sums in memory, and takes two to five times as
long. The strips are flat arrays (rows, STRIP) that start at a cache line; the last rows may be padding.

Measured against BLAS on the same strips (one thread of a shared AMD EPYC without AVX-512, best of 25), times as fast:
    n           20    40    100   200   400   600   800
    product     1.5   1.3   1.2   1.0   1.0   0.6   0.5
    add_gram    2.0   1.4   1.4   1.2   1.2   1.1   1.1
So for more than MOST_TILED data points product calls BLAS. A strip is multiplied by one thread, in a call of the same
shape whatever the number of neurons, runs and threads, so that none of these changes a result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from simulate.field.elementwise import EXACT
from simulate.field.vectors import INDEX, LANES, NUMBER, VECTOR, WIDE, after, load, pick, spread, store

STRIP = 256  # neurons at a time: fewer would be calls, more would leave the nearest caches
PANEL, ROWS = 6, 4  # rows of a tile of a product, and of a Gram matrix
VECTORS = 4 if WIDE else 2  # side by side in the tile of a product: its sums fill the registers
WIDTH = LANES * VECTORS  # neurons in a tile
MOST_TILED = 512  # data points up to which the tiles of a product are at least about as fast as BLAS
NEAR = 2**15  # entries of G that stay in the second cache while a strip goes over them

SHORT = ir.VectorType(NUMBER, ROWS)
FUSED = ("contract",)


def _sums(
    builder: Any,
    count: Any,
    step: int,
    shape: tuple[int, int],
    factors: Callable[[Any], tuple[list[Any], list[Any]]],
    vector: Any = VECTOR,
) -> Any:
    """Sums over k = 0, step, ... < count (at least one) of left_r right_c; (left, right) = factors(k)."""
    before, loop = builder.block, builder.append_basic_block("tile")
    builder.branch(loop)
    builder.position_at_end(loop)
    k, zero = builder.phi(INDEX), ir.Constant(vector, [0.0] * vector.count)
    k.add_incoming(ir.Constant(INDEX, 0), before)
    sums = [[builder.phi(vector) for _ in range(shape[1])] for _ in range(shape[0])]
    lefts, rights = factors(k)
    found = []
    for row, left in zip(sums, lefts, strict=True):
        products = [builder.fmul(left, right, flags=FUSED) for right in rights]
        found.append([builder.fadd(p, old, flags=FUSED) for p, old in zip(products, row, strict=True)])
    following = builder.add(k, ir.Constant(INDEX, step))
    k.add_incoming(following, loop)
    for old_row, new_row in zip(sums, found, strict=True):
        for old, new in zip(old_row, new_row, strict=True):
            old.add_incoming(zero, before)
            old.add_incoming(new, loop)
    done = builder.append_basic_block("tiled")
    builder.cbranch(builder.icmp_signed("<", following, count), loop, done)
    builder.position_at_end(done)
    return found


def _product_tile(number: Any, size: int) -> Callable[..., Any]:
    """The code of the tile of a product of such numbers, of `size` bytes each."""
    lanes = 8 * LANES // size
    vector = ir.VectorType(number, lanes)

    def product_tile(typingctx: Any, panel: Any, v: Any, p: Any, n: Any) -> Any:
        """p (PANEL, WIDTH) = panel' v, all given by their addresses: panel (n, PANEL), v (n, WIDTH)."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            panel, v, p, n = args

            def factors(b: Any) -> tuple[list[Any], list[Any]]:
                row = after(builder, v, builder.mul(b, ir.Constant(INDEX, STRIP)), size)
                column = after(builder, panel, builder.mul(b, ir.Constant(INDEX, PANEL)), size)
                places = [after(builder, row, lanes * c, size) for c in range(VECTORS)]
                right = [load(builder, place, vector, 8 * LANES) for place in places]
                left = []
                for r in range(PANEL):
                    one = load(builder, after(builder, column, r, size), number, size)
                    left.append(spread(builder, one, vector))
                return left, right

            for r, row in enumerate(_sums(builder, n, 1, (PANEL, VECTORS), factors, vector)):
                for c, value in enumerate(row):
                    store(builder, value, after(builder, p, r * STRIP + c * lanes, size), 8 * LANES)
            return context.get_dummy_value()

        return types.none(*[types.int64] * 4), generate

    return product_tile


def _gram_tile(typingctx: Any, v: Any, u: Any, gram: Any, stride: Any, w: Any) -> Any:
    """gram (ROWS, ROWS, its rows `stride` apart) += v u' over the first w columns of v, u (ROWS, STRIP)."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, u, gram, stride, w = args

        def factors(j: Any) -> tuple[list[Any], list[Any]]:
            both = [[after(builder, after(builder, x, r * STRIP), j) for r in range(ROWS)] for x in (v, u)]
            left, right = ([load(builder, a, VECTOR, 8 * LANES) for a in addresses] for addresses in both)
            return left, right

        flat = [value for row in _sums(builder, w, LANES, (ROWS, ROWS), factors) for value in row]
        # Sums of neighbours, until lane l of the k-th vector is the sum of the lanes of the LANES k + l-th.
        for _ in range(LANES.bit_length() - 1):
            halves = [[pick(builder, x, y, list(range(o, 2 * LANES, 2))) for o in (0, 1)] for x, y in _pairs(flat)]
            flat = [builder.fadd(even, odd) for even, odd in halves]
        for r in range(ROWS):
            at = ROWS * r % LANES
            found = pick(builder, flat[ROWS * r // LANES], flat[0], list(range(at, at + ROWS)))
            into = after(builder, gram, builder.mul(stride, ir.Constant(INDEX, r)))
            store(builder, builder.fadd(load(builder, into, SHORT, 8), found), into, 8)
        return context.get_dummy_value()

    return types.none(*[types.int64] * 5), generate


def _pairs(values: list[Any]) -> list[tuple[Any, Any]]:
    return list(zip(values[::2], values[1::2], strict=True))


product_tile: Any = intrinsic(_product_tile(NUMBER, 8))
product_tile_single: Any = intrinsic(_product_tile(ir.FloatType(), 4))  # as many bytes, so twice as many neurons
gram_tile: Any = intrinsic(_gram_tile)


def panels(G: np.ndarray) -> np.ndarray:
    """(ceil(rows/PANEL), n, PANEL): the rows of G (rows, n) in panels, as product() reads them, padded with zeros; for
    more than MOST_TILED data points (rows, n, 1), which is G as BLAS reads it."""
    rows, n = G.shape
    if n > MOST_TILED:
        return np.ascontiguousarray(G)[:, :, None]
    whole = np.zeros((padded(rows, PANEL), n))
    whole[:rows] = G
    return np.ascontiguousarray(whole.reshape(-1, PANEL, n).transpose(0, 2, 1))


@njit(**EXACT)
def padded(rows: int, unit: int) -> int:
    """The next multiple of `unit`."""
    return (rows + unit - 1) // unit * unit


@njit(**EXACT)
def product(G: Any, v: Any, p: Any, count: int, w: int) -> None:
    """p = G v, for w columns of v (n, STRIP) and up to WIDTH - 1 more (BLAS: all of them), and the first `count` panels
    of G (BLAS: as many rows)."""
    n = G.shape[1]
    if n > MOST_TILED:
        rows = min(count * PANEL, len(G))
        np.dot(G[:rows].reshape(rows, n), v[: n * STRIP].reshape(n, STRIP), p[: rows * STRIP].reshape(rows, STRIP))
        return
    first, into, here = G.ctypes.data, p.ctypes.data, v.ctypes.data
    block = max(1, NEAR // (PANEL * n))
    for start in range(0, count, block):
        for j in range(0, w, WIDTH):
            for k in range(start, min(start + block, count)):
                product_tile(first + 8 * k * PANEL * n, here + 8 * j, into + 8 * (k * PANEL * STRIP + j), n)


@njit(**EXACT)
def product_single(G: Any, v: Any, p: Any, count: int, w: int) -> None:
    """product() in float32, for at most MOST_TILED data points, and up to 2 WIDTH - 1 more columns."""
    n = G.shape[1]
    first, into, here = G.ctypes.data, p.ctypes.data, v.ctypes.data
    block = max(1, NEAR // (PANEL * n))
    for start in range(0, count, block):
        for j in range(0, w, 2 * WIDTH):
            for k in range(start, min(start + block, count)):
                product_tile_single(first + 4 * k * PANEL * n, here + 4 * j, into + 4 * (k * PANEL * STRIP + j), n)


@njit(**EXACT)
def add_gram(v: Any, gram: Any, w: int) -> None:
    """gram (rows, rows) += v v' on and below the diagonal, over the first w columns of v and up to LANES - 1 more."""
    rows, here, into = len(gram), v.ctypes.data, gram.ctypes.data
    for a in range(0, rows, ROWS):
        for b in range(0, a + ROWS, ROWS):
            gram_tile(here + 8 * a * STRIP, here + 8 * b * STRIP, into + 8 * (a * rows + b), rows, w)
