"""Compiled loops that other compiled code calls by their address.

What a compiled function calls in the ordinary way becomes a part of it and is compiled once more, which takes half a
minute for the larger loops. Called by their address they are compiled once, and are the same machine code for all.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

Types = tuple[Any, ...]


def array(number: Any, dimensions: int) -> Any:
    """The type of a contiguous array."""
    return types.Array(number, dimensions, "C")


def address_of(loop: Any, arguments: Types) -> int:
    """Where the machine code of a loop for these types begins; the loop is compiled if it has not been."""
    loop.compile(arguments)
    compiled = loop.overloads[arguments]
    address: int = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    return address


def caller(accepted: tuple[Types, ...]) -> Any:
    """A function call(address, *arguments) for compiled code, which calls a loop that returns nothing.

    accepted: the types of arguments for which addresses are made. Other types are an error when the caller is compiled,
    for with them the call would crash.
    """

    def call(typingctx: Any, address: Any, *arguments: Any) -> Any:
        given = tuple(arguments)
        if given not in accepted:
            raise TypingError(f"no address is made for the types {given}")

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            convention = context.call_conv
            kind = convention.get_function_type(types.none, given)
            function = builder.inttoptr(values[0], kind.as_pointer())
            unpacked = cgutils.unpack_tuple(builder, values[1], len(given))  # type: ignore[no-untyped-call]
            status, _ = convention.call_function(builder, function, types.none, given, unpacked)
            with cgutils.if_unlikely(builder, status.is_error):  # type: ignore[no-untyped-call]
                convention.return_status_propagate(builder, status)
            return context.get_dummy_value()

        return types.none(types.int64, types.StarArgTuple(given)), generate  # type: ignore[no-untyped-call]

    return intrinsic(call)
