"""What is uncertain, and by how much: relative standard deviations, as they are given."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast.errors import InputError, passed_on, shorten
from carbonflows_fast.table._table_argument import kind_of
from carbonflows_fast.uncertainties._error_model._forms import (
    LARGEST,
    checked,
    got_of,
    number,
    same,
    shown,
)

__all__ = [
    "DISTRIBUTIONS",
    "LARGEST_DEVIATION",
    "SOURCES",
    "Errors",
    "SharedError",
    "named",
    "required_errors",
]

SOURCES = ("Z", "Y", "F", "F_Y")
DISTRIBUTIONS = ("lognormal", "truncated_normal", "uniform", "triangular")
LARGEST_DEVIATION = dict(zip(DISTRIBUTIONS, (LARGEST, 0.5, 3**-0.5, 6**-0.5), strict=True))
"""Above it a draw would change the sign of a cell."""


@dataclass(frozen=True, eq=False, repr=False)
class _Deviations:
    """Fields that are printed as they were given, compared by value, and made anew by pickle."""

    _file = ""  # where they were read, which what is wrong with them names

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(same(a, b) for a, b in zip(self._values(), other._values(), strict=True))

    __hash__ = None  # type: ignore[assignment]

    def _values(self) -> list[Any]:
        return [getattr(self, field.name) for field in fields(self)]

    def __reduce__(self) -> Any:
        given = dict(zip((field.name for field in fields(self)), self._values(), strict=True))
        given = {k: dict(v) if isinstance(v, Mapping) else v for k, v in given.items()}
        return partial(type(self), **given), (), {"_file": self._file}

    def _written(self) -> list[str]:
        given = [(source, getattr(self, source)) for source in SOURCES]
        return [f"{source}={shown(value)}" for source, value in given if value is not None]


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
                got=got_of(self.name),
                remedy="say what the error is of, e.g. 'emission factor of steel'",
            )
        object.__setattr__(self, "sd", number("sd", self.sd, signed=False))
        for source in SOURCES:
            value = checked(source, getattr(self, source), signed=True)
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
    Z, Y : float, BySize, mapping, Series or array of shape (n, n) and (n, m), optional
        A number for all cells; :class:`BySize` for a deviation by the size of a cell; numbers or
        `BySize` by label; or a number for every cell, as an array, a DataFrame with the labels of
        the table in the same order, lists, or a sparse array. Labels are {"domestic": 0.05,
        "trade": 0.2} for deliveries within a region and between two; pairs of seller and buyer,
        {("DE", "FR"): 0.1}, where None is every region; and for Y categories of final demand,
        {"households": 0.1}, or pairs of region and category, ("DE", "households").
    F, F_Y : float, BySize, mapping, Series or array of shape (k, n) and (k, m), optional
        The same. Labels are stressors, regions, sectors (F) or categories (F_Y), or pairs of two of
        these in this order: {("CO2", "Steel"): 0.2}, {("DE", "Steel"): 0.2}, {("CO2", "DE"): 0.2}.
        All labels of a mapping are of one kind.
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
    >>> cf.Errors(Z=cf.BySize(0.4, -0.2, at_most=1.0), F={("CO2", "Steel"): 0.2})
    Errors(Z=BySize(0.4, -0.2, at_most=1.0), F={('CO2', 'Steel'): 0.2})
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
            value = checked(source, getattr(self, source), signed=False)
            object.__setattr__(self, source, value)
        given = [self.shared] if isinstance(self.shared, SharedError) else self.shared
        listed = isinstance(given, list | tuple)
        if not listed or not all(isinstance(one, SharedError) for one in given):
            raise InputError.about(
                "shared",
                expected="a list of SharedError",
                got=got_of(given),
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

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Errors:
        """Read errors from a TOML file, with shared errors as [[shared]] tables.

        Parameters
        ----------
        path : path
            Keys are Z, Y, F, F_Y and shared. A pair of labels is a table in a table, "*" is every
            region, and a deviation by size is by_size = { a = 0.4, b = -0.2, at_most = 1.0 }. See
            docs/uncertainty.md.

        Returns
        -------
        Errors

        Raises
        ------
        InputError
            Naming file and key, if the file is not there, no TOML, without any error, or a key or
            number is wrong.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import carbonflows_fast as cf
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "errors.toml"
        >>> _ = file.write_text('''
        ... Z = { domestic = 0.05, trade = 0.2 }
        ... F.CO2.Steel = 0.2
        ...
        ... [[shared]]
        ... name = "fuel statistics of DE"
        ... sd = 0.03
        ... F.DE = 1.0
        ... ''')
        >>> cf.Errors.read(file)
        Errors(Z={'domestic': 0.05, 'trade': 0.2}, F={('CO2', 'Steel'): 0.2},
        shared=[SharedError('fuel statistics of DE', 0.03, F={'DE': 1.0})])
        """
        from carbonflows_fast.uncertainties._error_model._file import parts_of

        own, shared = parts_of(path)
        try:
            found = cls(**own, shared=[SharedError(**one) for one in shared])
        except InputError as error:  # only the distribution is still to be seen
            raise passed_on(error, InputError, f"{os.fspath(path)}, {error.argument}") from None
        for one in (found, *found.shared):
            object.__setattr__(one, "_file", os.fspath(path))
        return found

    def __repr__(self) -> str:
        said = self._written()
        if self.shared:
            said.append(f"shared={list(self.shared)}")
        if self.distribution != "lognormal":
            said.append(f"distribution={self.distribution!r}")
        return f"Errors({', '.join(said)})"


def required_errors(given: Any) -> Errors:
    """Return errors, and refuse anything else.

    Raises
    ------
    InputError
        If they are none.
    """
    if isinstance(given, Errors):
        return given
    raise InputError.about(
        "errors",
        expected="how wrong the table may be, as cf.Errors",
        got=kind_of(given),
        remedy="give e.g. cf.Errors(Z=0.1, Y=0.1, F=0.05), or cf.Errors.read of a file",
    )


@contextmanager
def named(given: Errors | SharedError) -> Iterator[None]:
    """Let what does not fit a table name the shared error, and the file and key if there is one."""
    try:
        yield
    except InputError as error:
        if error.argument not in (*SOURCES, "sd"):
            raise
        place = f"shared {given.name!r}, " if isinstance(given, SharedError) else ""
        if given._file:
            key = getattr(error.argument, "typed", error.argument)
            raise type(error).about(
                f"{given._file}, {place}{key}",
                expected=error.expected,
                got=getattr(error.got, "typed", error.got),
                remedy=str(error.typed),
            ) from None
        raise passed_on(error, type(error), f"{place}{error.argument}") from None
