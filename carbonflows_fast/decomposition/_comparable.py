"""What two tables must share to be compared: rows, consumers, units, gases, heads, prices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import InputError, LabelError, Phrase, only_in, or_no_unit, shorten
from carbonflows_fast.table import Table
from carbonflows_fast.table._selection import same_consumers, select_demand

__all__ = ["aligned", "require_same_heads", "with_prices"]

HEADS = 100.0
"""No region's population grows to a hundred times, or falls to a hundredth, between two tables."""

PRICES, VOLUME = 20.0, 0.1
"""Index numbers with base 100 are above the first, and as ratios leave less than the second of what
was made. Prices rise as much only with the money that is paid: the amounts rise with them."""


RATES = (0.3, 3.0)
"""Growth rates given as prices are below the first, and output would grow more than threefold."""

PER_CENTS = (2.0, 0.5)
"""Per cents given as prices are above the first, and leave less than the second of output."""


def aligned(
    before: Table,
    after: Table,
    argument: str = "after",
    names: tuple[str, str] = ("before", "after"),
    demand: Any = None,
) -> Table:
    """Return `after` with rows, and the consumers that `demand` selects, in the order of `before`.

    Raises
    ------
    LabelError, InputError
        As `two_tables_of` does; `argument` and `names` are what the tables are called in it.
    """
    _require_same(list(before.rows), list(after.rows), "rows", argument, names)
    ours, theirs = _columns(before, after, demand, argument, names)
    same_consumers(before, after, demand)
    _require_same(
        list(before.demand[ours]),
        list(after.demand[theirs]),
        "columns of final demand",
        argument,
        names,
    )
    rows = _places(before.rows, after.rows)
    columns = _places(before.demand[ours], after.demand[theirs])
    if rows is not None or columns is not None:
        chosen = theirs if columns is None else theirs[columns]
        others = np.setdiff1d(np.arange(len(after.demand)), chosen)
        after = _arranged(after, rows, np.concatenate([chosen, others]))
    p, q = before.content, after.content
    units = [[part.row_units[code] for code in part.row_unit_codes] for part in (p, q)]
    if units[0] != units[1]:
        at = next(i for i, pair in enumerate(zip(*units, strict=True)) if pair[0] != pair[1])
        raise InputError.about(
            argument,
            expected=f"{before.rows[at]} in {or_no_unit(units[0][at])}",
            got=or_no_unit(units[1][at]),
            remedy="a label must mean the same in both tables",
        )
    return after


def _places(ours: pd.MultiIndex, theirs: pd.MultiIndex) -> Any:
    """Return where each of our labels is among theirs; None where they are in one order."""
    return None if ours.equals(theirs) else theirs.get_indexer(ours)


def _columns(
    before: Table, after: Table, demand: Any, argument: str, names: tuple[str, str]
) -> list[Any]:
    """Return which columns of final demand are compared; none for a demand of one's own."""
    chosen = [select_demand(before, demand).columns]
    try:
        chosen.append(select_demand(after, demand).columns)
    except LabelError as error:
        raise LabelError.about(
            "demand",
            expected=f"final demand that both tables have, as {names[0]} does",
            got=f"{demand!r}, which {names[1]} does not know",
            remedy=f"its categories are {shorten(map(repr, after.categories))}",
        ) from error
    return [np.zeros(0, np.int64) if mask is None else np.flatnonzero(mask) for mask in chosen]


def _require_same(
    ours: list[Any], theirs: list[Any], what: str, argument: str, names: tuple[str, str]
) -> None:
    if ours == theirs:
        return
    if len(set(ours)) < len(ours) or len(set(theirs)) < len(theirs):
        raise LabelError.about(
            argument,
            expected=f"the {what} of {names[0]} in the same order, as a label "
            "that is there twice cannot be found by its name",
            got="others",
            remedy="aggregate both tables: rows of one label become one",
        )
    got = only_in(names, ours, theirs)
    if not got:
        return
    remedy = "aggregate both to labels that they share"
    if what == "columns of final demand":
        remedy = _merging(ours, theirs, names)
        if argument == "after":  # a question that takes a demand
            rest = "for what both have"
            remedy = Phrase(f"{remedy}, or ask by demand= {rest}", f"ask by --demand {rest}")
    raise LabelError.about(argument, expected=f"the {what} of {names[0]}", got=got, remedy=remedy)


def _merging(ours: list[Any], theirs: list[Any], names: tuple[str, str]) -> str:
    """Say how the final demand of two tables comes to the same columns."""
    regions, categories = (
        [{label[at] for label in side} for side in (ours, theirs)] for at in (0, 1)
    )
    if regions[0] != regions[1]:
        return "aggregate both to regions that they share"
    extra = min(set(ours) ^ set(theirs))[1]
    shared = sorted((categories[0] & categories[1]) - {extra})
    into = shared[0] if shared else min((categories[0] | categories[1]) - {extra}, default="")
    where = " and in ".join(n for n, c in zip(names, categories, strict=True) if extra in c)
    return f"merge categories, in {where} e.g. by .aggregate(categories={{{extra!r}: {into!r}}})"


