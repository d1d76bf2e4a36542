"""NetCDF 4 (which is HDF5) by the package pyfive.

h5netcdf and netCDF4 read these files too, but rest on the library of HDF5, which never ends or
crashes on some damaged files (4 of 2,900 tried through h5netcdf, 6 of 1,000 through netCDF4).
pyfive is Python alone, and refused or read 2,500 of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import CarbonFlowsError, FormatError, InputError
from carbonflows_fast.readers._layouts._number_parser import MOST_LABELS, settle_blanks
from carbonflows_fast.readers._layouts._sheets import cell_text
from carbonflows_fast.readers._sources._files import Files

__all__ = ["NetCdf", "open_netcdf"]

PACKED = 100  # how much smaller than its numbers a file may be
RESTORE = "it is damaged or another one: save it anew with mrio-toolbox"


@contextmanager
def open_netcdf(files: Files, name: str) -> Iterator[NetCdf]:
    """Open a file. What pyfive raises while it is open becomes a FormatError.

    Raises
    ------
    InputError
        If pyfive is not installed.
    FormatError
        If the file is damaged, or NetCDF 3.
    """
    try:
        import pyfive
    except ImportError as error:
        raise InputError.about(
            "pyfive",
            expected="an installed package, which reads NetCDF",
            got=str(error),
            remedy="install it with `pip install 'carbonflows_fast[netcdf]'`",
        ) from error
    where = files.where(name)
    try:
        with files.seekable(name) as handle:
            if handle.read(3) == b"CDF":
                raise FormatError.about(
                    where,
                    expected="NetCDF 4",
                    got="NetCDF 3",
                    remedy="save it anew with mrio-toolbox, with netCDF4 or h5netcdf installed",
                )
            handle.seek(0)
            yield NetCdf(where, pyfive.File(handle), files.sizes[name], files.blanks)
    except CarbonFlowsError:
        raise
    except Exception as error:  # a damaged file raises any
        raise FormatError.about(
            where,
            expected="a complete NetCDF file",
            got=f"{type(error).__name__} ({error})"[:200],
            remedy=RESTORE,
        ) from error


class NetCdf:
    """An open file: variables with the names of their dimensions, which have labels."""

    def __init__(self, where: str, file: Any, size: int, blanks: str) -> None:
        self.where = where
        self._file, self._size, self._blanks = file, size, blanks
        self.names = [str(name) for name in file]

    def attribute(self, name: str) -> Any:
        """Return an attribute of the file, None if there is none."""
        value = self._file.attrs.get(name)
        return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value

    def dimensions(self, name: str) -> tuple[str, ...]:
        """Return what the dimensions of a variable are called; one may come twice."""
        variable = self._file[name]
        return tuple(
            str(variable.dims[at][0].name).lstrip("/") if len(variable.dims[at]) else ""
            for at in range(len(variable.shape))
        )

    def labels(self, dimension: str) -> list[str]:
        """Return the labels of a dimension.

        Raises
        ------
        FormatError
            If it has none, or one is empty or comes twice.
        """
        variable = self._file[dimension] if dimension in self.names else None
        if variable is None or len(variable.shape) != 1 or not variable.shape[0] < MOST_LABELS:
            raise FormatError.about(
                f"{self.where}, dimension {dimension!r}",
                expected="one label for each place",
                got="none" if variable is None else f"shape {variable.shape}",
                remedy=RESTORE,
            )
        labels = [_text(label) for label in variable[...].tolist()]
        odd = [label for label in labels if labels.count(label) > 1 or not label.strip()]
        if odd:
            raise FormatError.about(
                f"{self.where}, dimension {dimension!r}",
                expected="every label once, and none empty",
                got=repr(odd[0])[:80],
                remedy="correct the labels in mrio-toolbox, and save it anew",
            )
        return labels

    def values(self, name: str, shape: tuple[int, ...]) -> FloatArray:
        """Return the numbers of a variable, whose labels say which shape it has.

        Raises
        ------
        FormatError
            If it has another shape or no numbers, or one is missing or infinite.
        """
        variable, place = self._file[name], f"{self.where}, {name}"
        there, kind = tuple(variable.shape), np.dtype(variable.dtype)
        packed = math.prod(there) * kind.itemsize > PACKED * self._size
        if there != shape or kind.kind not in "fiu" or packed:
            raise FormatError.about(
                place,
                expected=f"{' × '.join(map(str, shape))} numbers",
                got=f"{' × '.join(map(str, there))} of type {kind}",
                remedy=RESTORE,
            )
        values: FloatArray = np.asarray(variable[...]).astype(np.float64)
        infinite, missing = np.isinf(values), np.isnan(values)
        if infinite.any():
            raise FormatError.about(
                f"{place}, position {_first(infinite)}",
                expected="finite numbers",
                got="an infinite one",
                remedy=RESTORE,
            )
        if missing.any():
            first = f"{place}, position {_first(missing)}"
            settle_blanks(place, int(missing.sum()), first, self._blanks)
            values[missing] = 0.0
        return values


def _first(chosen: Any) -> str:
    place = np.unravel_index(int(np.argmax(chosen)), chosen.shape)
    return ", ".join(str(int(at) + 1) for at in place)


def _text(label: Any) -> str:
    return label.decode() if isinstance(label, bytes) else cell_text(label)
