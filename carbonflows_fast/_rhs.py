"""The input gate of the solver: right-hand sides, weights, tolerances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from carbonflows_fast._parts import FloatArray
from carbonflows_fast.errors import InputError, wrong

__all__ = ["RightHandSides", "checked_rtol", "checked_weight"]


def _numbers(name: str, value: Any, expected: str) -> FloatArray:
    try:
        array: FloatArray = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            wrong(name, expected=expected, got=f"{type(value).__name__}",
                  remedy="give an array of numbers")
        ) from None  # fmt: skip
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise InputError(
            wrong(name, expected="finite numbers", got=f"{array[place]} at {place}",
                  remedy="replace NaN and infinity")
        )  # fmt: skip
    return array


@dataclass(frozen=True, slots=True, eq=False)
class RightHandSides:
    """Right-hand sides as columns, and how they were given."""

    name: str
    columns: FloatArray  # (n, k), possibly a transposed view
    flat: bool
    by_row: bool

    @classmethod
    def of(cls, name: str, value: Any, n: int, *, by_row: bool) -> RightHandSides:
        """Check the shape: (n,), or (k, n) by row, or (n, k)."""
        shape = f"shape ({n},) or {f'(k, {n})' if by_row else f'({n}, k)'}"
        array = _numbers(name, value, f"numbers of {shape}")
        along = array.ndim - 1 if by_row else 0
        if array.ndim not in (1, 2) or array.shape[along] != n:
            raise InputError(
                wrong(name, expected=shape, got=f"shape {array.shape}",
                      remedy="give one number for each row of the table, in its order")
            )  # fmt: skip
        if array.ndim == 1:
            return cls(name, array[:, None], True, by_row)
        return cls(name, array.T if by_row else array, False, by_row)

    @property
    def k(self) -> int:
        """Number of right-hand sides."""
        return int(self.columns.shape[1])

    def shaped(self, X: FloatArray) -> FloatArray:
        """Return solution columns in the shape the right-hand sides had, C-contiguous."""
        if self.flat:
            return np.ascontiguousarray(X[:, 0])
        return np.ascontiguousarray(X.T if self.by_row else X)

    def start(self, x0: Any) -> FloatArray | None:
        """Check start values against the right-hand sides and return them as columns."""
        if x0 is None:
            return None
        array = _numbers("x0", x0, "numbers")
        expected = self.shape
        if array.shape != expected:
            raise InputError(
                wrong("x0", expected=f"shape {expected}, that of {self.name}",
                      got=f"shape {array.shape}", remedy="leave it out to start from zero")
            )  # fmt: skip
        if self.flat:
            return array[:, None]
        return array.T if self.by_row else array

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape in which they were given."""
        n, k = self.columns.shape
        return (n,) if self.flat else (k, n) if self.by_row else (n, k)


def checked_rtol(rtol: Any) -> float:
    """Return the tolerance as a float between 0 and 1."""
    try:
        value = float(rtol)
    except (TypeError, ValueError):
        value = np.nan
    if not 0.0 < value < 1.0:
        raise InputError(
            wrong("rtol", expected="a number above 0 and below 1", got=repr(rtol),
                  remedy="1e-10 suits published tables")
        )  # fmt: skip
    return value


def checked_weight(weight: Any, n: int) -> FloatArray:
    """Return the weight t of the error, shape (n,), positive everywhere."""
    if weight is None:
        return np.ones(n)
    t = _numbers("weight", weight, f"{n} numbers")
    if t.shape != (n,) or t.min(initial=0.0) < 0.0 or not t.any():
        got = f"shape {t.shape}" if t.shape != (n,) else f"values from {t.min()} to {t.max()}"
        raise InputError(
            wrong("weight", expected=f"{n} numbers, none negative and not all zero", got=got,
                  remedy="leave it out to weigh all rows alike")
        )  # fmt: skip
    # The proof needs t > 0; a small floor covers the rows that are not asked about.
    return np.where(t > 0.0, t, 0.01 * t.mean())
