"""The arrays of a saved table, read or mapped, with checks of all that compiled code relies on.

Every header, size, shape and code is checked when a table is opened.
"""

from __future__ import annotations

import math
import mmap
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from io import FileIO
from typing import Any, NamedTuple

import numpy as np

from carbonflows_fast import _core
from carbonflows_fast._base.arrays import all_finite, locked
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.errors import StoreError
from carbonflows_fast.store._generations import Damage, Generation, digest, file_digest, opened
from carbonflows_fast.store._manifest import ARRAYS

__all__ = ["Arrays", "Mapped", "checked_tiles"]

MAPPED_FROM = 1 << 16  # smaller files are simply read
VERIFIED_BELOW = 1 << 20  # files that cost nothing to verify are verified at every opening
PADDING = 16  # values that the core may read past those of the last tile
# Codes by the labels they choose from.
CODED = {
    "region_codes": "regions",
    "sector_codes": "sectors",
    "demand_codes": "regions",
    "category_codes": "categories",
    "row_unit_codes": "row_units",
}
FINITE = ("x", "Y", "emissions", "F_Y", "values")

# As NumPy writes the headers of plain arrays; no other one is looked into, and none is evaluated.
MAGIC = b"\x93NUMPY\x01\x00"
HEADER = re.compile(
    rb"\{'descr': '([<>|=]\w{1,8})', 'fortran_order': (True|False), "
    rb"'shape': \((\d{1,18}, ?(?:\d{1,18}(?:, \d{1,18})*)?)?\), \} *\n"
)
HEADER_BYTES = 1 << 10


class Mapped(NamedTuple):
    """A file that is read when its array is used."""

    name: str
    pages: mmap.mmap
    size: int


class Header(NamedTuple):
    """What a file says of its array."""

    kind: str
    shape: tuple[int, ...]
    fortran: bool
    offset: int


class Arrays:
    """The arrays of one generation; its files are held open while they are looked at.

    Parameters
    ----------
    generation : Generation
    manifest : dict
    verify : bool
        Whether large files are compared with their digests, too.

    Raises
    ------
    StoreError
        If a file is missing or not what the manifest and the tables of `ARRAYS` say.
    """

    def __init__(self, generation: Generation, manifest: dict[str, Any], verify: bool) -> None:
        self._manifest = manifest
        self._verify = verify
        self._sizes = {"k": len(manifest["stressors"]), "R": len(manifest["regions"])}
        self.mapped: list[Mapped] = []
        self.by_name: dict[str, Any] = {}
        names = [name for name in ARRAYS if name in manifest["files"]]
        try:
            with ExitStack() as stack:
                streams = {
                    name: stack.enter_context(opened(generation.folder / f"{name}.npy"))
                    for name in names
                }
                for name, stream in streams.items():
                    self.by_name[name] = self._read(name, stream)
            self._check_content()
        except OSError as error:
            raise generation.damaged(f"a file cannot be read ({error})") from error
        except Damage as what:
            raise generation.damaged(what) from what

    def __getitem__(self, name: str) -> Any:
        return self.by_name[name]

    def require_whole(self) -> None:
        """Complain if a file that is still read from was cut short.

        Raises
        ------
        StoreError
        """
        for name, pages, size in self.mapped:
            found = pages.size()  # asks the system
            if found != size:
                raise StoreError.about(
                    "path",
                    expected="a saved table whose files stay as they are",
                    got=f"{name}.npy with {found:,} bytes instead of {size:,} since it was opened",
                    remedy="save the table again from its source, and open that",
                )

    # ---- one file --------------------------------------------------------------------------------

    def _read(self, name: str, stream: FileIO) -> Any:
        record = self._manifest["files"][name]
        size = os.fstat(stream.fileno()).st_size
        if size != record["bytes"]:
            raise Damage(f"{name}.npy has {size:,} bytes instead of {record['bytes']:,}")
        if size < MAPPED_FROM:
            content = _all_of(stream, size, name)
            found, start = digest(content), content[:HEADER_BYTES]
        else:
            found = file_digest(stream) if self._verified(name) else record["blake2b"]
            stream.seek(0)
            start = stream.read(HEADER_BYTES)
        if found != record["blake2b"]:
            raise Damage(f"{name}.npy differs from what was saved")
        header = self._header(name, start, size)
        order: Any = "F" if header.fortran else "C"
        if size < MAPPED_FROM:
            flat = np.frombuffer(content, header.kind, offset=header.offset)
            return locked(flat.reshape(header.shape, order=order))
        array: Any = np.memmap(stream, header.kind, "r", header.offset, header.shape, order)
        self.mapped.append(Mapped(name, array._mmap, size))
        return locked(array.view(np.ndarray))

    def _verified(self, name: str) -> bool:
        return self._verify or self._manifest["files"][name]["bytes"] <= VERIFIED_BELOW

    def _header(self, name: str, start: bytes, size: int) -> Header:
        """Return what a file holds, or refuse it."""
        length = int.from_bytes(start[8:10], "little")
        match = HEADER.fullmatch(start[10 : 10 + length])
        if not start.startswith(MAGIC) or match is None:
            raise Damage(f"the header of {name}.npy is not that of a plain array of numbers")
        kind, fortran = match[1].decode(), match[2] == b"True"
        shape = tuple(int(length) for length in re.findall(rb"\d+", match[3] or b""))
        expected, axes = ARRAYS[name]
        if kind != expected:
            raise Damage(f"{name}.npy holds numbers of the type {kind!r} instead of {expected!r}")
        if len(shape) != len(axes):
            raise Damage(f"{name}.npy has {len(shape)} axes instead of {len(axes)}")
        wanted = self._shape(name, shape, axes)
        if shape != wanted:
            raise Damage(f"{name}.npy has the shape {shape} instead of {wanted}")
        if fortran and len(shape) != 2:
            raise Damage(f"{name}.npy is in Fortran order instead of C order")
        offset = 10 + length
        if offset + math.prod(shape) * np.dtype(kind).itemsize != size:
            raise Damage(f"{name}.npy has {size:,} bytes, which do not fit its shape {shape}")
        return Header(kind, shape, fortran, offset)

    def _shape(self, name: str, shape: tuple[int, ...], axes: Any) -> tuple[int, ...]:
        """Return the shape that an array must have; the first with a length decides on it."""
        for axis, length in zip(axes, shape, strict=True):
            if isinstance(axis, str):
                self._sizes.setdefault(axis, length)
        if name == "starts":
            self._sizes["blocks"] = self._sizes["starts"] - 1
        return tuple(one if isinstance(one, int) else self._sizes[one] for one in axes)

    # ---- what is in them -------------------------------------------------------------------------

    def _check_content(self) -> None:
        for name, labels in CODED.items():
            codes, count = self[name], len(self._manifest[labels])
            if codes.size and not (codes.min() >= 0 and codes.max() < count):
                raise Damage(f"{name}.npy has codes beyond the {count} {labels} of the table")
        for name in FINITE:
            # For files that are read anyway; a large file is not read before it is used.
            if name in self.by_name and self._verified(name) and not all_finite(self[name]):
                raise Damage(f"{name}.npy has numbers that are not finite")
        heads = self.by_name.get("population")
        if heads is not None and ((heads < 0).any() or np.isinf(heads).any()):
            raise Damage("population.npy has negative or infinite numbers of heads")
        order, n = self.by_name.get("order"), self["x"].size
        if order is not None and not np.array_equal(np.sort(order), np.arange(n)):
            raise Damage("order.npy does not name every row once")
        for what in checked_tiles(self.by_name):
            raise Damage(what)
        self._check_matrix()

    def _check_matrix(self) -> None:
        core = _core.Tiles(self["starts"], self["entries"], self["masks"], self["values"])
        threads = thread_count()
        if not core.masks_fit(threads):
            raise Damage("the masks of A do not fit its tiles")
        if self._verified("values"):
            found = core.lowest(threads) >= 0.0
            if found != self._manifest["nonnegative"]:
                raise Damage(f"A is {'' if found else 'not '}nonnegative, against the manifest")


