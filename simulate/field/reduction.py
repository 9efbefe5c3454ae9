"""The one place through which every number passes that depends on all neurons.

A backend returns partial results, one for each chunk of neurons along the first axis. Here they become one number:
the sums of an evaluation, the sizes of a displacement, the moments of the movement, counts, largest values. To share
the neurons of a network among several machines, put an all-reduce into these two functions.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulate.field.arrays import Array


def total(*partial: Array) -> tuple[Array, ...]:
    """The sum of each array over its first axis, the chunks. Arrays that belong together are reduced in one call.

    One chunk needs no addition. Several are added in the order of the chunks, whichever thread computed them.
    """
    return tuple(array[0] if len(array) == 1 else array.sum(0) for array in partial)


def largest(partial: Array) -> Array:
    """The maximum over the first axis, the chunks; not a number if one of them is not."""
    return partial[0] if len(partial) == 1 else partial.max(0)


def in_order(partial: Sequence[Array]) -> Array:
    """The sum of a list of arrays of one shape, added one by one: the partial sum of chunks that came one by one."""
    added = partial[0]
    for array in partial[1:]:
        added = added + array
    return added
