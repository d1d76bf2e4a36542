"""A in region tiles: how a table's rows are cut into blocks, and the passes over them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from carbonflows_fast import _core
from carbonflows_fast._base.arrays import CodeArray, FloatArray
from carbonflows_fast._base.machine import instruction_set, thread_count
from carbonflows_fast.errors import shorten
from carbonflows_fast.table._content import Parts

__all__ = ["RegionTiles", "cut_blocks", "row_names", "tiles_from", "tiles_of"]

IntArray = npt.NDArray[np.int64]

JOINED_ROWS = 128
"""Small neighbouring regions share a block up to this many rows: fewer, fuller tiles."""


def cut_blocks(region_codes: npt.NDArray[np.int32]) -> tuple[IntArray | None, IntArray]:
    """Cut the rows of a table into blocks along its regions.

    A region with more rows than a block may have is cut into equal pieces; small neighbours share
    a block. If a region's rows are not together, an order that puts them together is also
    returned.

    Parameters
    ----------
    region_codes : ndarray of int32, shape (n,)

    Returns
    -------
    order : ndarray of int64, shape (n,), or None
        Table row of each tile row; None if they are the same.
    starts : ndarray of int64, shape (blocks + 1,)
        First row of each block.

    Examples
    --------
    >>> import numpy as np
    >>> cut_blocks(np.repeat(np.arange(3, dtype=np.int32), 100))
    (None, array([  0, 100, 200, 300]))
    """
    order: IntArray | None = None
    changes = np.flatnonzero(np.diff(region_codes)) + 1
    if changes.size + 1 > np.unique(region_codes).size:
        order = np.argsort(region_codes, kind="stable").astype(np.int64)
        changes = np.flatnonzero(np.diff(region_codes[order])) + 1
    bounds = np.concatenate(([0], changes, [region_codes.size]))
    starts = [0]
    for first, last in itertools.pairwise(bounds):
        size = int(last - first)
        if len(starts) > 1 and last - starts[-2] <= JOINED_ROWS:
            starts[-1] = int(last)
            continue
        pieces = -(-size // _core.max_block)
        starts.extend(int(first) + size * (piece + 1) // pieces for piece in range(pieces))
    return order, np.array(starts, dtype=np.int64)


class RegionTiles:
    """The coefficient matrix A in region tiles, immutable.

    Parameters
    ----------
    core : _core.Tiles or _core.Tiles32
    order : ndarray of int64, shape (n,), or None
        Table row of each tile row.
    names : callable
        Takes rows of the table, and returns "region: sector" of each, for errors.
    require_whole : callable, optional
        Complains if a file that the tiles lie in was cut short: to read on would end the process.
    """

    def __init__(
        self,
        core: _core.Tiles,
        order: IntArray | None,
        names: Callable[[Any], list[str]],
        require_whole: Callable[[], None] = lambda: None,
    ) -> None:
        self.core = core
        self.require_whole = require_whole
        self.order = order
        self._names = names
        self.starts = core.starts
        self.n = int(self.starts[-1])
        self.blocks = self.starts.size - 1

    @property
    def table_rows(self) -> Any:
        """What takes a vector from table order to tile order, as an index."""
        return slice(None) if self.order is None else self.order

    def named(self, rows: Any) -> str:
        """Return "region: sector" of the first few of these tile rows."""
        return shorten(self._names(rows if self.order is None else self.order[rows]))

    def with_core(self, core: Any) -> RegionTiles:
        """Return another matrix in the same order and with the same names."""
        return RegionTiles(core, self.order, self._names, self.require_whole)

    def in_double(self) -> RegionTiles:
        """Return the same matrix with its values in float64."""
        core = self.core
        values = core.values.astype(np.float64, copy=False)
        return self.with_core(_core.Tiles(core.starts, core.entries, core.masks, values))

    def in_tile_order(self, core: _core.Tiles) -> RegionTiles:
        """Return another matrix whose table rows are the rows of these tiles, with their names."""
        names, order = self._names, self.order
        return RegionTiles(core, None, names if order is None else lambda rows: names(order[rows]))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of A."""
        return self.n, self.n

    @property
    def nnz(self) -> int:
        """Nonzero entries."""
        return int(self.core.entries[:, :, 3].sum())

    @property
    def nbytes(self) -> int:
        """Bytes that a pass over A reads."""
        return self.core.values.nbytes + self.core.masks.nbytes

    @property
    def additions(self) -> int:
        """The most additions that one term of a product passes through."""
        return int(np.diff(self.starts).max(initial=1)) + self.blocks

    def to_csr(self) -> Any:
        """Return A as a csr_array in table order."""
        self.require_whole()
        indptr, indices, data = self.core.to_csr(thread_count())
        index = np.int32 if data.size < 2**31 else np.int64
        matrix = sp.csr_array((data, indices.astype(index), indptr.astype(index)), shape=self.shape)
        if self.order is None:
            return matrix
        place = np.argsort(self.order)
        matrix = matrix[place][:, place]
        matrix.sort_indices()
        return matrix

    def product(
        self,
        X: FloatArray,
        *,
        adjoint: bool,
        absolute: bool = False,
        squared: bool = False,
        threads: int,
    ) -> FloatArray:
        """Return A X, A' X, |A| X or |A|' X for X of shape (n, k), in tile order.

        With `squared`, A stands for the matrix of its squared entries.
        """
        out = np.empty(X.shape)
        isa = instruction_set()
        self.core.product(X, out, adjoint, int(absolute), threads, isa, squared)
        return out


