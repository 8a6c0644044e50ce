"""The common form of what every reader saw: an Arrow table of int64, double, timestamp[us, UTC], string and decimal128 columns.

Readers that run in a process of their own hand their tables over as a dump, little-endian: u32 columns, u64 rows, then for each
column its name and its type (each u32 length + UTF-8), one byte a row (1: a value, 0: NULL), and 8 bytes a row, or for strings a
u32 length a row and the bytes of all.
"""
import struct
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

TIMESTAMP = pa.timestamp("us", tz="UTC")


def common(table):
    """Arrow's variants of one thing (large and view strings, dictionaries, chunks, decimals of any precision) become one."""
    columns = []
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_large_string(column.type) or column.type == pa.string_view():
            column = column.cast(pa.string())
        if pa.types.is_decimal(column.type):
            column = column.cast(decimal(column.type.scale))
        columns.append(column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column)
    return pa.Table.from_arrays(columns, names=table.column_names)


def bits(column):
    """Values that are equal only where every bit is; 0 where NULL."""
    column = pc.if_else(column.is_valid(), column, zero(column.type)) if column.null_count else column
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return column.view(pa.int64()) if column.type in (pa.float64(), TIMESTAMP) else column


def zero(kind):
    return pa.scalar("", kind) if kind == pa.string() else pa.scalar(Decimal(0), kind) if pa.types.is_decimal(kind) else pa.scalar(0, pa.int64()).cast(kind)


def decimal(scale):
    return pa.decimal128(18, scale)


def unscaled(numbers, scale):
    """The decimals of which these are the integers without the point."""
    wide = numbers.cast(pa.decimal128(19, 0))
    return pa.Array.from_buffers(decimal(scale), len(wide), wide.buffers())


def assert_same_column(where, got, expected):
    assert len(got) == len(expected), f"{where}: {len(got)} values instead of {len(expected)}"
    if got.type == pa.null():  # a reader that knows types by values alone
        assert expected.null_count == len(expected), f"{where}: nothing but NULL"
        return
    assert got.type == expected.type, f"{where}: {got.type} instead of {expected.type}"
    wrong = pc.or_(pc.not_equal(got.is_valid(), expected.is_valid()), pc.not_equal(bits(got), bits(expected)))
    if pc.any(wrong).as_py():
        row = pc.index(wrong, True).as_py()
        n = pc.sum(wrong).as_py()
        raise AssertionError(f"{where}[{row}]: {got[row].as_py()!r} instead of {expected[row].as_py()!r}; {n} of {len(got)} values differ")


def assert_same_table(reader, got, expected):
    assert got.column_names == expected.column_names, f"{reader}: columns differ: {set(got.column_names) ^ set(expected.column_names) or 'order'}"
    for name, column, want in zip(expected.column_names, got.columns, expected.columns):
        assert_same_column(f"{reader}: {name!r}", column, want)


def replace(table, change):
    """The table with the columns for which change(name, column) gives another."""
    columns = [change(name, column) for name, column in zip(table.column_names, table.columns)]
    return pa.Table.from_arrays([new if new is not None else old for new, old in zip(columns, table.columns)], names=table.column_names)


class Dump:
    def __init__(self, path):
        self.data, self.at = memoryview(path.read_bytes()), 0

    def take(self, n):
        self.at += n
        assert self.at <= len(self.data), "a dump that ends too early"
        return self.data[self.at - n : self.at]

    def text(self):
        return str(self.take(struct.unpack("<I", self.take(4))[0]), "utf-8")

    def column(self, n, types):
        name, kind = self.text(), types(self.text())
        valid = np.frombuffer(self.take(n), np.uint8).astype(bool)
        if kind == pa.string():
            offsets = np.concatenate([[0], np.cumsum(np.frombuffer(self.take(4 * n), "<u4"), dtype=np.int64)])
            return name, strings(offsets, self.take(int(offsets[-1])), valid)
        words = self.take(8 * n)
        if pa.types.is_decimal(kind):
            return name, unscaled(pa.array(np.frombuffer(words, "<i8"), mask=~valid), kind.scale)
        values = pa.array(np.frombuffer(words, "<f8" if kind == pa.float64() else "<i8"), mask=~valid)
        return name, pa.nulls(n) if kind == pa.null() else values.cast(kind) if kind != values.type else values

    def table(self, types):
        n_columns, n_rows = struct.unpack("<IQ", self.take(12))
        columns = [self.column(n_rows, types) for _ in range(n_columns)]
        assert self.at == len(self.data), "bytes behind a dump"
        return pa.Table.from_arrays([c for _, c in columns], names=[name for name, _ in columns])


def strings(offsets, data, valid):
    mask = pa.array(valid).buffers()[1]
    return pa.Array.from_buffers(pa.large_string(), len(valid), [mask, pa.py_buffer(offsets.tobytes()), pa.py_buffer(bytes(data))]).cast(pa.string())


def read_dump(path, types):
    """types(name of a type as the reader spells it) is the Arrow type."""
    return Dump(path).table(types)
