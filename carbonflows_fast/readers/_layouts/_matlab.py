"""Data of MATLAB 7.3, which are HDF5: matrices, and cells of text.

MATLAB counts along columns and HDF5 along rows, so that every matrix lies there transposed. Needs
h5py, the extra `matlab`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, InputError, shorten
from carbonflows_fast.readers._layouts._number_parser import settle_blanks
from carbonflows_fast.readers._sources._files import Files

__all__ = ["MatFile", "open_matlab"]

MOST_SIDE = 1 << 17  # of a matrix; REX3 has 30,807 sectors
MOST_DENSE = 1 << 28  # numbers that are read at once
MOST_LETTERS = 1 << 12  # of a label
BLOCK_CELLS = 1 << 24  # numbers of a large matrix that are in memory before zeros go
RESTORE = "it is damaged, or another file: download it again"


@contextmanager
def open_matlab(files: Files, name: str) -> Iterator[MatFile]:
    """Open a file; one in a zip is unpacked into a temporary file first.

    Raises
    ------
    InputError
        If h5py is not installed.
    FormatError
        If the file is missing, or no such data.
    """
    try:
        import h5py
    except ImportError as error:
        raise InputError.about(
            "h5py",
            expected="an installed package, which reads data of MATLAB 7.3",
            got=str(error),
            remedy="install it with `pip install 'carbonflows_fast[matlab]'`",
        ) from error
    where = files.where(name)
    inside = any((files.root + name).startswith(prefix) for prefix in files.archives)
    with files.open(name) as packed, tempfile.TemporaryFile() as unpacked:
        try:
            if inside:
                shutil.copyfileobj(packed, unpacked, 1 << 22)
            size = files.sizes.get(name, 0)
            with h5py.File(unpacked if inside else packed, "r") as data:
                yield MatFile(
                    where, data, files.blanks, lambda done: files.on_bytes(int(done * size))
                )
        except (FormatError, InputError, MemoryError):
            raise
        except Exception as error:  # h5py raises many kinds
            raise FormatError.about(
                where,
                expected="data of MATLAB 7.3 (HDF5)",
                got=f"{type(error).__name__} ({error})"[:200],
                remedy=RESTORE,
            ) from error


class MatFile:
    """Matrices and texts of an open file, as MATLAB shows them.

    Parameters
    ----------
    where : str
        The file, for messages.
    data : h5py.File or h5py.Group
    blanks : str
        What NaN is, as in `Files`.
    on_share : callable
        Told what share of the file was read, piece by piece, by `sparse` alone.
    """

    def __init__(
        self, where: str, data: Any, blanks: str, on_share: Callable[[float], object]
    ) -> None:
        self.where, self._data, self._blanks = where, data, blanks
        self._on_share = on_share

    @property
    def names(self) -> list[str]:
        """The variables, or the fields of a structure."""
        return [name for name in self._data if not name.startswith("#")]

    def inside(self, *needed: str) -> MatFile:
        """Return what holds these names: the file, or the one structure in it.

        Raises
        ------
        FormatError
            If neither does.
        """
        if set(needed) <= set(self.names):
            return self
        if len(self.names) == 1:
            inner = self._linked(self.names[0])
            if hasattr(inner, "keys") and set(needed) <= set(inner):
                where = f"{self.where}, {self.names[0]}"
                return MatFile(where, inner, self._blanks, self._on_share)
        self._wrong(f"the variables {', '.join(needed)}", shorten(self.names) or "none")

    def shape(self, name: str) -> tuple[int, int]:
        """Return how many rows and columns a matrix has."""
        columns, rows = self._dataset(name).shape
        return rows, columns

    def dense(self, name: str) -> FloatArray:
        """Return a matrix of numbers.

        Raises
        ------
        FormatError
            If it is missing, no matrix of numbers, or has NaN where blanks are refused.
        """
        data = self._dataset(name)
        if data.size > MOST_DENSE:
            self._wrong(f"{name} of a table", f"{data.size} numbers")
        values = np.ascontiguousarray(data[()].T, dtype=np.float64)
        empty = self._check(name, values, 0, 0)
        self._settle(name, empty)
        return values

    def sparse(self, name: str) -> Any:
        """Return a matrix of numbers that may be too large to be held with its zeros.

        It is read in pieces that lie together in the file.
        """
        data = self._dataset(name)
        columns, rows = data.shape
        chunks = data.chunks or (1, columns)
        by_rows = chunks[0] > chunks[1]  # of MATLAB's matrix
        step = max(1, BLOCK_CELLS // max(1, columns if by_rows else rows))
        parts, empty = [], []
        total = rows if by_rows else columns
        for at in range(0, total, step):
            if by_rows:
                values = data[:, at : at + step].T.astype(np.float64)
                empty += self._check(name, values, at, 0)
                parts.append(sp.csr_array(values))
            else:
                values = data[at : at + step].T.astype(np.float64)
                empty += self._check(name, values, 0, at)
                parts.append(sp.csc_array(values))
            self._on_share(min(step, total - at) / total)
        self._settle(name, empty)
        whole = sp.vstack(parts) if by_rows else sp.hstack(parts)
        return whole.tocsr()

    def texts(self, name: str) -> list[str]:
        """Return a cell array of text, without double quotes around a text.

        Raises
        ------
        FormatError
            If it holds anything else.
        """
        cells = self._linked(name)
        if getattr(cells, "ndim", 0) != 2 or cells.dtype.kind != "O" or cells.size > MOST_SIDE:
            self._wrong(f"a cell array of text {name}", str(getattr(cells, "dtype", "a group")))
        found = []
        for link in cells[()].flat:
            letters = self._data.file[link]
            if letters.dtype.kind != "u" or letters.size > MOST_LETTERS:
                self._wrong(f"text in {name}", str(letters.dtype))
            text = letters[()].astype("<u2").tobytes().decode("utf-16le").strip("\x00 ")
            quoted = len(text) > 1 and text[0] == text[-1] == '"'
            found.append(text[1:-1].strip() if quoted else text)
        return found

    def _dataset(self, name: str) -> Any:
        data = self._linked(name)
        kind = getattr(getattr(data, "dtype", None), "kind", "")
        if kind not in ("f", "i", "u") or data.ndim != 2 or max(data.shape) > MOST_SIDE:
            got = f"{kind or 'no'} array of {getattr(data, 'shape', 'a group')}"
            self._wrong(f"a matrix of numbers {name}", got)
        if data.external or data.is_virtual:  # a file must not name others to be read
            self._wrong(f"{name} in the file itself", "a reference to another file")
        return data

    def _linked(self, name: str) -> Any:
        import h5py

        link = self._data.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            self._wrong(f"the variable {name}", shorten(self.names) or "none")
        return self._data[name]

    def _check(self, name: str, values: FloatArray, row: int, column: int) -> list[tuple[int, int]]:
        """Refuse what is infinite; make NaN zero, and return its places."""
        bad = np.argwhere(~np.isfinite(values))
        for i, j in bad.tolist():
            if not np.isnan(values[i, j]):
                place = f"{name}({row + i + 1}, {column + j + 1})"
                self._wrong(f"finite numbers in {name}", f"an infinite one in {place}")
        values[~np.isfinite(values)] = 0.0
        return [(row + i, column + j) for i, j in bad.tolist()]

    def _settle(self, name: str, empty: list[tuple[int, int]]) -> None:
        """Refuse NaN, or count it as zero."""
        first = f"{self.where}, {name}({empty[0][0] + 1}, {empty[0][1] + 1})" if empty else ""
        settle_blanks(self.where, len(empty), first, self._blanks)

    def _wrong(self, expected: str, got: str) -> NoReturn:
        raise FormatError.about(self.where, expected=expected, got=got, remedy=RESTORE)
