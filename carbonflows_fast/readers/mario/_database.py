"""Tables of a Database of MARIO in memory; mariopy is not needed to import this module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast.errors import FormatError, InputError, passed_on, shorten
from carbonflows_fast.readers._layouts._text import Label, TextTable, show
from carbonflows_fast.readers.mario._levels import SAVE_ANEW, Units
from carbonflows_fast.readers.mario._parts import Parts
from carbonflows_fast.readers.mario._supply_use import read_pair
from carbonflows_fast.readers.mario._table import read_flows
from carbonflows_fast.table import Table
from carbonflows_fast.table._numbers_given import numbers

__all__ = ["from_mario"]


def from_mario(database: Any, scenario: str | None = None) -> Table:
    """Make a table of a Database of MARIO (the package mariopy).

    Parameters
    ----------
    database : mario.Database
        An input-output table, or supply and use, whose pair of industries and products it becomes,
        without a model.
    scenario : str, optional
        One of `database.scenarios`; by default the baseline.

    Returns
    -------
    Table
        What :func:`read` makes of that scenario saved with `to_txt`: flows, with V and VY as
        stressors in the extension "primary inputs", E and EY in "satellite account". Year and name
        are those of `database.meta`.

    Raises
    ------
    InputError
        If this is no Database, has no such scenario, or a number is missing; if activities sell to
        final users, or commodities have primary inputs.

    Examples
    --------
    >>> import mario  # doctest: +SKIP
    >>> table = from_mario(mario.load_test("IOT"))  # doctest: +SKIP
    >>> from_mario("tables")
    Traceback (most recent call last):
    carbonflows_fast.errors.InputError: database: expected a Database of MARIO, got str; ...
    """
    _check(database)
    chosen = _scenario(database, scenario)
    parts = _LiveParts(lambda key: database.query(key, scenarios=chosen))
    year, name = database.meta.year, str(database.meta.name or "")
    units = _units(database.units)
    try:
        if database.table_type == "SUT":
            return read_pair("database", parts, units, None, _year(year), name)
        return read_flows("database", parts, units, None, _year(year), name)
    except FormatError as error:
        if error.remedy == SAVE_ANEW:
            error = FormatError.about(
                error.argument, expected=error.expected, got=error.got, remedy="correct it in MARIO"
            )
        raise passed_on(error, InputError, error.argument) from error


def _check(database: Any) -> None:
    """Raise unless it is a Database of MARIO, or something like one."""
    known = all(hasattr(database, name) for name in ("meta", "table_type", "units", "scenarios"))
    if isinstance(database, type) or not known or not callable(getattr(database, "query", None)):
        kind = type(database).__name__
        raise InputError.about(
            "database",
            expected="a Database of MARIO",
            got=f"the class {database.__name__}" if isinstance(database, type) else kind,
            remedy="load one with mario.load_test('IOT') or a parser of MARIO; cf.read(path) reads "
            "what MARIO has saved",
        )


def _scenario(database: Any, scenario: str | None) -> str:
    known = [str(name) for name in database.scenarios]
    if scenario is None:
        return known[0]
    if scenario not in known:
        raise InputError.about(
            "scenario",
            expected="one of database.scenarios",
            got=repr(scenario),
            remedy=f"choose from {shorten(map(repr, known))}",
        )
    return scenario


def _year(year: Any) -> int | None:
    return int(str(year)) if str(year).isdecimal() else None


def _units(units: Any) -> Units:
    """Return the units of all levels, which are frames of one column."""
    pairs = [
        ((str(level), str(item)), "" if unit is None or unit != unit else str(unit))
        for level, frame in units.items()
        for item, unit in zip(frame.index, frame.iloc[:, 0], strict=True)
    ]
    return Units("database.units", [label for label, _ in pairs], [text for _, text in pairs])


class _LiveParts(Parts):
    """The frames of a scenario, in the place of files."""

    def __init__(self, frame: Callable[[str], Any]) -> None:
        self._frame = frame

    def there(self, key: str) -> bool:
        return True  # MARIO computes what is not there

    @contextmanager
    def opened(self, key: str, header_lines: int, *, count: bool = True) -> Iterator[Any]:
        yield _LiveFrame(f"database.{key}", self._frame(key))


@dataclass(frozen=True)
class _LiveFrame:
    """A DataFrame with what the readers ask of one in a file."""

    where: str
    frame: pd.DataFrame

    @property
    def index(self) -> list[Any]:
        return list(self.frame.index.names)

    @property
    def levels(self) -> list[Any]:
        return list(self.frame.columns.names)

    def matrix(
        self,
        *,
        keep: Callable[[Label], bool] | None = None,
        sparse: bool = False,
        most_rows: int = 0,
    ) -> TextTable:
        """Return labels and numbers; `most_rows` is for files."""
        rows, columns = _labels(self.frame.index), _labels(self.frame.columns)
        kept = [at for at, label in enumerate(rows) if keep is None or keep(label)]
        chosen = self.frame.iloc[kept].to_numpy() if len(kept) < len(rows) else self.frame
        named = [[show(rows[at]) for at in kept], [show(label) for label in columns]]
        values: Any = numbers(self.where, np.asarray(chosen), named)
        if sparse:
            values = sp.csr_array(values)
        lines = list(range(1, len(rows) + 1))
        return TextTable(self.where, rows, lines, columns, kept, values, 0, "row")


def _labels(index: pd.Index) -> list[Label]:
    several = index.nlevels > 1
    return [tuple(map(str, label)) if several else (str(label),) for label in index]
