"""Arguments of many functions: stressor, demand and rows.

Every question takes them in the same form; here they become arrays.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arrays import BoolArray, CodeArray, FloatArray, all_finite, locked
from carbonflows_fast.classification import regions_in
from carbonflows_fast.classification._files import places_of
from carbonflows_fast.errors import InputError, LabelError, Phrase, nearest, shorten
from carbonflows_fast.table._kept import Key
from carbonflows_fast.table._stressors import Stressor, select_stressor, unknown_label
from carbonflows_fast.table._table import Table

__all__ = [
    "Demand",
    "Stressor",
    "is_region",
    "same_consumers",
    "select_demand",
    "select_rows",
    "select_stressor",
]

WHOLE_DEMAND = Key("demand by consumer", "Y demand_codes regions")


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """Final demand by consumer.

    Attributes
    ----------
    consumers : tuple of str
        All regions of the table; ("demand",) where an array was given.
    values : ndarray, shape (n, len(consumers)), C-contiguous
        Zero for a consumer that was not selected.
    columns : ndarray of bool, shape (m,), or None
        The columns of Y that are in `values`; None for an array.
    complete : bool
        Whether this is all of Y, whose output is x.
    """

    consumers: tuple[str, ...]
    values: FloatArray
    columns: BoolArray | None
    complete: bool


# --- demand ---------------------------------------------------------------------------------


def select_demand(table: Table, demand: Any = None) -> Demand:
    """Return final demand by consuming region.

    Parameters
    ----------
    table : Table
    demand : None, str, tuple, list or array of shape (n,)
        None: all of Y. A region: a label of the table, a country by name or ISO code, a group
        such as "EU27", or "EU", the members of the table's year. A pair (region, category), either
        of which may be None. A list of these: their union. An array or Series of n numbers: a
        demand of one's own.

    Returns
    -------
    Demand

    Raises
    ------
    LabelError
        If a region or a category is unknown, or if no column has both.
    InputError
        If an array has another shape or is not finite.

    Examples
    --------
    >>> table = Table(Z=[[0.0]], Y=[[7.0, 3.0]], F=[5.0], regions="DE", sectors=["all"],
    ...               demand=[("DE", "households"), ("DE", "government")], stressors="CO2")
    >>> select_demand(table, (None, "government")).values
    array([[3.]])
    """
    p = table.content
    if isinstance(demand, pd.DataFrame):
        raise InputError.about(
            "demand",
            expected="an array or a Series of one number per row, or regions",
            got="a DataFrame",
            remedy="select one column, or sum them with .sum(axis=1)",
        )
    if isinstance(demand, np.ndarray | pd.Series):
        return Demand(("demand",), _demand_array(table, demand), None, False)
    m = len(p.demand_codes)
    if demand is None:
        found: Demand = table.kept.get(
            WHOLE_DEMAND, lambda: _by_consumer(table, np.ones(m, dtype=np.bool_), True)
        )
        return found
    columns = _union("demand", demand, lambda item: _demand_columns(table, item), m)
    return _by_consumer(table, columns, False)


def _by_consumer(table: Table, columns: BoolArray, complete: bool) -> Demand:
    p = table.content
    values = np.zeros((table.n, len(p.regions)))
    # One addition per column, in table order: the same bits for every form of the argument.
    for column in np.flatnonzero(columns):
        values[:, p.demand_codes[column]] += p.Y[:, column]
    return Demand(p.regions, locked(values), locked(columns), complete)


def _demand_array(table: Table, demand: Any) -> FloatArray:
    if isinstance(demand, pd.Series):
        demand = _in_order(table, demand, "demand", 0)
    if demand.shape != (table.n,) or demand.dtype.kind not in "fiu":
        raise InputError.about(
            "demand",
            expected=f"{table.n} numbers, one per row",
            got=f"shape {demand.shape}, dtype {demand.dtype}",
            remedy="give one number for each of table.rows",
        )
    values = np.array(demand, dtype=np.float64)
    if not all_finite(values):
        at = int(np.flatnonzero(~np.isfinite(values))[0])
        raise InputError.about(
            "demand",
            expected="finite numbers",
            got=f"{values[at]} at row {at} {table.rows[at]}",
            remedy="replace it",
        )
    column: FloatArray = locked(values[:, None])
    return column


def _in_order(table: Table, series: pd.Series, argument: str, fill: Any) -> Any:
    """Return the values of a Series whose labels, if it has any, are those of the table's rows."""
    numbered = isinstance(series.index, pd.RangeIndex) and series.index.equals(
        pd.RangeIndex(len(series))
    )
    if not numbered and list(series.index) != list(table.rows):
        raise LabelError.about(
            argument,
            expected="the labels of the table's rows in the same order",
            got="a Series with others",
            remedy=f"use {argument}.reindex(table.rows, fill_value={fill})",
        )
    return series.to_numpy()


def _demand_columns(table: Table, item: Any) -> BoolArray:
    p = table.content
    return _matching(
        table,
        "demand",
        item if isinstance(item, tuple) else (item, None),
        "category",
        p.demand_codes,
        (p.categories, p.category_codes),
        bare="region",
    )