def require_same_heads(before: Table, after: Table) -> None:
    """Refuse heads in one table and thousands or millions in the other.

    Raises
    ------
    InputError
        If the population of any region is a hundred times that of the other table, or more.
    """
    then, now = before.content.population, after.content.population
    if then is None or now is None:
        return
    if after.regions != before.regions:  # regions without rows are in their own order
        people = dict(zip(after.regions, now, strict=True))
        now = np.array([people.get(name, np.nan) for name in before.regions])
    known = np.isfinite(then) & np.isfinite(now) & (then > 0) & (now > 0)
    apart = np.abs(np.log(np.where(known, now, 1.0)) - np.log(np.where(known, then, 1.0)))
    at = int(apart.argmax())
    if apart[at] >= np.log(HEADS):
        raise InputError.about(
            "population",
            expected="one unit in both tables",
            got=f"{then[at]:,g} of {before.regions[at]} in before and {now[at]:,g} in after",
            remedy="give both in heads, or both in thousands",
        )


def with_prices(before: Table, after: Table, deflators: Any) -> Table:
    """Return `after` in the prices of `before`.

    Raises
    ------
    LabelError, InputError
        If deflators are no positive numbers, one a row in its order, or index numbers of base 100.
    """
    prices = _prices(before, deflators)
    high = prices >= PRICES
    _refuse_rates(before, after, prices)
    made, would = (
        np.maximum(x, 0.0)[high].sum() for x in (before.x.to_numpy(), after.x.to_numpy() / prices)
    )
    rows = f"{high.sum():,} row{'s' * int(high.sum() > 1)}"
    if would < VOLUME * made:
        raise InputError.about(
            "deflators",
            expected="prices in after over those in before, e.g. 1.043",
            got=f"{np.median(prices[high]):g} at the median of {rows}"
            f", by which their output would fall to {would / made:.2g} of what it was",
            remedy="divide index numbers with base 100 by 100",
        )
    return _arranged(after, None, None, prices)


def _refuse_rates(before: Table, after: Table, prices: FloatArray) -> None:
    """Refuse growth rates, as fractions or per cents, by what output would come of them."""
    middle = float(np.median(prices))
    made, would = (
        float(np.maximum(x, 0.0).sum()) for x in (before.x.to_numpy(), after.x.to_numpy() / prices)
    )
    rates = middle <= RATES[0] and would > RATES[1] * made > 0
    per_cents = PER_CENTS[0] <= middle < PRICES and would < PER_CENTS[1] * made
    if rates or per_cents:
        raise InputError.about(
            "deflators",
            expected="prices in after over those in before, e.g. 1.043",
            got=f"{middle:g} at the median, by which output would come to {would / made:.2g} of "
            "what it was",
            remedy="if these are growth rates give 1 + " + ("rate" if rates else "per cent / 100"),
        )


def _prices(table: Table, deflators: Any) -> FloatArray:
    """Return the price of every row in `after` over that in `before`."""
    if isinstance(deflators, pd.Series) and not deflators.index.equals(
        pd.RangeIndex(len(deflators))
    ):
        if list(deflators.index) != list(table.rows):
            raise LabelError.about(
                "deflators",
                expected="the labels of the table's rows in the same order",
                got="a Series with others",
                remedy="use deflators.reindex(before.rows), or "
                "by region deflators.reindex(before.rows.get_level_values('region'))"
                ".to_numpy()",
            )
        deflators = deflators.to_numpy()
    try:
        prices = np.asarray(deflators)
    except ValueError:  # a list of lists of several lengths
        prices = np.asarray(None)
    if prices.dtype.kind not in "iuf":
        got = type(deflators).__name__ if prices.ndim == 0 else f"values of type {prices.dtype}"
    elif prices.shape != (table.n,):
        got = f"shape {prices.shape}"
    elif not (np.isfinite(prices) & (prices > 0)).all():
        at = int(np.flatnonzero(~(np.isfinite(prices) & (prices > 0)))[0])
        got = f"{prices[at]} for {table.rows[at]}"
    else:
        found: FloatArray = prices.astype(np.float64)
        return found
    remedy = "give price indices of all rows, 1 where none is known"
    if isinstance(deflators, dict):
        remedy = (
            "by region give pd.Series(deflators).reindex(before.rows.get_level_values("
            "'region')).to_numpy()"
        )
    elif isinstance(deflators, pd.DataFrame):
        remedy = "give one column, e.g. deflators.iloc[:, 0]"
    elif prices.ndim == 0 and prices.dtype.kind in "iuf":
        remedy = "for one price of all rows give np.full(before.n, price)"
    raise InputError.about(
        "deflators", expected=f"{table.n:,} positive numbers, one a row", got=got, remedy=remedy
    )


def _arranged(table: Table, rows: Any, columns: Any, prices: FloatArray | None = None) -> Table:
    """Return a table with rows and columns of final demand in another order, or other prices."""
    p = table.content
    rows = np.arange(table.n) if rows is None else rows
    columns = np.arange(len(table.demand)) if columns is None else columns
    A, x, Y = table.A[rows][:, rows], table.x.to_numpy()[rows], table.Y.to_numpy()[rows][:, columns]
    # S, not F: a row without output still has emissions per unit of output.
    S = table.S.to_numpy()[:, rows]
    if prices is not None:
        A = sp.diags_array(1.0 / prices) @ A @ sp.diags_array(prices)
        x, Y, S = x / prices, Y / prices[:, None], S * prices
    return Table(
        A=A.tocsr(),
        x=x,
        Y=Y,
        S=S,
        F_Y=table.F_Y.to_numpy()[:, columns],
        regions=table.rows.get_level_values("region")[rows],
        sectors=table.rows.get_level_values("sector")[rows],
        demand=list(table.demand[columns]),
        stressors=list(table.stressors),
        stressor_units=[str(unit) for unit in table.stressor_units],
        row_units=[p.row_units[code] for code in p.row_unit_codes[rows]],
        population=None if p.population is None else table.population.to_dict(),
        year=table.year,
        name=table.name,
    )