def tiles_of(parts: Parts, threads: int) -> RegionTiles:
    """Return the matrix of a table as tiles of A, built from any form in which it is held."""
    if isinstance(parts.matrix, RegionTiles):
        return parts.matrix
    order, starts = cut_blocks(parts.region_codes)
    matrix: Any = parts.matrix
    divisor = parts.x if parts.kind == "Z" else None
    if order is not None:
        matrix = matrix[order][:, order] if sp.issparse(matrix) else matrix[np.ix_(order, order)]
        divisor = None if divisor is None else divisor[order]
    if divisor is not None:
        divisor = np.ascontiguousarray(divisor)
    names = row_names(parts.regions, parts.region_codes, parts.sectors, parts.sector_codes)
    return RegionTiles(tiles_from(matrix, starts, divisor, threads), order, names)


def row_names(
    regions: Sequence[str], region_codes: CodeArray, sectors: Sequence[str], sector_codes: CodeArray
) -> Callable[[Any], list[str]]:
    """Return a function from table rows to "region: sector", without keeping a table alive."""
    return lambda rows: [f"{regions[region_codes[i]]}: {sectors[sector_codes[i]]}" for i in rows]


def tiles_from(
    matrix: Any, starts: IntArray, divisor: FloatArray | None, threads: int
) -> _core.Tiles:
    """Return a dense or sparse matrix, whose rows and columns are in tile order, as tiles.

    Column j is divided by divisor[j], or left out where that is zero.
    """
    if not sp.issparse(matrix):
        if matrix.strides[0] != matrix.itemsize and matrix.strides[1] != matrix.itemsize:
            matrix = np.ascontiguousarray(matrix)
        return _core.Tiles.from_dense(matrix, starts, divisor, threads)
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    by_column = matrix.format == "csc"
    wide = np.int64 if np.int64 in (matrix.indptr.dtype, matrix.indices.dtype) else np.int32
    build = _core.Tiles.from_csr64 if wide is np.int64 else _core.Tiles.from_csr32
    return build(
        matrix.indptr.astype(wide, copy=False),
        matrix.indices.astype(wide, copy=False),
        matrix.data,
        by_column,
        starts,
        divisor,
        threads,
    )
