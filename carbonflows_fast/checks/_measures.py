"""Places of unusual numbers: `check` reports and `repair` repairs them by the same code.

n rows, m demand columns; Z (n, n) is a csr_array.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from carbonflows_fast._base.arrays import BoolArray, CodeArray, FloatArray, row_sums

__all__ = [
    "BALANCE",
    "column_totals",
    "full_columns",
    "handed_on",
    "repeated",
    "room_for_inputs",
    "unbalanced",
]

Positions = npt.NDArray[np.intp]

# A row that is further off than this, relative to its output, is reported. Published tables are
# rounded to 12 digits or fewer, and WIOD to integers.
BALANCE = 1e-6
# A difference this small relative to the absolute deliveries of its row is rounding.
ROUNDING = 1e-12
# What the makers of a product deliver of it adds up to its output, to this.
WHOLE = 1e-9


def unbalanced(Z: Any, Y: FloatArray, x: FloatArray) -> tuple[Positions, FloatArray, FloatArray]:
    """Return the rows whose output is not Z·1 + Y·1.

    Returns
    -------
    rows : ndarray of positions
    delivered : ndarray, shape (n,)
        Z·1 + Y·1, and exactly 0 in those rows where it is nothing but rounding.
    relative : ndarray, shape (n,)
        |x − delivered| over the larger of the two.
    """
    delivered = row_sums(Z) + row_sums(Y)
    difference = np.abs(x - delivered)
    scale = np.maximum(np.abs(x), np.abs(delivered))
    relative = np.divide(difference, scale, out=np.zeros_like(scale), where=scale > 0)
    rows = np.flatnonzero(relative > BALANCE)
    gross = column_totals(np.abs(Z[rows]).T) + np.abs(Y[rows]).sum(axis=1)
    delivered[rows[np.abs(delivered[rows]) <= ROUNDING * gross]] = 0.0
    return rows[difference[rows] > ROUNDING * gross], delivered, relative


def repeated(first: CodeArray, second: CodeArray) -> list[tuple[int, int]]:
    """Return (first position, how many) of every pair of labels that is there more than once."""
    _, at, counts = np.unique(
        np.stack([first, second]), axis=1, return_index=True, return_counts=True
    )
    return sorted(zip(at[counts > 1].tolist(), counts[counts > 1].tolist(), strict=True))


def column_totals(matrix: Any) -> FloatArray:
    """Return the sum of each column of a sparse matrix."""
    totals: FloatArray = np.asarray(matrix.sum(axis=0)).ravel()
    return totals


def full_columns(sums: FloatArray) -> Positions:
    """Return the columns of A that add up to 1 or more, given their sums."""
    return np.flatnonzero(sums >= 1 - ROUNDING)


def handed_on(Z: Any, Y: FloatArray, sums: FloatArray) -> BoolArray:
    """Return which columns are products of a supply and use table, whose makers are other rows.

    They add up to 1 by their nature: makers sell to products alone, and products to those who use
    them. `sums` are those of the columns of A.
    """
    found: BoolArray = np.abs(sums - 1.0) <= WHOLE
    while found.any():
        sells = sp.csr_array((np.ones(Z.nnz, dtype=np.float32), Z.indices, Z.indptr), shape=Z.shape)
        no_maker = (Y != 0.0).any(axis=1) | (sells @ (~found).astype(np.float32) > 0.0)
        left = found & (sells.T @ no_maker.astype(np.float32) == 0.0)
        if (left == found).all():
            break
        found = left
    return found


def room_for_inputs(x: FloatArray, inputs: FloatArray, full: Positions, limit: float) -> FloatArray:
    """Return how much more each sector could buy below `limit` of its output; full ones nothing."""
    room = np.where(x > 0, np.maximum(limit * x - inputs, 0.0), 0.0)
    room[full] = 0.0
    return room
