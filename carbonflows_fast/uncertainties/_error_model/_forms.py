"""Forms in which deviations and loadings are given: a number, by size, by label, or every cell."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast._base.arguments import real
from carbonflows_fast._base.arrays import FloatArray, locked, sparse_view
from carbonflows_fast.errors import InputError, shorten
from carbonflows_fast.table._table_argument import kind_of

__all__ = ["LARGEST", "BySize", "checked", "got_of", "number", "same", "shown"]

LARGEST = 1e6
"""Above it a relative deviation is a mistake."""


@dataclass(frozen=True, repr=False)
class BySize:
    """A relative deviation that depends on the size of the cell: a |x|^b, the smaller the worse.

    x is the cell itself, in the unit that the table has it in: money for Z and Y, mass of a
    stressor for F and F_Y. A negative b makes small cells less sure than large ones. A cell of
    zero has no error.

    Parameters
    ----------
    a : float
        The relative deviation of a cell of size 1.
    b : float
        The exponent, from −10 to 10.
    at_most : float, optional
        The largest relative deviation; without it the formula holds however small a cell is.

    Attributes
    ----------
    a, b, at_most

    Raises
    ------
    InputError
        If a or at_most is negative, or a number is not finite.

    Notes
    -----
    Standard deviation of x: a |x|^(1 + b). Source: Lenzen, Wood & Wiedmann (2010), Economic Systems
    Research 22:43, who fit such a power to published deviations of the data of the UK.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> law = cf.BySize(0.4, -0.2, at_most=1.0)
    >>> cf.Errors(Z=law)
    Errors(Z=BySize(0.4, -0.2, at_most=1.0))
    >>> law.deviations([0.0, 0.001, 1.0, 1000.0]).round(3)
    array([0. , 1. , 0.4, 0.1])
    """

    a: float
    b: float
    at_most: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "a", number("a", self.a, signed=False))
        if self.at_most is not None:
            object.__setattr__(self, "at_most", number("at_most", self.at_most, signed=False))
        power = real(self.b)
        if not abs(power) <= 10.0:
            raise InputError.about(
                "b",
                expected="an exponent from −10 to 10",
                got=got_of(self.b),
                remedy="give e.g. -0.2, so that larger cells are surer",
            )
        object.__setattr__(self, "b", power)

    def __repr__(self) -> str:
        limit = "" if self.at_most is None else f", at_most={self.at_most!r}"
        return f"BySize({self.a!r}, {self.b!r}{limit})"

    def deviations(self, sizes: Any) -> FloatArray:
        """Return the relative deviation of each of these cells, 0 where it is zero.

        Parameters
        ----------
        sizes : array of any shape
            Cells, in the unit of the table; their signs do not matter.
        """
        sizes = np.abs(np.asarray(sizes, dtype=np.float64))
        found = np.zeros(sizes.shape)
        here = sizes > 0.0
        with np.errstate(over="ignore"):  # infinite is more than may be, or than `at_most`
            found[here] = self.a * sizes[here] ** self.b if self.a else 0.0
        return found if self.at_most is None else np.minimum(found, self.at_most)


# --- one argument -----------------------------------------------------------------------------


def checked(argument: str, given: Any, *, signed: bool) -> Any:
    """Return a number, read-only numbers by label, or a read-only copy of an array."""
    if given is None:
        return None
    if isinstance(given, BySize):
        return given
    if isinstance(given, pd.Series):
        labels = [_plain(label) for label in given.index]
        if labels and all(map(_is_label, labels)):
            given = _each_once(argument, labels, given)
    if isinstance(given, Mapping):
        return _by_label(argument, given, signed)
    if isinstance(given, list | tuple):
        with suppress(ValueError, TypeError):  # lists of lists are an array; others are refused
            given = np.array(given, dtype=np.float64)
    if not (isinstance(given, np.ndarray | pd.DataFrame | pd.Series) or sp.issparse(given)):
        return number(argument, given, signed=signed)
    sparse = sp.issparse(given)
    whole: Any = sp.csr_array(given, copy=True) if sparse else np.array(given)
    if sparse:
        whole.sum_duplicates()
    numbers = whole.data if sparse else whole
    if numbers.dtype.kind not in "fiu" or whole.ndim not in (1, 2):
        raise InputError.about(
            argument,
            expected="an array of numbers for every cell",
            got=f"shape {whole.shape}, dtype {numbers.dtype}",
            remedy=f"give one number for each cell of table.{argument}",
        )
    wrong = ~(np.abs(numbers) <= LARGEST) if signed else ~((numbers >= 0) & (numbers <= LARGEST))
    if wrong.any():
        raise _out_of_range(argument, f"{numbers[wrong].flat[0]} among them", signed)
    if sparse:
        return sparse_view(whole.astype(np.float64))
    whole = locked(whole.astype(np.float64))
    if isinstance(given, pd.DataFrame):
        return pd.DataFrame(whole, given.index, given.columns, copy=False)
    return pd.Series(whole, given.index, copy=False) if isinstance(given, pd.Series) else whole


def _by_label(argument: str, given: Mapping[Any, Any], signed: bool) -> Mapping[Any, Any]:
    if not given or not all(map(_is_label, given)):
        raise InputError.about(
            argument,
            expected="numbers by label, each of them text or a pair of texts",
            got=f"{{{shorten(map(repr, given))}}}"[:200],
            remedy="name at least one label of the table, or leave it out for no error",
        )
    return MappingProxyType(
        {
            label: one if isinstance(one, BySize) else number(argument, one, signed=signed)
            for label, one in given.items()
        }
    )


def _is_label(given: Any) -> bool:
    """Whether something is a label, or a pair of which one part may be None, for all."""
    if not isinstance(given, tuple):
        return isinstance(given, str)
    parts = [one for one in given if one is not None]
    return len(given) == 2 and bool(parts) and all(isinstance(one, str) for one in parts)


def _plain(label: Any) -> Any:
    """Return a label of a Series, in whose pairs None has become NaN."""
    if not isinstance(label, tuple):
        return label
    return tuple(None if isinstance(one, float) and np.isnan(one) else one for one in label)


def _each_once(argument: str, labels: list[Any], given: pd.Series) -> dict[Any, Any]:
    found = dict(zip(labels, given, strict=True))
    if len(found) < len(labels):
        twice = next(one for at, one in enumerate(labels) if one in labels[:at])
        raise InputError.about(
            argument,
            expected="every label once",
            got=f"{twice!r} twice"[:200],
            remedy="leave one of them out",
        )
    return found


def number(argument: str, given: Any, *, signed: bool) -> float:
    """Return a relative number, not negative unless it is signed."""
    found = real(given)
    if abs(found) <= LARGEST and (signed or found >= 0.0):
        return found
    raise _out_of_range(argument, got_of(given), signed)


def _out_of_range(argument: str, got: str, signed: bool) -> InputError:
    least, sign = ("−1e6", "") if signed else ("0", " not negative and")
    return InputError.about(
        argument,
        expected=f"relative numbers from {least} to 1e6",
        got=got,
        remedy=f"give a number that is{sign} finite, such as 0.1 for 10 %",
    )


def got_of(given: Any) -> str:
    """Say what somebody gave: itself where it is short, or its kind."""
    plain = given is None or isinstance(given, str | int | float | np.number)
    return repr(given)[:60] if plain else kind_of(given)


# --- how it reads, and what is equal ----------------------------------------------------------


def shown(value: Any) -> str:
    """Return how a form is printed."""
    if isinstance(value, float | BySize):
        return repr(value)
    if isinstance(value, Mapping):
        return f"{{{shorten((f'{label!r}: {number!r}' for label, number in value.items()), 4)}}}"
    shape = " × ".join(map(str, value.shape))
    return f"<{'sparse array' if sp.issparse(value) else type(value).__name__} {shape}>"


def same(one: Any, other: Any) -> bool:
    """Return whether two forms are the same, number by number."""
    if type(one) is not type(other):
        return False
    if isinstance(one, pd.DataFrame | pd.Series):
        return bool(one.equals(other))
    if sp.issparse(one):
        return bool(one.shape == other.shape and (one != other).nnz == 0)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    return bool(one == other)
