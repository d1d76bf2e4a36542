"""The input gate of the solver: right-hand sides and weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import InputError
from carbonflows_fast.table._small import SMALLEST

__all__ = ["RightHandSides", "check_size", "checked_weight", "raised"]

LARGEST = 1e280
"""Size of a right-hand side up to which, as from SMALLEST, products and bounds stay in float64."""
NEGLIGIBLE = 1e-100
"""The smallest weight, as a share of the largest: below it a bound says nothing of that row."""


def _numbers(name: str, value: Any, expected: str) -> FloatArray:
    try:
        given = np.asarray(value)
        if given.dtype.kind not in "biufO" or (given.dtype.kind == "O" and not given.ndim):
            raise TypeError
        if np.ma.is_masked(value):
            raise TypeError
        array: FloatArray = given.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        raise InputError.about(
            name, expected=expected, got=_kind(value), remedy="give an array of real numbers"
        ) from None
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise InputError.about(
            name,
            expected="finite numbers",
            got=f"{array[place]} at {place}",
            remedy="replace NaN and infinity",
        )
    return array


def _kind(value: Any) -> str:
    dtype = getattr(value, "dtype", None)
    return type(value).__name__ + (f" of {dtype}" if dtype is not None else "")


def check_size(name: str, columns: FloatArray) -> None:
    """Refuse right-hand sides so large or small that their proof would leave float64."""
    largest = np.maximum(columns.max(axis=0, initial=0.0), -columns.min(axis=0, initial=0.0))
    wild = (largest > 0.0) & ((largest < SMALLEST) | (largest > LARGEST))
    if wild.any():
        raise InputError.about(
            name,
            expected=f"largest numbers between {SMALLEST:.0e} and {LARGEST:.0e}",
            got=f"{largest[wild][0]:.1e}",
            remedy="give it in another unit",
        )


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
            raise InputError.about(
                name,
                expected=shape,
                got=f"shape {array.shape}",
                remedy="give one number for each row of the table, in its order",
            )
        flat = array.ndim == 1
        columns = array[:, None] if flat else array.T if by_row else array
        check_size(name, columns)
        return cls(name, columns, flat, by_row)

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
            raise InputError.about(
                "x0",
                expected=f"shape {expected}, that of {self.name}",
                got=f"shape {array.shape}",
                remedy="leave it out to start from zero",
            )
        if self.flat:
            return array[:, None]
        return array.T if self.by_row else array

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape in which they were given."""
        n, k = self.columns.shape
        return (n,) if self.flat else (k, n) if self.by_row else (n, k)


def checked_weight(weight: Any, n: int) -> FloatArray:
    """Return the weight t of the error, shape (n,), positive everywhere, scaled to at most 1.

    Zeros become 1 % of the mean. What is left negligible beside the largest is refused, for a bound
    would be about a larger weight than the caller's.
    """
    if weight is None:
        return np.ones(n)
    t = _numbers("weight", weight, f"{n} numbers")
    if t.shape != (n,) or t.min(initial=0.0) < 0.0 or not t.any():
        got = f"shape {t.shape}" if t.shape != (n,) else f"values from {t.min()} to {t.max()}"
        raise InputError.about(
            "weight",
            expected=f"{n} numbers, none negative and not all zero",
            got=got,
            remedy="leave it out to weigh all rows alike",
        )
    t = _scaled_below_1(t)
    # The proof needs t > 0; a small floor covers the rows that are not asked about.
    t = np.where(t > 0.0, t, 0.01 * t.mean())
    if t.min() < NEGLIGIBLE * t.max():
        raise InputError.about(
            "weight",
            expected=f"numbers above {NEGLIGIBLE:.0e} of the largest, or 0",
            got=f"{t.min() / t.max():.1e} of it at row {int(t.argmin())}",
            remedy="raise the small ones, or set them to 0 if these rows do not matter",
        )
    return t


def raised(weight: FloatArray) -> FloatArray:
    """Return a positive weight as `checked_weight` takes it: nothing is negligible beside the rest.

    A bound on Σ t|error| holds for every smaller t as well.
    """
    lifted: FloatArray = np.maximum(weight, NEGLIGIBLE * (1.0 + 1e-9) * weight.max(initial=0.0))
    return lifted


def _scaled_below_1(t: FloatArray) -> FloatArray:
    """Scale by a power of two, which loses no digit and changes no relative bound."""
    return np.ldexp(t, -int(np.frexp(t.max())[1]))
