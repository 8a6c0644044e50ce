"""A strict reader of Parquet files as queuelake writes them, sharing no code with the writer.

`check(path)` accounts for every byte between the magics, decodes every page, and holds everything that headers, page index and
footer claim against what is there. It accepts only what is written on purpose, so an optional field that appears by mistake is
an error too, and so is an encoding of today in a file that is to be broadly readable. It returns the decoded values.
"""

import collections
import re
import struct
import zlib

import numpy as np
import pyarrow as pa

PLAIN, PLAIN_DICTIONARY, RLE = 0, 2, 3
DELTA, DELTA_LENGTH, DELTA_BYTES, SPLIT = 5, 6, 7, 9
INT64, DOUBLE, BYTE_ARRAY = 2, 5, 6
CODECS = {0: None, 1: "snappy", 6: "zstd"}
MODERN = {INT64: {DELTA}, DOUBLE: {SPLIT}, BYTE_ARRAY: {DELTA_LENGTH, DELTA_BYTES}}
BOUND_SIZE_MAX = 64
DECIMAL_PRECISION = 18


class Thrift:
    """The compact protocol into {field id: value}; structs are dicts, lists lists."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def varint(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                assert byte != 0 or shift == 0, "a padded varint"
                return value
            shift += 7

    def zigzag(self):
        n = self.varint()
        return (n >> 1) ^ -(n & 1)

    def binary(self):
        n = self.varint()
        self.at += n
        assert self.at <= len(self.data)
        return bytes(self.data[self.at - n : self.at])

    def value(self, kind):
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 8:
            return self.binary()
        if kind == 9:
            return self.list()
        if kind == 12:
            return self.struct()
        raise AssertionError(f"thrift type {kind} has no place here")

    def list(self):
        head = self.data[self.at]
        self.at += 1
        n, kind = head >> 4, head & 15
        if n == 15:
            n = self.varint()
            assert n >= 15, "a short list in long form"
        if kind == 1:
            flags = self.data[self.at : self.at + n]
            self.at += n
            assert all(b in (1, 2) for b in flags)
            return [b == 1 for b in flags]
        return [self.value(kind) for _ in range(n)]

    def struct(self):
        fields, last = {}, 0
        while True:
            head = self.data[self.at]
            self.at += 1
            if head == 0:
                return fields
            delta, kind = head >> 4, head & 15
            last = last + delta if delta else self.zigzag()
            assert last not in fields
            fields[last] = kind == 1 if kind in (1, 2) else self.value(kind)


def only(fields, required, optional=()):
    missing, extra = set(required) - set(fields), set(fields) - set(required) - set(optional)
    assert not missing and not extra, f"fields missing {missing}, unexpected {extra} in {fields}"


def hybrid(data, width, n):
    """n values, and nothing behind them but the padding of the last group."""
    assert 1 <= width <= 32
    reader, values, size = Thrift(data), [], (width + 7) // 8
    while len(values) < n:
        head = reader.varint()
        if head & 1:
            groups = head >> 1
            packed = data[reader.at : reader.at + groups * width]
            assert len(packed) == groups * width, "a packed group is not padded to eight values"
            reader.at += groups * width
            bits = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little").reshape(-1, width)
            values += (bits.astype(np.int64) << np.arange(width)).sum(axis=1).tolist()
        else:
            assert head >> 1 >= 1
            raw = data[reader.at : reader.at + size]
            assert len(raw) == size
            reader.at += size
            value = int.from_bytes(raw, "little")
            assert value < 1 << width
            values += [value] * (head >> 1)
    assert reader.at == len(data), "bytes behind the runs"
    assert len(values) - n < 8 and not any(values[n:]), "more than padding behind the values"
    return values[:n]


def plain(data, kind, n):
    if kind == INT64 or kind == DOUBLE:
        assert len(data) == 8 * n
        return list(struct.unpack(f"<{n}{'q' if kind == INT64 else 'd'}", data))
    values, at = [], 0
    for _ in range(n):
        size = int.from_bytes(data[at : at + 4], "little")
        values.append(data[at + 4 : at + 4 + size])
        at += 4 + size
        assert at <= len(data)
    assert at == len(data)
    return values


def wrapped(n):
    return (n + 2**63) % 2**64 - 2**63


def delta(data, n):
    """DELTA_BINARY_PACKED in blocks of 128, 4 miniblocks each; the numbers and what stands behind them."""
    reader = Thrift(data)
    assert (reader.varint(), reader.varint(), reader.varint()) == (128, 4, n)
    values = [reader.zigzag()]
    assert n or values == [0]
    while len(values) < n:
        least = reader.zigzag()
        widths = data[reader.at : reader.at + 4]
        reader.at += 4
        for width in widths:
            wanted = min(n - len(values), 32)
            assert width <= 64 and (wanted or width == 0), "a width for a miniblock without values"
            size = 4 * width if wanted else 0
            packed = data[reader.at : reader.at + size]
            assert len(packed) == size, "a miniblock is not filled up"
            reader.at += size
            bits, mask = int.from_bytes(packed, "little"), (1 << width) - 1
            above = [bits >> i * width & mask for i in range(32)]
            assert not any(above[wanted:]), "more than padding behind the values"
            assert not wanted or max(above[:wanted]).bit_length() == width, "a miniblock wider than its values"
            for step in above[:wanted]:
                values.append(wrapped(values[-1] + least + step))
    return values[:n], data[reader.at :]


def delta_length(data, n):
    sizes, data = delta(data, n)
    assert all(size >= 0 for size in sizes) and sum(sizes) == len(data)
    ends = np.cumsum([0, *sizes]).tolist()
    return [data[a:b] for a, b in zip(ends, ends[1:])]


def delta_bytes(data, n):
    prefixes, data = delta(data, n)
    assert not n or prefixes[0] == 0, "a page that needs the one before"
    values, last = [], b""
    for prefix, suffix in zip(prefixes, delta_length(data, n)):
        assert 0 <= prefix <= len(last)
        last = last[:prefix] + suffix
        values.append(last)
    return values


def split(data, n):
    assert len(data) == 8 * n
    return list(struct.unpack(f"<{n}d", np.frombuffer(data, np.uint8).reshape(8, n).T.tobytes())) if n else []


def decode(encoding, data, kind, n):
    if encoding == PLAIN:
        return plain(data, kind, n)
    if encoding == DELTA:
        values, rest = delta(data, n)
        assert rest == b"", "bytes behind the numbers"
        return values
    return {DELTA_LENGTH: delta_length, DELTA_BYTES: delta_bytes, SPLIT: split}[encoding](data, n)


class Page:
    def __init__(self, data, at):
        reader = Thrift(data, at)
        self.at, self.header = at, reader.struct()
        self.header_size = reader.at - at
        kind, self.raw_size, self.stored_size, crc = (self.header[i] for i in (1, 2, 3, 4))
        self.is_dictionary = kind == 2
        only(self.header, [1, 2, 3, 4, 7 if self.is_dictionary else 5])
        assert kind in (0, 2)
        stored = bytes(data[reader.at : reader.at + self.stored_size])
        assert len(stored) == self.stored_size
        assert crc & 0xFFFFFFFF == zlib.crc32(stored), "page CRC"
        self.stored = stored
        self.end = reader.at + self.stored_size

    def payload(self, codec):
        if codec is None:
            assert self.raw_size == self.stored_size
            return self.stored
        raw = pa.decompress(self.stored, decompressed_size=self.raw_size, codec=codec, asbytes=True)
        assert len(raw) == self.raw_size
        return raw

    def dictionary(self, codec, kind):
        head = self.header[7]
        only(head, [1, 2])
        assert head[2] == PLAIN_DICTIONARY
        return plain(self.payload(codec), kind, head[1])

    def rows(self, codec, kind, encoding, dictionary):
        """Values of the page, None for NULL, and the numbers of the dictionary entries that it uses."""
        head = self.header[5]
        only(head, [1, 2, 3, 4])
        assert (head[3], head[4]) == (RLE, RLE)
        assert head[2] == encoding
        data = self.payload(codec)
        size = int.from_bytes(data[:4], "little")
        levels = hybrid(data[4 : 4 + size], 1, head[1])
        n, data, used = sum(levels), data[4 + size :], set()
        if dictionary is None:
            values = decode(encoding, data, kind, n)
        else:
            index = hybrid(data[1:], data[0], n) if n else []
            assert data[0] == (max(max(index).bit_length(), 1) if n else 0), "the width is not the page's own"
            assert n or len(data) == 1
            values, used = [dictionary[i] for i in index], set(index)
        it = iter(values)
        return [next(it) if level else None for level in levels], used


def order_key(kind, value):
    if kind != DOUBLE:
        return value
    bits = struct.unpack("<q", struct.pack("<d", value))[0]
    return bits if bits >= 0 else bits ^ 0x7FFFFFFFFFFFFFFF


def check_entries(kind, codec, entries, values):
    """A dictionary's entries ascend; under zstd those of a metric come by frequency, if they are few."""
    keys = [order_key(kind, entry) for entry in entries]
    assert len(set(keys)) == len(keys), "an entry twice"
    known = [order_key(kind, value) for value in values if value is not None]
    if codec == "zstd" and kind != BYTE_ARRAY and len(entries) <= len(known) // 16:
        count = collections.Counter(known)
        if kind == DOUBLE or keys != sorted(keys):  # times are no metrics
            assert keys == sorted(keys, key=lambda key: (-count[key], key)), "entries are not by frequency"
        return
    assert keys == sorted(keys), "entries are not ascending"


