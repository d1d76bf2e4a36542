"""To and from pymrio's IOSystem. pymrio is not needed to import this module."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from carbonflows_fast.errors import InputError, LabelError
from carbonflows_fast.pymrio_bridge._frames import (
    check_system,
    labelled,
    matrix_and_demand,
    outputs,
    without_emissions,
)
from carbonflows_fast.readers._into_table._stressor_names import (
    LEVELS,
    bare_names,
    join_levels,
    stressor_names,
)
from carbonflows_fast.table import Table
from carbonflows_fast.table._table_argument import required_table

__all__ = ["from_pymrio", "to_pymrio"]

LEVEL_NAMES = ("stressor", "compartment")  # as pymrio calls them; further levels are numbered


# --- from pymrio ----------------------------------------------------------------------------


def from_pymrio(io: Any) -> Table:
    """Make a table of a pymrio IOSystem.

    Parameters
    ----------
    io : pymrio.IOSystem
        Z, or A where there is no Z; Y; x if it is known; extensions with F (or S alone), and F_Y
        and unit if they have them. Results that are there (L, M, D_cba, …) are not taken over.
        Also what MARIO's `to_pymrio` makes, whose units have a level more (and may be those of
        other sectors: `cf.read` what its `to_txt` saves, where units differ).

    Returns
    -------
    Table
        With A alone x is solved from (I − A) x = Y·1 when it is first asked for. Extensions are
        called by their attribute's name, unless it comes from their `name`.

    Raises
    ------
    InputError
        If this is no IOSystem; if there is neither Z nor A, or no Y, or an extension has neither F
        nor S; if x has several columns, or a number is text, missing or infinite.
    LabelError
        If rows and columns of its frames disagree in order.

    Examples
    --------
    >>> import pymrio
    >>> from_pymrio(pymrio.load_test()).extensions
    ('factor_inputs', 'emissions', 'emissions')
    """
    check_system(io)
    kind, matrix, Y = matrix_and_demand(io)
    _check_index("Y", Y.index, kind, matrix.index)
    x = getattr(io, "x", None)
    x = None if x is None else outputs(x, matrix.index)
    emissions = _emissions(io, matrix.index, Y.columns)
    meta = getattr(io, "meta", None)
    about = [getattr(meta, item, None) for item in ("name", "system", "version")]
    return Table(
        **{kind: matrix},
        x=x.iloc[:, 0] if isinstance(x, pd.DataFrame) else x,
        Y=Y,
        row_units=_units("unit", getattr(io, "unit", None), matrix.index),
        population=_population(getattr(io, "population", None)),
        year=_year(meta),
        name=" ".join(str(part) for part in about if part),
        **emissions,
    )


@dataclass(frozen=True)
class _Extension:
    name: str
    kind: Literal["F", "S"]
    main: Any  # DataFrame (k, n)
    F_Y: Any  # DataFrame (k, m) or None
    units: list[str]


def _emissions(io: Any, rows: Any, demand: Any) -> dict[str, Any]:
    """Return the arguments of `Table` that extensions make up."""
    read = [_extension(attribute, getattr(io, attribute)) for attribute in io.get_extensions()]
    bare: list[str] = []
    for extension in read:
        _check_index(f"{extension.name}.{extension.kind}", extension.main.columns, "Z", rows)
        if extension.F_Y is not None:
            _check_index(f"{extension.name}.F_Y", extension.F_Y.columns, "Y", demand)
            what = f"{extension.name}.{extension.kind}"
            _check_index(f"{extension.name}.F_Y", extension.F_Y.index, what, extension.main.index)
        bare += _joined(extension.main.index)
    homes = [extension.name for extension in read for _ in range(len(extension.main))]
    kinds = {extension.kind for extension in read} or {"F"}
    if len(kinds) > 1:
        alone = next(extension.name for extension in read if extension.kind == "S")
        raise InputError.about(
            f"io.{alone}",
            expected="F in every extension, or S alone in every one",
            got="S without F",
            remedy="compute F with cf.calc_all(io)",
        )
    F_Y = None
    if any(extension.F_Y is not None for extension in read):
        blocks = [
            np.zeros((len(extension.main), len(demand)))
            if extension.F_Y is None
            else extension.F_Y.to_numpy()
            for extension in read
        ]
        F_Y = np.concatenate(blocks)
    main = [extension.main.to_numpy() for extension in read] or [np.zeros((0, len(rows)))]
    return {
        kinds.pop(): np.concatenate(main),
        "F_Y": F_Y,
        "stressors": stressor_names(bare, homes),
        "extensions": homes,
        "stressor_units": [unit for extension in read for unit in extension.units],
    }


def _extension(attribute: str, extension: Any) -> _Extension:
    F = getattr(extension, "F", None)
    main = F if F is not None else getattr(extension, "S", None)
    if main is None:
        raise without_emissions(attribute)
    main = labelled(f"io.{attribute}.{'S' if F is None else 'F'}", main)
    F_Y = getattr(extension, "F_Y", None)
    if F_Y is None:
        F_Y = getattr(extension, "F_hh", None)  # as releases before EXIOBASE 3.8 call it
    if F_Y is not None:
        labelled(f"io.{attribute}.F_Y", F_Y)
    given = str(getattr(extension, "name", attribute))
    name = given if _attribute(given) == attribute else attribute
    units = _units(f"{attribute}.unit", getattr(extension, "unit", None), main.index)
    return _Extension(name, "S" if F is None else "F", main, F_Y, units or [""] * len(main))


def _joined(index: Any) -> list[str]:
    if index.nlevels == 1:
        return [str(label) for label in index]
    # A level is missing (NaN) where extensions of different levels were concatenated.
    return [join_levels([str(p) for p in label if p is not None and p == p]) for label in index]


def _check_index(what: str, index: Any, reference: str, expected: Any) -> None:
    """Raise unless the labels are those of the reference, in the same order."""
    if index.equals(expected):
        return
    pairs = enumerate(zip(index, expected, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(index), len(expected)))
    raise LabelError.about(
        f"io.{what}",
        expected=f"the {len(expected)} labels of {reference}, in the same order",
        got=f"{len(index)} labels, the first that differs at position {at} (from 0): "
        f"{index[at] if at < len(index) else 'nothing'!r}",
        remedy=f"bring it into that order, e.g. with .reindex; "
        f"{reference} has {expected[at] if at < len(expected) else 'nothing'!r} there",
    )


def _units(what: str, unit: Any, index: Any) -> list[str] | None:
    if unit is None:
        return None
    unit = unit.to_frame() if isinstance(unit, pd.Series) else labelled(f"io.{what}", unit)
    if unit.index.nlevels == index.nlevels + 1:  # MARIO writes region, "Sector" and the sector
        without = (unit.index.droplevel(level) for level in range(unit.index.nlevels))
        fitting = [labels for labels in without if labels.equals(index)]
        unit = unit.set_axis(fitting[0]) if fitting else unit
    _check_index(what, unit.index, "the rows", index)
    column = unit.iloc[:, -1] if unit.shape[1] else [None] * len(unit)
    return ["" if value is None or value != value else str(value) for value in column]


def _population(population: Any) -> dict[str, Any] | None:
    """Return heads by region, from one row or one column of regions."""
    if population is None:
        return None
    if not isinstance(population, pd.Series):
        frame = labelled("io.population", population)
        if frame.empty:
            return None
        population = frame.iloc[0] if len(frame) == 1 else frame.iloc[:, 0]
    return {str(region): heads for region, heads in population.items()}


def _year(meta: Any) -> int | None:
    year = getattr(meta, "metadata", {}).get("year")
    return int(str(year)) if str(year).isdecimal() else None


# --- to pymrio ------------------------------------------------------------------------------


def to_pymrio(table: Table) -> Any:
    """Make a pymrio IOSystem of a table, ready for its `calc_all`.

    Parameters
    ----------
    table : Table

    Returns
    -------
    pymrio.IOSystem
        Dense copies: Z and x, or A and x (if known) where the table was made from A; Y, units,
        population; and an extension for each of the table's, with F (or S) and F_Y. Stressors
        made of several levels (" | ") get these levels back where all of an extension have
        equally many.

    Raises
    ------
    InputError
        If pymrio is not installed, or an extension's name clashes with another one or with a
        part of IOSystem.

    Examples
    --------
    >>> import pymrio
    >>> table = from_pymrio(pymrio.load_test())
    >>> from_pymrio(to_pymrio(table)).equals(table)
    True
    """
    required_table("table", table)
    try:
        import pymrio
    except ImportError as error:
        raise InputError.about(
            "pymrio",
            expected="an installed package",
            got=str(error),
            remedy="install it with `pip install pymrio`",
        ) from error
    parts = table.content
    matrix = parts.matrix.copy() if isinstance(parts.matrix, np.ndarray) else None
    if matrix is None:
        matrix = (table.Z if parts.kind == "Z" else table.A).toarray()
    units = [parts.row_units[code] for code in parts.row_unit_codes]
    io = pymrio.IOSystem(
        **{parts.kind: pd.DataFrame(matrix, table.rows, table.rows)},
        Y=pd.DataFrame(parts.Y.copy(), table.rows, table.demand),
        x=None if parts.x is None else pd.DataFrame({"indout": parts.x.copy()}, table.rows),
        unit=pd.DataFrame({"unit": units}, table.rows),
        population=_population_frame(table),
        name=table.name,
    )
    # pymrio calls a nameless system "IO", and has no place for the year.
    io.meta.metadata.update(name=table.name, year=table.year)
    bare = bare_names(parts.stressors, parts.extensions)
    for name in dict.fromkeys(parts.extensions):
        attribute = _attribute(name)
        if hasattr(io, attribute):
            raise InputError.about(
                "table",
                expected="extensions that can be attributes of an IOSystem",
                got=f"{name!r}, whose attribute {attribute!r} is taken",
                remedy="make the table with another name in extensions=[…]",
            )
        setattr(io, attribute, _pymrio_extension(pymrio, table, name, bare))
    return io


def _attribute(name: str) -> str:
    """Return the attribute that pymrio makes of a folder's name."""
    return re.sub(r"\W|^(?=\d)", "_", name)


