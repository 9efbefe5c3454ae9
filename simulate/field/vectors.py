"""What code that is written as LLVM vectors is made of: the vectors of this machine, their way to and from memory.

A builder appends instructions to the function that is being written; addresses are integers, in bytes.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir

WIDE = bool(binding.get_host_cpu_features().get("avx512f"))
LANES = 8 if WIDE else 4  # numbers in a vector
NUMBER, INDEX = ir.DoubleType(), ir.IntType(64)
VECTOR = ir.VectorType(NUMBER, LANES)


def after(builder: Any, address: Any, entries: Any, size: int = 8) -> Any:
    """The address that lies `entries` numbers of `size` bytes after `address`."""
    entries = ir.Constant(INDEX, entries) if isinstance(entries, int) else entries
    return builder.add(address, builder.mul(entries, ir.Constant(INDEX, size)))


def load(builder: Any, address: Any, kind: Any, alignment: int) -> Any:
    """What is at the address, a multiple of `alignment`."""
    found = builder.load(builder.inttoptr(address, kind.as_pointer()))
    found.align = alignment
    return found


def store(builder: Any, value: Any, address: Any, alignment: int) -> None:
    """Write it to the address, a multiple of `alignment`."""
    builder.store(value, builder.inttoptr(address, value.type.as_pointer())).align = alignment


def pick(builder: Any, one: Any, other: Any, lanes: list[int]) -> Any:
    """The vector of these lanes of both, those of the other counted on from those of the first."""
    return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes))


def spread(builder: Any, number: Any, vector: Any) -> Any:
    """A vector of this type with the number in each lane."""
    none = ir.Constant(vector, ir.Undefined)
    return pick(builder, builder.insert_element(none, number, ir.Constant(ir.IntType(32), 0)), none, [0] * vector.count)