def decode_bound(kind, raw):
    return raw if kind == BYTE_ARRAY else plain(raw, kind, 1)[0]


def check_bounds(kind, values, low, high):
    """low and high (bytes or None) against the values they are to bound."""
    known = [v for v in values if v is not None]
    if not known or (kind == DOUBLE and any(v != v for v in known)):
        assert low is None and high is None, "bounds without values"
        return
    least, greatest = min(known), max(known)
    assert low is not None
    if kind != BYTE_ARRAY:
        low, high = decode_bound(kind, low), decode_bound(kind, high)
        assert (low, high) == (least, greatest)
        if kind == DOUBLE:
            assert low != 0 or struct.pack("<d", low)[7] == 0x80, "a least zero is -0.0"
            assert high != 0 or struct.pack("<d", high)[7] == 0, "a greatest zero is +0.0"
        return
    assert low == least if len(least) <= BOUND_SIZE_MAX else least.startswith(low)
    assert BOUND_SIZE_MAX - 4 < len(low) if len(least) > BOUND_SIZE_MAX else True
    assert len(low) <= BOUND_SIZE_MAX
    low.decode("utf-8")
    if high is None:
        assert len(greatest) > BOUND_SIZE_MAX
        return
    high.decode("utf-8")
    assert len(high) <= BOUND_SIZE_MAX and high >= greatest
    assert high == greatest if len(greatest) <= BOUND_SIZE_MAX else high > greatest