def _population_frame(table: Table) -> Any:
    if table.population is None:
        return None
    columns = pd.Index(list(table.regions), name="region")
    return pd.DataFrame([table.population.to_numpy()], ["Population"], columns)


def _pymrio_extension(pymrio: Any, table: Table, name: str, bare: Sequence[str]) -> Any:
    parts = table.content
    rows = [at for at, extension in enumerate(parts.extensions) if extension == name]
    index = _stressor_index([bare[at] for at in rows])
    frames: dict[str, Any] = {
        parts.emissions_kind: pd.DataFrame(parts.emissions[rows], index, table.rows)
    }
    if parts.F_Y is not None:
        frames["F_Y"] = pd.DataFrame(parts.F_Y[rows], index, table.demand)
    units = [parts.stressor_units[at] for at in rows]
    return pymrio.Extension(name=name, unit=pd.DataFrame({"unit": units}, index), **frames)


def _stressor_index(names: Sequence[str]) -> Any:
    """Return an index with the levels that were joined, if all have equally many."""
    split = [name.split(LEVELS) for name in names]
    levels = {len(parts) for parts in split}
    count = levels.pop()
    if levels or count == 1 or not all(part.strip() for parts in split for part in parts):
        return pd.Index(list(names), name="stressor")
    numbered = [f"level {at}" for at in range(len(LEVEL_NAMES) + 1, count + 1)]
    titles = [*LEVEL_NAMES, *numbered][:count]
    return pd.MultiIndex.from_tuples([tuple(parts) for parts in split], names=titles)
