"""The pair of supply and use, solved as it is: a table of industries and products.

    Z = [ 0  V ]   industries deliver what they make to products,
        [ U  0 ]   products are delivered to the industries that use them, and to final users.

Eliminating the industries leaves model B, eliminating the products model D, so that multipliers by
product and by industry are theirs. No product of the two is formed: the entries are those of V and
U.

Source: Eurostat (2008), Manual of Supply, Use and Input-Output Tables, ch. 11.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from carbonflows_fast._base.arrays import CodeArray, FloatArray, all_finite, encode
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast._core import Growing, Tiles
from carbonflows_fast.errors import InputError
from carbonflows_fast.leontief._tiles import RegionTiles, cut_blocks, row_names, tiles_from
from carbonflows_fast.supply_use._given import Axis, SupplyUse
from carbonflows_fast.table._content import Parts
from carbonflows_fast.table._labels_given import Labels

__all__ = ["Pair", "paired"]

Places = npt.NDArray[np.int64]

AT_ONCE = 200_000
"""Entries that are put into tiles at a time, whole blocks of them."""
PADDING = 16
"""Values behind the last tile; see cpp/include/carbonflows/tiles.hpp."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The pair as one table: Y, F and x, the labels of its rows, and its coefficients as tiles."""

    numbers: dict[str, Any]
    rows: Axis
    renamed: bool  # whether names say which are industries, since products have the same
    core: Tiles

    def in_tiles(self, parts: Parts) -> Parts:
        """Return the parts of the table with the coefficients, which are stored once."""
        names = row_names(parts.regions, parts.region_codes, parts.sectors, parts.sector_codes)
        return replace(parts, matrix=RegionTiles(self.core, None, names), kind="A")


def paired(given: SupplyUse) -> Pair:
    """Return the pair as one table, in an order that the solver's blocks suit."""
    industries, products = _places(given)
    n = len(industries) + len(products)
    order = np.argsort(np.concatenate([industries, products]))
    x = np.concatenate([given.g, given.q])[order]
    regions = [*given.industries.regions, *given.products.regions]
    names, renamed = _names(given)
    rows = Axis([regions[at] for at in order], [names[at] for at in order])
    _, starts = cut_blocks(encode(rows.regions)[1])
    short = (array.astype(np.int32) for array in (industries, products))  # as U has them
    core = _tiles(_Joined(given, order, *short), starts, x)
    if not all_finite(core.values):
        raise InputError.about(
            "V",
            expected="outputs large enough to divide by",
            got=f"{np.abs(x[x != 0.0]).min():g}, and an infinite quotient",
            remedy="set such an output to 0, or correct it",
        )
    Y, F = np.zeros((n, given.Y.shape[1])), np.zeros((len(given.F), n))
    Y[products] = given.Y
    F[:, products if given.by_product else industries] = given.F
    return Pair({"Y": Y, "F": F, "x": x}, rows, renamed, core)


def _names(given: SupplyUse) -> tuple[Labels, bool]:
    """Return the names of industries, then of products, and whether they had to be told apart."""
    ours, theirs = given.industries.names, given.products.names
    if set(ours).isdisjoint(theirs):
        return [*ours, *theirs], False
    return [
        *(f"{name} (industry)" for name in ours),
        *(f"{name} (product)" for name in theirs),
    ], True


def _places(given: SupplyUse) -> tuple[Places, Places]:
    """Return the row of each industry, and of each product.

    Regions stay together, and each industry is followed by the products that it makes more of than
    others do. A block of the solver then has whole chains of a region in it, from products to their
    makers and on: in two blocks, of industries and of products, twice as many passes are needed.
    """
    _, of_industry, of_product = given.region_codes()
    maker = _main_makers(given)
    a, p = len(of_industry), len(of_product)
    keys = (
        np.concatenate([np.full(a, -1), np.arange(p)]),  # the industry first
        np.concatenate([np.arange(a), maker]),
        np.concatenate([of_industry, of_product]),
    )
    place = np.empty(a + p, dtype=np.int64)
    place[np.lexsort(keys)] = np.arange(a + p)
    return place[:a], place[a:]


def _main_makers(given: SupplyUse) -> Places:
    """Return the industry that makes most of each product; after all others if none does."""
    V = given.V.tocoo()
    rows, columns = V.coords
    order = np.lexsort((-rows, V.data, columns))  # the last of each product makes most
    maker = np.full(len(given.q), len(given.g), dtype=np.int64)
    maker[columns[order]] = rows[order]
    return maker


# --- the matrix, of which a few rows at a time are put together -----------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Joined:
    """Z = [[0, V], [U, 0]] in the order of the table's rows.

    order : which of all industries, then all products, each row is.
    industries, products : the row of each.
    """

    given: SupplyUse
    order: Places
    industries: CodeArray
    products: CodeArray

    def stored(self) -> Places:
        """Return how many entries there are before each row, shape (n + 1,)."""
        lengths = np.concatenate([np.diff(self.given.V.indptr), np.diff(self.given.U.indptr)])
        return np.concatenate([[0], np.cumsum(lengths[self.order], dtype=np.int64)])

    def rows(self, first: int, last: int) -> Any:
        """Return some rows as a csr_array, shape (last − first, n)."""
        a, n = len(self.industries), len(self.order)
        mine = self.order[first:last]
        made = mine < a
        V, U = self.given.V[mine[made]], self.given.U[mine[~made] - a]
        parts = [
            sp.csr_array((part.data, columns[part.indices], part.indptr), shape=(part.shape[0], n))
            for part, columns in ((V, self.products), (U, self.industries))
        ]
        back = np.argsort(np.concatenate([np.flatnonzero(made), np.flatnonzero(~made)]))
        rows = sp.vstack(parts, format="csr")[back]
        rows.sort_indices()
        return rows


def _tiles(joined: _Joined, starts: Places, x: FloatArray) -> Tiles:
    """Return A = Z x̂⁻¹ in region tiles, made of a few blocks of rows at a time.

    All of Z as a sparse matrix would take more memory than the tiles, and both were there at once.
    """
    n, blocks = len(joined.order), len(starts) - 1
    stored = joined.stored()[starts]
    entries = np.zeros((blocks, blocks, 4), dtype=np.int64)
    masks, values = Growing(), Growing()
    first = 0
    while first < blocks:
        reach = int(np.searchsorted(stored, stored[first] + AT_ONCE, side="right")) - 1
        last = min(max(first + 1, reach), blocks)
        rows = joined.rows(int(starts[first]), int(starts[last]))
        before = np.zeros(starts[first], dtype=rows.indptr.dtype)
        after = np.full(n - starts[last], rows.nnz, dtype=rows.indptr.dtype)
        indptr = np.concatenate([before, rows.indptr, after])
        alone = sp.csr_array((rows.data, rows.indices, indptr), shape=(n, n))
        part = tiles_from(alone, starts, x, thread_count())
        entries[first:last] = part.entries[first:last]
        entries[first:last, :, 1] += len(values) // 8
        entries[first:last, :, 2] += len(masks) // 2
        values.add(part.values[:-PADDING])
        masks.add(part.masks)
        first = last
    values.add(np.zeros(PADDING))
    all_masks: Any = masks.take(np.dtype(np.uint16))
    all_values: Any = values.take(np.dtype(np.float64))
    return Tiles(starts, entries, all_masks, all_values)
