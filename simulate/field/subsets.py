"""The product of a matrix with slopes that are 0 or 1, as those of ReLU, by tables of sums of its columns.

Of every GROUP columns of G diag(r), the sums over all their subsets are written down once for a strip of neurons; then
each neuron adds the sum over the subset of data points at which it is on. This takes the place of GROUP products for
each row ("the method of four Russians"). The results differ from those of tiles.product by rounding only.

Two functions are used outside: columns_of prepares G, and subset_product is the product. One thread multiplies
a strip, always in the same order, so that no result depends on the number of neurons, runs or threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from simulate.field.elementwise import EXACT, INNER_EXACT, aligned
from simulate.field.vectors import INDEX, LANES, NUMBER, VECTOR, after, load, spread, store

GROUP, TABLES = 4, 8  # columns of which all subsets are summed, and groups that a pass over the neurons adds
SUBSETS = 2**GROUP
BLOCK = GROUP * TABLES  # columns that a pass adds
VECTORS = 2
BAND = LANES * VECTORS  # rows of a table: the tables and the sums of all neurons of a strip stay in the nearest cache
TABLE = TABLES * SUBSETS * BAND  # numbers in the tables of a pass
LEAST = 128  # data points from which this is faster


def _table(typingctx: Any, columns: Any, weights: Any, table: Any) -> Any:
    """table (SUBSETS, BAND) = the sums of columns_k weights_k over all subsets of the GROUP columns (GROUP, BAND), in
    the order of the binary numbers of which column k is the bit k; all given by their addresses."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        columns, weights, table = args
        weight = [load(builder, after(builder, weights, k), NUMBER, 8) for k in range(GROUP)]
        scales = [spread(builder, one, VECTOR) for one in weight]
        for c in range(VECTORS):
            sums = [ir.Constant(VECTOR, [0.0] * LANES)]
            for k, scale in enumerate(scales):
                column = load(builder, after(builder, columns, k * BAND + c * LANES), VECTOR, 8 * LANES)
                term = builder.fmul(column, scale)
                sums += [term] + [builder.fadd(one, term) for one in sums[1:]]
            for subset, value in enumerate(sums):
                store(builder, value, after(builder, table, subset * BAND + c * LANES), 8 * LANES)
        return context.get_dummy_value()

    return types.none(*[types.int64] * 3), generate


def _add(typingctx: Any, tables: Any, places: Any, sums: Any, count: Any) -> Any:
    """Add to sums (count, BAND), neuron by neuron, its entry of each table (TABLES, SUBSETS, BAND); places (count,
    TABLES), uint16: how many bytes into the table its entry begins; all given by their addresses, count at least 1."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        tables, places, sums, count = args
        before, loop = builder.block, builder.append_basic_block("neuron")
        builder.branch(loop)
        builder.position_at_end(loop)
        j = builder.phi(INDEX)
        j.add_incoming(ir.Constant(INDEX, 0), before)
        into = after(builder, sums, builder.mul(j, ir.Constant(INDEX, BAND)))
        own = after(builder, places, builder.mul(j, ir.Constant(INDEX, TABLES)), 2)
        found = [load(builder, after(builder, into, c * LANES), VECTOR, 8 * LANES) for c in range(VECTORS)]
        for k in range(TABLES):
            place = builder.zext(load(builder, after(builder, own, k, 2), ir.IntType(16), 2), INDEX)
            entry = builder.add(after(builder, tables, k * SUBSETS * BAND), place)
            terms = [load(builder, after(builder, entry, c * LANES), VECTOR, 8 * LANES) for c in range(VECTORS)]
            found = [builder.fadd(one, term) for one, term in zip(found, terms, strict=True)]
        for c, value in enumerate(found):
            store(builder, value, after(builder, into, c * LANES), 8 * LANES)
        following = builder.add(j, ir.Constant(INDEX, 1))
        j.add_incoming(following, loop)
        done = builder.append_basic_block("added")
        builder.cbranch(builder.icmp_signed("<", following, count), loop, done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return types.none(*[types.int64] * 4), generate


write_table: Any = intrinsic(_table)
add_entries: Any = intrinsic(_add)


def columns_of(G: np.ndarray) -> np.ndarray:
    """(bands, columns, BAND): the columns of G (rows, n) in bands of rows, padded with zeros to whole blocks; of no
    bands for fewer than LEAST data points."""
    rows, n = G.shape
    bands, columns = -(-rows // BAND) if n >= LEAST else 0, -(-n // BLOCK) * BLOCK
    found = aligned(bands * columns * BAND).reshape(bands, columns, BAND)
    for band in range(bands):
        part = G[band * BAND : (band + 1) * BAND]
        found[band, :n, : len(part)] = part.T
    return found


@njit(**INNER_EXACT)
def find_places(slopes: Any, places: Any, n: int, start: int, w: int) -> bool:
    """Where the w neurons from `start` on, with slopes (n, m), find their entries in the tables of subset_product; to
    places (blocks, STRIP, TABLES), which begin as zeros. Returns whether each of these slopes is 0 or 1; if not, the
    places mean nothing."""
    plain = True
    for a in range(0, n, GROUP):
        block, k = a // BLOCK, a % BLOCK // GROUP
        for j in range(w):
            places[block, j, k] = 0
        for bit in range(min(GROUP, n - a)):
            row = slopes[a + bit, start:]
            for j in range(w):
                places[block, j, k] += np.uint16((row[j] > 0.0) * (8 * BAND << bit))
                plain &= (row[j] == 0.0) | (row[j] == 1.0)
    return plain


@njit(**EXACT)
def subset_product(columns: Any, weights: Any, places: Any, tables: Any, sums: Any, p: Any, rows: int, w: int) -> None:
    """p (>= rows, STRIP) = G (weights * slopes), in its first `rows` rows and w columns.

    columns: G as columns_of prepares it; weights: one for each of them; places: of the slopes, from find_places; tables
    (TABLE,) and sums (STRIP, BAND): overwritten. columns, tables and sums start at a cache line.
    """
    count = columns.shape[1]
    for band in range((rows + BAND - 1) // BAND):
        sums[:w] = 0.0
        for first in range(0, count, BLOCK):
            for k in range(TABLES):
                column = first + k * GROUP
                write_table(
                    columns[band, column:].ctypes.data,
                    weights[column:].ctypes.data,
                    tables.ctypes.data + 8 * k * SUBSETS * BAND,
                )
            add_entries(tables.ctypes.data, places[first // BLOCK].ctypes.data, sums.ctypes.data, w)
        for r in range(min(BAND, rows - band * BAND)):
            row = p[band * BAND + r]
            for j in range(w):
                row[j] = sums[j, r]
