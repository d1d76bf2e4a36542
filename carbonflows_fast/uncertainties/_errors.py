"""What is uncertain, and by how much: relative standard deviations, as they are given."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast._base.arguments import one_of, real
from carbonflows_fast._base.arrays import locked, sparse_view
from carbonflows_fast.errors import InputError, shorten
from carbonflows_fast.table._table_argument import kind_of

__all__ = ["DISTRIBUTIONS", "LARGEST_DEVIATION", "SOURCES", "Errors", "SharedError"]

SOURCES = ("Z", "Y", "F", "F_Y")
LARGEST = 1e6
"""Above it a relative deviation is a mistake."""
DISTRIBUTIONS = ("lognormal", "truncated_normal", "uniform", "triangular")
LARGEST_DEVIATION = dict(zip(DISTRIBUTIONS, (LARGEST, 0.5, 3**-0.5, 6**-0.5), strict=True))
"""Above it a draw would change the sign of a cell."""


@dataclass(frozen=True, eq=False, repr=False)
class _Deviations:
    """Fields that are printed as they were given, compared by value, and made anew by pickle."""

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(_same(a, b) for a, b in zip(self._values(), other._values(), strict=True))

    __hash__ = None  # type: ignore[assignment]

    def _values(self) -> list[Any]:
        return [getattr(self, field.name) for field in fields(self)]

    def __reduce__(self) -> Any:
        given = dict(zip((field.name for field in fields(self)), self._values(), strict=True))
        given = {k: dict(v) if isinstance(v, Mapping) else v for k, v in given.items()}
        return partial(type(self), **given), ()

    def _written(self) -> list[str]:
        given = [(source, getattr(self, source)) for source in SOURCES]
        return [f"{source}={_shown(value)}" for source, value in given if value is not None]


@dataclass(frozen=True, eq=False, repr=False)
class SharedError(_Deviations):
    """One error that moves many cells together, e.g. a wrong emission factor used everywhere.

    A cell z with loading l becomes z (1 + l u), with one draw u of standard deviation `sd` for all.

    Parameters
    ----------
    name : str
        What the error is called in results.
    sd : float
        Standard deviation of the draw.
    Z, Y, F, F_Y : optional
        Relative loadings of the cells, in the forms of :class:`Errors`; they may be negative. What
        is not named is not moved.

    Attributes
    ----------
    name, sd, Z, Y, F, F_Y
        As they were given, read-only.

    Raises
    ------
    InputError
        If the name is empty, the standard deviation negative, nothing chosen, or a loading no
        finite number.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> cf.SharedError("emission factor of steel", 0.15, F={"Steel": 1.0})
    SharedError('emission factor of steel', 0.15, F={'Steel': 1.0})
    """

    name: str
    sd: float
    Z: Any = None
    Y: Any = None
    F: Any = None
    F_Y: Any = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip() or self.name in SOURCES:
            raise InputError.about(
                "name",
                expected="text other than Z, Y, F and F_Y",
                got=_got(self.name),
                remedy="say what the error is of, e.g. 'emission factor of steel'",
            )
        object.__setattr__(self, "sd", _number("sd", self.sd, signed=False))
        for source in SOURCES:
            value = _checked(source, getattr(self, source), signed=True)
            object.__setattr__(self, source, value)
        if all(getattr(self, source) is None for source in SOURCES):
            raise InputError.about(
                "SharedError",
                expected="loadings of Z, Y, F or F_Y",
                got="none",
                remedy="choose what it moves, e.g. F=1.0",
            )

    def __repr__(self) -> str:
        said = [repr(self.name), f"{self.sd:g}", *self._written()]
        return f"SharedError({', '.join(said)})"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Errors(_Deviations):
    """How wrong the cells of a table may be: relative standard deviations. Immutable.

    The errors of different cells are independent, but for those that `shared` moves together.
    Nothing is assumed: what is left out, or not named, has no error.

    Parameters
    ----------
    Z, Y : float, mapping or array of shape (n, n) and (n, m), optional
        A number for all cells; {"domestic": 0.05, "trade": 0.2} for deliveries within a region and
        between two; or one for every cell, as an array, a DataFrame with the labels of the table in
        the same order, lists, or a sparse array.
    F, F_Y : float, mapping or array of shape (k, n) and (k, m), optional
        A number; numbers by stressor, or by region, or (F) by sector; or one for every cell.
    shared : SharedError or list of these, optional
    distribution : {"lognormal", "truncated_normal", "uniform", "triangular"}
        Of draws (`cf.uncertainty(…, draws=50)`): what a cell, and a shared error, is multiplied by.
        Each has mean 1 and the deviation that is given, and none changes a sign; all but the first
        are symmetric, and take deviations of at most 0.5, 0.577 and 0.408.

    Attributes
    ----------
    Z, Y, F, F_Y, shared, distribution
        As they were given, read-only; `shared` as a tuple.

    Raises
    ------
    InputError
        If a deviation is negative, not finite, or of another form.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> errors = cf.Errors(
    ...     Z={"domestic": 0.05, "trade": 0.2}, F=0.1,
    ...     shared=cf.SharedError("fuel statistics of DE", 0.03, F={"DE": 1.0}),
    ... )
    >>> errors
    Errors(Z={'domestic': 0.05, 'trade': 0.2}, F=0.1, shared=[SharedError('fuel statistics of DE',
    0.03, F={'DE': 1.0})])
    >>> errors == cf.Errors(F=0.1)
    False
    """

    Z: Any = None
    Y: Any = None
    F: Any = None
    F_Y: Any = None
    shared: Any = ()
    distribution: str = "lognormal"

    def __post_init__(self) -> None:
        remedy = "leave it out for 'lognormal'"
        one_of("distribution", self.distribution, DISTRIBUTIONS, remedy=remedy)
        for source in SOURCES:
            value = _checked(source, getattr(self, source), signed=False)
            object.__setattr__(self, source, value)
        given = [self.shared] if isinstance(self.shared, SharedError) else self.shared
        listed = isinstance(given, list | tuple)
        if not listed or not all(isinstance(one, SharedError) for one in given):
            raise InputError.about(
                "shared",
                expected="a list of SharedError",
                got=_got(given),
                remedy="make each with cf.SharedError(name, sd, F=…)",
            )
        names = [one.name for one in given]
        if len(set(names)) < len(names):
            raise InputError.about(
                "shared",
                expected="a name of its own for each error",
                got=shorten(map(repr, names)),
                remedy="rename one",
            )
        object.__setattr__(self, "shared", tuple(given))

    def __repr__(self) -> str:
        said = self._written()
        if self.shared:
            said.append(f"shared={list(self.shared)}")
        if self.distribution != "lognormal":
            said.append(f"distribution={self.distribution!r}")
        return f"Errors({', '.join(said)})"


# --- one argument -----------------------------------------------------------------------------


def _checked(argument: str, given: Any, *, signed: bool) -> Any:
    """Return a number, read-only numbers by label, or a read-only copy of an array."""
    if given is None:
        return None
    if isinstance(given, Mapping):
        return _by_label(argument, given, signed)
    if isinstance(given, list | tuple):
        with suppress(ValueError, TypeError):  # lists of lists are an array; others are refused
            given = np.array(given, dtype=np.float64)
    if not (isinstance(given, np.ndarray | pd.DataFrame | pd.Series) or sp.issparse(given)):
        return _number(argument, given, signed)
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


def _by_label(argument: str, given: Mapping[Any, Any], signed: bool) -> Mapping[str, float]:
    if not given or not all(isinstance(label, str) for label in given):
        raise InputError.about(
            argument,
            expected="numbers by label, each of them text",
            got=f"{{{shorten(map(repr, given))}}}"[:200],
            remedy="name at least one label of the table, or leave it out for no error",
        )
    numbers = {label: _number(argument, value, signed) for label, value in given.items()}
    return MappingProxyType(numbers)


def _number(argument: str, given: Any, signed: bool) -> float:
    number = real(given)
    if abs(number) <= LARGEST and (signed or number >= 0.0):
        return number
    raise _out_of_range(argument, _got(given), signed)


def _out_of_range(argument: str, got: str, signed: bool) -> InputError:
    least, sign = ("−1e6", "") if signed else ("0", " not negative and")
    return InputError.about(
        argument,
        expected=f"relative numbers from {least} to 1e6",
        got=got,
        remedy=f"give a number that is{sign} finite, such as 0.1 for 10 %",
    )


def _got(given: Any) -> str:
    plain = given is None or isinstance(given, str | int | float | np.number)
    return repr(given)[:60] if plain else kind_of(given)


# --- how it reads, and what is equal ----------------------------------------------------------


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return f"{{{shorten((f'{label!r}: {number!r}' for label, number in value.items()), 4)}}}"
    shape = " × ".join(map(str, value.shape))
    return f"<{'sparse array' if sp.issparse(value) else type(value).__name__} {shape}>"


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, pd.DataFrame | pd.Series):
        return bool(one.equals(other))
    if sp.issparse(one):
        return bool(one.shape == other.shape and (one != other).nnz == 0)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    return bool(one == other)