def check_order(kind, order, bounds):
    low = [decode_bound(kind, b[0]) for b in bounds]
    high = [decode_bound(kind, b[1]) for b in bounds]
    up = low == sorted(low) and high == sorted(high)
    down = low == sorted(low, reverse=True) and high == sorted(high, reverse=True)
    assert order == (1 if up else 2 if down else 0), "boundary_order"


class Chunk:
    def __init__(self, data, chunk, kind, is_modern, spans, n_rows):
        only(chunk, [2, 3], [4, 5, 6, 7])
        assert chunk[2] == 0
        self.meta = meta = chunk[3]
        only(meta, [1, 2, 3, 4, 5, 6, 7, 9, 12], [11])
        assert meta[1] == kind and meta[5] == n_rows
        codec = CODECS[meta[4]]
        start = meta.get(11, meta[9])
        self.encoding = meta[2][0]
        assert meta[2] == [self.encoding, RLE] and (self.encoding == PLAIN_DICTIONARY) == (11 in meta), "declared encodings"
        assert self.encoding in {PLAIN, PLAIN_DICTIONARY} | (MODERN[kind] if is_modern else set())
        at, dictionary, used, raw = start, None, set(), 0
        self.pages, self.values, self.page_values = [], [], []
        while at < start + meta[7]:
            page = Page(data, at)
            raw += page.header_size + page.raw_size
            at = page.end
            if page.is_dictionary:
                assert page.at == start and 11 in meta, "a dictionary page out of place"
                dictionary = page.dictionary(codec, kind)
                assert at == meta[9]
                continue
            values, indices = page.rows(codec, kind, self.encoding, dictionary)
            assert values, "a page without rows"
            used |= indices
            self.pages.append(page)
            self.page_values.append(values)
            self.values += values
        assert at == start + meta[7] and raw == meta[6] and len(self.values) == n_rows
        if dictionary is not None and self.values.count(None) == n_rows:
            assert dictionary == [b"" if kind == BYTE_ARRAY else 0], "the entry that stands in for none"
        elif dictionary is not None:
            assert used == set(range(len(dictionary))), "entries that nothing uses"
            check_entries(kind, codec, dictionary, self.values)
        spans.append((start, at))
        self.check_statistics(kind)
        self.check_index(data, chunk, kind, spans)

    def check_statistics(self, kind):
        stats = self.meta[12]
        only(stats, [3] + ([9] if kind == DOUBLE else []), [5, 6])
        assert stats[3] == self.values.count(None)
        if kind == DOUBLE:
            assert stats[9] == sum(v is not None and v != v for v in self.values)
        check_bounds(kind, self.values, stats.get(6), stats.get(5))

    def check_index(self, data, chunk, kind, spans):
        assert (4 in chunk) == (5 in chunk) == (len(self.pages) > 1), "an offset index belongs to several pages"
        assert (6 in chunk) == (7 in chunk) and (4 in chunk or 6 not in chunk)
        self.has_column_index = 6 in chunk
        if len(self.pages) > 1 and not self.has_column_index:
            assert any(v != v or (kind == BYTE_ARRAY and len(v) > BOUND_SIZE_MAX) for v in self.values if v is not None)
        if 4 in chunk:
            index = self.read_index(data, chunk[4], chunk[5], spans)
            only(index, [1])
            row = 0
            assert len(index[1]) == len(self.pages)
            for place, page, values in zip(index[1], self.pages, self.page_values):
                assert place == {1: page.at, 2: page.end - page.at, 3: row}
                row += len(values)
        if 6 in chunk:
            index = self.read_index(data, chunk[6], chunk[7], spans)
            only(index, [1, 2, 3, 4, 5] + ([8] if kind == DOUBLE else []))
            self.check_column_index(index, kind)

    @staticmethod
    def read_index(data, at, size, spans):
        reader = Thrift(data, at)
        index = reader.struct()
        assert reader.at == at + size
        spans.append((at, at + size))
        return index

    def check_column_index(self, index, kind):
        assert all(len(index[i]) == len(self.pages) for i in index if i != 4)
        bounds = []
        for p, values in enumerate(self.page_values):
            is_null = all(v is None for v in values)
            assert index[1][p] == is_null and index[5][p] == values.count(None)
            if is_null:
                assert index[2][p] == index[3][p] == b""
            else:
                check_bounds(kind, values, index[2][p], index[3][p])
                bounds.append((index[2][p], index[3][p]))
        check_order(kind, index[4], bounds)


