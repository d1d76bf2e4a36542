"""Array types, read-only views, and sums in a fixed order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

__all__ = [
    "BLOCK_ENTRIES",
    "BoolArray",
    "CodeArray",
    "FloatArray",
    "all_finite",
    "encode",
    "locked",
    "row_sums",
    "same_bits",
    "sparse_view",
]

FloatArray: TypeAlias = npt.NDArray[np.float64]

BoolArray: TypeAlias = npt.NDArray[np.bool_]

CodeArray: TypeAlias = npt.NDArray[np.int32]

BLOCK_ENTRIES = 4_000_000  # entries worked on at a time, so that temporaries stay near 32 MB


def locked(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a read-only view; the array itself stays as writable as it was."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def sparse_view(matrix: Any, data: npt.NDArray[Any] | None = None) -> Any:
    """Return a csr_array or csc_array over read-only views of the arrays of `matrix`.

    `data` replaces the stored numbers. A separate object: what is done to one of two views (a new
    entry set, arrays reassigned) is not seen by the other.
    """
    make = sp.csc_array if matrix.format == "csc" else sp.csr_array
    numbers = matrix.data if data is None else data
    return make(
        (locked(numbers), locked(matrix.indices), locked(matrix.indptr)), shape=matrix.shape
    )


def encode(labels: Iterable[str]) -> tuple[tuple[str, ...], CodeArray]:
    """Return the distinct labels in order of first appearance, and the code of each label.

    >>> encode(["b", "a", "b"])
    (('b', 'a'), array([0, 1, 0], dtype=int32))
    """
    given = list(labels)
    seen = {label: code for code, label in enumerate(dict.fromkeys(given))}
    return tuple(seen), np.fromiter(map(seen.__getitem__, given), dtype=np.int32)


def all_finite(values: npt.NDArray[Any]) -> bool:
    """Return whether there is neither NaN nor infinity, without a temporary where possible."""
    with np.errstate(over="ignore", invalid="ignore"):
        # A finite sum has finite terms; the converse fails only on overflow.
        return bool(np.isfinite(values.sum())) or bool(np.isfinite(values).all())


def same_bits(a: FloatArray, b: FloatArray) -> bool:
    """Return whether two float64 arrays have the same shape and the same bits."""
    return a.shape == b.shape and bool(np.array_equal(a.view(np.int64), b.view(np.int64)))


def row_sums(matrix: Any) -> FloatArray:
    """Return the sum of each row, added from the first column to the last.

    The order is fixed, so that a dense and a sparse matrix of the same numbers, in any memory
    layout, give the same bits (adding a zero changes nothing).

    Parameters
    ----------
    matrix : ndarray, csr_array or csc_array, shape (n, m)

    Returns
    -------
    ndarray, shape (n,)
    """
    n, m = matrix.shape
    sums = np.zeros(n)
    if isinstance(matrix, np.ndarray):
        step = max(1, BLOCK_ENTRIES // max(m, 1))
        for first in range(0, n if m else 0, step):
            block = matrix[first : first + step]
            sums[first : first + step] += np.add.accumulate(block, axis=1)[:, -1]
        return sums
    for first in range(0, matrix.nnz, BLOCK_ENTRIES):
        here = slice(first, min(first + BLOCK_ENTRIES, matrix.nnz))
        if matrix.format == "csc":
            rows = matrix.indices[here].astype(np.intp)
        else:
            rows = np.searchsorted(
                matrix.indptr, np.arange(here.start, here.stop, dtype=np.intp), side="right"
            )
            rows -= 1
        np.add.at(sums, rows, matrix.data[here])
    return sums