def _all_of(stream: FileIO, size: int, name: str) -> bytes:
    content = stream.read(size)
    if content is None or len(content) != size:
        raise Damage(f"{name}.npy was cut short while it was read")
    return content


def checked_tiles(arrays: dict[str, Any]) -> Iterator[str]:
    """Yield what keeps tiles from being used: the core trusts positions and counts.

    The tiles of a table lie one after the other, each kind with the room that it takes, so that
    kinds and counts alone say where each one is.
    """
    starts, entries, n = arrays["starts"], arrays["entries"], arrays["x"].size
    inside = starts.size > 1 and starts.min() >= 0 and starts.max() <= n
    sizes = np.diff(starts) if inside else np.zeros(1, np.int64)
    most = _core.max_block
    if not inside or starts[0] != 0 or starts[-1] != n or sizes.min() < 1 or sizes.max() > most:
        yield f"starts.npy does not cut {n} rows into blocks of 1 to {most}"
        return
    rows, columns = sizes[:, None], sizes[None, :]
    kind, first_value, first_mask, count = np.moveaxis(entries, 2, 0)
    counted = (count >= np.minimum(kind, 1)) & (count <= np.where(kind == 0, 0, rows * columns))
    if not ((kind >= 0) & (kind <= 2) & counted).all():
        yield "entries.npy has a tile of no known kind, or with a wrong count of numbers"
        return
    dense, packed = kind == 1, kind == 2
    room = np.where(dense, rows * (-(-columns // 8) * 8), np.where(packed, -(-count // 8) * 8, 0))
    masks = np.where(packed, rows * -(-columns // 16), 0)
    for name, first, each, more in (
        ("values", first_value, room, PADDING),
        ("masks", first_mask, masks, 0),
    ):
        ends = np.cumsum(each)
        if not np.array_equal(first.ravel(), ends - each.ravel()):
            yield f"entries.npy has a tile that does not lie where its {name} are"
        elif arrays[name].size != ends[-1] + more:
            yield f"{name}.npy has {arrays[name].size:,} numbers instead of {ends[-1] + more:,}"
    if arrays["factors"].size != int((sizes**2).sum()):
        yield f"factors.npy has {arrays['factors'].size:,} numbers, which do not fit the blocks"
    places = np.arange(n) - np.repeat(starts[:-1], sizes)
    pivots = arrays["pivots"]
    if not ((pivots >= places) & (pivots < np.repeat(sizes, sizes))).all():
        yield "pivots.npy has rows outside their blocks"
