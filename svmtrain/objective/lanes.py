"""What the compiled loops do for many columns at once, written in the compiler's own terms.

numba's compiler does not put sums of several columns side by side where arrays might overlap.
These functions say that they do not: each handles one group of `LANE_BYTES` of columns as a
vector. They can be called by compiled loops only.

    times_sparse(s, j, values, columns, begin, end, W)   s[j:] += sum_p values[p] W[columns[p], j:]
    times_dense(s, j, values, begin, end, W)             the same with columns[p] = p - begin
    outer_sparse(W, j, values, columns, begin, end, u)   W[columns[p], j:] += values[p] u[j:]
    outer_dense(W, j, values, begin, end, u)             the same with columns[p] = p - begin
    prefetch(array, begin, end)                          have a part of an array ready soon
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from svmtrain.objective.compiling import FLAGS, LANE_BYTES

Code = tuple[Any, Callable[..., None]]
"""The signature of an intrinsic, and what writes its code."""

declared: Callable[[Callable[..., Code]], Any] = intrinsic
tools: Any = cgutils

CHAINS = 4
"""Sums that are made at the same time, since each addition waits for the one before."""


class Lanes:
    """The compiler's view of one call: its arguments, and vectors of the dtype of the first.

    Parameters
    ----------
    context, builder, signature, values
        As numba gives them to the code of an intrinsic.
    """

    def __init__(self, context: Any, builder: Any, signature: Any, values: Any) -> None:
        self.builder = builder
        self.arguments = [
            context.make_array(kind)(context, builder, value)
            if isinstance(kind, types.Array)
            else value
            for kind, value in zip(signature.args, values, strict=True)
        ]
        self.bytes = signature.args[0].dtype.bitwidth // 8
        self.number = context.get_value_type(signature.args[0].dtype)
        self.lanes = LANE_BYTES // self.bytes
        self.vector = ir.VectorType(self.number, self.lanes)
        self.integer = context.get_value_type(types.intp)

    def group(self, array: Any, at: Any) -> Any:
        """Return the place of the group that begins at a place of an array."""
        place = self.builder.gep(array.data, [at])
        return self.builder.bitcast(place, self.vector.as_pointer())

    def load(self, place: Any) -> Any:
        """Return the group at a place."""
        return self.builder.load(place, align=self.bytes)

    def store(self, value: Any, place: Any) -> None:
        """Set the group at a place."""
        self.builder.store(value, place, align=self.bytes)

    def all(self, value: Any) -> Any:
        """Return a group with the same number in every lane."""
        if value.type != self.number:
            value = self.builder.fpext(value, self.number)
        nothing, first = ir.Constant(self.vector, ir.Undefined), ir.IntType(32)
        one = self.builder.insert_element(nothing, value, first(0))
        mask = ir.Constant(ir.VectorType(first, self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(one, nothing, mask)

    def added(self, group: Any, one: Any, other: Any) -> Any:
        """Return group + one * other."""
        product = self.builder.fmul(one, other, flags=FLAGS)
        return self.builder.fadd(group, product, flags=FLAGS)

    def row(self, W: Any, j: Any, columns: Any, begin: Any, p: Any) -> Any:
        """Return the place of the group of W that a stored value belongs to."""
        builder = self.builder
        if columns is None:
            k = builder.sub(p, begin)
        else:
            k = builder.load(builder.gep(columns.data, [p]))
            k = k if k.type == self.integer else builder.zext(k, self.integer)
        width = builder.extract_value(W.shape, 1)
        return self.group(W, builder.add(builder.mul(k, width), j))

    def value(self, values: Any, p: Any) -> Any:
        """Return a stored value in every lane."""
        return self.all(self.builder.load(self.builder.gep(values.data, [p])))


def _times(lanes: Lanes, s: Any, j: Any, values: Any, columns: Any, span: Any, W: Any) -> None:
    """Write the code of `times_sparse` and `times_dense`."""
    builder, (begin, end) = lanes.builder, span
    sums = [tools.alloca_once(builder, lanes.vector) for _ in range(CHAINS)]
    for one in sums:
        builder.store(ir.Constant(lanes.vector, None), one)

    def take(one: Any, p: Any) -> None:
        row = lanes.load(lanes.row(W, j, columns, begin, p))
        builder.store(lanes.added(builder.load(one), lanes.value(values, p), row), one)

    chains = lanes.integer(CHAINS)
    even = builder.mul(builder.sdiv(builder.sub(end, begin), chains), chains)
    last = builder.add(begin, even)
    with tools.for_range_slice(builder, begin, last, chains) as (p, _):
        for number, one in enumerate(sums):
            take(one, builder.add(p, lanes.integer(number)))
    with tools.for_range_slice(builder, last, end, lanes.integer(1)) as (p, _):
        take(sums[0], p)
    out = lanes.group(s, j)
    whole = lanes.load(out)
    for one in sums:
        whole = builder.fadd(whole, builder.load(one), flags=FLAGS)
    lanes.store(whole, out)


def _outer(lanes: Lanes, W: Any, j: Any, values: Any, columns: Any, span: Any, u: Any) -> None:
    """Write the code of `outer_sparse` and `outer_dense`."""
    begin, end = span
    pull = lanes.load(lanes.group(u, j))
    with tools.for_range_slice(lanes.builder, begin, end, lanes.integer(1)) as (p, _):
        place = lanes.row(W, j, columns, begin, p)
        lanes.store(lanes.added(lanes.load(place), lanes.value(values, p), pull), place)


def _intrinsic(write: Callable[..., None], kinds: tuple[Any, ...]) -> Code:
    """Return the signature of an intrinsic with arguments of those kinds, and its code."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> None:
        lanes = Lanes(context, builder, signature, values)
        first, j, stored, *columns, begin, end, last = lanes.arguments
        write(lanes, first, j, stored, columns[0] if columns else None, (begin, end), last)

    return types.void(*kinds), code


@declared
def times_sparse(
    _: Any, s: Any, j: Any, values: Any, columns: Any, begin: Any, end: Any, W: Any
) -> Code:
    """Add a sparse row times W to a group of s."""
    return _intrinsic(_times, (s, types.intp, values, columns, types.intp, types.intp, W))


@declared
def times_dense(_: Any, s: Any, j: Any, values: Any, begin: Any, end: Any, W: Any) -> Code:
    """Add a dense row times W to a group of s."""
    return _intrinsic(_times, (s, types.intp, values, types.intp, types.intp, W))


@declared
def outer_sparse(
    _: Any, W: Any, j: Any, values: Any, columns: Any, begin: Any, end: Any, u: Any
) -> Code:
    """Add a sparse row times a group of u to W."""
    return _intrinsic(_outer, (W, types.intp, values, columns, types.intp, types.intp, u))


@declared
def outer_dense(_: Any, W: Any, j: Any, values: Any, begin: Any, end: Any, u: Any) -> Code:
    """Add a dense row times a group of u to W."""
    return _intrinsic(_outer, (W, types.intp, values, types.intp, types.intp, u))


@declared
def prefetch(_: Any, array: Any, begin: Any, end: Any) -> Code:
    """Have a part of an array in the cache soon; nothing is waited for."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> None:
        lanes = Lanes(context, builder, signature, values)
        part, first, last = lanes.arguments
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        fetch = tools.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        step = lanes.integer(64 // lanes.bytes)
        with tools.for_range_slice(builder, first, last, step) as (p, _):
            place = builder.bitcast(builder.gep(part.data, [p]), byte)
            builder.call(fetch, [place, number(0), number(3), number(1)])

    return types.void(array, types.intp, types.intp), code
