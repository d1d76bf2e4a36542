"""Matrices of numbers in files of MATLAB 5 to 7.2, which are no HDF5.

SciPy reads such files too, but a damaged one can end the process. Of the format only what accounts
need: full real matrices, packed by zlib or not, in the byte order of today's machines.

References
----------
MathWorks, MAT-File Format.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from carbonflows_fast._base.arrays import FloatArray

__all__ = ["matrix_in"]

HEADER = 128
MATRIX, PACKED = 14, 15  # kinds of elements
NUMBERS = {1: "<i1", 2: "<u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8"}
FULL = range(6, 14)  # classes of arrays: double, single and whole numbers
COMPLEX = 0x0800
MOST_BYTES = 1 << 30  # unpacked


class _Element(NamedTuple):
    kind: int
    content: bytes


def matrix_in(content: bytes, name: str) -> FloatArray:
    """Return the matrix of a name.

    Parameters
    ----------
    content : bytes
        Of the whole file.
    name : str

    Returns
    -------
    ndarray of float64, two-dimensional

    Raises
    ------
    ValueError
        If there is none, or the file is damaged or another one.
    """
    if content[126:128] != b"IM" or content[124:126] != b"\x00\x01":
        raise ValueError("no file of MATLAB 5")
    for kind, part in _elements(content[HEADER:]):
        element = next(_elements(_unpacked(part))) if kind == PACKED else _Element(kind, part)
        if element.kind == MATRIX and (found := _matrix(element.content, name)) is not None:
            return found
    raise ValueError(f"no matrix {name}")


def _unpacked(content: bytes) -> bytes:
    unzip = zlib.decompressobj()
    try:
        found = unzip.decompress(content, MOST_BYTES)
    except zlib.error as error:
        raise ValueError(f"damaged data ({error})") from error
    if not unzip.eof:  # only then was its checksum looked at
        raise ValueError("data cut short, or too many")
    return found


def _elements(content: bytes) -> Iterator[_Element]:
    """Yield the parts one after the other; a small one has its content in its tag."""
    at = 0
    while at < len(content):
        if at + 8 > len(content):
            raise ValueError("data cut short")
        kind, size = struct.unpack_from("<II", content, at)
        start = at + 8
        if kind >> 16:
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
        if size > (4 if start == at + 4 else len(content) - start):
            raise ValueError("data cut short")
        yield _Element(kind, content[start : start + size])
        # Packed data may end anywhere; all else fills whole steps of eight.
        at = at + 8 if start == at + 4 else start + (size if kind == PACKED else -(-size // 8) * 8)


def _matrix(content: bytes, name: str) -> FloatArray | None:
    """Return the numbers of an array of this name, None if it has another one."""
    parts = [part for part, _ in zip(_elements(content), range(4), strict=False)]
    if len(parts) < 4 or len(parts[0].content) != 8 or len(parts[1].content) % 4:
        return None
    if parts[2].content != name.encode():
        return None
    (flags,) = struct.unpack_from("<I", parts[0].content)
    shape = struct.unpack(f"<{len(parts[1].content) // 4}i", parts[1].content)
    numbers = parts[3]
    if flags & 0xFF not in FULL or flags & COMPLEX or numbers.kind not in NUMBERS:
        raise ValueError(f"{name} is no matrix of real numbers")
    kind = np.dtype(NUMBERS[numbers.kind])
    if (
        len(shape) != 2
        or min(shape) < 0
        or shape[0] * shape[1] * kind.itemsize != len(numbers.content)
    ):
        raise ValueError(f"{name} of {shape} has {len(numbers.content)} bytes")
    values: FloatArray = np.frombuffer(numbers.content, kind).astype(np.float64)
    return values.reshape(shape, order="F")