def same_consumers(before: Table, after: Table, demand: Any) -> None:
    """Complain where a demand means other regions in one table than in the other.

    "EU" is the membership of each table's own year.

    Raises
    ------
    InputError
    """
    if demand is None or isinstance(demand, np.ndarray | pd.Series):
        return
    found = []
    for table in (before, after):
        columns = select_demand(table, demand).columns
        codes = table.content.demand_codes[columns]
        found.append({table.regions[code] for code in codes})
    if found[0] != found[1]:
        only = shorten(sorted(map(repr, found[0] ^ found[1])))
        raise InputError.about(
            "demand",
            expected="the same regions in both tables",
            got=f"{demand!r}, which has {only} in one of them alone",
            remedy="name one membership, e.g. 'EU 2009', or list the regions",
        )


# --- rows -----------------------------------------------------------------------------------


def select_rows(table: Table, rows: Any, argument: str = "rows") -> BoolArray:
    """Return which rows are meant.

    Parameters
    ----------
    table : Table
    rows : str, tuple, list or boolean mask of shape (n,)
        A sector name (in every region). A pair (region, sector), either of which may be None; the
        region as for `select_demand`. A list of these: their union.
    argument : str
        The argument's name in errors.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    LabelError
        If a region or a sector is unknown, or if no row has both.
    InputError
        If a mask has another shape or is not Boolean.

    Examples
    --------
    >>> table = Table(Z=[[0.0, 0.0], [0.0, 0.0]], Y=[1.0, 1.0], F=[1.0, 1.0], regions="DE",
    ...               sectors=["coal", "steel"], stressors="CO2")
    >>> select_rows(table, "steel").tolist()
    [False, True]
    """
    if isinstance(rows, np.ndarray | pd.Series):
        mask = rows
        if isinstance(rows, pd.Series):
            mask = _in_order(table, rows, argument, False)
        if mask.shape != (table.n,) or mask.dtype != np.bool_:
            raise InputError.about(
                argument,
                expected=f"a Boolean mask with {table.n} entries",
                got=f"shape {mask.shape}, dtype {mask.dtype}",
                remedy="give a mask over table.rows, or names",
            )
        return locked(mask)
    return _union(argument, rows, lambda item: _row_mask(table, item, argument), table.n)


def _row_mask(table: Table, item: Any, argument: str) -> BoolArray:
    p = table.content
    return _matching(
        table,
        argument,
        item if isinstance(item, tuple) else (None, item),
        "sector",
        p.region_codes,
        (p.sectors, p.sector_codes),
        bare="sector",
    )


# --- both -----------------------------------------------------------------------------------


def _union(argument: str, items: Any, mask_of: Any, size: int) -> BoolArray:
    """Return where any of the items matches; a list is a union, all else is one item."""
    if not isinstance(items, list):
        return locked(mask_of(items))
    if not items:
        raise InputError.about(
            argument,
            expected="at least one selection",
            got="an empty list",
            remedy="leave it out for everything",
        )
    mask = np.zeros(size, dtype=np.bool_)
    for item in items:
        mask |= mask_of(item)
    return locked(mask)


def _matching(
    table: Table,
    argument: str,
    pair: tuple[Any, ...],
    second_kind: str,
    region_codes: CodeArray,
    second: tuple[tuple[str, ...], CodeArray],
    *,
    bare: str,
) -> BoolArray:
    """Return where (region, second label) is the pair; None matches all."""
    if len(pair) != 2:
        raise InputError.about(
            argument,
            expected=f"a pair (region, {second_kind})",
            got=repr(pair),
            remedy="put several selections in a list, not in a tuple",
        )
    region, label = pair
    names, codes = second
    here = np.ones(len(region_codes), dtype=np.bool_)
    if region is not None:
        hint: str = _other_label((None, region))
        known = names if bare == "region" else ()
        here = _regions_meant(table, region, argument, hint, known)[region_codes]
    places = places_of(label, names) if isinstance(label, str) else []
    if label is not None and len(places) != 1:
        swap = bare != "region" and is_region(table, label)
        hint = _other_label((label, None)) if swap else ""
        raise unknown_label(argument, second_kind, label, names, hint)
    mask: BoolArray = here if label is None else here & (codes == places[0])
    if not mask.any():
        # Both labels are known, so the region was given.
        present = nearest(str(label), [names[code] for code in np.unique(codes[here])])
        listed = shorten(map(repr, present))
        raise LabelError.about(
            argument,
            expected=f"a pair (region, {second_kind}) of the table",
            got=f"{pair}, which it does not have",
            remedy=f"{region!r} has {listed or 'no rows, it consumes alone'}",
        )
    return mask


def _other_label(pair: tuple[Any, Any]) -> Phrase:
    """Advise a pair, which is REGION:LABEL in a shell."""
    typed = shlex.quote(":".join("" if label is None else str(label) for label in pair))
    text = "to select by the other label write"
    return Phrase(f"{text} {pair}", f"{text} {typed}")


def _regions_meant(
    table: Table, region: Any, argument: str, hint: str, others: tuple[str, ...]
) -> BoolArray:
    """Return which regions are meant; the hint is for one that is a label of the other kind."""
    try:
        return np.array(regions_in(table.regions, region, argument, year=table.year))
    except LabelError:
        if isinstance(region, str) and region in others:
            known = table.regions
            raise unknown_label(argument, "region", region, known, hint) from None
        raise


def is_region(table: Table, label: Any) -> bool:
    """Return whether a label means a region of the table, or several."""
    try:
        return any(regions_in(table.regions, label, year=table.year))
    except LabelError:
        return False
