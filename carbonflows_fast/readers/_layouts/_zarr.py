"""Zarr stores of version 2 on disk or in a zip: arrays of numbers and of text, in pieces.

Only what xarray and zarr 2 write by default: rows first, Blosc or nothing as compression, text as
vlen-utf8, all metadata in `.zmetadata`. Needs numcodecs, the extra `zarr`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple, NoReturn

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, InputError
from carbonflows_fast.readers._layouts._number_parser import settle_blanks
from carbonflows_fast.readers._sources._files import Files

__all__ = ["METADATA", "ZarrStore"]

METADATA = ".zmetadata"
MOST_SIDES = 4
MOST_DENSE = 1 << 28  # numbers that are read at once
MOST_PIECE = 1 << 28  # bytes of a piece; one of T has 20 MB
MOST_TEXT = 1 << 24  # bytes of all texts in a piece
HEADER = 16  # bytes of a piece that Blosc has packed; sizes unpacked and packed are among them
TEXT = [{"id": "vlen-utf8"}]
RESTORE = "the store is damaged or cut short: make it anew"


class _Array(NamedTuple):
    """What the metadata say of an array."""

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: str
    packed: bool


class ZarrStore:
    """A store, opened.

    Parameters
    ----------
    files : Files
        Those of the store.

    Raises
    ------
    InputError
        If numcodecs is not installed.
    FormatError
        If the metadata are no such.
    """

    def __init__(self, files: Files) -> None:
        try:
            from numcodecs import Blosc
        except ImportError as error:
            raise InputError.about(
                "numcodecs",
                expected="an installed package, which unpacks Zarr stores",
                got=str(error),
                remedy="install it with `pip install 'carbonflows_fast[zarr]'`",
            ) from error
        self._files, self._codec = files, Blosc()
        known = files.json(METADATA).get("metadata")
        self._known: dict[str, Any] = known if isinstance(known, dict) else {}

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the sides of an array."""
        return self._array(name).shape

    def dense(self, name: str) -> FloatArray:
        """Return an array of numbers.

        Raises
        ------
        FormatError
            If it or a piece of it is missing or damaged, or has NaN where blanks are refused.
        """
        array = self._numbers(name)
        if prod(array.shape) > MOST_DENSE:
            self._wrong(name, f"at most {MOST_DENSE:,} numbers", f"{prod(array.shape):,}")
        values = self._part(name, array, 0, array.shape[0])
        self._settle(name, self._cleaned(name, values))
        return values

    def sparse(self, name: str, columns: int) -> Any:
        """Return an array as a matrix of so many columns, without zeros; read in whole pieces."""
        array = self._numbers(name)
        step, width = array.chunks[0], prod(array.shape[1:])
        if not columns or width % columns or step * width > MOST_DENSE:
            self._wrong(name, f"pieces of rows of {columns} numbers", f"shape {array.shape}")
        parts, empty = [], 0
        for first in range(0, array.shape[0], step):
            values = self._part(name, array, first, min(first + step, array.shape[0]))
            empty += self._cleaned(name, values)
            parts.append(sp.csr_array(values.reshape(-1, columns)))
        self._settle(name, empty)
        return sp.vstack(parts, format="csr")

    def texts(self, name: str) -> list[str]:
        """Return a list of text.

        Raises
        ------
        FormatError
            If it is anything else.
        """
        array = self._array(name)
        if array.dtype != "|O" or len(array.shape) != 1:
            self._wrong(name, "a list of names", f"numbers ({array.dtype})")
        found: list[str] = []
        for (at,) in self._places(array):
            found += self._texts_in(name, self._piece(name, (at,), array, None))[: array.chunks[0]]
        if len(found) < array.shape[0]:
            self._wrong(name, f"{array.shape[0]} names", f"{len(found)}")
        return found[: array.shape[0]]

    # --- metadata ---------------------------------------------------------------------------

    def _array(self, name: str) -> _Array:
        said = self._known.get(f"{name}/.zarray")
        if not isinstance(said, dict):
            self._wrong(name, "an array in the store", "none of this name")
        shape, chunks = (_sides(said.get(key)) for key in ("shape", "chunks"))
        compressor, dtype = said.get("compressor"), said.get("dtype")
        packed = compressor is not None
        usual = (
            said.get("zarr_format") == 2
            and said.get("order") == "C"
            and said.get("dimension_separator", ".") == "."
            and said.get("filters") == (TEXT if dtype == "|O" else None)
            and (not packed or (isinstance(compressor, dict) and compressor.get("id") == "blosc"))
        )
        if not usual or not shape or len(shape) != len(chunks) or not isinstance(dtype, str):
            self._wrong(name, "an array as xarray writes it with zarr 2", repr(said)[:80])
        return _Array(shape, chunks, dtype, packed)

    def _numbers(self, name: str) -> _Array:
        array = self._array(name)
        if array.dtype not in ("<f4", "<f8"):
            self._wrong(name, "numbers of 4 or 8 bytes (<f4, <f8)", repr(array.dtype)[:20])
        size = prod(array.chunks) * int(array.dtype[2])
        if size > MOST_PIECE:
            self._wrong(name, f"pieces of at most {MOST_PIECE >> 20} MB", f"{size >> 20} MB")
        return array

    @staticmethod
    def _places(array: _Array) -> Iterator[tuple[int, ...]]:
        sides = zip(array.shape, array.chunks, strict=True)
        return product(*(range(-(-side // chunk)) for side, chunk in sides))

    # --- pieces -----------------------------------------------------------------------------

    def _part(self, name: str, array: _Array, first: int, last: int) -> FloatArray:
        """Return rows of an array, which begin with a piece."""
        values = np.empty((last - first, *array.shape[1:]))
        size = prod(array.chunks) * int(array.dtype[2])
        for place in self._places(array):
            start = [at * chunk for at, chunk in zip(place, array.chunks, strict=True)]
            if not first <= start[0] < last:
                continue
            piece = np.frombuffer(self._piece(name, place, array, size), array.dtype)
            start[0] -= first
            into = values[
                tuple(slice(at, at + c) for at, c in zip(start, array.chunks, strict=True))
            ]
            inside = tuple(slice(side) for side in into.shape)
            into[...] = piece.reshape(array.chunks)[inside]
        return values

    def _piece(self, name: str, place: Sequence[int], array: _Array, size: int | None) -> bytes:
        """Return the bytes of a piece, so many, or any number of text."""
        file = f"{name}/{'.'.join(map(str, place))}"
        content = self._files.content(file)
        most = MOST_TEXT if size is None else size
        if array.packed:
            unpacked, whole = (int.from_bytes(content[at : at + 4], "little") for at in (4, 12))
            fits = len(content) >= HEADER and whole == len(content) and unpacked <= most
            if not fits or (size is not None and unpacked != size):
                got = f"{len(content)} bytes that say {whole}, and {unpacked} unpacked"
                self._wrong(file, f"a piece of {most} bytes, packed by Blosc", got)
            try:
                content = bytes(self._codec.decode(content))
            except (RuntimeError, ValueError) as error:
                self._wrong(file, "a piece packed by Blosc", str(error))
        if len(content) > most or (size is not None and len(content) != size):
            self._wrong(file, f"a piece of {most} bytes", f"{len(content)}")
        return content

    def _texts_in(self, name: str, content: bytes) -> list[str]:
        """Return texts, of which each has its length before it, and their number all of them."""
        found, at = [], 4
        for _ in range(int.from_bytes(content[:4], "little")):
            length = int.from_bytes(content[at : at + 4], "little")
            text, at = content[at + 4 : at + 4 + length], at + 4 + length
            if at > len(content):
                self._wrong(name, "texts as long as they say", f"{len(content)} bytes in all")
            try:
                found.append(text.decode("utf-8"))
            except UnicodeDecodeError as error:
                self._wrong(name, "text in UTF-8", str(error))
        return found

    # --- what is wrong ------------------------------------------------------------------------

    def _cleaned(self, name: str, values: FloatArray) -> int:
        """Refuse what is infinite; make NaN zero, and return how many there were."""
        missing = np.isnan(values)
        values[missing] = 0.0
        if not np.isfinite(values).all():
            self._wrong(name, "finite numbers", "an infinite one")
        return int(missing.sum())

    def _settle(self, name: str, empty: int) -> None:
        where = self._files.where(name)
        settle_blanks(where, empty, where, self._files.blanks)

    def _wrong(self, name: str, expected: str, got: str) -> NoReturn:
        raise FormatError.about(self._files.where(name), expected=expected, got=got, remedy=RESTORE)


def _sides(given: Any) -> tuple[int, ...]:
    """Return the sides of an array, () where they are none."""
    sides = given if isinstance(given, list) and len(given) <= MOST_SIDES else []
    good = all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in sides)
    return tuple(sides) if good else ()
