"""The Gram matrix of slopes that are 0 or 1, as those of ReLU: of each pair of data points, how many neurons are on at
both. 64 neurons are the bits of one word, so that one instruction takes the place of 64 products; the counts are
exactly the sums of these."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from simulate.field.elementwise import INNER_EXACT
from simulate.field.tiles import STRIP

BITS = 64  # of a word
WORDS = STRIP // BITS  # of a strip of neurons


def _ones(typingctx: Any, word: Any) -> Any:
    """How many bits of a word are set."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.zext(builder.ctpop(args[0]), ir.IntType(64))

    return types.int64(types.uint64), generate


ones: Any = intrinsic(_ones)


@njit(**INNER_EXACT)
def count_gram(slope: Any, words: Any, sums: Any, n: int, w: int) -> None:
    """Add the Gram matrix of w columns of the slopes (n, STRIP), each 0 or 1, to sums, on and below the diagonal; words
    (n, WORDS), uint64: overwritten."""
    for a in range(n):
        for k in range(WORDS):
            word = np.uint64(0)
            for j in range(min(BITS, w - k * BITS)):
                word |= np.uint64(slope[a, k * BITS + j] > 0.0) << np.uint64(j)
            words[a, k] = word
    for a in range(n):
        row = words[a]
        for b in range(a + 1):
            other, count = words[b], 0
            for k in range(WORDS):
                count += ones(row[k] & other[k])
            sums[a, b] += count