def check_schema(schema):
    only(schema[0], [4, 5])
    assert schema[0][5] == len(schema) - 1
    columns = []
    for element in schema[1:]:
        only(element, [1, 3, 4], [6, 7, 8, 10])
        assert element[3] == 1, "every column is OPTIONAL"
        logical, scale = (element.get(6), element.get(10)), element.get(7)
        assert (scale, element.get(8)) == ((scale, DECIMAL_PRECISION) if logical[0] == 5 else (None, None))
        if element[1] == BYTE_ARRAY:
            assert logical == (0, {1: {}})
        elif logical != (None, None):
            assert element[1] == INT64
            assert logical in [(10, {8: {1: True, 2: {2: {}}}}), (5, {5: {1: scale, 2: DECIMAL_PRECISION}})]
        columns.append((element[4].decode(), element[1], {0: "string", 5: f"decimal:{scale}", 10: "timestamp"}.get(logical[0])))
    return columns


class File:
    """What `check` found: columns [(name, physical type, logical type)], groups [[Chunk]], values {name: [...]}, meta."""

    def __init__(self, data, is_modern):
        self.is_modern = is_modern
        assert data[:4] == b"PAR1" == data[-4:]
        size = struct.unpack("<I", data[-8:-4])[0]
        footer = len(data) - 8 - size
        reader = Thrift(data, footer)
        self.footer = meta = reader.struct()
        assert reader.at == len(data) - 8, "the footer's length"
        only(meta, [1, 2, 3, 4, 6, 7], [5])
        assert meta[1] == 1
        assert re.fullmatch(rb"(.*?)\s+version\s*(?:([^(]*?)\s*(?:\(\s*build\s*([^)]*?)\s*\))?)?", meta[6])
        assert meta[6].startswith(b"queuelake version ")
        self.columns = check_schema(meta[2])
        assert meta[7] == [{1: {}}] * len(self.columns), "column_orders"
        for pair in meta.get(5, []):
            only(pair, [1, 2])
        self.meta = {p[1].decode(): p[2].decode() for p in meta.get(5, [])}
        spans = []
        self.groups = [self.check_group(data, group, spans) for group in meta[4]]
        assert meta[3] == sum(group[3] for group in meta[4])
        at = 4
        for start, end in sorted(spans):
            assert start == at, f"bytes {at} to {start} belong to nothing"
            at = end
        assert at == footer
        self.check_choices()

    def check_group(self, data, group, spans):
        only(group, [1, 2, 3], [4])
        assert group[3] > 0, "a row group without rows"
        assert len(group[1]) == len(self.columns)
        chunks = []
        for chunk, (name, kind, _) in zip(group[1], self.columns):
            assert chunk[3][3] == [name.encode()], "path_in_schema"
            chunks.append(Chunk(data, chunk, kind, self.is_modern, spans, group[3]))
        assert group[2] == sum(chunk.meta[6] for chunk in chunks)
        self.sorting = [(s[1], s[2], s[3]) for s in group.get(4, [])]
        return chunks

    def check_choices(self):
        """One codec and one encoding of a column in the whole file."""
        for c in range(len(self.columns)):
            assert len({(g[c].meta[4], g[c].encoding) for g in self.groups}) <= 1

    def values(self, c):
        text = self.columns[c][1] == BYTE_ARRAY
        return [v.decode() if text and v is not None else v for g in self.groups for v in g[c].values]


def check(path, is_modern=False):
    with open(path, "rb") as file:
        return File(file.read(), is_modern)
