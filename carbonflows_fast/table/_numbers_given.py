"""Numbers as given, and the checks that turn them into finite float64 arrays.

float64 arrays are viewed, not copied, and the views are read-only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast._base.arrays import FloatArray, all_finite, locked, sparse_view
from carbonflows_fast.errors import InputError
from carbonflows_fast.table._content import Matrix

__all__ = [
    "Given",
    "as_float",
    "as_given",
    "check_shape",
    "check_square",
    "labels_or_none",
    "matrix_numbers",
    "numbers",
    "place_of",
    "rectangular",
    "series_index",
    "text_axis",
]


@dataclass(frozen=True)
class Given:
    """An argument as it came: its numbers unconverted, and the labels that it carries, if any."""

    argument: str
    values: Any  # ndarray or scipy sparse, two-dimensional (x: one-dimensional)
    index: Any = None  # pandas Index of the first axis, or None
    columns: Any = None  # of the second


def labels_or_none(index: Any) -> Any:
    """A default RangeIndex says nothing; anything else is meant as labels."""
    return None if isinstance(index, pd.RangeIndex) and index.name is None else index


def rectangular(argument: str, value: Any) -> Any:
    if sp.issparse(value):
        return value
    if isinstance(value, np.ma.MaskedArray):
        masked: Any = value.astype(np.float64)
        value = masked.filled(np.nan)
    try:
        return np.asarray(value)
    except ValueError as error:
        raise InputError.about(
            argument,
            expected="a rectangular array of numbers",
            got="rows of different lengths",
            remedy="give every row the same number of entries",
        ) from error


def as_given(argument: str, value: Any, *, row: bool = False) -> Given:
    """Take an argument apart; a one-dimensional one is one column, or one row (`row`)."""
    if isinstance(value, pd.DataFrame):
        values = value.to_numpy()
        return Given(argument, values, labels_or_none(value.index), labels_or_none(value.columns))
    labels = labels_or_none(value.index) if isinstance(value, pd.Series) else None
    values = rectangular(argument, value.to_numpy() if isinstance(value, pd.Series) else value)
    if values.ndim == 1:
        values = values[None, :] if row else values[:, None]
    return Given(argument, values, None if row else labels, labels if row else None)


def check_shape(given: Given, shape: tuple[int | None, int | None], meaning: str) -> None:
    got = given.values.shape
    if len(got) != 2 or any(e is not None and e != g for e, g in zip(shape, got, strict=True)):
        sizes = ", ".join("any" if e is None else str(e) for e in shape)
        raise InputError.about(
            given.argument,
            expected=f"shape ({sizes}), {meaning}",
            got=f"shape {got}",
            remedy="check that nothing is missing or transposed",
        )


def check_square(given: Given) -> int:
    shape = given.values.shape
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
        raise InputError.about(
            given.argument,
            expected="a square matrix with a row and a column per (region, sector)",
            got=f"shape {shape}",
            remedy="leave out totals, value added and final demand",
        )
    return int(shape[0])


def series_index(value: Any) -> Any:
    return labels_or_none(value.index) if isinstance(value, pd.Series) else None


def text_axis(first: Sequence[str], second: Sequence[str]) -> list[str]:
    return [f"{a}, {b}" for a, b in zip(first, second, strict=True)]


def place_of(position: Sequence[int], axes: Sequence[Sequence[str]]) -> str:
    words = ("row", "column") if len(axes) == 2 else ("position",)
    return ", ".join(
        f"{word} {at} ({axis[at]})" for word, at, axis in zip(words, position, axes, strict=True)
    )


def _not_numbers(argument: str, got: str) -> InputError:
    return InputError.about(
        argument,
        expected="real numbers",
        got=got,
        remedy="correct the cell, or convert the column with pd.to_numeric",
    )


def _real(item: Any) -> float:
    """Convert one object; text that looks like a number is text all the same."""
    if isinstance(item, str | bytes):
        raise TypeError(item)
    return float(item)


def as_float(argument: str, array: npt.NDArray[Any], axes: Sequence[Sequence[str]]) -> FloatArray:
    """Convert to float64 without a copy where possible; text is refused, None becomes NaN."""
    if array.dtype.kind in "fiub":
        return np.require(array, dtype=np.float64, requirements="A")
    if array.dtype.kind not in "OUST":
        raise _not_numbers(argument, f"dtype {array.dtype}")
    result = np.empty(array.shape)
    for position, item in np.ndenumerate(array):
        if item is None or item is pd.NA:
            result[position] = np.nan
            continue
        try:
            result[position] = _real(item)
        except (TypeError, ValueError):
            got = f"{item!r} at {place_of(position, axes)}"
            raise _not_numbers(argument, got) from None
    return result


LARGEST = 1e100
"""What a number of a table may be: sums of products of a few such numbers are finite."""


def _beyond(values: Any) -> bool:
    return max(float(values.max(initial=0.0)), -float(values.min(initial=0.0))) > LARGEST


def _too_large(argument: str, value: float, place: str) -> InputError:
    return InputError.about(
        argument,
        expected=f"numbers up to {LARGEST:.0e}",
        got=f"{value:.3g} at {place}",
        remedy="correct it, or give the numbers in a larger unit",
    )


def _not_finite(argument: str, value: float, place: str, count: int) -> InputError:
    more = f" and {count - 1} more" if count > 1 else ""
    return InputError.about(
        argument,
        expected="finite numbers",
        got=f"{value} at {place}{more}",
        remedy="find out why they are missing, then fill them, e.g. with fillna(0)",
    )


def numbers(argument: str, values: Any, axes: Sequence[Sequence[str]]) -> FloatArray:
    """Return a read-only float64 view of the values, a copy only where the type differs.

    Parameters
    ----------
    argument : str
        Name used in errors.
    values : ndarray or scipy sparse
    axes : sequence of sequences of str
        A readable label for each position of each axis, for errors.

    Raises
    ------
    InputError
        If there is text, a complex number, NaN or infinity.
    """
    array = values.toarray() if sp.issparse(values) else values
    result = as_float(argument, array, axes)
    if not all_finite(result):
        bad = np.argwhere(~np.isfinite(result))
        first = tuple(int(i) for i in bad[0])
        raise _not_finite(argument, float(result[first]), place_of(first, axes), len(bad))
    if _beyond(result):
        first = tuple(int(i) for i in np.argwhere(np.abs(result) > LARGEST)[0])
        raise _too_large(argument, float(result[first]), place_of(first, axes))
    return locked(result)


def matrix_numbers(
    argument: str, values: Any, rows: Sequence[str], columns: Sequence[str] | None = None
) -> Matrix:
    """Return Z or A: a dense view, or a canonical csr_array or csc_array over views.

    `rows` and `columns` are readable labels for errors; without columns those of rows.
    """
    axes = rows, rows if columns is None else columns
    if not sp.issparse(values):
        return numbers(argument, values, axes)
    kept = values if values.format in ("csr", "csc") else values.tocsr()
    if kept.dtype.kind not in "fiub":
        raise _not_numbers(argument, f"dtype {kept.dtype}")
    result = sparse_view(kept, np.asarray(kept.data, dtype=np.float64))
    try:
        result.check_format(full_check=True)
    except ValueError as error:
        raise InputError.about(
            argument,
            expected="a well-formed sparse matrix",
            got=str(error),
            remedy="rebuild it from (data, (row, column)) with scipy.sparse.coo_array",
        ) from error
    if not result.has_canonical_format:
        result = result.copy()
        result.sum_duplicates()
        result = sparse_view(result)
    if not all_finite(result.data):
        bad = np.flatnonzero(~np.isfinite(result.data))
        place = _place(result, bad[0], axes)
        raise _not_finite(argument, float(result.data[bad[0]]), place, len(bad))
    if _beyond(result.data):
        first = int(np.flatnonzero(np.abs(result.data) > LARGEST)[0])
        raise _too_large(argument, float(result.data[first]), _place(result, first, axes))
    return result


def _place(matrix: Any, entry: int, axes: Sequence[Sequence[str]]) -> str:
    """Say where a stored entry of a csr or csc matrix is."""
    inner = int(matrix.indices[entry])
    outer = int(np.searchsorted(matrix.indptr, entry, side="right")) - 1
    return place_of((outer, inner) if matrix.format == "csr" else (inner, outer), axes)
