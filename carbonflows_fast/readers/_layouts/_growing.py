"""Blocks of numbers: the nonzeros of one, and arrays that grow by them in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from carbonflows_fast import _core
from carbonflows_fast._base.arrays import FloatArray

__all__ = ["Growing", "sparse_rows"]


class Growing:
    """An array that grows in place: blocks that wait to be put together would be there twice.

    >>> numbers = Growing(np.float64)
    >>> numbers.add(np.ones(2))
    >>> numbers.add(np.zeros(1))
    >>> numbers.result()
    array([1., 1., 0.])
    """

    def __init__(self, dtype: Any) -> None:
        self._dtype = np.dtype(dtype)
        self._memory = _core.Growing()

    def add(self, block: Any) -> None:
        """Put a flat array behind those before it."""
        self._memory.add(np.ascontiguousarray(block, self._dtype))

    def __len__(self) -> int:
        length: int = len(self._memory) // self._dtype.itemsize
        return length

    def result(self) -> Any:
        """Return the whole, and begin anew."""
        return self._memory.take(self._dtype)


def sparse_rows(values: FloatArray) -> Any:
    """Return row starts, columns and values of the nonzeros, as the compiled parser does."""
    row, column = np.nonzero(values)
    starts = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(np.bincount(row, minlength=len(values)), out=starts[1:])
    return starts, column.astype(np.int32), values[row, column]
