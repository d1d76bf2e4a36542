"""Header array files (HAR), in which GEMPACK keeps data: what is in one, and its arrays.

A file is a row of Fortran records, each with its length in bytes before and behind it. A record of
four letters is a header; the records after it begin with four blanks. The first of them says what
follows: kind (1C text, 2I and 2R matrices, RL and RE arrays of up to seven dimensions, RE with
labels), storage (FULL, or SPSE where zeros are left out), a description, and the dimensions. An RE
array then has its name and those of its sets, the labels of each set, and the numbers: float32, the
first dimension running fastest.

Written from the descriptions by GEMPACK (copsmodels.com/webhelp/viewhar/hc_moreharfile.htm) and
HeaderArrayFile.jl, and tried on an original file of version 7. Only arrays with labels are read, as
GTAP's are. All others are stepped over.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import IO, NamedTuple

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._sources._zips import DAMAGE, unreadable
from carbonflows_fast.readers.gtap._find import LAHEY

__all__ = ["MOST_CELLS", "Array", "Header", "headers_of", "read_array"]

BLANK = b"    "
WIDTH = 12  # letters of a label
MOST_DIMENSIONS = 7
MOST_CELLS = 1 << 26  # of one array; the largest of the whole database has 15 million
MOST_METADATA = 1 << 10  # bytes of the record that describes an array
KNOWN = "k"  # the state of a set whose labels are there


@dataclass(frozen=True)
class Array:
    """An array with labels.

    Attributes
    ----------
    where : str
        The file and the header, for messages.
    labels : tuple of tuples of str
        Of each dimension.
    values : ndarray
        Finite.
    description : str
    """

    where: str
    labels: tuple[tuple[str, ...], ...]
    values: FloatArray
    description: str = ""


class Header(NamedTuple):
    """What stands under a header, and where its records begin."""

    name: str
    kind: str
    description: str
    coefficient: str  # its name in models, which may be longer than four letters
    dimensions: tuple[int, ...]
    start: int


class _Records:
    """The records of a file, one after the other."""

    def __init__(self, handle: IO[bytes], where: str, size: int, start: int = 0) -> None:
        self.handle, self.where, self.size, self.at = handle, where, size, start

    def next(self, most: int | None = None) -> bytes:
        """Return the next record, or its first `most` bytes."""
        if self.at >= self.size:
            raise self.wrong("one more record", "the end of the file")
        try:
            self.handle.seek(self.at)
            length = self._length(self.handle.read(4))
            kept = length if most is None else min(length, most)
            record = self.handle.read(kept)
            if kept < length:
                self.handle.seek(self.at + 4 + length)
            after = self.handle.read(4)
        except DAMAGE as error:
            raise unreadable(self.where, error) from error
        if int.from_bytes(after, "little") != length:
            raise self.wrong(f"a record of {length} bytes", "another length behind it")
        self.at += length + 8
        return record

    def _length(self, raw: bytes) -> int:
        length = int.from_bytes(raw, "little")
        left = self.size - self.at - 8
        if len(raw) < 4 or length > left:
            raise self.wrong(f"a record of at most {max(left, 0)} bytes", f"one of {length}")
        return length

    def wrong(self, expected: str, got: str) -> FormatError:
        return FormatError.about(
            f"{self.where}, byte {self.at}",
            expected=expected,
            got=got,
            remedy="the file is damaged or cut short: copy it again, or save it anew in ViewHAR",
        )


def headers_of(handle: IO[bytes], where: str, size: int) -> Iterator[Header]:
    """Yield the headers of a file, in their order; numbers are stepped over.

    Raises
    ------
    FormatError
        If it is no header array file, is damaged, or of an old compiler.
    """
    records = _Records(handle, where, size)
    _refuse_others(handle, where)
    name = None
    while records.at < size:
        record = records.next(MOST_METADATA)
        if len(record) == 4 and record != BLANK:
            name = record.decode("latin-1").strip().upper()
        elif name is not None:
            kind, description, dimensions = _metadata(records, record)
            start, coefficient = records.at, ""
            if kind[:2] == "RE":
                coefficient = records.next(32)[16:28].decode("latin-1").strip().upper()
            yield Header(name, kind, description, coefficient, dimensions, start)
            name = None


def _refuse_others(handle: IO[bytes], where: str) -> None:
    start = handle.read(1)
    if start == LAHEY:
        raise FormatError.about(
            where,
            expected="a header array file of today's layout",
            got="one of the old Lahey compilers",
            remedy="open it in ViewHAR and save it as of type Fujitsu",
        )


def _metadata(records: _Records, record: bytes) -> tuple[str, str, tuple[int, ...]]:
    count = int.from_bytes(record[80:84], "little")
    if record[:4] != BLANK or count > MOST_DIMENSIONS or len(record) != 84 + 4 * count:
        raise records.wrong("what an array is, and its dimensions", f"{len(record)} other bytes")
    kind, description = (part.decode("latin-1").strip() for part in (record[4:10], record[10:80]))
    return kind, description, tuple(_whole(record, 84, count))


def read_array(
    handle: IO[bytes],
    where: str,
    size: int,
    header: Header,
    on_bytes: Callable[[int], object] = lambda count: None,
) -> Array:
    """Return the array under a header.

    Raises
    ------
    FormatError
        If it has no labels or is damaged, a label occurs twice, or a number is not finite.
    """
    records = _Records(handle, f"{where}, header {header.name}", size, header.start)
    if header.kind not in ("REFULL", "RESPSE"):
        raise FormatError.about(
            records.where,
            expected="an array with labels (REFULL or RESPSE)",
            got=header.kind,
            remedy="add the labels of its sets in ViewHAR, and save the file anew",
        )
    labels = _labels(records, header)
    shape = tuple(len(one) for one in labels)
    if shape + (1,) * (len(header.dimensions) - len(shape)) != header.dimensions:
        sizes = " × ".join(map(str, header.dimensions))
        raise records.wrong(f"labels of {sizes}", f"those of {' × '.join(map(str, shape))}")
    if prod(shape) > MOST_CELLS:
        raise records.wrong(f"at most {MOST_CELLS} numbers", str(prod(shape)))
    read = _full if header.kind == "REFULL" else _sparse
    flat = read(records, header.dimensions)
    if not np.isfinite(flat).all():
        cell = np.unravel_index(int(np.argmin(np.isfinite(flat))), shape, order="F")
        place = " | ".join(one[at] for one, at in zip(labels, cell, strict=True))
        raise FormatError.about(
            f"{records.where}, {place}",
            expected="a finite number",
            got="infinity, or none",
            remedy="correct it in ViewHAR",
        )
    on_bytes(records.at - header.start)
    return Array(records.where, labels, flat.reshape(shape, order="F"), header.description)


def _labels(records: _Records, header: Header) -> tuple[tuple[str, ...], ...]:
    """Read the names of sets, and the labels of each; a set that occurs twice has them once."""
    record = records.next()
    count = int.from_bytes(record[12:16], "little")
    if count > len(header.dimensions) or len(record) < 32 + (WIDTH + 1) * count:
        raise records.wrong("the names of its sets", f"{len(record)} other bytes")
    sets = _texts(record[32 : 32 + WIDTH * count])
    states = record[32 + WIDTH * count : 32 + (WIDTH + 1) * count].decode("latin-1")
    if set(states) - {KNOWN}:
        raise FormatError.about(
            records.where,
            expected="labels of every dimension",
            got=f"none of some among {shorten(sets)}",
            remedy="add the labels of its sets in ViewHAR, and save the file anew",
        )
    of_set: dict[str, tuple[str, ...]] = {}
    for name in sets:
        if name not in of_set:
            of_set[name] = _set(records, name)
    return tuple(of_set[name] for name in sets)


def _set(records: _Records, name: str) -> tuple[str, ...]:
    labels: list[str] = []
    total = 1
    while len(labels) < total:
        record = records.next()
        _, total, count = _whole(record, 4, 3, records)
        if not 0 < count <= total - len(labels) or len(record) != 16 + WIDTH * count:
            raise records.wrong(f"labels of the set {name}", f"{len(record)} other bytes")
        labels += _texts(record[16:])
    folded = [label.casefold() for label in labels]
    for at, label in enumerate(folded):
        if not label or label in folded[:at]:
            raise FormatError.about(
                f"{records.where}, set {name}",
                expected=f"labels that differ within {WIDTH} letters, after which they are cut",
                got=f"{labels[at]!r} twice" if label else "an empty one",
                remedy="give the two shorter names of their own, and aggregate anew",
            )
    return tuple(labels)


def _full(records: _Records, dimensions: tuple[int, ...]) -> FloatArray:
    """Read all numbers, which come in boxes: the bounds of one, then its numbers."""
    _, count, *sizes = _whole(records.next(), 4, 2 + len(dimensions), records)
    if count != len(dimensions) or tuple(sizes) != dimensions:
        raise records.wrong("the dimensions once more", str(sizes))
    values = np.full(dimensions, np.nan, order="F")
    left = values.size
    while left:
        _, *bounds = _whole(records.next(), 4, 1 + 2 * count, records)
        box = tuple(slice(low - 1, high) for low, high in zip(bounds[::2], bounds[1::2]))
        if any(not 0 <= one.start < one.stop <= size for one, size in zip(box, dimensions)):
            raise records.wrong("bounds within the dimensions", str(bounds))
        record = records.next()
        shape = [one.stop - one.start for one in box]
        left -= prod(shape)
        if left < 0 or len(record) != 8 + 4 * prod(shape):
            raise records.wrong(f"{prod(shape)} numbers", f"{(len(record) - 8) / 4:g}")
        values[box] = np.frombuffer(record, "<f4", offset=8).reshape(shape, order="F")
    return values.reshape(-1, order="F")


def _sparse(records: _Records, dimensions: tuple[int, ...]) -> FloatArray:
    """Read the numbers that are not zero, with their places, counted from 1."""
    total, *bytes_each = _whole(records.next(), 4, 3, records)
    cells = prod(dimensions)
    if bytes_each != [4, 4] or total > cells:
        raise records.wrong(f"at most {cells} numbers of 4 bytes", f"{total} of others")
    values = np.zeros(cells)
    seen = 0
    while seen < total:
        record = records.next()
        _, _, count = _whole(record, 4, 3, records)
        if not 0 < count <= total - seen or len(record) != 16 + 8 * count:
            raise records.wrong(f"at most {total - seen} places and numbers", f"{count}")
        places = np.frombuffer(record, "<i4", count, 16).astype(np.int64) - 1
        if places.min() < 0 or places.max() >= cells:
            raise records.wrong(f"places from 1 to {cells}", "another")
        values[places] = np.frombuffer(record, "<f4", count, 16 + 4 * count)
        seen += count
    return values


def _whole(record: bytes, at: int, count: int, records: _Records | None = None) -> list[int]:
    """Return whole numbers of four bytes from a place on."""
    end = at + 4 * count
    if records is not None and (len(record) < end or record[:4] != BLANK):
        raise records.wrong(f"{count} whole numbers", f"{len(record)} other bytes")
    return list(struct.unpack_from(f"<{count}i", record, at))


def _texts(raw: bytes) -> list[str]:
    text = raw.decode("latin-1")
    return [text[at : at + WIDTH].strip() for at in range(0, len(text), WIDTH)]
