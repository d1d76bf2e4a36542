"""The validated content of a table, and the few sums and quotients that define it.

Everything here trusts its input: `_gate` has checked it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._base.arrays import (
    BLOCK_ENTRIES,
    CodeArray,
    FloatArray,
    all_finite,
    locked,
    sparse_view,
)
from carbonflows_fast.errors import InputError

__all__ = [
    "Matrix",
    "Parts",
    "Tiles",
    "as_csr",
    "coefficients",
    "over_output",
    "relocked",
    "transactions",
]


class Tiles(Protocol):
    """A matrix A kept in region tiles, as a store holds it."""

    @property
    def shape(self) -> tuple[int, int]: ...

    def to_csr(self) -> Any: ...


# An ndarray, a scipy csr_array or csc_array (untyped), or tiles.
Matrix: TypeAlias = Any


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """What a table is made of: read-only float64 arrays, and labels as tuples and codes.

    n rows, m demand columns, k stressors, R regions. Distinct labels are in order of first
    appearance; `*_codes` give the label of each row or column.
    """

    matrix: Matrix  # (n, n): ndarray, csr_array, csc_array or Tiles
    kind: Literal["A", "Z"]  # what `matrix` is; tiles are always "A"
    x: FloatArray | None  # (n,); None: solved when first asked for
    Y: FloatArray  # (n, m)
    emissions: FloatArray  # (k, n)
    emissions_kind: Literal["F", "S"]
    F_Y: FloatArray | None  # (k, m); None: all zero
    regions: tuple[str, ...]  # those of rows, then those with demand columns alone
    region_codes: CodeArray  # (n,)
    sectors: tuple[str, ...]
    sector_codes: CodeArray  # (n,)
    demand_codes: CodeArray  # (m,) into regions
    categories: tuple[str, ...]
    category_codes: CodeArray  # (m,)
    stressors: tuple[str, ...]  # (k,)
    extensions: tuple[str, ...]  # (k,)
    stressor_units: tuple[str, ...]  # (k,)
    row_units: tuple[str, ...]
    row_unit_codes: CodeArray  # (n,)
    population: FloatArray | None  # (R,), NaN where unknown
    year: int | None
    name: str
    notes: tuple[str, ...] = ()  # what a reader took for granted

    @property
    def form(self) -> Literal["dense", "sparse", "tiles"]:
        """How the matrix is kept; tiles belong to a saved table."""
        if isinstance(self.matrix, np.ndarray):
            return "dense"
        return "sparse" if sp.issparse(self.matrix) else "tiles"


def relocked(parts: Parts) -> Parts:
    """Return the parts with every array read-only again: pickle forgets it."""
    changes: dict[str, Any] = {}
    for name in Parts.__dataclass_fields__:
        value = getattr(parts, name)
        if isinstance(value, np.ndarray):
            changes[name] = locked(value)
        elif sp.issparse(value):
            changes[name] = sparse_view(value)
    return replace(parts, **changes)


def over_output(values: FloatArray, x: FloatArray, what: str) -> FloatArray:
    """Return values / x along the last axis, 0 where x = 0.

    Parameters
    ----------
    values : ndarray, shape (..., n)
    x : ndarray, shape (n,)
        Output, one per value of the last axis.
    what : str
        The result's name in the error.

    Raises
    ------
    InputError
        If a quotient is too large for float64.
    """
    quotients = np.zeros_like(values)
    with np.errstate(over="ignore"):
        np.divide(values, x, out=quotients, where=x != 0)
    if not all_finite(quotients):
        worst = float(x[int(np.argwhere(~np.isfinite(quotients))[0][-1])])
        raise InputError.about(
            "x",
            expected=f"outputs large enough to divide by ({what})",
            got=f"{worst:g}, which makes a quotient infinite",
            remedy="set such an output to 0, or correct it",
        )
    return quotients


def _dense_to_csr(matrix: FloatArray) -> Any:
    """Return the nonzeros of a dense matrix, a block of rows at a time."""
    n, m = matrix.shape
    indptr = np.zeros(n + 1, dtype=np.int64)
    columns: list[CodeArray] = [np.zeros(0, np.int32)]
    numbers: list[FloatArray] = [np.zeros(0)]
    step = max(1, BLOCK_ENTRIES // max(m, 1))
    for first in range(0, n, step):
        block = matrix[first : first + step]
        stored = block != 0
        indptr[first + 1 : first + 1 + len(block)] = stored.sum(axis=1)
        columns.append(np.nonzero(stored)[1].astype(np.int32))
        numbers.append(block[stored])
    indptr = np.cumsum(indptr)
    if indptr[-1] <= np.iinfo(np.int32).max:
        indptr = indptr.astype(np.int32)
    return sp.csr_array((np.concatenate(numbers), np.concatenate(columns), indptr), shape=(n, m))


def _to_csr(matrix: Matrix) -> Any:
    if isinstance(matrix, np.ndarray):
        return _dense_to_csr(matrix)
    if sp.issparse(matrix):
        return matrix.tocsr()
    return matrix.to_csr()


def _without_zeros(matrix: Any) -> Any:
    """Return a read-only csr_array that stores no zero."""
    if not np.all(matrix.data):
        matrix = matrix.copy()
        matrix.eliminate_zeros()
    return sparse_view(matrix)


def as_csr(matrix: Matrix) -> Any:
    """Return a matrix in any form as a read-only csr_array that stores no zero."""
    return _without_zeros(_to_csr(matrix))


def coefficients(parts: Parts) -> Any:
    """Return A = Z x̂⁻¹ as a read-only csr_array that stores no zero.

    Each entry is z_ij / x_j by one division; columns with x_j = 0 are zero where Z was given.
    """
    matrix = _to_csr(parts.matrix)
    if parts.kind == "Z":
        # A table with Z always has x: only `with_changes`, which stores A, leaves it out.
        x = parts.x if parts.x is not None else np.zeros(0)
        matrix = sparse_view(matrix, over_output(matrix.data, x[matrix.indices], "A = Z / x"))
    return _without_zeros(matrix)


def transactions(parts: Parts, x: FloatArray) -> Any:
    """Return Z = A x̂ as a read-only csr_array that stores no zero.

    Parameters
    ----------
    parts : Parts
    x : ndarray, shape (n,)
        Output, used where A was given.
    """
    matrix = _to_csr(parts.matrix)
    if parts.kind == "A":
        matrix = sparse_view(matrix, matrix.data * x[matrix.indices])
    return _without_zeros(matrix)
